package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestRootTheCommandLineDeploysInvokesFollowsAndRemoves runs the scripts in
// testdata against one Hearth.
func TestRootTheCommandLineDeploysInvokesFollowsAndRemoves(t *testing.T) {
	h := up(t, "")
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(t.TempDir(), "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path, filepath.Join(bin, "hearth")); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
			env.Setenv("HEARTH_ENDPOINT", h.Endpoint)
			env.Setenv("NODE", node)
			env.Setenv("HOME", env.WorkDir)
			return nil
		},
	})
}
