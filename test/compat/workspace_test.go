package compat

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"testing"

	"github.com/hearthfaas/hearth/internal/harness"
)

// providers tells Terraform to take the provider from the mirror and to run it as it is:
// otherwise each command hashes its 700 MB first, a fifth of what a plan takes.
func providers(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(mirror, "registry.terraform.io/hashicorp/aws/*", goruntime.GOOS+"_"+goruntime.GOARCH))
	if err != nil || len(found) == 0 {
		t.Skipf("the AWS provider is taken from %s, which this machine does not have", mirror)
	}
	return fmt.Sprintf("provider_installation {\n  dev_overrides {\n    \"hashicorp/aws\" = %q\n  }\n  filesystem_mirror {\n    path = %q\n  }\n}\n", found[len(found)-1], mirror)
}

// workspaceOf starts a Hearth and makes a workspace for it. The test runs beside others
// from here on, as Terraform mostly waits.
func workspaceOf(t *testing.T, configuration string) (h *harness.Hearth, dir string, run func(want int, args ...string) string) {
	t.Helper()
	t.Parallel()
	h = up(t)
	dir, run = workspaceFor(t, h, configuration)
	return h, dir, run
}

// workspaceFor makes a directory with one configuration. run runs Terraform there, wants
// its exit code and returns what it printed. The test is skipped where there is no
// Terraform or no provider.
func workspaceFor(t *testing.T, h *harness.Hearth, configuration string) (dir string, run func(want int, args ...string) string) {
	t.Helper()
	terraform := findTool(t, "terraform", func(path string) bool { return exec.Command(path, "version").Run() == nil })
	installation := providers(t)
	dir = t.TempDir()
	text, err := os.ReadFile(configuration)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "main.tf"), text, 0o644)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "cli.tfrc"), []byte(installation), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	env := environ(h, "TF_CLI_CONFIG_FILE="+filepath.Join(dir, "cli.tfrc"), "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1")
	return dir, func(want int, args ...string) string {
		t.Helper()
		out, code := command(t, dir, env, terraform, args...)
		if code != want {
			t.Fatalf("terraform %v: exit code %d, want %d\n%s", args, code, want, out)
		}
		return strings.TrimSpace(out)
	}
}
