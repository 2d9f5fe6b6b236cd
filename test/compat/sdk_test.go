package compat

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/harness"
)

// TestTheAWSSDKForGoWorks uses the SDK as programs do: configuration from the
// environment, the SDK's waiters, typed exceptions.
func TestTheAWSSDKForGoWorks(t *testing.T) {
	h := up(t)
	t.Setenv("AWS_ENDPOINT_URL", h.Endpoint)
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_PROFILE", "")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		t.Fatal(err)
	}
	role, err := iam.NewFromConfig(cfg).CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("sdk"), AssumeRolePolicyDocument: aws.String(trust)})
	if err != nil {
		t.Fatal(err)
	}
	zip, err := harness.ZipFiles(map[string]string{"index.js": `exports.handler = async (e) => ({ seen: e })`})
	if err != nil {
		t.Fatal(err)
	}
	c := lambda.NewFromConfig(cfg)
	name := aws.String("sdk")
	_, err = c.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: name, Runtime: node, Handler: aws.String("index.handler"), Role: role.Role.Arn, Code: &types.FunctionCode{ZipFile: zip},
	})
	if err != nil {
		t.Fatal(err)
	}
	err = lambda.NewFunctionActiveV2Waiter(c, func(o *lambda.FunctionActiveV2WaiterOptions) { o.MinDelay = 50 * time.Millisecond }).
		Wait(ctx, &lambda.GetFunctionInput{FunctionName: name}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.Invoke(ctx, &lambda.InvokeInput{FunctionName: name, Payload: []byte(`{"a":"<&>é"}`)})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(out.Payload), `{"seen":{"a":"<&>é"}}`; got != want || out.StatusCode != 200 || aws.ToString(out.ExecutedVersion) != "$LATEST" {
		t.Errorf("got %d %s %s, want 200 $LATEST %s", out.StatusCode, aws.ToString(out.ExecutedVersion), got, want)
	}
	_, err = c.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: aws.String("absent")})
	if _, absent := errors.AsType[*types.ResourceNotFoundException](err); !absent {
		t.Errorf("got %v, want a typed ResourceNotFoundException", err)
	}
	_, err = c.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: name, Runtime: node, Handler: aws.String("index.handler"), Role: role.Role.Arn, Code: &types.FunctionCode{ZipFile: zip},
	})
	if _, conflict := errors.AsType[*types.ResourceConflictException](err); !conflict {
		t.Errorf("got %v, want a typed ResourceConflictException", err)
	}
	// A role without any policy: the function ran, and its logs stayed empty.
	groups, err := cloudwatchlogs.NewFromConfig(cfg).DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{})
	if err != nil {
		t.Fatal(err)
	}
	if len(groups.LogGroups) != 0 {
		t.Errorf("a role without permission made a log group: %s", aws.ToString(groups.LogGroups[0].LogGroupName))
	}
	if _, err := c.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: name}); err != nil {
		t.Error(err)
	}
}
