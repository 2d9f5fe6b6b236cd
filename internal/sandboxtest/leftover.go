//go:build linux

package sandboxtest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/sandbox"
)

// ownerVar tells the test program that it is the process that will be killed.
const ownerVar = "HEARTH_SANDBOXTEST_OWNER"

// token is an argument by which processes of a test are known on the host.
var token = string(lambda.NewSandboxID())

// processesOf counts the host's processes whose command line has a text, or that
// run a program of that path.
func processesOf(t testing.TB, text string) int {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range entries {
		line, err := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		exe, _ := os.Readlink(filepath.Join("/proc", e.Name(), "exe"))
		if err == nil && (bytes.Contains(line, []byte(text)) || exe == text) && len(line) > 0 {
			n++
		}
	}
	return n
}

// traces is what of this suite's environments can be seen on the host.
func (s *suite) traces(t testing.TB, stateDir string) []string {
	t.Helper()
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	add("processes %d", processesOf(t, s.payload))
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	add("mounts %d", bytes.Count(mounts, []byte("\n")))
	groups, _ := filepath.Glob("/sys/fs/cgroup/*/hearth/*/*")
	unified, _ := filepath.Glob("/sys/fs/cgroup/hearth/*/*")
	for _, g := range append(groups, unified...) {
		_, ours := s.made.Load(filepath.Base(g))
		if info, err := os.Stat(g); ours && err == nil && info.IsDir() {
			add("group %s", g)
		}
	}
	err = filepath.WalkDir(stateDir, func(path string, _ fs.DirEntry, err error) error {
		add("file %s", path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	sort.Strings(out)
	return out
}

// loops counts the loop devices whose file lay in a directory.
func loops(t testing.TB, dir string) int {
	t.Helper()
	files, _ := filepath.Glob("/sys/block/loop*/loop/backing_file")
	n := 0
	for _, f := range files {
		if b, err := os.ReadFile(f); err == nil && strings.HasPrefix(string(b), dir) {
			n++
		}
	}
	return n
}

func (s *suite) destroy(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(stateVar, dir)
	d := s.open(t)
	warm := create(t, d, s.spec()) // the driver's own first-use files are no leftovers
	destroy(t, warm)
	before := strings.Join(s.traces(t, dir), "\n")
	descriptors := openDescriptors(t)

	env, err := d.Create(t.Context(), s.spec())
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, env, "family")
	r.until("all there")
	if _, exit := do(t, env, "write", env.Path("/tmp/file"), "x"); exit.Code != 0 {
		t.Fatal(exit)
	}
	if during := strings.Join(s.traces(t, dir), "\n"); during == before && d.Capabilities().MemoryLimit { // control groups can be seen
		t.Fatal("a running environment leaves no trace: the test looks in the wrong places")
	}
	r.out.Close()
	destroy(t, env)
	destroy(t, env)
	if after := strings.Join(s.traces(t, dir), "\n"); after != before {
		t.Errorf("left on the host:\n%s\nbefore it was:\n%s", after, before)
	}
	if n := openDescriptors(t); n > descriptors+1 { // the pipe's cleanup comes later
		t.Errorf("%d open descriptors, before %d", n, descriptors)
	}
	closeDriver(t, d)
	eventually(t, "no loop device is left", func() bool { return loops(t, dir) == 0 })
}

func openDescriptors(t testing.TB) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func (s *suite) failedCreate(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(stateVar, dir)
	d := s.open(t)
	destroy(t, create(t, d, s.spec()))
	before := strings.Join(s.traces(t, dir), "\n")
	spec := s.spec()
	spec.Mounts = append(spec.Mounts, sandbox.Mount{Source: "/not/there", Target: "/opt"})
	if _, err := d.Create(t.Context(), spec); err == nil {
		t.Error("a mount of nothing: no error")
	}
	spec = s.spec()
	spec.ID = "../outside"
	if _, err := d.Create(t.Context(), spec); err == nil {
		t.Error("an id with a slash: no error")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Create(ctx, s.spec()); err == nil {
		t.Error("a context that has ended: no error")
	}
	if after := strings.Join(s.traces(t, dir), "\n"); after != before {
		t.Errorf("left on the host:\n%s\nbefore it was:\n%s", after, before)
	}
}

// sweep kills a process that owns environments, and checks that the next one finds
// and removes everything. The owner is this test program, started again.
func (s *suite) sweep(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(stateVar, dir)
	t.Setenv(ownerVar, token)
	top, _, _ := strings.Cut(t.Name(), "/")
	owner := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+regexp.QuoteMeta(top)+"$", "-test.v")
	out, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	var said []string
	for lines.Scan() && lines.Text() != "owner is ready" {
		said = append(said, lines.Text())
	}
	if n := processesOf(t, token); n < 6 {
		t.Errorf("the owner has %d processes, want at least 6; it said %q", n, said)
	}
	if err := owner.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait() // it was killed

	t.Setenv(ownerVar, "")
	d := s.open(t)
	if d.Capabilities().PrivateFilesystem { // an environment of its own ends with its owner, frozen or not
		eventually(t, "the owner's processes end by themselves", func() bool { return processesOf(t, token) == 0 })
	}
	want := 2
	if c := d.Capabilities(); c.PrivateFilesystem && !c.MemoryLimit {
		want = 0 // without control groups nothing outlives the owner
	}
	n, err := d.Sweep(t.Context())
	if err != nil || n != want {
		t.Errorf("Sweep: %d, %v, want %d environments", n, err, want)
	}
	if n := processesOf(t, token); n != 0 {
		t.Errorf("%d processes are left", n)
	}
	if n, err := d.Sweep(t.Context()); n != 0 || err != nil {
		t.Errorf("Sweep again: %d, %v, want nothing to do", n, err)
	}
	env := create(t, d, s.spec())
	if _, exit := do(t, env, "exit", "4"); exit.Code != 4 {
		t.Errorf("a new environment: %v, want exit status 4", exit)
	}
	destroy(t, env)
	closeDriver(t, d)
	eventually(t, "no loop device is left", func() bool { return loops(t, dir) == 0 })
}

// own is the owner: it makes two environments, one of them frozen, and waits to be
// killed.
func (s *suite) own(t *testing.T) {
	d := s.open(t)
	for i := range 2 {
		env, err := d.Create(t.Context(), s.spec())
		if err != nil {
			t.Fatal(err)
		}
		r := start(t, env, "family", "2", os.Getenv(ownerVar))
		r.until("all there")
		if i == 1 {
			if err := env.Freeze(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	fmt.Println("owner is ready")
	select {}
}

func (s *suite) many(t *testing.T) {
	d := s.open(t)
	const n = 50
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			env, err := d.Create(t.Context(), s.spec())
			if err != nil {
				t.Errorf("Create: %v", err)
				return
			}
			defer destroy(t, env)
			p, err := env.Start(t.Context(), sandbox.Command{Path: env.Path("/var/task/payload"), Args: []string{"exit", fmt.Sprint(i)}})
			if err != nil {
				t.Errorf("Start: %v", err)
				return
			}
			<-p.Done()
			if got := p.Exit(); got.Code != i {
				t.Errorf("exit %v, want exit status %d", got, i)
			}
		})
	}
	group.Wait()
}
