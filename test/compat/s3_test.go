package compat

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// TestS3WithBoto3 runs testdata/s3_check.py, which asserts for itself.
func TestS3WithBoto3(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
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

const (
	// syncFiles is a tree that takes several pages of a listing: 1,000 names are one.
	syncFiles = 5000
	// syncLarge is the size of one of them: more than either client sends in one piece.
	syncLarge = 9 << 20
)

// TestS3SyncOfALargeTree syncs 5,000 files there and back with aws s3 and with rclone,
// each also what the other brought: then nothing differs, and there is nothing left
// to do. Clients that have nothing to do with each other run at once.
func TestS3SyncOfALargeTree(t *testing.T) {
	t.Parallel()
	cli := findTool(t, "aws", func(path string) bool { return exec.Command(path, "--version").Run() == nil },
		"/root/.pyenv/versions/*/bin/aws")
	rclone := findTool(t, "rclone", func(path string) bool { return exec.Command(path, "version").Run() == nil })
	h := up(t)
	dir := t.TempDir()
	tree(t, filepath.Join(dir, "from"), syncFiles)
	err := os.WriteFile(filepath.Join(dir, "from/0/4/file 35.txt"), noise(1, syncLarge), 0o644)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "rclone.conf"), nil, 0o644) // without it, it says that there is none
	}
	if err != nil {
		t.Fatal(err)
	}
	env := environ(h, "RCLONE_CONFIG="+filepath.Join(dir, "rclone.conf"), "RCLONE_CONFIG_H_TYPE=s3", "RCLONE_CONFIG_H_PROVIDER=Minio", // as for AWS, with the bucket in the path
		"RCLONE_CONFIG_H_ENDPOINT="+h.Endpoint, "RCLONE_CONFIG_H_REGION=us-east-1", "RCLONE_CONFIG_H_ENV_AUTH=true",
		"RCLONE_CONFIG_H_UPLOAD_CUTOFF=5Mi", "RCLONE_CHECKERS=16", "RCLONE_TRANSFERS=16",
		"RCLONE_RETRIES=1", "RCLONE_LOW_LEVEL_RETRIES=1")
	// run wants a number of lines, one for each thing done; any when it is negative.
	run := func(lines int, name string, args ...string) func() error {
		return func() error {
			start := time.Now()
			cmd := exec.CommandContext(t.Context(), name, args...)
			cmd.Dir, cmd.Env = dir, env
			out, err := cmd.CombinedOutput()
			t.Logf("%s %v: %s", filepath.Base(name), args, time.Since(start).Round(10*time.Millisecond))
			if n := strings.Count(string(out), "\n"); err != nil || lines >= 0 && n != lines {
				return fmt.Errorf("%s %v: %d lines, want %d, %w\n%s", name, args, n, lines, err, out[:min(len(out), 4096)])
			}
			return nil
		}
	}
	together := func(all ...func() error) {
		t.Helper()
		var g errgroup.Group
		for _, one := range all {
			g.Go(one)
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	sync := func(lines int, from, to string) func() error {
		return run(lines, cli, "s3", "sync", "--no-progress", "--delete", from, to)
	}
	together(run(1, cli, "s3", "mb", "s3://large"))
	together(run(0, rclone, "sync", "from", "h:large/rclone"))
	together(sync(syncFiles, "from", "s3://large/aws"), sync(syncFiles, "s3://large/rclone", "from-rclone"))
	together(
		sync(0, "from", "s3://large/aws"), sync(0, "s3://large/rclone", "from-rclone"),
		run(0, rclone, "sync", "h:large/aws", "from-aws"), run(-1, rclone, "check", "from", "h:large/rclone"),
	)
	together(run(-1, rclone, "check", "from-rclone", "h:large/aws"), run(-1, rclone, "check", "h:large/rclone", "h:large/aws"))
	for _, back := range []string{"from-aws", "from-rclone"} {
		sameTree(t, filepath.Join(dir, "from"), filepath.Join(dir, back))
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
