//go:build linux

// Package sandboxtest is the contract of sandbox drivers, as tests. A driver's own
// test calls Run with a function that opens it; cases about a limit that the driver
// does not hold to, by its own Capabilities, are skipped and say so.
//
// The program that runs inside is package payload.
package sandboxtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/sandbox"
)

// stateVar hands a state directory to a driver that is opened twice, in two
// processes or one after the other.
const stateVar = "HEARTH_SANDBOXTEST_STATE"

// patience bounds every wait of the suite. On a busy machine a hundred processes
// take seconds; a wait that takes longer has failed.
const patience = 30 * time.Second

// StateDir is the state directory for open to use.
func StateDir(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv(stateVar); dir != "" {
		return dir
	}
	return t.TempDir()
}

// BuiltVariable names a directory that has what Build would build: for test programs
// that run where no compiler can.
const BuiltVariable = "HEARTH_SANDBOXTEST_BUILT"

// Build builds a program of this module into a directory that everybody may read,
// and returns its path.
func Build(t testing.TB, pkg string) string {
	t.Helper()
	if dir := os.Getenv(BuiltVariable); dir != "" {
		return filepath.Join(dir, filepath.Base(pkg))
	}
	dir := t.TempDir()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, filepath.Base(pkg))
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %v\n%s", pkg, err, out)
	}
	return path
}

// Payload builds the program that runs inside.
func Payload(t testing.TB) string {
	t.Helper()
	return Build(t, "github.com/hearthfaas/hearth/internal/sandboxtest/payload")
}

// suite is one run over one driver.
type suite struct {
	open    func(testing.TB) sandbox.Driver
	payload string
	// made are the ids of the environments that this suite asked for: other test
	// programs make environments on the same host at the same time.
	made sync.Map
}

// Run runs the whole contract. open must return a driver on StateDir(t), and close
// it when the test ends if it needs that.
func Run(t *testing.T, open func(testing.TB) sandbox.Driver) {
	s := &suite{open: open, payload: Payload(t)}
	if os.Getenv(ownerVar) != "" {
		s.own(t)
		return
	}
	for _, c := range []struct {
		name string
		test func(*testing.T)
	}{
		{"a process's exit status is reported", s.exits},
		{"a command that cannot run is refused in the system's words", s.startErrors},
		{"a process gets exactly the environment it was given", s.environment},
		{"arguments and working directory arrive", s.argsAndDir},
		{"stdout and stderr are the output and stdin is empty", s.output},
		{"files become descriptors from 3 on and nothing else is open", s.files},
		{"two processes run at the same time", s.two},
		{"a signal reaches the process", s.signals},
		{"KillAll ends children and grandchildren and keeps tmp", s.killAll},
		{"an environment can be used again after KillAll", s.reuse},
		{"Destroy leaves nothing and may be called again", s.destroy},
		{"Destroy ends what runs", s.destroyRunning},
		{"a failed Create leaves nothing", s.failedCreate},
		{"a listener is reached from inside", s.listen},
		{"mounts are seen, nested ones and single files too", s.mounts},
		{"an environment made ahead gets its files and its memory later", s.assign},
		{"each environment has a tmp of its own", s.ownTmp},
		{"too much memory ends the process and nobody else", s.memory},
		{"what lies in tmp is not counted as memory", s.tmpOutside},
		{"a fork bomb stops at the process limit", s.processes},
		{"a full tmp says that there is no space", s.fullTmp},
		{"the open files are limited", s.openFiles},
		{"the CPU limit holds", s.cpu},
		{"a frozen environment stands still and goes on when thawed", s.freeze},
		{"usage is reported", s.usage},
		{"Sweep removes what a killed owner left", s.sweep},
		{"fifty environments are made at once", s.many},
	} {
		t.Run(c.name, c.test)
	}
}

