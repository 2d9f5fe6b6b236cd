package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/hearthfaas/hearth/internal/harness"
)

// probe is a function that tries what it should not be able to, and tells how each
// try ended: "denied: CODE", or what it got.
const probe = `
const fs = require("node:fs"), net = require("node:net"), cp = require("node:child_process");
const attempt = (f) => { try { return "got: " + String(f()).slice(0, 200); } catch (e) { return "denied: " + (e.code || e.message); } };
const connect = (port, host) => new Promise((done) => {
  const s = net.connect({ port, host, timeout: 1000 }, () => { s.destroy(); done("got: a connection"); });
  s.on("error", (e) => done("denied: " + e.code));
  s.on("timeout", () => { s.destroy(); done("denied: timeout"); });
});
exports.handler = async (event) => ({
  shadow: attempt(() => fs.readFileSync("/etc/shadow")),
  host_file: attempt(() => fs.readFileSync(event.secret)),
  data_dir: attempt(() => fs.readdirSync(event.data_dir)),
  root: attempt(() => fs.readdirSync("/proc/1/root" + event.data_dir)),
  host_port: await connect(event.port, "127.0.0.1"),
  internet: await connect(80, "192.0.2.1"),
  write_task: attempt(() => fs.writeFileSync("/var/task/x", "x")),
  write_usr: attempt(() => fs.writeFileSync("/usr/x", "x")),
  write_root: attempt(() => fs.writeFileSync("/x", "x")),
  write_sys: attempt(() => fs.writeFileSync("/proc/sys/kernel/core_pattern", "x")),
  kill_host: attempt(() => process.kill(event.pid, 0)),
  mount: attempt(() => cp.execFileSync("mount", ["-t", "tmpfs", "x", "/tmp"], { stdio: "pipe" })),
  unshare: attempt(() => cp.execFileSync("unshare", ["-U", "true"], { stdio: "pipe" })),
  uid: process.getuid(),
  processes: fs.readdirSync("/proc").filter((n) => /^[0-9]+$/.test(n)).length,
});`

func TestRootAFunctionReachesNothingOfTheHost(t *testing.T) {
	h := up(t, "")
	secret := filepath.Join(scratch, "secret.txt")
	if err := os.WriteFile(secret, []byte("of the host"), 0o644); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.NotFoundHandler()}
	go func() { _ = server.Serve(l) }()
	defer func() { _ = server.Close() }()

	h.function(t, "probe", probe, timeout(10), memory(256))
	event := fmt.Sprintf(`{"secret":%q,"data_dir":%q,"port":%d,"pid":%d}`, secret, h.DataDir, l.Addr().(*net.TCPAddr).Port, os.Getpid())
	var got map[string]any
	if err := json.Unmarshal([]byte(h.answers(t, "probe", event)), &got); err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{
		"shadow", "host_file", "data_dir", "root", "host_port", "internet", "write_task", "write_usr", "write_root", "write_sys", "kill_host", "mount", "unshare",
	} {
		if outcome, _ := got[what].(string); !strings.HasPrefix(outcome, "denied: ") {
			t.Errorf("%s: %v", what, got[what])
		}
	}
	if got["uid"] == float64(0) {
		t.Error("the function runs as root inside")
	}
	if n, _ := got["processes"].(float64); n > 5 {
		t.Errorf("the function sees %v processes", n)
	}
}

func TestRootNothingIsSharedBetweenTwoEnvironmentsOfOneFunction(t *testing.T) {
	h := up(t, "")
	h.function(t, "neighbour", `
const fs = require("node:fs"), { randomUUID } = require("node:crypto");
const mine = randomUUID();
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));
exports.handler = async () => {
  fs.appendFileSync("/tmp/names", mine + "\n");
  await sleep(500);
  return { environment: mine, seen: [...new Set(fs.readFileSync("/tmp/names", "utf8").trim().split("\n"))] };
};`, timeout(10))
	answers, errs := h.all(t, 3, "neighbour", `{}`)
	noErrors(t, errs, answers)
	if got := environments(t, answers); got != 3 {
		t.Fatalf("%d environments, want 3", got)
	}
	for _, a := range answers {
		var doc struct{ Seen []string }
		if err := json.Unmarshal([]byte(a.Payload), &doc); err != nil || len(doc.Seen) != 1 {
			t.Errorf("an environment sees /tmp of another: %s (%v)", a.Payload, err)
		}
	}
}

