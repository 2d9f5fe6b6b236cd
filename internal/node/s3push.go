package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/hearthfaas/hearth/internal/frontend"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/s3"
)

// s3Push takes what happens in buckets to functions, queues, topics and the event
// bus, as the service s3.amazonaws.com: the policy of the target must let it.
type s3Push struct {
	hub *hub
	// ready is closed when functions are known: before, one that exists would look as
	// if it did not.
	ready <-chan struct{} // set once they have an owner
}

const s3Service = "s3.amazonaws.com"

func s3Caller(bucket, account, target string) lambda.Caller {
	return asService(s3Service, "arn:aws:s3:::"+bucket, account, target)
}

// Check meets s3.Config.Destination: the target exists and S3 may use it. Functions
// are asked with a dry run; queues and topics get the test message, as on AWS.
func (p *s3Push) Check(ctx context.Context, t s3.DestinationCheck) error {
	c := s3Caller(t.Bucket, t.Account, t.ARN)
	if strings.HasPrefix(t.ARN, "arn:aws:lambda:") {
		c.RequestID = lambda.NewRequestID()
		_, err := p.hub.frontend.Invoke(lambda.WithCaller(ctx, c), frontend.Input{Caller: c, FunctionName: t.ARN, Type: lambda.DryRun})
		return err
	}
	if strings.HasSuffix(t.ARN, ".fifo") {
		return fmt.Errorf("%q keeps an order, which S3 does not", t.ARN)
	}
	return p.hub.deliver(ctx, c, parcel{ARN: t.ARN, Body: t.TestMessage, Subject: s3Subject})
}

// s3Subject is the subject of what S3 sends to topics.
const s3Subject = "Amazon S3 Notification"

// Deliver meets s3.Config.Events: nil once the event is the target's own, or can
// never be. Other errors have it offered again.
func (p *s3Push) Deliver(ctx context.Context, e s3.Event) error {
	select {
	case <-p.ready:
	case <-ctx.Done():
		return ctx.Err()
	}
	err := p.deliver(ctx, e)
	if err != nil && final(err) {
		p.hub.log.WarnContext(ctx, "a bucket's event found nobody who takes it",
			"bucket", e.Bucket, "destination", e.Destination, "error", err)
		return nil
	}
	return err
}

func (p *s3Push) deliver(ctx context.Context, e s3.Event) error {
	if e.Destination != s3.EventBridge {
		payload, err := e.Payload()
		if err != nil {
			return err
		}
		return p.hub.deliver(ctx, s3Caller(e.Bucket, e.Account, e.Destination), parcel{ARN: e.Destination, Body: payload, Subject: s3Subject})
	}
	detailType, detail, ok := e.Detail()
	if !ok {
		return nil
	}
	body, err := json.Marshal(detail)
	if err != nil {
		return fmt.Errorf("encode an event: %w", err)
	}
	c := s3Caller(e.Bucket, e.Account, "")
	c.Region, c.Account = e.Region, e.Account
	err = p.hub.announce(ctx, c, parcel{Body: body, Event: busEvent{
		Source: "aws.s3", DetailType: detailType, Resources: []string{"arn:aws:s3:::" + e.Bucket}, Time: e.Time,
	}})
	if errors.Is(err, errNotServed) {
		return nil
	}
	return err
}