// spec is an environment as most functions have it, with the payload in /var/task.
func (s *suite) spec() sandbox.Spec {
	spec := Spec(s.payload)
	s.made.Store(string(spec.ID), true)
	return spec
}

// Spec is an environment as most functions have it, with the payload in /var/task.
func Spec(payload string) sandbox.Spec {
	return sandbox.Spec{
		ID:           lambda.NewSandboxID(),
		Mounts:       []sandbox.Mount{{Source: filepath.Dir(payload), Target: "/var/task"}},
		MemoryMB:     512,
		CPUMillis:    2000,
		TmpMB:        512,
		ProcessesMax: lambda.ProcessesMax,
		FilesMax:     lambda.FilesMax,
	}
}

// create makes an environment that is destroyed when the test ends.
func create(t testing.TB, d sandbox.Driver, spec sandbox.Spec) sandbox.Environment {
	t.Helper()
	env, err := d.Create(t.Context(), spec)
	if err != nil {
		t.Fatalf("Create: %v", err)
	}
	t.Cleanup(func() { destroy(t, env) })
	return env
}

func destroy(t testing.TB, env sandbox.Environment) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := env.Destroy(ctx); err != nil {
		t.Errorf("Destroy: %v", err)
	}
}

// running is a process of the payload, with what it printed.
type running struct {
	t    testing.TB
	proc sandbox.Process
	out  *os.File
	text bytes.Buffer
}

// start runs the payload with arguments.
func start(t testing.TB, env sandbox.Environment, args ...string) *running {
	t.Helper()
	r, err := tryStart(t, env, sandbox.Command{Path: env.Path("/var/task/payload"), Args: args, Dir: env.Path("/var/task"), Env: []string{"LANG=C"}})
	if err != nil {
		t.Fatalf("Start %q: %v", args, err)
	}
	return r
}

func tryStart(t testing.TB, env sandbox.Environment, cmd sandbox.Command) (*running, error) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	cmd.Output = w
	p, err := env.Start(t.Context(), cmd)
	w.Close()
	if err != nil {
		return nil, err
	}
	return &running{t: t, proc: p, out: r}, nil
}

// wait waits for the process to end and returns everything it printed.
func (r *running) wait() (string, sandbox.Exit) {
	r.t.Helper()
	if err := r.out.SetReadDeadline(time.Now().Add(patience)); err != nil {
		r.t.Fatal(err)
	}
	if _, err := io.Copy(&r.text, r.out); err != nil {
		r.t.Fatalf("read output: %v; so far %q", err, r.text.String())
	}
	return r.text.String(), r.exit()
}

func (r *running) exit() sandbox.Exit {
	r.t.Helper()
	select {
	case <-r.proc.Done():
	case <-time.After(patience):
		r.t.Fatalf("the process does not end; it printed %q", r.text.String())
	}
	return r.proc.Exit()
}

// until reads output until it contains text.
func (r *running) until(text string) string {
	r.t.Helper()
	buf := make([]byte, 4096)
	if err := r.out.SetReadDeadline(time.Now().Add(patience)); err != nil {
		r.t.Fatal(err)
	}
	for !strings.Contains(r.text.String(), text) {
		n, err := r.out.Read(buf)
		r.text.Write(buf[:n])
		if err != nil {
			r.t.Fatalf("wait for %q: %v; it printed %q", text, err, r.text.String())
		}
	}
	return r.text.String()
}

// do runs the payload to its end.
func do(t testing.TB, env sandbox.Environment, args ...string) (string, sandbox.Exit) {
	t.Helper()
	return start(t, env, args...).wait()
}

// eventually waits for a condition that another process brings about.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("it does not come about that %s", what)
		}
	}
}

// closeDriver closes a driver that can be closed.
func closeDriver(t testing.TB, d sandbox.Driver) {
	t.Helper()
	if c, ok := d.(io.Closer); ok {
		if err := c.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			t.Errorf("Close: %v", err)
		}
	}
}
