package compat

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hearthfaas/hearth/internal/harness"
)

// TestEveryWaiterAndPaginatorOfBoto3Ends runs testdata/paginators_check.py, which
// takes the list of both from boto3 and asserts for itself.
func TestEveryWaiterAndPaginatorOfBoto3Ends(t *testing.T) {
	t.Parallel()
	python := findTool(t, "python3 with boto3", func(path string) bool { return exec.Command(path, "-c", "import boto3").Run() == nil },
		"/root/.pyenv/versions/*/bin/python3", "/usr/bin/python3", "/usr/local/bin/python3")
	a := serve(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "function.zip"), bootstrapZip(t, "#!/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs("testdata/paginators_check.py")
	if err != nil {
		t.Fatal(err)
	}
	out, code := command(t, dir, environ(&harness.Hearth{Endpoint: a.endpoint}), python, script, "function.zip", a.role)
	if code != 0 || !strings.Contains(out, "all checks passed") {
		t.Errorf("exit code %d", code)
	}
}

// TestTheAWSCommandLineWaitsAndPages does the same with the CLI, whose waiters are
// commands.
func TestTheAWSCommandLineWaitsAndPages(t *testing.T) {
	t.Parallel()
	cli := findTool(t, "aws", func(path string) bool { return exec.Command(path, "--version").Run() == nil }, "/root/.pyenv/versions/*/bin/aws")
	a := serve(t)
	names := []string{"f0", "f1", "f2", "f3", "f4"}
	for _, name := range names {
		a.function(name)
	}
	a.publish("f0", "one")
	run := func(args ...string) []string {
		t.Helper()
		out, code := command(t, t.TempDir(), environ(&harness.Hearth{Endpoint: a.endpoint}, "AWS_PAGER="), cli, append(args, "--output", "text")...)
		if code != 0 {
			t.Fatalf("exit code %d", code)
		}
		return strings.Fields(out)
	}
	for _, waiter := range []string{"function-active", "function-active-v2", "function-exists", "function-updated", "function-updated-v2"} {
		run("lambda", "wait", waiter, "--function-name", "f0")
	}
	run("lambda", "wait", "published-version-active", "--function-name", "f0", "--qualifier", "1")
	if got := run("lambda", "list-functions", "--page-size", "2", "--query", "Functions[].FunctionName"); !slices.Equal(got, names) {
		t.Errorf("pages of 2: %v, want %v", got, names)
	}
	// The CLI's text output cannot show a token beside a list.
	out, code := command(t, t.TempDir(), environ(&harness.Hearth{Endpoint: a.endpoint}, "AWS_PAGER="), cli, "lambda", "list-functions", "--max-items", "3", "--output", "json")
	var first struct {
		Functions []struct{ FunctionName string }
		NextToken string
	}
	if err := json.Unmarshal([]byte(out), &first); err != nil || code != 0 || len(first.Functions) != 3 || first.NextToken == "" {
		t.Fatalf("at most 3: exit code %d, %v, %+v", code, err, first)
	}
	if got := run("lambda", "list-functions", "--starting-token", first.NextToken, "--query", "Functions[].FunctionName"); !slices.Equal(got, names[3:]) {
		t.Errorf("the rest: %v, want %v", got, names[3:])
	}
}
