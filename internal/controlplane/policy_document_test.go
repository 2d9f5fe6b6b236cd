package controlplane

import (
	"strings"
	"testing"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

const fullPolicy = `{"Version":"2012-10-17","Statement":[{"Sid":"d","Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":["lambda:InvokeFunction","lambda:GetFunction"],"Resource":"` + fARN + `"}]}`

func (h *harness) putPolicy(resource, policy string, revision *string) (*awslambda.PutResourcePolicyOutput, error) {
	return h.PutResourcePolicy(h.ctx, &awslambda.PutResourcePolicyInput{ResourceArn: &resource, Policy: &policy, RevisionId: revision})
}

func TestAWholePolicyIsThatOfAddPermission(t *testing.T) {
	h := start(t)
	h.create("f")
	first := must(h.putPolicy(fARN, fullPolicy, nil))
	if *first.Policy != fullPolicy {
		t.Errorf("put  %s\nwant %s", *first.Policy, fullPolicy)
	}
	if doc, ok := h.ResourcePolicy(fid("f"), ""); !ok || doc != fullPolicy {
		t.Errorf("an invoke is checked against %s", doc)
	}
	must(h.AddPermission(h.ctx, &awslambda.AddPermissionInput{FunctionName: new("f"), StatementId: new("s"), Action: new("lambda:InvokeFunction"), Principal: new("s3.amazonaws.com")}))
	got := must(h.GetResourcePolicy(h.ctx, &awslambda.GetResourcePolicyInput{ResourceArn: new(fARN)}))
	same := must(h.GetPolicy(h.ctx, &awslambda.GetPolicyInput{FunctionName: new("f")}))
	if *got.Policy != *same.Policy || *got.RevisionId != *same.RevisionId || !strings.Contains(*got.Policy, `"Sid":"s"`) || !strings.Contains(*got.Policy, `"NotPrincipal"`) {
		t.Errorf("whole %s\nand   %s", *got.Policy, *same.Policy)
	}
	_, err := h.putPolicy(fARN, fullPolicy, first.RevisionId)
	shows(t, err, "PreconditionFailedException: "+msgPolicyRevision)
	must(h.putPolicy(fARN, fullPolicy, got.RevisionId))
	must(h.RemovePermission(h.ctx, &awslambda.RemovePermissionInput{FunctionName: new("f"), StatementId: new("d")}))
	_, err = h.GetResourcePolicy(h.ctx, &awslambda.GetResourcePolicyInput{ResourceArn: new(fARN)})
	shows(t, err, "ResourceNotFoundException: The resource you requested does not exist.")
	_, err = h.DeleteResourcePolicy(h.ctx, &awslambda.DeleteResourcePolicyInput{ResourceArn: new(fARN)})
	shows(t, err, "ResourceNotFoundException: No policy is associated with the given resource.")
	must(h.putPolicy(fARN, fullPolicy, nil))
	must(h.DeleteResourcePolicy(h.ctx, &awslambda.DeleteResourcePolicyInput{ResourceArn: new(fARN)}))
	if _, ok := h.ResourcePolicy(fid("f"), ""); ok {
		t.Error("the policy is still there")
	}
}

func TestPutResourcePolicyRefuses(t *testing.T) {
	h := start(t)
	h.create("f")
	statement := func(s string) string { return `{"Version":"2012-10-17","Statement":[` + s + `]}` }
	const good = `{"Sid":"a","Effect":"Allow","Principal":"*","Action":"lambda:*","Resource":"` + fARN + `"}`
	for _, tt := range []struct{ name, resource, policy, want string }{
		{"no JSON", fARN, "{", "InvalidParameterValueException: The policy is not a valid JSON document."},
		{"no version", fARN, `{"Statement":[` + good + `]}`, "InvalidParameterValueException: The policy has an invalid Version: ."},
		{"no statement", fARN, statement(""), "InvalidParameterValueException: The policy has no valid Statement."},
		{"a statement twice", fARN, statement(good + "," + good), "InvalidParameterValueException: Statement IDs (SID) in a single policy must be unique: a."},
		{"nobody", fARN, statement(strings.Replace(good, `"Principal":"*",`, "", 1)), "InvalidParameterValueException: The policy has a statement that must have either Principal or NotPrincipal."},
		{"another effect", fARN, statement(strings.Replace(good, "Allow", "allow", 1)), "InvalidParameterValueException: The policy has a statement with an invalid Effect."},
		{"another resource", fARN, statement(strings.Replace(good, fARN, fARN+"x", 1)), "InvalidParameterValueException: The policy has a statement whose Resource is not " + fARN + "."},
		{"an operator that does not exist", fARN, statement(strings.Replace(good, "}", `,"Condition":{"StringAlmost":{"aws:SourceArn":"x"}}}`, 1)), "InvalidParameterValueException: The policy is not valid: Syntax errors in policy."},
		{"a missing function", fARN + "x", statement(strings.Replace(good, fARN, fARN+"x", 1)), "ResourceNotFoundException: Function not found: " + fARN + "x"},
		{"$LATEST", fARN + ":$LATEST", statement(good), "InvalidParameterValueException: We currently do not support adding policies for $LATEST."},
		{"too much", fARN, statement(strings.Replace(good, "lambda:*", "lambda:"+strings.Repeat("x", 20480-7), 1)), "PolicyLengthExceededException: The final policy size (20637) is bigger than the limit (20480)."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := h.putPolicy(tt.resource, tt.policy, nil)
			shows(t, err, tt.want)
		})
	}
}

