package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/harness"
)

const (
	// reserved is the limit, and pressure how many times as many callers there are.
	reserved = 8
	pressure = 10
	// pressed is for how long they call, each again as soon as it was answered.
	pressed = 3 * time.Second
)

// press calls a function from many times as many callers as its limit is. It returns
// the answers; what was refused was a throttle with the reason of the limit.
func press(t *testing.T, c *lambda.Client, name string) (answers []string, throttled int) {
	t.Helper()
	until := time.Now().Add(pressed)
	var mu sync.Mutex // guards the results
	var callers sync.WaitGroup
	for range reserved * pressure {
		callers.Go(func() {
			for time.Now().Before(until) {
				a, err := harness.Invoke(t.Context(), c, name, `{}`)
				limit, refused := errors.AsType[*types.TooManyRequestsException](err)
				mu.Lock()
				switch {
				case refused && limit.Reason == types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded:
					throttled++
				case err != nil:
					t.Errorf("got %v, want an answer or a throttle by the reserved concurrency", err)
				case a.Error != "":
					t.Errorf("the function failed: %s", a.Payload)
				default:
					answers = append(answers, a.Payload)
				}
				mu.Unlock()
				if err != nil { // a moment, or the refusals take the processors
					select {
					case <-time.After(10 * time.Millisecond):
					case <-t.Context().Done():
						return
					}
				}
			}
		})
	}
	callers.Wait()
	return answers, throttled
}

// Goal: with N reserved, at no moment more than N environments are busy under ten
// times that load. Method: every answer says when its handler began and ended, by the
// clock that all processes of the host share, and in which environment it ran.
func TestRootReservedConcurrencyHoldsUnderTenTimesTheLoad(t *testing.T) {
	h := up(t, "requests_per_concurrency: 0\n")
	h.function(t, "f", `
const environment = require('node:crypto').randomUUID();
exports.handler = async () => {
  const begin = Number(process.hrtime.bigint() / 1000n);
  await new Promise((r) => setTimeout(r, 20));
  return { environment, begin, end: Number(process.hrtime.bigint() / 1000n) };
};`, timeout(30))
	limit(t, h, "f", reserved)
	answers, throttled := press(t, h.lambda, "f")
	type change struct{ at, by int }
	var changes []change
	environments := map[string]bool{}
	for _, a := range answers {
		var run struct {
			Environment string
			Begin, End  int
		}
		if err := json.Unmarshal([]byte(a), &run); err != nil {
			t.Fatalf("%v: %s", err, a)
		}
		environments[run.Environment] = true
		changes = append(changes, change{run.Begin, 1}, change{run.End, -1})
	}
	slices.SortFunc(changes, func(a, b change) int {
		if a.at != b.at {
			return a.at - b.at
		}
		return a.by - b.by // one that ended within the same microsecond was not there any more
	})
	busy, most := 0, 0
	for _, c := range changes {
		busy += c.by
		most = max(most, busy)
	}
	t.Logf("%d answers, %d throttled, at most %d busy in %d environments", len(answers), throttled, most, len(environments))
	if most > reserved || len(environments) > reserved {
		t.Errorf("at most %d busy in %d environments, want no more than %d", most, len(environments), reserved)
	}
	if most < reserved/2 { // on a machine with much else to do, not all come to run at once
		t.Errorf("at most %d were busy, which shows nothing about a limit of %d", most, reserved)
	}
	if throttled == 0 {
		t.Error("nothing was throttled")
	}
}

