package runtimes

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/sandbox"
)

// planPython runs Hearth's bootstrap for Python.
func (c *Catalogue) planPython(ctx context.Context, e entry, v *lambda.Version, codeDir string) (Plan, error) {
	it, err := c.interpreter(ctx, e)
	if err != nil {
		return Plan{}, err
	}
	boot, err := c.bootstraps()
	if err != nil {
		return Plan{}, err
	}
	dir := filepath.Join(boot, "python")
	c.compile(ctx, it, dir)
	p := Plan{
		Mounts: []sandbox.Mount{
			{Source: codeDir, Target: taskDir},
			{Source: dir, Target: runtimeDir},
		},
		Path: it.path,
		// -S keeps the host's site-packages out of the function's sight and -B keeps
		// compiled files out of its package; both also save time.
		Args:    []string{"-S", "-B", runtimeDir + "/bootstrap.py"},
		Dir:     taskDir,
		Env:     append(managedEnv(e), "PYTHONPATH=/var/runtime", "LC_CTYPE=C.UTF-8"),
		Private: true,
	}
	if prefix, own := it.prefix(); own {
		p.Mounts = append(p.Mounts, sandbox.Mount{Source: prefix, Target: langDir})
		p.Path = langDir + "/bin/" + filepath.Base(it.path)
		if lib := filepath.Join(prefix, "lib"); hasSharedLibrary(lib) {
			// Such an interpreter looks for its library where it was installed, unless
			// LD_LIBRARY_PATH says otherwise, and that is the customer's to set.
			p.Mounts = append(p.Mounts, sandbox.Mount{Source: lib, Target: lib})
		}
	}
	if sdk := c.sdkDir(python); isDir(sdk) {
		p.Mounts = append(p.Mounts, sandbox.Mount{Source: sdk, Target: runtimeDir + "/sdk"})
	}
	p.setVersion(v, "python:"+e.version, afterDots(it.version, 2), it.version, filepath.Base(boot))
	return p, nil
}

// hasSharedLibrary reports whether lib holds the interpreter as a shared library.
func hasSharedLibrary(lib string) bool {
	_, err := os.Stat(filepath.Join(lib, "libpython3.so"))
	return err == nil
}

// compile lets the interpreter compile the bootstrap once, because compiling it at
// every start would cost more than running it. A bootstrap that could not be
// compiled runs all the same.
func (c *Catalogue) compile(ctx context.Context, it *interpreter, dir string) {
	once, _ := c.compiling.LoadOrStore(it.path, sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), probeTimeout)
		defer cancel()
		cmd := exec.CommandContext(ctx, it.path, "-I", "-S", "-m", "compileall", "-q",
			"--invalidation-mode", "unchecked-hash", dir)
		cmd.Env = []string{"PATH=/usr/bin:/bin"}
		if out, err := cmd.CombinedOutput(); err != nil {
			c.cfg.Log.WarnContext(ctx, "the python bootstrap was not compiled",
				"interpreter", it.path, "error", err, "output", string(out))
		}
	}))
	once.(func())()
}
