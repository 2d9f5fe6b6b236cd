package compat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
)

// Goal: nobody hands a role to a service that they may not pass to it, when something
// is made and when it is changed. Method: a user who may do everything but pass roles
// tries, then with iam:PassRole for another service, then for the right one.
func TestARoleIsHandedOnlyToServicesItMayBePassedTo(t *testing.T) {
	a := serve(t)
	ctx, people := t.Context(), iam.NewFromConfig(a.config(apiRegion))
	role, err := people.CreateRole(ctx, &iam.CreateRoleInput{RoleName: new("worker"), AssumeRolePolicyDocument: new(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["lambda.amazonaws.com","events.amazonaws.com","scheduler.amazonaws.com"]},"Action":"sts:AssumeRole"}]}`)})
	if err != nil {
		t.Fatal(err)
	}
	arn := role.Role.Arn
	if _, err := people.CreateUser(ctx, &iam.CreateUserInput{UserName: new("u")}); err != nil {
		t.Fatal(err)
	}
	key, err := people.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: new("u")})
	if err != nil {
		t.Fatal(err)
	}
	passes := func(to string) {
		t.Helper()
		statements := []any{map[string]any{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}}
		if to != "" {
			statements = append(statements, map[string]any{
				"Effect": "Allow", "Action": "iam:PassRole", "Resource": *arn,
				"Condition": map[string]any{"StringEquals": map[string]any{"iam:PassedToService": to}},
			})
		}
		document, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
		if err == nil {
			_, err = people.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: new("u"), PolicyName: new("p"), PolicyDocument: new(string(document))})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	cfg := a.config(apiRegion)
	cfg.Credentials = credentials.NewStaticCredentialsProvider(*key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey, "")
	functions, rules, schedules := lambda.NewFromConfig(cfg), eventbridge.NewFromConfig(cfg), scheduler.NewFromConfig(cfg)

	a.function("there")
	if _, err := sqs.NewFromConfig(a.config(apiRegion)).CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: new("q")}); err != nil {
		t.Fatal(err)
	}
	queue := "arn:aws:sqs:" + apiRegion + ":000000000000:q"
	if _, err := eventbridge.NewFromConfig(a.config(apiRegion)).PutRule(ctx, &eventbridge.PutRuleInput{Name: new("r"), ScheduleExpression: new("rate(1 day)")}); err != nil {
		t.Fatal(err)
	}
	window := &schedulertypes.FlexibleTimeWindow{Mode: schedulertypes.FlexibleTimeWindowModeOff}
	target := &schedulertypes.Target{Arn: &queue, RoleArn: arn}
	made := 0
	tests := []struct {
		name, service string
		try           func(context.Context) error
	}{
		{"a new function", "lambda.amazonaws.com", func(ctx context.Context) error {
			made++
			in := a.input(fmt.Sprint("new", made))
			in.Role = arn
			_, err := functions.CreateFunction(ctx, in)
			return err
		}},
		{"a function's new role", "lambda.amazonaws.com", func(ctx context.Context) error {
			_, err := functions.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: new("there"), Role: arn})
			return err
		}},
		{"a rule's target", "events.amazonaws.com", func(ctx context.Context) error {
			_, err := rules.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: new("r"), Targets: []ebtypes.Target{{Id: new("1"), Arn: &queue, RoleArn: arn}}})
			return err
		}},
		{"a new schedule", "scheduler.amazonaws.com", func(ctx context.Context) error {
			_, err := schedules.CreateSchedule(ctx, &scheduler.CreateScheduleInput{Name: new("s"), ScheduleExpression: new("rate(1 day)"), FlexibleTimeWindow: window, Target: target})
			return err
		}},
		{"a schedule that is changed", "scheduler.amazonaws.com", func(ctx context.Context) error {
			_, err := schedules.UpdateSchedule(ctx, &scheduler.UpdateScheduleInput{Name: new("s"), ScheduleExpression: new("rate(2 days)"), FlexibleTimeWindow: window, Target: target})
			return err
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, to := range []string{"", "ec2.amazonaws.com"} {
				passes(to)
				var refusal smithy.APIError
				err := tt.try(t.Context())
				if !errors.As(err, &refusal) || refusal.ErrorCode() != "AccessDeniedException" ||
					!strings.Contains(refusal.ErrorMessage(), "arn:aws:iam::000000000000:user/u is not authorized to perform: iam:PassRole on resource: "+*arn) {
					t.Errorf("who may pass it to %q: %v", to, err)
				}
			}
			passes(tt.service)
			if err := tt.try(t.Context()); err != nil {
				t.Errorf("who may pass it to %s: %v", tt.service, err)
			}
		})
	}
}