func TestFunctionScalingConfig(t *testing.T) {
	h := start(t)
	h.create("f")
	h.publish("f")
	put := func(q string, c *types.FunctionScalingConfig) error {
		_, err := h.PutFunctionScalingConfig(h.ctx, &awslambda.PutFunctionScalingConfigInput{FunctionName: new("f"), Qualifier: &q, FunctionScalingConfig: c})
		return err
	}
	shows(t, put("1", &types.FunctionScalingConfig{MinExecutionEnvironments: new(int32(3)), MaxExecutionEnvironments: new(int32(2))}),
		"InvalidParameterValueException: MinExecutionEnvironments cannot be greater than MaxExecutionEnvironments.")
	shows(t, put("9", nil), "ResourceNotFoundException: Function not found: "+fARN+":9")
	shows(t, put("$LATEST.PUBLISHED", &types.FunctionScalingConfig{MaxExecutionEnvironments: new(int32(2))}), "")
	got := must(h.GetFunctionScalingConfig(h.ctx, &awslambda.GetFunctionScalingConfigInput{FunctionName: new("f"), Qualifier: new("$LATEST.PUBLISHED")}))
	if *got.FunctionArn != fARN+":$LATEST.PUBLISHED" || *got.RequestedFunctionScalingConfig.MaxExecutionEnvironments != 2 || got.AppliedFunctionScalingConfig != nil {
		t.Errorf("got %+v", got)
	}
	shows(t, put("$LATEST.PUBLISHED", nil), "")
	if got := must(h.GetFunctionScalingConfig(h.ctx, &awslambda.GetFunctionScalingConfigInput{FunctionName: new("f"), Qualifier: new("$LATEST.PUBLISHED")})); got.RequestedFunctionScalingConfig != nil {
		t.Errorf("taken away, yet %+v", got.RequestedFunctionScalingConfig)
	}
}

func TestWhatIsNotAvailableAnswersAsMissing(t *testing.T) {
	h := start(t)
	h.create("f")
	const execution = fARN + ":1/durable-execution/a/b"
	for _, o := range h.API().Operations {
		want, ok := map[string]string{
			"GetDurableExecution":                 "ResourceNotFoundException: Durable execution not found: " + execution,
			"GetDurableExecutionState":            "InvalidParameterValueException: The provided checkpoint token is invalid.",
			"SendDurableExecutionCallbackSuccess": "ResourceNotFoundException: Callback not found.",
			"CreateCapacityProvider":              "InvalidParameterValueException: Capacity providers are not available in this Region.",
			"GetCapacityProvider":                 "ResourceNotFoundException: Capacity provider not found: arn:aws:lambda:us-east-1:123456789012:capacity-provider:c",
			"ListCapacityProviders":               "",
			"ListDurableExecutionsByFunction":     "",
		}[o.Name]
		if !ok {
			continue
		}
		in := o.NewInput()
		switch in := in.(type) {
		case *awslambda.GetDurableExecutionInput:
			in.DurableExecutionArn = new(execution)
		case *awslambda.GetCapacityProviderInput:
			in.CapacityProviderName = new("c")
		case *awslambda.ListDurableExecutionsByFunctionInput:
			in.FunctionName = new("f")
		}
		_, err := o.Call(h.ctx, in)
		shows(t, err, want)
	}
}
