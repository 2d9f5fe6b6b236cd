package compat

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/harness"
)

// mirror is where a machine without internet has Terraform's providers.
const mirror = "/opt/tf-plugins"

// The exit codes of `terraform plan -detailed-exitcode`.
const (
	planEmpty   = 0
	planChanges = 2
)

// TestTerraformAppliesPlansEmptyChangesAndDestroys holds what matters to users of
// Terraform: after an apply there is nothing left to change.
func TestTerraformAppliesPlansEmptyChangesAndDestroys(t *testing.T) {
	terraform := findTool(t, "terraform", func(path string) bool { return exec.Command(path, "version").Run() == nil })
	if _, err := os.Stat(mirror); err != nil {
		t.Skipf("the AWS provider is taken from %s, which this machine does not have", mirror)
	}
	h := up(t)
	dir := t.TempDir()
	text, err := os.ReadFile("testdata/terraform/main.tf")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "main.tf"), text, 0o644)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "cli.tfrc"), []byte(`provider_installation {
  filesystem_mirror {
    path = "`+mirror+`"
  }
}
`), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	writeZip(t, filepath.Join(dir, "function.zip"), "index.js", `exports.handler = async () => process.env.GREETING`)
	env := environ(h, "TF_CLI_CONFIG_FILE="+filepath.Join(dir, "cli.tfrc"), "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1")
	tf := func(want int, args ...string) {
		t.Helper()
		if out, code := command(t, dir, env, terraform, args...); code != want {
			t.Fatalf("terraform %v: exit code %d, want %d\n%s", args, code, want, out)
		}
	}
	c := lambda.NewFromConfig(h.AWS())
	memory := func() int32 {
		t.Helper()
		conf, err := c.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: aws.String("terraform")})
		if err != nil {
			t.Fatal(err)
		}
		return aws.ToInt32(conf.MemorySize)
	}

	tf(0, "init", "-input=false", "-no-color")
	tf(0, "apply", "-auto-approve", "-input=false", "-no-color")
	tf(planEmpty, "plan", "-detailed-exitcode", "-input=false", "-no-color")
	a, err := harness.Invoke(t.Context(), c, "terraform", `{}`)
	if err != nil || a.Payload != `"Hello"` {
		t.Errorf("invoke: got %s %v", a.Payload, err)
	}

	tf(planChanges, "plan", "-detailed-exitcode", "-input=false", "-no-color", "-var=memory=256")
	tf(0, "apply", "-auto-approve", "-input=false", "-no-color", "-var=memory=256")
	tf(planEmpty, "plan", "-detailed-exitcode", "-input=false", "-no-color", "-var=memory=256")
	if got := memory(); got != 256 {
		t.Errorf("memory %d after the change, want 256", got)
	}

	tf(0, "destroy", "-auto-approve", "-input=false", "-no-color")
	_, err = c.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String("terraform")})
	if _, absent := errors.AsType[*types.ResourceNotFoundException](err); !absent {
		t.Errorf("after destroy: got %v, want no function", err)
	}
}
