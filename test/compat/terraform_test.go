package compat

import (
	"errors"
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
	h, dir, tf := workspaceOf(t, "testdata/terraform/main.tf")
	writeZip(t, filepath.Join(dir, "function.zip"), "index.js", `exports.handler = async () => process.env.GREETING`)
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
