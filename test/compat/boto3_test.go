package compat

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestBoto3Works runs testdata/boto3_check.py, which asserts for itself.
func TestBoto3Works(t *testing.T) {
	t.Parallel()
	python := findTool(t, "python3 with boto3", func(path string) bool { return exec.Command(path, "-c", "import boto3").Run() == nil },
		"/root/.pyenv/versions/*/bin/python3", "/usr/bin/python3", "/usr/local/bin/python3")
	h := up(t)
	dir := t.TempDir()
	writeZip(t, filepath.Join(dir, "function.zip"), "index.js", `
exports.handler = async (event) => {
  if (event.fail) throw new TypeError("asked to");
  console.log("seen", event.name);
  return { greeting: "Hello, " + event.name };
};`)
	script, err := filepath.Abs("testdata/boto3_check.py")
	if err != nil {
		t.Fatal(err)
	}
	out, code := command(t, dir, environ(h), python, script, "function.zip", node)
	if code != 0 || !strings.Contains(out, "all checks passed") {
		t.Errorf("exit code %d", code)
	}
}
