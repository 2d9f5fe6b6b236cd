package restapi

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
)

// FuzzPatch holds that no path and value of an operation ends in a panic, and that an
// operation on one thing leaves the name alone.
func FuzzPatch(f *testing.F) {
	f.Add("replace", "/description", "x")
	f.Add("add", "/binaryMediaTypes/image~1png", "")
	f.Add("replace", "/*/*/throttling/rateLimit", "1")
	f.Add("remove", "/endpointConfiguration/types/0", "")
	f.Add("replace", "/throttle/rateLimit", "1e9")
	f.Add("add", "/apiStages", "a:b")
	f.Add("replace", "/apiStages/a:b/throttle/~1x/GET/burstLimit", "3")
	f.Fuzz(func(t *testing.T, op, path, value string) {
		ops := []types.PatchOperation{{Op: types.Op(op), Path: &path, Value: &value}}
		name := "name"
		api := types.RestApi{Name: &name, EndpointConfiguration: &types.EndpointConfiguration{}}
		if patch(&api, ops, patchEndpoint(&api)) == nil && path == "/description" && *api.Name != "name" {
			t.Errorf("the name is %q", *api.Name)
		}
		stage := types.Stage{MethodSettings: map[string]types.MethodSetting{"*/*": {}}}
		_ = patch(&stage, ops, patchStage(&stage))
		plan := types.UsagePlan{ApiStages: []types.ApiStage{{ApiId: &name, Stage: &name}}}
		_ = patch(&plan, ops, patchPlan(&plan))
		method := types.Method{RequestParameters: map[string]bool{"a": true}}
		_ = patch(&method, ops, nil)
	})
}
