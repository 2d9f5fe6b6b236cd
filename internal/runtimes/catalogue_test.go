package runtimes

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// fakeInterpreter writes a program that is no script; it is never run in tests
// whose version comes from its place.
func fakeInterpreter(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("\x7fELF"), 0o755); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, home string) *Catalogue {
	t.Helper()
	c, err := New(Config{Dir: t.TempDir(), Home: home})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestInterpretersOfVersionManagers(t *testing.T) {
	home := t.TempDir()
	for _, path := range []string{
		".nvm/versions/node/v18.9.0/bin/node", ".nvm/versions/node/v18.10.1/bin/node",
		".pyenv/versions/3.14.2/bin/python3.14", ".pyenv/versions/3.1.4/bin/python3.1",
	} {
		fakeInterpreter(t, filepath.Join(home, path))
	}
	// A shim is a script under the interpreter's name.
	shim := filepath.Join(home, ".local/share/uv/python/cpython-3.14.9-linux/bin/python3.14")
	fakeInterpreter(t, shim)
	if err := os.WriteFile(shim, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	c := open(t, home)
	for name, want := range map[string]string{"nodejs18.x": "18.10.1", "python3.14": "3.14.2"} {
		e, _ := lookup(name)
		it, err := c.interpreter(t.Context(), e)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if it.version != want {
			t.Errorf("%s: got %s, want %s", name, it.version, want)
		}
	}
}

func TestInterpretersThatGoAwayAreMissed(t *testing.T) {
	home := t.TempDir()
	path := filepath.Join(home, ".nvm/versions/node/v18.9.0/bin/node")
	fakeInterpreter(t, path)
	c := open(t, home)
	e, _ := lookup("nodejs18.x")
	if _, err := c.interpreter(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	_, err := c.interpreter(t.Context(), e)
	var missing *Unavailable
	if !errors.As(err, &missing) || missing.Remedy != "hearth runtimes install nodejs18.x" {
		t.Errorf("got %v", err)
	}
}

func TestPlanOfManagedRuntimes(t *testing.T) {
	home := t.TempDir()
	prefix := filepath.Join(home, ".nvm/versions/node/v18.9.0")
	fakeInterpreter(t, filepath.Join(prefix, "bin/node"))
	c := open(t, home)
	v := &lambda.Version{
		Function: lambda.FunctionID{Region: "eu-west-1"}, Runtime: "nodejs18.x", Handler: "index.handler", MemoryMB: 1000,
	}
	p, err := c.Plan(t.Context(), v, Trees{Code: "/code"})
	if err != nil {
		t.Fatal(err)
	}
	if p.Path != "/var/lang/bin/node" || !p.Private || p.Dir != "/var/task" {
		t.Errorf("got %+v", p)
	}
	if want := []string{"--max-old-space-size=900", "--max-semi-space-size=50", "/var/runtime/bootstrap.cjs"}; !slices.Equal(p.Args, want) {
		t.Errorf("arguments %q, want %q", p.Args, want)
	}
	if m := p.Mounts[0]; m.Source != "/code" || m.Target != "/var/task" {
		t.Errorf("got %+v", m)
	}
	if m := p.Mounts[2]; m.Source != prefix || m.Target != "/var/lang" {
		t.Errorf("got %+v", m)
	}
	if !slices.Contains(p.Env, "AWS_EXECUTION_ENV=AWS_Lambda_nodejs18.x") || slices.ContainsFunc(p.Env, func(kv string) bool {
		return strings.HasPrefix(kv, "NODE_EXTRA_CA_CERTS=")
	}) {
		t.Errorf("variables %q", p.Env)
	}
	if p.RuntimeVersion != "nodejs:18.v9" || !strings.HasPrefix(p.RuntimeVersionARN, "arn:aws:lambda:eu-west-1::runtime:") {
		t.Errorf("got %s %s", p.RuntimeVersion, p.RuntimeVersionARN)
	}
	if _, err := os.Stat(filepath.Join(p.Mounts[1].Source, "bootstrap.cjs")); err != nil {
		t.Error(err)
	}
}

func TestPlanOfProvidedRuntimes(t *testing.T) {
	c := open(t, "")
	v := &lambda.Version{Runtime: "provided.al2023"}
	code := t.TempDir()
	_, err := c.Plan(t.Context(), v, Trees{Code: code})
	var missing *EntrypointError
	if !errors.As(err, &missing) || missing.Type != "Runtime.InvalidEntrypoint" ||
		missing.Message != "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]" {
		t.Errorf("without a bootstrap: got %v", err)
	}
	fakeInterpreter(t, filepath.Join(code, "bootstrap"))
	p, err := c.Plan(t.Context(), v, Trees{Code: code})
	if err != nil || p.Path != "/var/task/bootstrap" || p.Private {
		t.Errorf("got %+v, %v", p, err)
	}
	for _, kv := range p.Env {
		if strings.HasPrefix(kv, "AWS_EXECUTION_ENV=") {
			t.Errorf("a custom runtime has %s", kv)
		}
	}
}

func TestPlanOfUnknownRuntimes(t *testing.T) {
	c := open(t, "")
	_, err := c.Plan(t.Context(), &lambda.Version{Runtime: "cobol85"}, Trees{Code: "/code"})
	var missing *Unavailable
	if !errors.As(err, &missing) || c.Known("cobol85") || !c.Known("python3.13") {
		t.Errorf("got %v", err)
	}
}

func TestVersionsAreRemembered(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "cache", "interpreters.json")
	path := filepath.Join(dir, "python3.14")
	if err := os.WriteFile(path, []byte("#!/bin/sh\necho Python 3.14.5\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	it := &interpreter{path: path, modTime: st.ModTime(), size: st.Size()}
	if got, err := (&versionCache{file: file}).of(t.Context(), it); got != "3.14.5" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if got, err := (&versionCache{file: file}).of(t.Context(), it); got != "3.14.5" || err != nil {
		t.Errorf("from the file: got %q, %v", got, err)
	}
	it.size++
	if _, err := (&versionCache{file: file}).of(t.Context(), it); err == nil {
		t.Error("another file of that name got the old version")
	}
}

func TestBootstrapsAreReadableToAll(t *testing.T) {
	dir := t.TempDir()
	first, err := writeBootstraps(dir)
	if err != nil {
		t.Fatal(err)
	}
	again, err := writeBootstraps(dir)
	if err != nil || again != first {
		t.Errorf("the second time: %s, %v", again, err)
	}
	for name, mode := range map[string]os.FileMode{
		".": 0o005, "node": 0o005, "node/bootstrap.cjs": 0o004, "python/hearth_runtime/__init__.py": 0o004, "python/sdk": 0o005,
	} {
		st, err := os.Stat(filepath.Join(first, name))
		if err != nil || st.Mode()&mode != mode {
			t.Errorf("%s: %v, %v", name, st, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "bootstrap", ".new-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestCompareVersions(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"18.9.0", "18.10.0", -1}, {"3.11.7", "3.11.7", 0}, {"3.11", "3.11.1", -1}, {"20.1", "3.9", 1}} {
		if got := compareVersions(c.a, c.b); got != c.want {
			t.Errorf("%s and %s: got %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
