package controlplane

import (
	"context"
	"errors"
	"strings"
	"testing"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// oneQueue is an installation where there is one queue, that the role may send to.
type oneQueue struct{ arn string }

func (q oneQueue) Exists(_ context.Context, arn string) bool { return arn == q.arn }

func (q oneQueue) MaySend(_ context.Context, _ string, _ lambda.FunctionID, arn string) bool {
	return arn == q.arn
}

func TestADeadLetterTargetIsOneThatTheRoleMaySendTo(t *testing.T) {
	const queue = "arn:aws:sqs:us-east-1:123456789012:q"
	h := start(t, func(c *Config) { c.Destinations = oneQueue{queue} })
	h.create("f")
	h.awaitSettled("f")
	for arn, want := range map[string]string{
		queue: "",
		"":    "",
		"arn:aws:sqs:us-east-1:123456789012:other":         "The provided execution role does not have permissions to call SendMessage on SQS",
		"arn:aws:sns:us-east-1:123456789012:t":             "The provided execution role does not have permissions to call Publish on SNS",
		"arn:aws:sqs:us-east-1:123456789012:q.fifo":        "FIFO queues and FIFO topics are not supported.",
		"arn:aws:lambda:us-east-1:123456789012:function:f": "Only Amazon SQS queues and Amazon SNS topics are supported.",
	} {
		_, err := h.UpdateFunctionConfiguration(h.ctx, &awslambda.UpdateFunctionConfigurationInput{
			FunctionName: new("f"), DeadLetterConfig: &types.DeadLetterConfig{TargetArn: new(arn)},
		})
		if want == "" && err != nil {
			t.Errorf("%q: %v", arn, err)
		}
		if e, ok := errors.AsType[*lambda.Error](err); want != "" && (!ok || e.Code != lambda.CodeInvalidParameterValue || !strings.HasSuffix(e.Message, want)) {
			t.Errorf("%q: got %v, want %q", arn, err, want)
		}
		h.awaitSettled("f")
	}
}

func TestRecordsGoWhereThereIsSomebodyToReadThem(t *testing.T) {
	const queue = "arn:aws:sqs:us-east-1:123456789012:q"
	h := start(t, func(c *Config) { c.Destinations = oneQueue{queue} })
	h.create("f")
	for arn, want := range map[string]string{
		queue: "",
		"arn:aws:sqs:us-east-1:123456789012:other":  "The destination ARN arn:aws:sqs:us-east-1:123456789012:other is invalid.",
		"arn:aws:sqs:us-east-1:123456789012:q.fifo": "The provided destination config DestinationConfig(onSuccess=OnSuccess(destination=arn:aws:sqs:us-east-1:123456789012:q.fifo), onFailure=null) is invalid.",
		"arn:aws:s3:::bucket":                       "The provided destination config DestinationConfig(onSuccess=OnSuccess(destination=arn:aws:s3:::bucket), onFailure=null) is invalid.",
	} {
		_, err := h.PutFunctionEventInvokeConfig(h.ctx, &awslambda.PutFunctionEventInvokeConfigInput{
			FunctionName: new("f"), DestinationConfig: &types.DestinationConfig{OnSuccess: &types.OnSuccess{Destination: new(arn)}},
		})
		if want == "" && err != nil {
			t.Errorf("%q: %v", arn, err)
		}
		if e, ok := errors.AsType[*lambda.Error](err); want != "" && (!ok || e.Code != lambda.CodeInvalidParameterValue || e.Message != want) {
			t.Errorf("%q: got %v, want %q", arn, err, want)
		}
	}
}
