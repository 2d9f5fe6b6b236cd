//go:build linux

package sandboxtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hearthfaas/hearth/internal/sandbox"
)

func (s *suite) exits(t *testing.T) {
	env := create(t, s.open(t), s.spec())
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"exit", "0"}, "exit status 0"},
		{[]string{"exit", "127"}, "exit status 127"},
		{[]string{"signal", "9"}, "signal: killed"},
		{[]string{"signal", "11"}, "signal: segmentation fault"},
	} {
		_, exit := do(t, env, c.args...)
		if got := exit.String(); got != c.want {
			t.Errorf("%q: exit %q, want %q", c.args, got, c.want)
		}
		if exit.OutOfMemory {
			t.Errorf("%q: out of memory, want not", c.args)
		}
	}
}

func (s *suite) startErrors(t *testing.T) {
	spec := s.spec()
	dir := readable(t)
	writeFile(t, filepath.Join(dir, "plain"), "no program", 0o644)
	spec.Mounts = append(spec.Mounts, sandbox.Mount{Source: dir, Target: "/opt"})
	env := create(t, s.open(t), spec)
	for _, c := range []struct {
		path string
		is   error
		text string
	}{
		{"/var/task/missing", fs.ErrNotExist, "no such file or directory"},
		{"/opt/plain", fs.ErrPermission, "permission denied"},
	} {
		path := env.Path(c.path)
		_, err := env.Start(t.Context(), sandbox.Command{Path: path})
		var start *sandbox.StartError
		if !errors.As(err, &start) || !errors.Is(err, c.is) {
			t.Errorf("Start %s: error %v, want a StartError that is %v", c.path, err, c.is)
			continue
		}
		if got, want := start.Error(), "fork/exec "+path+": "+c.text; got != want {
			t.Errorf("Start %s: error %q, want %q", c.path, got, want)
		}
	}
	if _, err := env.Start(t.Context(), sandbox.Command{Path: env.Path("/var/task/payload"), Dir: "/not/there"}); err == nil {
		t.Error("Start in a directory that is not there: no error")
	}
	if _, exit := do(t, env, "exit", "0"); exit.String() != "exit status 0" {
		t.Errorf("after refused starts: %v", exit)
	}
}

func (s *suite) environment(t *testing.T) {
	t.Setenv("HEARTH_SECRET", "must not be seen")
	env := create(t, s.open(t), s.spec())
	want := []string{"B=2", "A=with spaces = and \"quotes\"", "EMPTY="}
	r, err := tryStart(t, env, sandbox.Command{Path: env.Path("/var/task/payload"), Args: []string{"env"}, Env: want})
	if err != nil {
		t.Fatal(err)
	}
	out, _ := r.wait()
	if got := strings.Split(strings.TrimSuffix(out, "\n"), "\n"); !slices.Equal(got, want) {
		t.Errorf("environment %q, want %q", got, want)
	}
	if r, err = tryStart(t, env, sandbox.Command{Path: env.Path("/var/task/payload"), Args: []string{"env"}}); err != nil {
		t.Fatal(err)
	}
	if out, _ := r.wait(); out != "" {
		t.Errorf("no environment given, got %q", out)
	}
}

func (s *suite) argsAndDir(t *testing.T) {
	env := create(t, s.open(t), s.spec())
	out, _ := do(t, env, "args", "a b", "", "ü")
	if want := "[\"a b\" \"\" \"ü\"]\n"; out != want {
		t.Errorf("args %q, want %q", out, want)
	}
	out, _ = do(t, env, "pwd")
	if want := env.Path("/var/task") + "\n"; out != want {
		t.Errorf("working directory %q, want %q", out, want)
	}
}

func (s *suite) output(t *testing.T) {
	env := create(t, s.open(t), s.spec())
	out, _ := do(t, env, "output")
	if want := "to stdout\nto stderr\nstdin 0 bytes\n"; out != want {
		t.Errorf("output %q, want %q", out, want)
	}
}

