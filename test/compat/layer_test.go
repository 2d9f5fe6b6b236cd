package compat

import (
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// TestTerraformKeepsLayersAndFunctionURLs holds what matters to users of Terraform:
// after an apply, and after a change, there is nothing left to change.
func TestTerraformKeepsLayersAndFunctionURLs(t *testing.T) {
	h, dir, tf := workspaceOf(t, "testdata/terraform-layers/main.tf")
	writeZip(t, filepath.Join(dir, "function.zip"), "index.js", `exports.handler = async () => require('greet')`)
	writeZip(t, filepath.Join(dir, "layer.zip"), "nodejs/node_modules/greet/index.js", `module.exports = 'Hello'`)
	c := lambda.NewFromConfig(h.AWS())
	layer := func() string {
		t.Helper()
		conf, err := c.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: aws.String("layers")})
		if err != nil {
			t.Fatal(err)
		}
		if len(conf.Layers) != 1 {
			t.Fatalf("the function has %d layers", len(conf.Layers))
		}
		return aws.ToString(conf.Layers[0].Arn)
	}

	tf(0, "init", "-input=false", "-no-color")
	tf(0, "apply", "-auto-approve", "-input=false", "-no-color")
	tf(planEmpty, "plan", "-detailed-exitcode", "-input=false", "-no-color")
	out, err := c.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("layers")})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(out.Payload), `"Hello"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	first := layer()
	// A layer version never changes, so Terraform makes another and deletes this one.
	tf(planChanges, "plan", "-detailed-exitcode", "-input=false", "-no-color", "-var=stage=second")
	tf(0, "apply", "-auto-approve", "-input=false", "-no-color", "-var=stage=second")
	tf(planEmpty, "plan", "-detailed-exitcode", "-input=false", "-no-color", "-var=stage=second")
	if second := layer(); second == first {
		t.Errorf("the function still has %s", first)
	}
	tf(0, "destroy", "-auto-approve", "-input=false", "-no-color", "-var=stage=second")
	left, err := c.ListLayers(t.Context(), &lambda.ListLayersInput{})
	if err != nil || len(left.Layers) != 0 {
		t.Errorf("left after destroy: %v, %v", left.Layers, err)
	}
}
