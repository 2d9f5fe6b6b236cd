package namespace_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/hearthfaas/hearth/internal/sandbox"
	"github.com/hearthfaas/hearth/internal/sandboxtest"
)

// The goal is that losing the spawner costs nobody anything: environments go on,
// and the next one finds a new spawner. It is killed here between two Creates.
func TestRootAKilledSpawnerIsReplaced(t *testing.T) {
	needRoot(t)
	d := opener(t)(t)
	payload := sandboxtest.Payload(t)
	first, err := d.Create(t.Context(), sandboxtest.Spec(payload))
	if err != nil {
		t.Fatal(err)
	}
	children := childrenOf(t, os.Getpid(), "hearth-init")
	if len(children) != 1 {
		t.Fatalf("%d spawners, want 1", len(children))
	}
	if err := syscall.Kill(children[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	var second sandbox.Environment
	for second == nil { // a request on its way when the spawner died may fail
		if second, err = d.Create(t.Context(), sandboxtest.Spec(payload)); err != nil && !strings.Contains(err.Error(), "spawner") && !strings.Contains(err.Error(), "broken pipe") {
			t.Fatal(err)
		}
	}
	for _, env := range []sandbox.Environment{first, second} {
		p, err := env.Start(t.Context(), sandbox.Command{Path: "/var/task/payload", Args: []string{"exit", "8"}})
		if err != nil {
			t.Fatal(err)
		}
		<-p.Done()
		if got := p.Exit(); got.Code != 8 {
			t.Errorf("exit %v, want exit status 8", got)
		}
		if err := env.Destroy(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// childrenOf lists the children of a process that go by a name.
func childrenOf(t *testing.T, parent int, name string) []int {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	var out []int
	for _, path := range stats {
		b, err := os.ReadFile(path)
		line, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		if err != nil || !strings.HasPrefix(string(line), name) {
			continue
		}
		fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
		if fields[1] == strconv.Itoa(parent) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			out = append(out, pid)
		}
	}
	return out
}
