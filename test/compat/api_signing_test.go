package compat

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func TestAPICodeSigningOnTheWire(t *testing.T) {
	a := serve(t)
	a.function("f")
	profile := "arn:aws:signer:us-east-1:000000000000:/signing-profiles/p/abcdefghij"
	config := func(policy, description string) string {
		return `{"CodeSigningConfig":{"CodeSigningConfigId":"*","CodeSigningConfigArn":"*","Description":"` + description + `","AllowedPublishers":{"SigningProfileVersionArns":["` + profile + `"]},
			"CodeSigningPolicies":{"UntrustedArtifactOnDeployment":"` + policy + `"},"LastModified":"*"}}`
	}
	created := a.do(&lambda.CreateCodeSigningConfigInput{AllowedPublishers: &types.AllowedPublishers{SigningProfileVersionArns: []string{profile}}})
	shows(t, created, 201, config("Warn", ""))
	var made struct {
		CodeSigningConfig struct{ CodeSigningConfigArn string }
	}
	if err := json.Unmarshal([]byte(created.body), &made); err != nil {
		t.Fatal(err)
	}
	arn := &made.CodeSigningConfig.CodeSigningConfigArn
	shows(t, a.do(&lambda.UpdateCodeSigningConfigInput{CodeSigningConfigArn: arn, Description: new("d"), CodeSigningPolicies: &types.CodeSigningPolicies{UntrustedArtifactOnDeployment: types.CodeSigningPolicyEnforce}}), 200, config("Enforce", "d"))
	shows(t, a.do(&lambda.GetCodeSigningConfigInput{CodeSigningConfigArn: arn}), 200, config("Enforce", "d"))
	shows(t, a.do(&lambda.PutFunctionCodeSigningConfigInput{CodeSigningConfigArn: arn, FunctionName: new("f")}), 200, `{"CodeSigningConfigArn":"`+*arn+`","FunctionName":"f"}`)
	shows(t, a.do(&lambda.GetFunctionCodeSigningConfigInput{FunctionName: new("f")}), 200, `{"CodeSigningConfigArn":"`+*arn+`","FunctionName":"f"}`)
	shows(t, a.do(&lambda.ListFunctionsByCodeSigningConfigInput{CodeSigningConfigArn: arn}), 200, `{"FunctionArns":["`+apiPrefix+`function:f"]}`)
	if err := a.call(&lambda.DeleteCodeSigningConfigInput{CodeSigningConfigArn: arn}); err == nil || a.wire.answer().status != 409 {
		t.Errorf("a configuration in use was deleted: %v", err)
	}
	gone := apiPrefix + "code-signing-config:csc-00000000000000000"
	unknown := "The Lambda code signing configuration " + gone + " can not be found."
	absent := "The code signing configuration cannot be found. Check that the provided configuration is not deleted: " + gone + "."
	a.refuses(t, []refusal{
		{"a read of none", &lambda.GetCodeSigningConfigInput{CodeSigningConfigArn: &gone}, "ResourceNotFoundException", unknown, true},
		{"an update of none", &lambda.UpdateCodeSigningConfigInput{CodeSigningConfigArn: &gone}, "ResourceNotFoundException", unknown, true},
		{"a deletion of none", &lambda.DeleteCodeSigningConfigInput{CodeSigningConfigArn: &gone}, "ResourceNotFoundException", unknown, true},
		{"the functions of none", &lambda.ListFunctionsByCodeSigningConfigInput{CodeSigningConfigArn: &gone}, "ResourceNotFoundException", unknown, true},
		{"a function with none", &lambda.PutFunctionCodeSigningConfigInput{CodeSigningConfigArn: &gone, FunctionName: new("f")}, "CodeSigningConfigNotFoundException", absent, false},
		{
			"a version", &lambda.PutFunctionCodeSigningConfigInput{CodeSigningConfigArn: arn, FunctionName: new("f:1")}, "InvalidParameterValueException",
			"This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN.", false,
		},
	})
	shows(t, a.do(&lambda.DeleteFunctionCodeSigningConfigInput{FunctionName: new("f")}), 204, "")
	shows(t, a.do(&lambda.DeleteCodeSigningConfigInput{CodeSigningConfigArn: arn}), 204, "")
	shows(t, a.do(&lambda.ListCodeSigningConfigsInput{}), 200, `{"CodeSigningConfigs":[]}`)
}
