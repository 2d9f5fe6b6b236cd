package compat

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
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

// syncFiles is a tree that takes several pages of a listing: 1,000 names are one.
const syncFiles = 5000

// TestS3SyncOfALargeTree syncs 5,000 files there and back into another folder: then
// both sides are the same, and there is nothing left to do.
func TestS3SyncOfALargeTree(t *testing.T) {
	cli := findTool(t, "aws", func(path string) bool { return exec.Command(path, "--version").Run() == nil },
		"/root/.pyenv/versions/*/bin/aws")
	h := up(t)
	dir := t.TempDir()
	content := func(n int) string { return strings.Repeat(strconv.Itoa(n)+"\n", n%50) }
	name := func(n int) string { return fmt.Sprintf("%d/%d/file %d.txt", n%7, n%31, n) }
	for n := range syncFiles {
		path := filepath.Join(dir, "from", name(n))
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if err == nil {
			err = os.WriteFile(path, []byte(content(n)), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	aws := func(args ...string) string {
		t.Helper()
		// What it says of each file is thousands of lines.
		cmd := exec.CommandContext(t.Context(), cli, args...)
		cmd.Dir, cmd.Env = dir, environ(h)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("aws %v: %v\n%s", args, err, out[max(0, len(out)-4096):])
		}
		return string(out)
	}
	aws("s3", "mb", "s3://large")
	for _, pair := range [][2]string{{"from", "s3://large/tree"}, {"s3://large/tree", "to"}} {
		start := time.Now()
		if n := strings.Count(aws("s3", "sync", "--no-progress", pair[0], pair[1]), "\n"); n != syncFiles {
			t.Errorf("sync %s %s: %d lines, want one for each file", pair[0], pair[1], n)
		}
		t.Logf("sync %s %s: %d files in %s", pair[0], pair[1], syncFiles, time.Since(start).Round(10*time.Millisecond))
		if out := aws("s3", "sync", "--no-progress", "--delete", pair[0], pair[1]); out != "" {
			t.Errorf("sync %s %s a second time still did something:\n%s", pair[0], pair[1], out[:min(len(out), 4096)])
		}
	}
	back := 0
	err := filepath.WalkDir(filepath.Join(dir, "to"), func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			back++
		}
		return err
	})
	if err != nil || back != syncFiles {
		t.Errorf("%d files came back, %v", back, err)
	}
	for n := range syncFiles {
		if got, err := os.ReadFile(filepath.Join(dir, "to", name(n))); err != nil || string(got) != content(n) {
			t.Fatalf("%s: %d bytes, %v", name(n), len(got), err)
		}
	}
}

// TestS3WithTerraform holds what matters to users of Terraform: after an apply
// there is nothing left to change, and destroy leaves nothing.
func TestS3WithTerraform(t *testing.T) {
	_, _, tf := workspaceOf(t, "testdata/terraform-s3.tf")
	tf(0, "init", "-input=false", "-no-color")
	tf(0, "apply", "-auto-approve", "-input=false", "-no-color")
	tf(planEmpty, "plan", "-detailed-exitcode", "-input=false", "-no-color")
	tf(planChanges, "plan", "-detailed-exitcode", "-input=false", "-no-color", "-var=text=second")
	tf(0, "apply", "-auto-approve", "-input=false", "-no-color", "-var=text=second")
	tf(planEmpty, "plan", "-detailed-exitcode", "-input=false", "-no-color", "-var=text=second")
	tf(0, "destroy", "-auto-approve", "-input=false", "-no-color")
}
