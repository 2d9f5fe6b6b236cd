package e2e

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/hearthfaas/hearth/internal/harness"
)

// workers is a Hearth whose functions run in worker processes.
type workers struct {
	*hearth
	t       *testing.T
	options harness.Options
	join    string
	workers map[string]*harness.Hearth // by name
	zones   map[string]string
	dirs    map[string]string
}

// fleetOf starts a control process that hosts nothing, and one worker for each name,
// which begins with its zone.
func fleetOf(t *testing.T, isolation string, names ...string) *workers {
	t.Helper()
	needRoot(t)
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	join := net.JoinHostPort("127.0.0.1", strconv.Itoa(freePort(t)))
	listen := net.JoinHostPort("127.0.0.1", strconv.Itoa(freePort(t)))
	f := &workers{
		t: t, join: join, workers: map[string]*harness.Hearth{}, zones: map[string]string{}, dirs: map[string]string{},
		options: harness.Options{
			Binary: path, DataDir: dataDir(t), Isolation: isolation, Listen: listen,
			Config: "local_worker: false\ncluster_listen: " + join + "\nrequests_per_concurrency: 0\n",
		},
	}
	f.control()
	t.Cleanup(f.end)
	for _, name := range names {
		f.dirs[name], f.zones[name] = dataDir(t), name[:1]
		token, err := harness.Token(t.Context(), path, f.DataDir, "worker")
		if err != nil {
			t.Fatal(err)
		}
		f.worker(name, token)
	}
	return f
}

// control starts the control process, or starts it again.
func (f *workers) control() {
	f.t.Helper()
	h, err := harness.Start(f.t.Context(), f.options)
	if err != nil {
		f.t.Fatal(err)
	}
	f.hearth = client(h)
}

// worker starts a worker; one that has joined before needs no token.
func (f *workers) worker(name, token string) {
	f.t.Helper()
	w, err := harness.StartWorker(f.t.Context(), harness.WorkerOptions{
		Options: harness.Options{Binary: f.options.Binary, DataDir: f.dirs[name], Isolation: f.options.Isolation},
		Join:    f.join, Token: token, Zone: f.zones[name], Args: []string{"--name", name},
	})
	if err != nil {
		f.t.Fatal(err)
	}
	f.workers[name] = w
}

// end stops all, and looks for what they left.
func (f *workers) end() {
	for name, w := range f.workers {
		f.stop(name, w)
	}
	f.stop("the control process", f.Hearth)
}

func (f *workers) stop(name string, h *harness.Hearth) {
	select {
	case <-h.Done():
		return // the test ended it itself
	default:
	}
	held := h.Footprint()
	if err := h.Stop(); err != nil {
		f.t.Errorf("stop %s: %v", name, err)
	}
	for _, left := range held.Left(h.DataDir) {
		f.t.Errorf("%s left behind after a clean stop: %s", name, left)
	}
	if f.t.Failed() {
		f.t.Logf("the end of the log of %s:\n%s", name, h.Log())
	}
}

func (f *workers) kill(names ...string) time.Time {
	f.t.Helper()
	at := time.Now()
	for _, name := range names {
		if err := f.workers[name].Kill(); err != nil {
			f.t.Fatal(err)
		}
	}
	return at
}

// load is callers that invoke a function, each again as soon as it was answered.
type load struct {
	client *lambda.Client
	stop   func()
	failed atomic.Int64
	last   atomic.Int64 // when one failed, Unix nanoseconds

	mu   sync.Mutex
	why  map[string]int
	seen map[string]int // answers, by what they say
}

func (f *workers) load(callers int, function string) *load {
	l := &load{client: f.lambda, seen: map[string]int{}, why: map[string]int{}}
	ctx, cancel := context.WithCancel(f.t.Context())
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for ctx.Err() == nil {
				l.call(ctx, function)
			}
		})
	}
	l.stop = sync.OnceFunc(func() { cancel(); all.Wait() })
	f.t.Cleanup(l.stop)
	return l
}

func (l *load) call(ctx context.Context, function string) {
	out, err := l.client.Invoke(context.WithoutCancel(ctx), &lambda.InvokeInput{FunctionName: aws.String(function)})
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err != nil:
		l.why[err.Error()[max(0, len(err.Error())-160):]]++
	case out.FunctionError != nil:
		l.why[string(out.Payload)]++
	default:
		l.seen[string(out.Payload)]++
		return
	}
	l.failed.Add(1)
	l.last.Store(time.Now().UnixNano())
}

// reset begins to count anew, and returns what was counted.
func (l *load) reset() (seen map[string]int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	seen, l.seen = l.seen, map[string]int{}
	return seen
}

func (l *load) answers() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, v := range l.seen {
		n += v
	}
	return n
}

func (l *load) reasons() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.why
}

// survives checks that a kill cost no more invokes than were running there, and none two
// seconds later.
func (l *load) survives(t *testing.T, what string, before int64, killed time.Time, most int) {
	t.Helper()
	l.reset()
	eventually(t, 30*time.Second, what+": invokes are answered", func() bool { return l.answers() > 200 && time.Since(killed) > 4*time.Second })
	failed := l.failed.Load() - before
	t.Logf("%s: %d invokes failed, the last %s after the kill", what, failed, time.Unix(0, l.last.Load()).Sub(killed).Round(time.Millisecond))
	if failed > int64(most) {
		t.Errorf("%s: %d invokes failed, want at most the %d that ran there: %v", what, failed, most, l.reasons())
	}
	if failed > 0 && time.Unix(0, l.last.Load()).Sub(killed) > 2*time.Second {
		t.Errorf("%s: an invoke failed %s after the kill", what, time.Unix(0, l.last.Load()).Sub(killed))
	}
}

