package namespace_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/hearthfaas/hearth/internal/sandboxtest"
)

// Goal: the driver keeps its contract for a user without root, in both user namespaces
// that AsOwnRoot makes. The test program runs itself there.
func TestRootWithoutRootOfTheHost(t *testing.T) {
	needRoot(t)
	const user = 12345 // nobody's
	own := []syscall.SysProcIDMap{{ContainerID: 0, HostID: user, Size: 1}}
	spaces := map[string][]syscall.SysProcIDMap{
		"with one id":  own,
		"with a range": append(own[:1:1], syscall.SysProcIDMap{ContainerID: 1, HostID: 300_000, Size: 65_536}),
	}
	dir := t.TempDir()
	for _, pkg := range []string{"internal/sandbox/namespace/init", "internal/sandboxtest/payload"} {
		built := sandboxtest.Build(t, "github.com/hearthfaas/hearth/"+pkg)
		text, err := os.ReadFile(built)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(pkg)), text, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	program, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	self := filepath.Join(dir, "tests")
	if err := os.WriteFile(self, program, 0o755); err != nil {
		t.Fatal(err)
	}
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, ids := range spaces {
		t.Run(name, func(t *testing.T) {
			home := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
			if err := os.Mkdir(home, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Chown(home, user, user); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), self, "-test.v", "-test.run=^TestRoot(DriverKeepsTheContract|NothingEscapes|RuntimesWork)$")
			cmd.Dir = home
			cmd.Env = append(os.Environ(), "TMPDIR="+home, "HOME="+home, sandboxtest.BuiltVariable+"="+dir)
			cmd.SysProcAttr = &syscall.SysProcAttr{
				Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
				UidMappings: ids, GidMappings: ids, GidMappingsEnableSetgroups: len(ids) > 1,
				Credential: &syscall.Credential{NoSetGroups: true},
			}
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
			if !strings.Contains(string(out), "--- PASS: TestRootNothingEscapes") {
				t.Errorf("the tests did not run:\n%s", out)
			}
			t.Logf("%s", out)
		})
	}
}
