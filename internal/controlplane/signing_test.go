package controlplane

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

const profileARN = "arn:aws:signer:us-east-1:123456789012:/signing-profiles/p/abc"

func (h *harness) signing(policy types.CodeSigningPolicy) *string {
	h.t.Helper()
	in := &awslambda.CreateCodeSigningConfigInput{AllowedPublishers: &types.AllowedPublishers{SigningProfileVersionArns: []string{profileARN}}}
	if policy != "" {
		in.CodeSigningPolicies = &types.CodeSigningPolicies{UntrustedArtifactOnDeployment: policy}
	}
	return must(h.CreateCodeSigningConfig(h.ctx, in)).CodeSigningConfig.CodeSigningConfigArn
}

// refusedUnsigned is the answer to code that nobody signed.
const refusedUnsigned = "CodeVerificationFailedException: Lambda cannot deploy the function. The function or layer might be signed using a signature that the client is not configured to accept. Check the provided signature for f."

func TestCodeSigningConfigs(t *testing.T) {
	h := start(t)
	warn := h.signing("")
	if !regexp.MustCompile(`^arn:aws:lambda:us-east-1:123456789012:code-signing-config:csc-[a-z0-9]{17}$`).MatchString(*warn) {
		t.Errorf("ARN %s", *warn)
	}
	got := must(h.GetCodeSigningConfig(h.ctx, &awslambda.GetCodeSigningConfigInput{CodeSigningConfigArn: warn})).CodeSigningConfig
	if got.CodeSigningPolicies.UntrustedArtifactOnDeployment != "Warn" || !slices.Equal(got.AllowedPublishers.SigningProfileVersionArns, []string{profileARN}) {
		t.Errorf("new: %+v %+v", got.CodeSigningPolicies, got.AllowedPublishers)
	}
	enforce := h.signing(types.CodeSigningPolicyEnforce)
	list := must(h.ListCodeSigningConfigs(h.ctx, &awslambda.ListCodeSigningConfigsInput{MaxItems: new(int32(1))}))
	rest := must(h.ListCodeSigningConfigs(h.ctx, &awslambda.ListCodeSigningConfigsInput{Marker: list.NextMarker}))
	if len(list.CodeSigningConfigs) != 1 || len(rest.CodeSigningConfigs) != 1 || rest.NextMarker != nil ||
		*list.CodeSigningConfigs[0].CodeSigningConfigArn == *rest.CodeSigningConfigs[0].CodeSigningConfigArn {
		t.Errorf("pages of %d and %d", len(list.CodeSigningConfigs), len(rest.CodeSigningConfigs))
	}
	up := must(h.UpdateCodeSigningConfig(h.ctx, &awslambda.UpdateCodeSigningConfigInput{CodeSigningConfigArn: enforce, Description: new("d")})).CodeSigningConfig
	if *up.Description != "d" || up.CodeSigningPolicies.UntrustedArtifactOnDeployment != "Enforce" {
		t.Errorf("updated: %s %s", *up.Description, up.CodeSigningPolicies.UntrustedArtifactOnDeployment)
	}
	must(h.TagResource(h.ctx, &awslambda.TagResourceInput{Resource: warn, Tags: map[string]string{"a": "1"}}))
	if tags := must(h.ListTags(h.ctx, &awslambda.ListTagsInput{Resource: warn})).Tags; tags["a"] != "1" {
		t.Errorf("tags %v", tags)
	}
	must(h.DeleteCodeSigningConfig(h.ctx, &awslambda.DeleteCodeSigningConfigInput{CodeSigningConfigArn: enforce}))
	_, err := h.GetCodeSigningConfig(h.ctx, &awslambda.GetCodeSigningConfigInput{CodeSigningConfigArn: enforce})
	shows(t, err, "ResourceNotFoundException: The Lambda code signing configuration "+*enforce+" can not be found.")
}

