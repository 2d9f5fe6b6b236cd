package compat

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestBoto3ManagesIdentities runs testdata/iam_check.py, which asserts for itself.
func TestBoto3ManagesIdentities(t *testing.T) {
	t.Parallel()
	python := findTool(t, "python3 with boto3", func(path string) bool { return exec.Command(path, "-c", "import boto3").Run() == nil },
		"/root/.pyenv/versions/*/bin/python3", "/usr/bin/python3", "/usr/local/bin/python3")
	h := up(t)
	dir := t.TempDir()
	writeZip(t, filepath.Join(dir, "function.zip"), "index.js", `exports.handler = async () => "called"`)
	script, err := filepath.Abs("testdata/iam_check.py")
	if err != nil {
		t.Fatal(err)
	}
	out, code := command(t, dir, environ(h), python, script, "function.zip", node)
	if code != 0 || !strings.Contains(out, "all checks passed") {
		t.Errorf("exit code %d", code)
	}
}

// TestTheAWSCommandLineManagesIdentities gives a user a permission through a group, takes
// it away with a later version of the policy, and removes everything again.
func TestTheAWSCommandLineManagesIdentities(t *testing.T) {
	t.Parallel()
	aws := findTool(t, "aws", func(path string) bool { return exec.Command(path, "--version").Run() == nil }, "/root/.pyenv/versions/*/bin/aws")
	h := up(t)
	dir := t.TempDir()
	document := func(name, effect string) string {
		text := `{"Version":"2012-10-17","Statement":[{"Effect":"` + effect + `","Action":"lambda:List*","Resource":"*"}]}`
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return "file://" + name
	}
	as := func(env []string, args ...string) (string, int) {
		t.Helper()
		out, code := command(t, dir, env, aws, append(args, "--output", "text")...)
		return strings.TrimSpace(out), code
	}
	root := environ(h, "AWS_PAGER=", "AWS_MAX_ATTEMPTS=1")
	run := func(args ...string) string {
		t.Helper()
		out, code := as(root, args...)
		if code != 0 {
			t.FailNow()
		}
		return out
	}

	run("iam", "create-user", "--user-name", "ann")
	run("iam", "create-group", "--group-name", "readers")
	run("iam", "add-user-to-group", "--user-name", "ann", "--group-name", "readers")
	policy := run("iam", "create-policy", "--policy-name", "read", "--policy-document", document("allow.json", "Allow"), "--query", "Policy.Arn")
	key := strings.Fields(run("iam", "create-access-key", "--user-name", "ann", "--query", "AccessKey.[AccessKeyId,SecretAccessKey]"))
	if len(key) != 2 {
		t.Fatalf("the new key is %q", key)
	}
	ann := append(root, "AWS_ACCESS_KEY_ID="+key[0], "AWS_SECRET_ACCESS_KEY="+key[1])
	may := func(want bool, when string) {
		t.Helper()
		if _, code := as(ann, "lambda", "list-functions"); (code == 0) != want {
			t.Errorf("%s: exit code %d", when, code)
		}
	}
	may(false, "without a permission")
	run("iam", "attach-group-policy", "--group-name", "readers", "--policy-arn", policy)
	may(true, "with the group's")
	if got := run("iam", "create-policy-version", "--policy-arn", policy, "--policy-document", document("deny.json", "Deny"), "--set-as-default", "--query", "PolicyVersion.VersionId"); got != "v2" {
		t.Errorf("the new version is %q, want v2", got)
	}
	may(false, "after the version that denies")
	if got := run("iam", "simulate-principal-policy", "--policy-source-arn", "arn:aws:iam::000000000000:user/ann", "--action-names", "lambda:ListFunctions", "--query", "EvaluationResults[0].EvalDecision"); got != "explicitDeny" {
		t.Errorf("simulated: %q, want explicitDeny", got)
	}
	run("iam", "set-default-policy-version", "--policy-arn", policy, "--version-id", "v1")
	may(true, "with the first version again")

	run("iam", "delete-policy-version", "--policy-arn", policy, "--version-id", "v2")
	run("iam", "detach-group-policy", "--group-name", "readers", "--policy-arn", policy)
	run("iam", "delete-policy", "--policy-arn", policy)
	run("iam", "remove-user-from-group", "--user-name", "ann", "--group-name", "readers")
	run("iam", "delete-access-key", "--user-name", "ann", "--access-key-id", key[0])
	run("iam", "delete-user", "--user-name", "ann")
	run("iam", "delete-group", "--group-name", "readers")
	if got := run("iam", "get-account-summary", "--query", "SummaryMap.[Users,Groups,Policies]"); got != "0\t0\t0" {
		t.Errorf("left: %q", got)
	}
}
