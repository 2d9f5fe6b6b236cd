// Command awslambdago is a function on the unmodified aws-lambda-go client.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"testing/iotest"

	"github.com/aws/aws-lambda-go/events"
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
	case "stream":
		// The second part comes when the test has seen the first: it then makes the file.
		return io.MultiReader(strings.NewReader("first "), &whenThere{event["file"]}, strings.NewReader("second")), nil
	case "break":
		return io.MultiReader(strings.NewReader("half"), iotest.ErrReader(errors.New("asked to break"))), nil
	case "http":
		return &events.LambdaFunctionURLStreamingResponse{StatusCode: 201, Body: strings.NewReader("body")}, nil
	}
	_, hasDeadline := ctx.Deadline()
	return map[string]any{
		"id": lc.AwsRequestID, "arn": lc.InvokedFunctionArn, "custom": lc.ClientContext.Custom,
		"deadline": hasDeadline, "event": event,
	}, nil
}

// whenThere is a reader of nothing that ends once a file exists.
type whenThere struct{ path string }

func (w *whenThere) Read([]byte) (int, error) {
	for {
		if _, err := os.Stat(w.path); err == nil {
			return 0, io.EOF
		}
		runtime.Gosched() // a test's function may keep its processor busy
	}
}

func main() {
	lambda.StartWithOptions(handle, lambda.WithEnableSIGTERM())
}