func TestEnforceRefusesCodeThatNobodySigned(t *testing.T) {
	h := start(t)
	warn, enforce := h.signing(types.CodeSigningPolicyWarn), h.signing(types.CodeSigningPolicyEnforce)
	in := createInput("f")
	in.CodeSigningConfigArn = enforce
	_, err := h.CreateFunction(h.ctx, in)
	shows(t, err, refusedUnsigned)

	h.create("f", func(in *awslambda.CreateFunctionInput) { in.CodeSigningConfigArn = warn })
	if got := must(h.GetFunctionCodeSigningConfig(h.ctx, &awslambda.GetFunctionCodeSigningConfigInput{FunctionName: new("f")})); *got.CodeSigningConfigArn != *warn || *got.FunctionName != "f" {
		t.Errorf("bound to %s", *got.CodeSigningConfigArn)
	}
	h.updateCode("f", "v2")
	must(h.PutFunctionCodeSigningConfig(h.ctx, &awslambda.PutFunctionCodeSigningConfigInput{FunctionName: new("f"), CodeSigningConfigArn: enforce}))
	_, err = h.UpdateFunctionCode(h.ctx, &awslambda.UpdateFunctionCodeInput{FunctionName: new("f"), ZipFile: zipWith("v3")})
	shows(t, err, refusedUnsigned)

	users := must(h.ListFunctionsByCodeSigningConfig(h.ctx, &awslambda.ListFunctionsByCodeSigningConfigInput{CodeSigningConfigArn: enforce}))
	if !slices.Equal(users.FunctionArns, []string{fARN}) {
		t.Errorf("used by %v", users.FunctionArns)
	}
	_, err = h.DeleteCodeSigningConfig(h.ctx, &awslambda.DeleteCodeSigningConfigInput{CodeSigningConfigArn: enforce})
	if err == nil || !strings.HasPrefix(err.Error(), "ResourceConflictException: ") {
		t.Errorf("deleting a configuration in use: %v", err)
	}
	must(h.DeleteFunctionCodeSigningConfig(h.ctx, &awslambda.DeleteFunctionCodeSigningConfigInput{FunctionName: new("f")}))
	h.updateCode("f", "v4")
	if got := must(h.GetFunctionCodeSigningConfig(h.ctx, &awslambda.GetFunctionCodeSigningConfigInput{FunctionName: new("f")})); got.CodeSigningConfigArn != nil || got.FunctionName != nil {
		t.Errorf("unbound shows %v", got)
	}
}

func TestFunctionCodeSigningRefuses(t *testing.T) {
	h := start(t)
	h.create("f")
	const missing = "arn:aws:lambda:us-east-1:123456789012:code-signing-config:csc-00000000000000000"
	put := func(name string) error {
		_, err := h.PutFunctionCodeSigningConfig(h.ctx, &awslambda.PutFunctionCodeSigningConfigInput{FunctionName: &name, CodeSigningConfigArn: new(missing)})
		return err
	}
	shows(t, put("f"), "CodeSigningConfigNotFoundException: The code signing configuration cannot be found. Check that the provided configuration is not deleted: "+missing+".")
	shows(t, put("g"), "ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:123456789012:function:g")
	shows(t, put("f:1"), "InvalidParameterValueException: "+msgFunctionsOnly)
}

func TestTenancyIsSetAtCreationOnly(t *testing.T) {
	h := start(t)
	out := h.create("f", func(in *awslambda.CreateFunctionInput) {
		in.TenancyConfig = &types.TenancyConfig{TenantIsolationMode: types.TenantIsolationModePerTenant}
	})
	if out.TenancyConfig == nil || out.TenancyConfig.TenantIsolationMode != types.TenantIsolationModePerTenant {
		t.Errorf("created with %+v", out.TenancyConfig)
	}
	h.updateCode("f", "v2")
	if got := h.config("f").TenancyConfig; got == nil {
		t.Error("an update took the tenancy away")
	}
	if got := h.config("f:" + h.publish("f")).TenancyConfig; got == nil {
		t.Error("a version has no tenancy")
	}
}