const slowly = `
const environment = require('node:crypto').randomUUID();
exports.handler = async () => {
  await new Promise((r) => setTimeout(r, 30));
  return environment;
};`

// Goal: with workers as processes in three zones, a function's environments are spread;
// a killed worker, and a killed zone, cost only what ran there; what is warm elsewhere
// stays warm; a worker that is told to stop costs nothing; a control process that is
// killed and started again finds the environments as warm as they were.
func TestRootWorkersSurviveEachOther(t *testing.T) {
	const callers = 12
	f := fleetOf(t, "namespace", "a", "b", "c1", "c2")
	f.function(t, "f", slowly)
	l := f.load(callers, "f")
	eventually(t, 60*time.Second, "the load is served", func() bool { return l.answers() > 500 })
	if n := l.failed.Load(); n > 0 {
		t.Fatalf("%d invokes failed before anything happened: %v", n, l.reasons())
	}
	for _, zone := range []string{"a", "b", "c"} {
		n := 0
		for name, w := range f.workers {
			if f.zones[name] == zone {
				n += w.Functions()
			}
		}
		if n == 0 {
			t.Errorf("zone %s has no environment", zone)
		}
	}

	warm := l.reset()
	l.survives(t, "a worker is killed", l.failed.Load(), f.kill("b"), callers)
	if kept := common(warm, l.reset()); kept < len(warm)/3 {
		t.Errorf("of %d environments %d are still warm, want those of the other zones", len(warm), kept)
	}
	f.worker("b", "")
	l.survives(t, "a zone is killed", l.failed.Load(), f.kill("c1", "c2"), callers)
	f.worker("c1", "")
	f.worker("c2", "")

	before := l.failed.Load()
	if err := f.workers["a"].Stop(); err != nil {
		t.Errorf("stop worker a: %v", err)
	}
	l.survives(t, "a worker is told to stop", before, time.Now(), 0)
	f.worker("a", "")
	eventually(t, 60*time.Second, "the load is served", func() bool { return l.answers() > 500 })
	l.stop()

	warm = l.reset()
	if err := f.Kill(); err != nil {
		t.Fatal(err)
	}
	f.control()
	again := f.load(4, "f") // as many as are certainly idle
	eventually(t, 30*time.Second, "the load is served", func() bool { return again.answers() > 300 })
	again.stop()
	seen := again.reset()
	if kept := common(warm, seen); kept != len(seen) {
		t.Errorf("after a restart of the control process %d of %d environments are as warm as before", kept, len(seen))
	}
}

// common is how many keys are in both.
func common(a, b map[string]int) (n int) {
	for k := range b {
		if a[k] > 0 {
			n++
		}
	}
	return n
}

const locked = `
import fcntl, os, time
def lambda_handler(event, context):
    for i in range(%d):
        f = open("%s/" + str(i), "a")
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            f.close()
            continue
        time.sleep(0.2)
        f.close()
        return "held"
    return "too many"
`

// Goal: while workers and the control process are killed under ten times the load that
// is allowed, at no moment more invokes run than are reserved. Method: each invoke takes
// one of as many file locks as are reserved; the kernel gives them back when the process
// that holds one has really ended.
func TestRootWorkersNeverRunMoreThanIsReserved(t *testing.T) {
	const limitOf = 6
	f := fleetOf(t, "process", "a", "b", "c")
	dir := dataDir(t)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	f.function(t, "f", "", func(fn *harness.Function) {
		fn.Runtime, fn.Handler = "python3.11", "index.lambda_handler"
		fn.Files = map[string]string{"index.py": fmt.Sprintf(locked, limitOf, dir)}
	})
	limit(t, f.hearth, "f", limitOf)
	l := f.load(10*limitOf, "f")
	held := func() int { l.mu.Lock(); defer l.mu.Unlock(); return l.seen[`"held"`] }
	going := func(what string) {
		t.Helper()
		n := held()
		eventually(t, 60*time.Second, what+": the load is served", func() bool { return held() > n+60 })
	}
	going("at first")
	for i, name := range []string{"a", "b", "c", "a"} {
		f.kill(name)
		going("worker " + name + " is killed")
		f.worker(name, "")
		if i == 1 {
			if err := f.Kill(); err != nil {
				t.Fatal(err)
			}
			f.control() // on the same address
			going("the control process is killed")
		}
	}
	l.stop()
	if n := l.seen[`"too many"`]; n > 0 {
		t.Errorf("%d invokes found more running than are reserved", n)
	}
	t.Logf("%d invokes held a lock; failed: %d", held(), l.failed.Load())
}

// Goal: who is not let in stays outside, and says what to do.
func TestRootWorkersAreStrangersWithoutAToken(t *testing.T) {
	f := fleetOf(t, "process")
	frontend, err := harness.Token(t.Context(), f.options.Binary, f.DataDir, "frontend")
	if err != nil {
		t.Fatal(err)
	}
	used, err := harness.Token(t.Context(), f.options.Binary, f.DataDir, "worker")
	if err != nil {
		t.Fatal(err)
	}
	f.dirs["a"], f.zones["a"] = dataDir(t), "a"
	f.worker("a", used)
	for name, token := range map[string]string{"no token": "", "a word": "hunter2", "one for a frontend": frontend, "a used one": used} {
		w, err := harness.StartWorker(t.Context(), harness.WorkerOptions{
			Options: harness.Options{Binary: f.options.Binary, DataDir: dataDir(t), Isolation: "process"}, Join: f.join, Token: token, Zone: "a",
		})
		if err == nil {
			_ = w.Kill()
			t.Errorf("%s: the worker joined", name)
		} else if !strings.Contains(err.Error(), "hearth token create") {
			t.Errorf("%s: it says %v", name, err)
		}
	}
}
