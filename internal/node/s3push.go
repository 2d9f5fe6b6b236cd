package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/hearthfaas/hearth/internal/counter"
	"github.com/hearthfaas/hearth/internal/frontend"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/s3"
	"github.com/hearthfaas/hearth/internal/workermanager"
)

// s3Push invokes functions when something happens in a bucket, as the service
// s3.amazonaws.com: the function's resource policy must let it.
type s3Push struct {
	frontend *frontend.Frontend[counter.Slot, workermanager.Environment] // set once it is built
	log      *slog.Logger
}

// caller is S3 on behalf of a bucket, at a function's address.
func (p *s3Push) caller(bucket, account, functionARN string) (lambda.Caller, error) {
	fields := strings.SplitN(functionARN, ":", 7)
	if len(fields) < 7 || fields[2] != "lambda" {
		return lambda.Caller{}, fmt.Errorf("this node notifies functions only, not %q", functionARN)
	}
	return lambda.Caller{
		Kind: lambda.PrincipalService, ARN: "s3.amazonaws.com",
		Account: fields[4], Region: fields[3], RequestID: lambda.NewRequestID(),
		SourceARN: "arn:aws:s3:::" + bucket, SourceAccount: account,
	}, nil
}

// Check meets s3.Config.Destination: the function exists and S3 may invoke it.
func (p *s3Push) Check(ctx context.Context, bucket, account, arn string) error {
	c, err := p.caller(bucket, account, arn)
	if err != nil {
		return err
	}
	_, err = p.frontend.Invoke(lambda.WithCaller(ctx, c), frontend.Input{Caller: c, FunctionName: arn, Type: lambda.DryRun})
	return err
}

// Deliver meets s3.Config.Events: nil once the event is among the function's own,
// or can never be. Other errors have it offered again.
func (p *s3Push) Deliver(ctx context.Context, e s3.Event) error {
	payload, err := e.Payload()
	if err != nil {
		return err
	}
	c, err := p.caller(e.Bucket, e.Account, e.Destination)
	if err == nil {
		_, err = p.frontend.Invoke(lambda.WithCaller(ctx, c), frontend.Input{
			Caller: c, FunctionName: e.Destination, Type: lambda.Event, Payload: payload,
		})
	}
	refused, ok := errors.AsType[*lambda.Error](err)
	if ok && (refused.Code == lambda.CodeResourceNotFound || refused.Code == lambda.CodeAccessDenied) {
		p.log.WarnContext(ctx, "a bucket's event found no function that takes it",
			"bucket", e.Bucket, "destination", e.Destination, "error", err)
		return nil
	}
	return err
}
