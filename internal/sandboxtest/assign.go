//go:build linux

package sandboxtest

import (
	"path/filepath"
	"testing"

	"github.com/hearthfaas/hearth/internal/sandbox"
)

// assign makes an environment before it is known what for, starts a process in it,
// and gives it files and a bound on memory then.
func (s *suite) assign(t *testing.T) {
	d := s.open(t)
	if !d.Capabilities().Assign {
		t.Skip("the driver does not make environments ahead")
	}
	dir := readable(t)
	writeFile(t, filepath.Join(dir, "layer/in/layer.txt"), "layer", 0o644)
	writeFile(t, filepath.Join(dir, "secret"), "secret", 0o644)
	spec := s.spec()
	spec.Mounts = []sandbox.Mount{{Source: filepath.Dir(s.payload), Target: "/var/runtime"}}
	spec.MemoryMB = 0
	env, other := create(t, d, spec), create(t, d, s.spec())
	early, err := tryStart(t, env, sandbox.Command{Path: "/var/runtime/payload", Args: []string{"term"}, Dir: "/var/task"})
	if err != nil {
		t.Fatal(err)
	}
	early.until("ready")
	mounts := []sandbox.Mount{
		{Source: filepath.Dir(s.payload), Target: "/var/task"},
		{Source: filepath.Join(dir, "layer"), Target: "/opt"},
	}
	if err := env.(sandbox.Assigner).Assign(t.Context(), mounts, 128); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/opt/in/layer.txt"} {
		if out, exit := do(t, env, "read", path); out != "layer" {
			t.Errorf("%s has %q (%v), want layer", path, out, exit)
		}
		if out, exit := do(t, other, "read", path); exit.Code == 0 {
			t.Errorf("another environment sees %s: %q", path, out)
		}
	}
	for _, path := range []string{"/opt/new", "/opt/in/layer.txt", "/var/task/new"} {
		if out, exit := do(t, env, "write", path, "x"); exit.Code == 0 {
			t.Errorf("%s can be written to: %q", path, out)
		}
	}
	if d.Capabilities().MemoryLimit {
		if out, exit := do(t, env, "eat", "400"); !exit.OutOfMemory {
			t.Errorf("eating 400 of 128 MB: %v, %q", exit, out)
		}
	}
	for _, bad := range []sandbox.Mount{
		{Source: filepath.Join(dir, "absent"), Target: "/opt"},
		{Source: dir, Target: "/nowhere"},
		{Source: dir, Target: "/opt/../tmp"},
		{Source: "layer", Target: "/opt"},
	} {
		if err := env.(sandbox.Assigner).Assign(t.Context(), []sandbox.Mount{bad}, 128); err == nil {
			t.Errorf("mount %s at %s: no error", bad.Source, bad.Target)
		}
	}
	destroy(t, env)
	if err := env.(sandbox.Assigner).Assign(t.Context(), mounts, 128); err == nil {
		t.Error("an environment that is gone is assigned")
	}
}