func TestRootTwoFunctionsNeverShareAnEnvironment(t *testing.T) {
	h := up(t, "")
	source := `const fs = require("node:fs"); exports.handler = async (e, c) => {
  fs.appendFileSync("/tmp/names", c.functionName + "\n");
  return [...new Set(fs.readFileSync("/tmp/names", "utf8").trim().split("\n"))].join();
};`
	h.function(t, "one", source)
	h.function(t, "two", source)
	for range 5 {
		for _, name := range []string{"one", "two"} {
			if got, want := h.answers(t, name, `{}`), fmt.Sprintf("%q", name); got != want {
				t.Errorf("the environment of %s has served %s", name, got)
			}
		}
	}
}

func TestRootTheTmpDirectoryEndsAtItsSize(t *testing.T) {
	h := up(t, "")
	h.function(t, "fill", `
const fs = require("node:fs");
exports.handler = async () => {
  const block = Buffer.alloc(1 << 20, 1), fd = fs.openSync("/tmp/full", "w");
  let written = 0;
  try { for (; written < 600; written++) fs.writeSync(fd, block); } catch (e) { return { written, code: e.code }; }
  finally { fs.closeSync(fd); fs.unlinkSync("/tmp/full"); }
  return { written, code: "none" };
};`, timeout(30), memory(256))
	var got struct {
		Written int
		Code    string
	}
	if err := json.Unmarshal([]byte(h.answers(t, "fill", `{}`)), &got); err != nil {
		t.Fatal(err)
	}
	if got.Code != "ENOSPC" || got.Written < 400 || got.Written > 512 {
		t.Errorf("got %+v, want ENOSPC after about 512 MB", got)
	}
}

func TestRootAForkBombEndsAtTheProcessLimit(t *testing.T) {
	h := up(t, "")
	h.function(t, "fork", `
const cp = require("node:child_process");
exports.handler = async () => {
  let started = 0, code = "none";
  for (let i = 0; i < 1500; i++) {
    const child = cp.spawn("/bin/sleep", ["30"], { stdio: "ignore" });
    const error = await new Promise((done) => { child.on("error", (e) => done(e.code)); child.on("spawn", () => done(null)); });
    if (error) { code = error; break; }
    started++;
  }
  return { started, code };
};`, timeout(60), memory(1769))
	h.function(t, "beside", `exports.handler = async () => "well"`)
	a := h.invoke(t, "fork", `{}`)
	var got struct {
		Started int
		Code    string
	}
	if err := json.Unmarshal([]byte(a.Payload), &got); err != nil || got.Started >= 1024 || got.Started < 500 {
		t.Errorf("got %s (%v), want an error before 1,024 processes", a.Payload, err)
	}
	if got := h.answers(t, "beside", `{}`); got != `"well"` {
		t.Errorf("another function beside it: got %s", got)
	}
}

func TestRootLogsNeedPermission(t *testing.T) {
	h := up(t, "")
	c := iam.NewFromConfig(h.aws)
	made, err := c.CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName: aws.String("mute"),
		AssumeRolePolicyDocument: aws.String(
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	source := `exports.handler = async () => { console.log("a line"); return "well"; }`
	h.function(t, "mute", source, func(f *harness.Function) { f.Role = *made.Role.Arn })
	h.function(t, "loud", source)
	logs := cloudwatchlogs.NewFromConfig(h.aws)
	for name, want := range map[string]bool{"mute": false, "loud": true} {
		if got := h.answers(t, name, `{}`); got != `"well"` {
			t.Errorf("%s: got %s", name, got)
		}
		out, err := logs.FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("/aws/lambda/" + name)})
		if got := err == nil && len(out.Events) > 0; got != want {
			t.Errorf("%s: logged %v, want %v (%v)", name, got, want, err)
		}
	}
}
