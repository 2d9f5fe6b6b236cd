package runtimes_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/runtimeapi"
	"github.com/hearthfaas/hearth/internal/runtimes"
)

// sharedDir holds the bootstraps of all tests of this process.
var sharedDir string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "hearth-runtimes-")
	if err != nil {
		panic(err)
	}
	sharedDir = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// program is a function as a test writes it down.
type program struct {
	runtime string
	handler string
	files   map[string]string
	env     map[string]string
	dir     string // Hearth's own directory; empty means the tests' common one
}

// running is a function's process outside any sandbox.
type running struct {
	t       *testing.T
	session *runtimeapi.Session
	cmd     *exec.Cmd
	out     *output
	code    string // the directory of its package
	exited  chan struct{}
}

// output is the pipe that a process prints to. It is read when a test asks, with no
// reader in between, so that what is missing then was written too late.
type output struct {
	read, write *os.File
	seen        bytes.Buffer
}

func newOutput(t *testing.T) *output {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = read.Close() })
	return &output{read: read, write: write}
}

// String is everything that is printed so far.
func (o *output) String() string {
	raw, err := o.read.SyscallConn()
	if err != nil {
		return "unreadable: " + err.Error()
	}
	err = raw.Read(func(fd uintptr) bool {
		var buf [4096]byte
		for {
			n, err := syscall.Read(int(fd), buf[:])
			if n <= 0 || err != nil {
				return true
			}
			o.seen.Write(buf[:n])
		}
	})
	if err != nil {
		return "unreadable: " + err.Error()
	}
	return o.seen.String()
}

func catalogue(t *testing.T, dir string) *runtimes.Catalogue {
	t.Helper()
	home, _ := os.UserHomeDir() // without one there are fewer interpreters
	c, err := runtimes.New(runtimes.Config{Dir: cmp.Or(dir, sharedDir), Path: os.Getenv("PATH"), Home: home})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func writeFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// start runs a program as the process driver would. It skips the test when this
// host lacks the runtime.
func start(t *testing.T, p program) *running {
	t.Helper()
	code := writeFiles(t, p.files)
	version := &lambda.Version{
		Function: lambda.FunctionID{Account: "000000000000", Region: "us-east-1", Name: "f"},
		Version:  lambda.Latest, Runtime: p.runtime, Handler: p.handler, MemoryMB: 128,
	}
	plan, err := catalogue(t, p.dir).Plan(t.Context(), version, runtimes.Trees{Code: code})
	if _, ok := errors.AsType[*runtimes.Unavailable](err); ok {
		t.Skipf("this test needs %s: %v", p.runtime, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs, err := runtimeapi.Pair()
	if err != nil {
		t.Fatal(err)
	}
	r := &running{t: t, code: code, out: newOutput(t), exited: make(chan struct{})}
	r.session = runtimeapi.New(runtimeapi.Config{FunctionName: "f", FunctionVersion: lambda.Latest, Handler: p.handler})
	r.session.Attach(ours)
	r.cmd = exec.Command(onHost(plan, plan.Path))
	for _, arg := range plan.Args {
		r.cmd.Args = append(r.cmd.Args, onHost(plan, arg))
	}
	r.cmd.Dir = onHost(plan, plan.Dir)
	r.cmd.Env = environment(plan, p)
	r.cmd.Stdout, r.cmd.Stderr = r.out.write, r.out.write
	r.cmd.ExtraFiles = theirs
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = theirs.Close(), r.out.write.Close()
	go func() {
		_ = r.cmd.Wait() // the tests look at ProcessState
		r.session.Gone()
		close(r.exited)
	}()
	t.Cleanup(func() {
		_ = r.session.Close()
		_ = r.cmd.Process.Kill()
		<-r.exited
	})
	return r
}

// onHost spells a path of the plan as the host does.
func onHost(plan runtimes.Plan, path string) string {
	best := ""
	for _, m := range plan.Mounts {
		if rest, ok := strings.CutPrefix(path, m.Target); ok && (rest == "" || rest[0] == '/') && len(m.Target) > len(best) {
			best = m.Target
		}
	}
	for _, m := range plan.Mounts {
		if best != "" && m.Target == best {
			return m.Source + strings.TrimPrefix(path, best)
		}
	}
	return path
}

func environment(plan runtimes.Plan, p program) []string {
	env := append([]string{
		"_HANDLER=" + p.handler,
		"LAMBDA_TASK_ROOT=" + onHost(plan, "/var/task"),
		"LAMBDA_RUNTIME_DIR=" + onHost(plan, "/var/runtime"),
		"AWS_REGION=us-east-1",
		"AWS_LAMBDA_FUNCTION_NAME=f",
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128",
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/f",
		"AWS_LAMBDA_LOG_STREAM_NAME=2026/11/23/[$LATEST]0123",
	}, plan.Env...)
	for k, v := range p.env {
		env = append(env, k+"="+v)
	}
	return env
}

// patience bounds each wait of a test; nothing here takes a second.
const patience = 30 * time.Second

func (r *running) ready() *runtimeapi.Failure {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	failure, err := r.session.AwaitReady(ctx)
	if err != nil {
		r.t.Fatalf("the runtime did not initialise: %v\n%s", err, r.out)
	}
	return failure
}

func (r *running) try(payload string) (runtimeapi.Outcome, lambda.RequestID, error) {
	r.t.Helper()
	if failure := r.ready(); failure != nil {
		r.t.Fatalf("the runtime did not initialise: %s\n%s", failure.Payload, r.out)
	}
	return r.invoke(&lambda.Invocation{Payload: []byte(payload)})
}

func (r *running) invoke(inv *lambda.Invocation) (runtimeapi.Outcome, lambda.RequestID, error) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	inv.RequestID = lambda.NewRequestID()
	if inv.Deadline.IsZero() {
		inv.Deadline = time.Now().Add(3 * time.Second)
	}
	inv.InvokedFunctionARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
	out, err := r.session.Invoke(ctx, inv)
	return out, inv.RequestID, err
}

// call invokes the program and fails the test when there is no answer.
func (r *running) call(payload string) runtimeapi.Outcome {
	r.t.Helper()
	out, _, err := r.try(payload)
	if err != nil {
		r.t.Fatalf("invoke: %v\n%s", err, r.out)
	}
	return out
}

// exit waits for the process's end and returns its status.
func (r *running) exit() int {
	r.t.Helper()
	select {
	case <-r.exited:
		return r.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		r.t.Fatal("the process does not end")
		return 0
	}
}
