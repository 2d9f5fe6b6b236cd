package compat

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func TestAPIWholePoliciesOnTheWire(t *testing.T) {
	a := serve(t)
	a.function("f")
	arn := new(apiPrefix + "function:f")
	policy := `{"Version":"2012-10-17","Statement":[{"Sid":"s","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"` + *arn + `"}]}`
	escaped := strings.ReplaceAll(policy, `"`, `\"`)
	shows(t, a.do(&lambda.PutResourcePolicyInput{ResourceArn: arn, Policy: &policy}), 200, `{"Policy":"`+escaped+`","RevisionId":"*"}`)
	shows(t, a.do(&lambda.GetResourcePolicyInput{ResourceArn: arn}), 200, `{"Policy":"`+escaped+`","RevisionId":"*"}`)
	shows(t, a.do(&lambda.GetPolicyInput{FunctionName: new("f")}), 200, `{"Policy":"`+escaped+`","RevisionId":"*"}`)
	if got := a.do(&lambda.DeleteResourcePolicyInput{ResourceArn: arn}); got.status != 204 {
		t.Errorf("delete: %d", got.status)
	}
	if err := a.call(&lambda.GetResourcePolicyInput{ResourceArn: arn}); err == nil || a.wire.answer().status != 404 {
		t.Errorf("a policy that was deleted: %v", err)
	}
}

func TestAPIProvisionedConcurrencyOnTheWire(t *testing.T) {
	a := serve(t)
	a.function("f")
	a.do(&lambda.PublishVersionInput{FunctionName: new("f")})
	f, one := new("f"), new("1")
	shows(t, a.do(&lambda.PutProvisionedConcurrencyConfigInput{FunctionName: f, Qualifier: one, ProvisionedConcurrentExecutions: new(int32(1))}), 202,
		`{"RequestedProvisionedConcurrentExecutions":1,"AllocatedProvisionedConcurrentExecutions":0,"AvailableProvisionedConcurrentExecutions":0,"Status":"IN_PROGRESS","LastModified":"*"}`)
	if err := a.call(&lambda.PutProvisionedConcurrencyConfigInput{FunctionName: f, Qualifier: one, ProvisionedConcurrentExecutions: new(int32(0))}); err == nil || a.wire.answer().status != 400 {
		t.Errorf("none provisioned: %v", err)
	}
	if got := a.do(&lambda.ListProvisionedConcurrencyConfigsInput{FunctionName: f}); got.status != 200 || !strings.Contains(got.body, apiPrefix+"function:f:1") {
		t.Errorf("list: %d %s", got.status, got.body)
	}
	if got := a.do(&lambda.DeleteProvisionedConcurrencyConfigInput{FunctionName: f, Qualifier: one}); got.status != 204 {
		t.Errorf("delete: %d", got.status)
	}
	if err := a.call(&lambda.GetProvisionedConcurrencyConfigInput{FunctionName: f, Qualifier: one}); err == nil || a.wire.answer().status != 404 {
		t.Errorf("after the deletion: %v", err)
	}
	shows(t, a.wire.answer(), 404, `{"Type":"User","message":"No Provisioned Concurrency Config found for this function"}`)
}

func TestAPIScalingConfigsOnTheWire(t *testing.T) {
	a := serve(t)
	a.function("f")
	a.do(&lambda.PublishVersionInput{FunctionName: new("f")})
	f, q := new("f"), new("$LATEST.PUBLISHED")
	shows(t, a.do(&lambda.PutFunctionScalingConfigInput{FunctionName: f, Qualifier: q, FunctionScalingConfig: &types.FunctionScalingConfig{MaxExecutionEnvironments: new(int32(3))}}), 202, `{"FunctionState":"Active"}`)
	shows(t, a.do(&lambda.GetFunctionScalingConfigInput{FunctionName: f, Qualifier: q}), 200,
		`{"FunctionArn":"`+apiPrefix+`function:f:$LATEST.PUBLISHED","RequestedFunctionScalingConfig":{"MaxExecutionEnvironments":3}}`)
}

func TestAPIWhatIsNotAvailableOnTheWire(t *testing.T) {
	a := serve(t)
	a.function("f")
	execution := new(apiPrefix + "function:f:1/durable-execution/name/id")
	for _, tt := range []struct {
		in     any
		status int
		body   string
	}{
		{&lambda.GetDurableExecutionInput{DurableExecutionArn: execution}, 404, `{"Type":"User","Message":"Durable execution not found: ` + *execution + `"}`},
		{&lambda.StopDurableExecutionInput{DurableExecutionArn: execution}, 404, `{"Type":"User","Message":"Durable execution not found: ` + *execution + `"}`},
		{&lambda.SendDurableExecutionCallbackHeartbeatInput{CallbackId: new("abcd")}, 404, `{"Type":"User","Message":"Callback not found."}`},
		{&lambda.GetCapacityProviderInput{CapacityProviderName: new("c")}, 404, `{"Type":"User","Message":"Capacity provider not found: ` + apiPrefix + `capacity-provider:c"}`},
	} {
		if err := a.call(tt.in); err == nil {
			t.Errorf("%T succeeded", tt.in)
			continue
		}
		shows(t, a.wire.answer(), tt.status, tt.body)
	}
	shows(t, a.do(&lambda.ListCapacityProvidersInput{}), 200, `{"CapacityProviders":[]}`)
	shows(t, a.do(&lambda.ListDurableExecutionsByFunctionInput{FunctionName: new("f")}), 200, `{"DurableExecutions":[]}`)
}