func (s *suite) files(t *testing.T) {
	env := create(t, s.open(t), s.spec())
	secret, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer secret.Close()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "ours"), os.NewFile(uintptr(pair[1]), "theirs")
	defer ours.Close()
	defer theirs.Close()
	cmd := sandbox.Command{Path: env.Path("/var/task/payload"), Args: []string{"fd3"}, Files: []*os.File{theirs}}
	r, err := tryStart(t, env, cmd)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(ours, "through descriptor 3")
	line, err := bufio.NewReader(ours).ReadString('\n')
	if want := "echo through descriptor 3\n"; line != want || err != nil {
		t.Errorf("answer %q, %v, want %q", line, err, want)
	}
	r.wait()

	cmd.Args = []string{"fds"}
	if r, err = tryStart(t, env, cmd); err != nil {
		t.Fatal(err)
	}
	if out, _ := r.wait(); out != "0\n1\n2\n3\n" {
		t.Errorf("open descriptors %q, want 0 to 3", out)
	}
	if out, _ := do(t, env, "fds"); out != "0\n1\n2\n" {
		t.Errorf("open descriptors without files %q, want 0 to 2", out)
	}
}

func (s *suite) two(t *testing.T) {
	env := create(t, s.open(t), s.spec())
	first, second := start(t, env, "term"), start(t, env, "term")
	first.until("ready")
	second.until("ready")
	for _, r := range []*running{second, first} {
		if err := r.proc.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if _, exit := r.wait(); exit.String() != "exit status 7" {
			t.Errorf("exit %v, want exit status 7", exit)
		}
	}
}

func (s *suite) signals(t *testing.T) {
	env := create(t, s.open(t), s.spec())
	r := start(t, env, "term")
	r.until("ready")
	if err := r.proc.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	out, exit := r.wait()
	if !strings.Contains(out, "got SIGTERM") || exit.String() != "exit status 7" {
		t.Errorf("output %q, exit %v, want SIGTERM handled and status 7", out, exit)
	}
	if err := r.proc.Signal(syscall.SIGTERM); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("signal to an ended process: %v, want %v", err, os.ErrProcessDone)
	}
}

func (s *suite) killAll(t *testing.T) {
	env := create(t, s.open(t), s.spec())
	if _, exit := do(t, env, "write", env.Path("/tmp/kept"), "still here"); exit.Code != 0 {
		t.Fatalf("write to /tmp: %v", exit)
	}
	r := start(t, env, "family")
	r.until("all there")
	if err := env.KillAll(t.Context()); err != nil {
		t.Fatalf("KillAll: %v", err)
	}
	if n := processesOf(t, s.payload); n != 0 {
		t.Errorf("%d processes are left", n)
	}
	if exit := r.exit(); exit.String() != "signal: killed" {
		t.Errorf("exit %v, want signal: killed", exit)
	}
	if out, exit := do(t, env, "read", env.Path("/tmp/kept")); out != "still here" {
		t.Errorf("/tmp/kept has %q (%v), want it kept", out, exit)
	}
}

func (s *suite) reuse(t *testing.T) {
	env := create(t, s.open(t), s.spec())
	for range 3 {
		r := start(t, env, "sleep")
		r.until("sleeping")
		if err := env.KillAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, exit := r.wait(); exit.Signal != int(syscall.SIGKILL) {
			t.Errorf("exit %v, want signal: killed", exit)
		}
	}
	if err := env.KillAll(t.Context()); err != nil {
		t.Errorf("KillAll with nothing to kill: %v", err)
	}
}

func (s *suite) listen(t *testing.T) {
	d := s.open(t)
	env := create(t, d, s.spec())
	l, err := env.Listen(t.Context(), 9001)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if addr := l.Addr().(*net.TCPAddr); d.Capabilities().PrivateNetwork && addr.Port != 9001 {
		t.Errorf("port %d, want 9001", addr.Port)
	}
	r := start(t, env, "ask", l.Addr().String())
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(c, "from outside")
	c.Close()
	if out, _ := r.wait(); out != "from outside" {
		t.Errorf("inside read %q, want %q", out, "from outside")
	}
	if d.Capabilities().PrivateNetwork {
		other := create(t, d, s.spec())
		l2, err := other.Listen(t.Context(), 9001)
		if err != nil {
			t.Fatalf("the same port in another environment: %v", err)
		}
		l2.Close()
	}
}

func (s *suite) destroyRunning(t *testing.T) {
	d := s.open(t)
	env, err := d.Create(t.Context(), s.spec())
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, env, "family")
	r.until("all there")
	destroy(t, env)
	if exit := r.exit(); exit.String() != "signal: killed" {
		t.Errorf("exit %v, want signal: killed", exit)
	}
	if n := processesOf(t, s.payload); n != 0 {
		t.Errorf("%d processes are left", n)
	}
	if _, err := env.Start(context.WithoutCancel(t.Context()), sandbox.Command{Path: "/var/task/payload"}); err == nil {
		t.Error("Start after Destroy: no error")
	}
}
