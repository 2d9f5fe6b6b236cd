package awsapi

import (
	"bytes"
	"context"
	"fmt"
	"io"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/wire"
)

// InvokeAsync is the operation of that name: the older way to say Invoke with the
// type Event, and answered as that is. The frontend asks for the permission
// (lambda:InvokeFunction), as for every invoke.
func InvokeAsync(to Invoker) wire.Operation {
	op := wire.Op("InvokeAsync", func(ctx context.Context, in *awslambda.InvokeAsyncInput) (*awslambda.InvokeAsyncOutput, error) {
		var payload []byte
		if in.InvokeArgs != nil {
			var err error
			if payload, err = io.ReadAll(in.InvokeArgs); err != nil {
				return nil, fmt.Errorf("read the event: %w", err)
			}
		}
		if in.FunctionName == nil {
			in.FunctionName = new("")
		}
		out, err := to.Invoke(ctx, InvokeInput{
			Caller: lambda.CallerFrom(ctx), FunctionName: *in.FunctionName,
			Type: lambda.Event, Payload: bytes.TrimSpace(payload),
		})
		if err != nil {
			return nil, err
		}
		return &awslambda.InvokeAsyncOutput{Status: int32(out.Status)}, nil
	}, nil)
	op.OwnVerdict = true
	return op
}