// Goal: a database behind a function sees no more connections than the function has
// reserved concurrency. Method: each environment keeps a connection to a PostgreSQL
// that refuses one more than the limit, which would fail the function; and each invoke
// counts itself in a table. Functions of the namespace driver have no network but
// Hearth, so that these run as processes.
func TestRootADatabaseSeesNoMoreConnectionsThanAreReserved(t *testing.T) {
	needRoot(t)
	db := startPostgres(t)
	db.query(t, fmt.Sprintf("CREATE ROLE fn LOGIN CONNECTION LIMIT %d", reserved))
	db.query(t, "CREATE TABLE busy (n int NOT NULL, most int NOT NULL)")
	db.query(t, "INSERT INTO busy VALUES (0, 0)")
	db.query(t, "GRANT ALL ON busy TO fn")

	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	running, err := harness.Start(t.Context(), harness.Options{
		Binary: path, DataDir: dataDir(t), Isolation: "process", Config: "requests_per_concurrency: 0\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := running.Stop(); err != nil {
			t.Error(err)
		}
	}()
	cfg := running.AWS()
	client := lambda.NewFromConfig(cfg)
	source, err := os.ReadFile("testdata/postgres.js")
	if err != nil {
		t.Fatal(err)
	}
	if err := harness.Create(t.Context(), cfg, harness.Function{
		Name: "f", Runtime: node, Timeout: 30, Env: map[string]string{"DATABASE_PORT": strconv.Itoa(db.port)},
		Files: map[string]string{"postgres.js": string(source), "index.js": `
const database = require('./postgres.js').connect(+process.env.DATABASE_PORT, 'fn', 'postgres');
exports.handler = async () => {
  const db = await database;
  const n = await db.query('UPDATE busy SET n = n + 1, most = greatest(most, n + 1) RETURNING n');
  await new Promise((r) => setTimeout(r, 20));
  await db.query('UPDATE busy SET n = n - 1');
  return Number(n);
};`},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.PutFunctionConcurrency(t.Context(), &lambda.PutFunctionConcurrencyInput{
		FunctionName: aws.String("f"), ReservedConcurrentExecutions: aws.Int32(reserved),
	}); err != nil {
		t.Fatal(err)
	}
	answers, throttled := press(t, client, "f")
	connections := db.query(t, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'fn'")
	t.Logf("%d answers, %d throttled, %s connections at the end", len(answers), throttled, connections)
	var left, most int
	if _, err := fmt.Sscan(db.query(t, "SELECT n || ' ' || most FROM busy"), &left, &most); err != nil {
		t.Fatal(err)
	}
	if left != 0 || most > reserved || most < reserved/2 {
		t.Errorf("%d busy at the end, %d at most; want 0, and no more than %d but most of them", left, most, reserved)
	}
	if throttled == 0 {
		t.Error("nothing was throttled")
	}
}

// postgres is a PostgreSQL server of the test's own, on the loopback.
type postgres struct {
	bin  string
	port int
}

// startPostgres starts one, or skips the test on a machine without PostgreSQL.
func startPostgres(t *testing.T) postgres {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		t.Skip("this machine has no PostgreSQL (Debian: postgresql)")
	}
	db := postgres{bin: filepath.Dir(found[len(found)-1]), port: freePort(t)}
	const nobody = 65534 // the server refuses to run as root
	dir := filepath.Dir(dataDir(t))
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "postgres")
	command := func(ctx context.Context, name string, args ...string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, filepath.Join(db.bin, name), args...)
		cmd.Dir, cmd.Env = dir, []string{"PATH=/usr/bin:/bin", "LC_ALL=C"}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		return cmd
	}
	if out, err := command(t.Context(), "initdb", "-D", data, "-A", "trust", "-U", "postgres", "--no-sync").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	var log strings.Builder
	server := command(context.WithoutCancel(t.Context()), "postgres", "-D", data, "-p", strconv.Itoa(db.port), "-h", "127.0.0.1",
		"-k", "", "-F", "-c", "shared_buffers=1MB")
	server.Stderr = &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGINT) // fast shutdown
		_ = server.Wait()                         // its log tells how it ended
		if t.Failed() {
			t.Logf("PostgreSQL's log:\n%s", log.String())
		}
	})
	eventually(t, 20*time.Second, "PostgreSQL answers", func() bool {
		return exec.CommandContext(t.Context(), filepath.Join(db.bin, "pg_isready"), "-q", "-h", "127.0.0.1", "-p", strconv.Itoa(db.port)).Run() == nil
	})
	return db
}

// query runs a statement as the superuser and returns its one value.
func (db postgres) query(t *testing.T, sql string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), filepath.Join(db.bin, "psql"), "-h", "127.0.0.1", "-p", strconv.Itoa(db.port),
		"-U", "postgres", "-X", "-A", "-t", "-q", "-c", sql).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", sql, err, out)
	}
	return strings.TrimSpace(string(out))
}

func freePort(t *testing.T) int {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
