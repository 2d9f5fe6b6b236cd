//go:build linux

package sandboxtest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hearthfaas/hearth/internal/sandbox"
)

// readable is a temporary directory that other users may read.
func readable(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func writeFile(t testing.TB, path, content string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}

func (s *suite) mounts(t *testing.T) {
	d := s.open(t)
	dir := readable(t)
	writeFile(t, filepath.Join(dir, "layer/in/layer.txt"), "layer", 0o644)
	writeFile(t, filepath.Join(dir, "layer/nested/hidden"), "hidden", 0o644)
	writeFile(t, filepath.Join(dir, "over/nested.txt"), "nested", 0o644)
	writeFile(t, filepath.Join(dir, "single"), "single", 0o644)
	spec := s.spec()
	spec.Mounts = append(spec.Mounts,
		sandbox.Mount{Source: filepath.Join(dir, "layer"), Target: "/opt"},
		sandbox.Mount{Source: filepath.Join(dir, "over"), Target: "/opt/nested"},
		sandbox.Mount{Source: filepath.Join(dir, "single"), Target: "/var/runtime/bootstrap"},
	)
	env := create(t, d, spec)
	for path, want := range map[string]string{
		"/opt/in/layer.txt":      "layer",
		"/opt/nested/nested.txt": "nested",
		"/var/runtime/bootstrap": "single",
	} {
		if out, exit := do(t, env, "read", env.Path(path)); out != want {
			t.Errorf("%s has %q (%v), want %q", path, out, exit, want)
		}
	}
	if !d.Capabilities().PrivateFilesystem {
		return
	}
	for _, path := range []string{"/opt/new", "/opt/in/layer.txt", "/var/task/new", "/var/runtime/bootstrap", "/new"} {
		if out, exit := do(t, env, "write", path, "x"); exit.Code == 0 {
			t.Errorf("%s can be written to: %q", path, out)
		}
	}
	spec.ID += "x"
	spec.Mounts = append(spec.Mounts, sandbox.Mount{Source: dir, Target: "/opt/not-in-the-layer"})
	if other, err := d.Create(t.Context(), spec); err == nil {
		destroy(t, other)
		t.Error("a mount on a place that an earlier mount does not have: no error")
	}
}

func (s *suite) ownTmp(t *testing.T) {
	d := s.open(t)
	first, second := create(t, d, s.spec()), create(t, d, s.spec())
	if _, exit := do(t, first, "write", first.Path("/tmp/mine"), "mine"); exit.Code != 0 {
		t.Fatalf("write to /tmp: %v", exit)
	}
	if out, _ := do(t, second, "list", second.Path("/tmp")); out != "" {
		t.Errorf("another environment's /tmp has %q, want nothing", out)
	}
	destroy(t, first)
	third := create(t, d, s.spec())
	if out, _ := do(t, third, "list", third.Path("/tmp")); out != "" {
		t.Errorf("the next environment's /tmp has %q, want nothing", out)
	}
}
