package compat

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestS3WithBoto3 runs testdata/s3_check.py, which asserts for itself.
func TestS3WithBoto3(t *testing.T) {
	python := findTool(t, "python3 with boto3", func(path string) bool { return exec.Command(path, "-c", "import boto3").Run() == nil },
		"/root/.pyenv/versions/*/bin/python3", "/usr/bin/python3", "/usr/local/bin/python3")
	h := up(t)
	script, err := filepath.Abs("testdata/s3_check.py")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if out, code := command(t, dir, environ(h), python, script, dir); code != 0 || !strings.Contains(out, "all checks passed") {
		t.Errorf("exit code %d", code)
	}
}

// TestS3SyncWithTheCLI syncs a small tree there and back, twice: the second time
// there is nothing left to do.
func TestS3SyncWithTheCLI(t *testing.T) {
	cli := findTool(t, "aws", func(path string) bool { return exec.Command(path, "--version").Run() == nil },
		"/root/.pyenv/versions/*/bin/aws")
	h := up(t)
	dir := t.TempDir()
	tree := map[string]string{"a.txt": "a", "dir/b.json": `{"b":1}`, "dir/deep er/ü.bin": strings.Repeat("x", 100_000), "empty": ""}
	for name, text := range tree {
		path := filepath.Join(dir, "from", name)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if err == nil {
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	aws := func(args ...string) string {
		t.Helper()
		out, code := command(t, dir, environ(h), cli, args...)
		if code != 0 {
			t.Fatalf("aws %v: exit code %d", args, code)
		}
		return out
	}
	aws("s3", "mb", "s3://synced")
	aws("s3", "sync", "--no-progress", "from", "s3://synced/tree")
	if out := aws("s3", "sync", "--no-progress", "from", "s3://synced/tree"); out != "" {
		t.Errorf("the second sync still did something:\n%s", out)
	}
	aws("s3", "sync", "--no-progress", "s3://synced/tree", "to")
	for name, want := range tree {
		if got, err := os.ReadFile(filepath.Join(dir, "to", name)); err != nil || string(got) != want {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	if out := aws("s3", "ls", "--recursive", "s3://synced"); strings.Count(out, "\n") != len(tree) {
		t.Errorf("ls:\n%s", out)
	}
	aws("s3", "rb", "--force", "s3://synced")
}

// TestS3WithTerraform holds what matters to users of Terraform: after an apply
// there is nothing left to change, and destroy leaves nothing.
func TestS3WithTerraform(t *testing.T) {
	terraform := findTool(t, "terraform", func(path string) bool { return exec.Command(path, "version").Run() == nil })
	if _, err := os.Stat(mirror); err != nil {
		t.Skipf("the AWS provider is taken from %s, which this machine does not have", mirror)
	}
	h := up(t)
	dir := t.TempDir()
	text, err := os.ReadFile("testdata/terraform-s3.tf")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "main.tf"), text, 0o644)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "cli.tfrc"), []byte("provider_installation {\n  filesystem_mirror {\n    path = \""+mirror+"\"\n  }\n}\n"), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	env := environ(h, "TF_CLI_CONFIG_FILE="+filepath.Join(dir, "cli.tfrc"), "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1")
	tf := func(want int, args ...string) {
		t.Helper()
		if out, code := command(t, dir, env, terraform, args...); code != want {
			t.Fatalf("terraform %v: exit code %d, want %d\n%s", args, code, want, out)
		}
	}
	tf(0, "init", "-input=false", "-no-color")
	tf(0, "apply", "-auto-approve", "-input=false", "-no-color")
	tf(planEmpty, "plan", "-detailed-exitcode", "-input=false", "-no-color")
	tf(planChanges, "plan", "-detailed-exitcode", "-input=false", "-no-color", "-var=text=second")
	tf(0, "apply", "-auto-approve", "-input=false", "-no-color", "-var=text=second")
	tf(planEmpty, "plan", "-detailed-exitcode", "-input=false", "-no-color", "-var=text=second")
	tf(0, "destroy", "-auto-approve", "-input=false", "-no-color")
}
