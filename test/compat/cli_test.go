package compat

import (
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

// TestTheAWSCommandLineWorks follows the AWS tutorial for functions made with the
// CLI, from the role to the deletion.
func TestTheAWSCommandLineWorks(t *testing.T) {
	t.Parallel()
	aws := findTool(t, "aws", func(path string) bool { return exec.Command(path, "--version").Run() == nil }, "/root/.pyenv/versions/*/bin/aws")
	h := up(t)
	dir := t.TempDir()
	writeZip(t, filepath.Join(dir, "function.zip"), "index.js",
		`exports.handler = async (event) => { console.log("seen", event.name); return { greeting: "Hello, " + event.name }; };`)
	if err := os.WriteFile(filepath.Join(dir, "event.json"), []byte(`{"name":"Ada"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) string {
		t.Helper()
		out, code := command(t, dir, environ(h, "AWS_PAGER="), aws, append(args, "--output", "text")...)
		if code != 0 {
			t.FailNow()
		}
		return strings.TrimSpace(out)
	}

	if got := run("sts", "get-caller-identity", "--query", "Account"); got != "000000000000" {
		t.Errorf("account %q", got)
	}
	role := run("iam", "create-role", "--role-name", "lambda-ex", "--assume-role-policy-document", trust, "--query", "Role.Arn")
	run("iam", "attach-role-policy", "--role-name", "lambda-ex", "--policy-arn", "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")
	run("lambda", "create-function", "--function-name", "my-function", "--zip-file", "fileb://function.zip",
		"--handler", "index.handler", "--runtime", node, "--role", role)
	run("lambda", "wait", "function-active-v2", "--function-name", "my-function")

	tail := run("lambda", "invoke", "--function-name", "my-function", "--payload", "fileb://event.json", "--log-type", "Tail", "--query", "LogResult", "out.json")
	out, err := os.ReadFile(filepath.Join(dir, "out.json"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(out), `{"greeting":"Hello, Ada"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	log, err := base64.StdEncoding.DecodeString(tail)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"START RequestId: ", "seen Ada", "END RequestId: ", "REPORT RequestId: ", "Init Duration: "} {
		if !strings.Contains(string(log), want) {
			t.Errorf("the log tail has no %q:\n%s", want, log)
		}
	}
	if got := run("logs", "filter-log-events", "--log-group-name", "/aws/lambda/my-function", "--filter-pattern", "seen", "--query", "events[].message"); !strings.Contains(got, "seen Ada") {
		t.Errorf("the logs have %q", got)
	}
	if got := run("logs", "describe-log-streams", "--log-group-name", "/aws/lambda/my-function", "--query", "logStreams[0].logStreamName"); !strings.Contains(got, "[$LATEST]") {
		t.Errorf("log stream %q", got)
	}
	if got := run("lambda", "list-functions", "--query", "Functions[].FunctionName"); got != "my-function" {
		t.Errorf("functions %q", got)
	}
	run("lambda", "update-function-configuration", "--function-name", "my-function", "--memory-size", "256")
	run("lambda", "wait", "function-updated-v2", "--function-name", "my-function")
	if got := run("lambda", "get-function", "--function-name", "my-function", "--query", "Configuration.MemorySize"); got != "256" {
		t.Errorf("memory %q", got)
	}
	run("lambda", "delete-function", "--function-name", "my-function")
	if _, code := command(t, dir, environ(h), aws, "lambda", "get-function", "--function-name", "my-function"); code == 0 {
		t.Error("the function is still there")
	}
}
