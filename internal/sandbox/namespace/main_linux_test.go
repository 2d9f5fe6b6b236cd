package namespace_test

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/hearthfaas/hearth/internal/sandbox"
	"github.com/hearthfaas/hearth/internal/sandbox/namespace"
	"github.com/hearthfaas/hearth/internal/sandboxtest"
)

// The test program calls Main as Hearth's own main does, so that it can be process
// 1 of an environment.
func TestMain(m *testing.M) {
	namespace.Main()
	os.Exit(m.Run())
}

// Without an init of its own the driver runs the embedded one or, in a program that
// was built without, the program itself.
func TestRootTheDriverBringsItsOwnInit(t *testing.T) {
	needRoot(t)
	cfg := namespace.Default()
	cfg.StateDir = t.TempDir()
	d, err := namespace.New(cfg, slog.New(slog.DiscardHandler))
	if err != nil && strings.Contains(err.Error(), "CGO_ENABLED=0") {
		t.Skip("the test program was built with cgo: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	env, err := d.Create(t.Context(), sandboxtest.Spec(sandboxtest.Payload(t)))
	if err != nil {
		t.Fatal(err)
	}
	p, err := env.Start(t.Context(), sandbox.Command{Path: "/var/task/payload", Args: []string{"exit", "6"}})
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if got := p.Exit(); got.Code != 6 {
		t.Errorf("exit %v, want exit status 6", got)
	}
	if err := env.Destroy(t.Context()); err != nil {
		t.Error(err)
	}
}

// An idle environment must cost little beside what runs in it. The figure is the
// memory that the host has less of for each of many.
func TestRootAnIdleEnvironmentIsSmall(t *testing.T) {
	needRoot(t)
	d := opener(t)(t)
	payload := sandboxtest.Payload(t)
	const n = 30
	var before int64
	var envs []sandbox.Environment
	for i := range n + 1 {
		if i == 1 { // the first one pays for what all share
			before = slab(t)
		}
		env, err := d.Create(t.Context(), sandboxtest.Spec(payload))
		if err != nil {
			t.Fatal(err)
		}
		envs = append(envs, env)
	}
	var private int64
	for _, env := range envs {
		u, err := env.Usage()
		if err != nil {
			t.Fatal(err)
		}
		private += u.MemoryBytes
	}
	private /= n + 1
	kernel := (slab(t) - before) / n
	t.Logf("%d KiB charged to the environment, %d KiB of the kernel's caches", private>>10, kernel>>10)
	if private > 2<<20 {
		t.Errorf("an idle environment is charged %d KiB, want at most 2 MiB", private>>10)
	}
	for _, env := range envs {
		if err := env.Destroy(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// slab is the memory in the kernel's object caches, in bytes.
func slab(t *testing.T) int64 {
	t.Helper()
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		t.Fatal(err)
	}
	var total int64
	for line := range strings.Lines(string(b)) {
		for _, key := range []string{"Slab:", "Percpu:"} {
			var kb int64
			if _, err := fmt.Sscanf(line, key+" %d kB", &kb); err == nil {
				total += kb << 10
			}
		}
	}
	return total
}
