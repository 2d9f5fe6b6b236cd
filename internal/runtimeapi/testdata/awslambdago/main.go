// Command awslambdago is a function on the unmodified aws-lambda-go client.
package main

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

func handle(ctx context.Context, event map[string]string) (any, error) {
	lc, ok := lambdacontext.FromContext(ctx)
	if !ok {
		return nil, errors.New("no context")
	}
	switch event["do"] {
	case "fail":
		return nil, errors.New("asked to fail")
	case "panic":
		panic("asked to panic")
	case "big":
		return strings.Repeat("x", 7<<20), nil
	}
	_, hasDeadline := ctx.Deadline()
	return map[string]any{
		"id": lc.AwsRequestID, "arn": lc.InvokedFunctionArn, "custom": lc.ClientContext.Custom,
		"deadline": hasDeadline, "event": event,
	}, nil
}

func main() {
	lambda.StartWithOptions(handle, lambda.WithEnableSIGTERM())
}
