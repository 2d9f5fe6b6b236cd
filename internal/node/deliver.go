package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/uuid"

	"github.com/hearthfaas/hearth/internal/counter"
	"github.com/hearthfaas/hearth/internal/frontend"
	"github.com/hearthfaas/hearth/internal/iam"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/s3"
	"github.com/hearthfaas/hearth/internal/workermanager"
)

// hub takes messages to what an ARN names: functions, queues, topics, event buses,
// log groups and buckets. Every service of the node that sends something on goes
// through it, as a role or as the service itself, and gets exactly as far as the
// policies let that caller.
type hub struct {
	iam      *iam.Service
	log      *slog.Logger
	frontend *frontend.Frontend[counter.Slot, workermanager.Environment] // set once it is built
	local    *local                                                      // likewise
	objects  *s3.Service                                                 // likewise
}

// parcel is a message on its way. Body and ARN are always there; what a kind of
// resource does not know is left out for it.
type parcel struct {
	ARN  string
	Body []byte
	// TraceID goes along in SQS's AWSTraceHeader, to functions and event buses.
	TraceID string
	// Attributes are message attributes of queues and topics.
	Attributes map[string]attribute
	// GroupID and DeduplicationID are for queues and topics in order.
	GroupID, DeduplicationID string
	Subject                  string // of topics
	Event                    busEvent
	Key                      string // of the object in a bucket
}

// attribute is a message attribute: a type such as "String", and its value.
type attribute struct{ Type, Value string }

// busEvent is what an event bus reads beside the detail, which is the body.
type busEvent struct {
	Source, DetailType string
	Resources          []string
	Time               time.Time // zero takes that of arrival
}

// errNoTarget is an ARN that messages cannot be taken to.
var errNoTarget = errors.New("messages cannot be taken there")

// deliver hands a message over, once. final says of its errors whether another try
// is any use.
func (h *hub) deliver(ctx context.Context, c lambda.Caller, p parcel) error {
	f := strings.SplitN(p.ARN, ":", 6)
	if len(f) < 6 || f[0] != "arn" || f[5] == "" {
		return fmt.Errorf("%q: %w", p.ARN, errNoTarget)
	}
	if f[3] != "" {
		c.Region = f[3]
	}
	c.RequestID = lambda.NewRequestID()
	switch f[2] {
	case "lambda":
		_, err := h.frontend.Invoke(lambda.WithCaller(ctx, c), frontend.Input{
			Caller: c, FunctionName: p.ARN, Type: lambda.Event, TraceID: p.TraceID, Payload: p.Body,
		})
		return err
	case "sqs":
		_, err := localCall[sqs.SendMessageOutput](ctx, h.local, c, "sqs", "SendMessage", queueMessage(f, &p))
		return err
	case "sns":
		_, err := localCall[sns.PublishOutput](ctx, h.local, c, "sns", "Publish", topicMessage(&p))
		return err
	case "events":
		return h.putEvent(ctx, c, &p)
	case "logs":
		return h.putLog(ctx, c, f[5], p.Body)
	case "s3":
		return h.objects.Put(lambda.WithCaller(ctx, c), f[5], p.Key, p.Body)
	}
	return fmt.Errorf("%q: %w", p.ARN, errNoTarget)
}

// soonWaits are the waits between the attempts of deliverSoon: nobody keeps the
// message meanwhile but its sender, who has other work.
var soonWaits = [...]time.Duration{50 * time.Millisecond, 500 * time.Millisecond, 2 * time.Second}

// deliverSoon is deliver for senders that do not try again themselves: what may pass
// is tried a few times more.
func (h *hub) deliverSoon(ctx context.Context, c lambda.Caller, p parcel) error {
	err := h.deliver(ctx, c, p)
	for _, wait := range soonWaits {
		if err == nil || final(err) {
			return err
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return err
		case <-timer.C:
		}
		err = h.deliver(ctx, c, p)
	}
	return err
}

// queueURL is the address of a queue; only its path counts on this node.
func queueURL(account, name string) string { return "http://localhost/" + account + "/" + name }

func queueMessage(arn []string, p *parcel) *sqs.SendMessageInput {
	in := &sqs.SendMessageInput{QueueUrl: new(queueURL(arn[4], arn[5])), MessageBody: new(string(p.Body))}
	if p.TraceID != "" {
		in.MessageSystemAttributes = map[string]sqstypes.MessageSystemAttributeValue{
			"AWSTraceHeader": {DataType: new("String"), StringValue: &p.TraceID},
		}
	}
	for name, a := range p.Attributes {
		if in.MessageAttributes == nil {
			in.MessageAttributes = map[string]sqstypes.MessageAttributeValue{}
		}
		v := sqstypes.MessageAttributeValue{DataType: new(a.Type), StringValue: new(a.Value)}
		if strings.HasPrefix(a.Type, "Binary") {
			v.StringValue, v.BinaryValue = nil, []byte(a.Value)
		}
		in.MessageAttributes[name] = v
	}
	in.MessageGroupId, in.MessageDeduplicationId = filled(p.GroupID), filled(p.DeduplicationID)
	return in
}

func topicMessage(p *parcel) *sns.PublishInput {
	in := &sns.PublishInput{TopicArn: &p.ARN, Message: new(string(p.Body)), Subject: filled(p.Subject)}
	for name, a := range p.Attributes {
		if in.MessageAttributes == nil {
			in.MessageAttributes = map[string]snstypes.MessageAttributeValue{}
		}
		v := snstypes.MessageAttributeValue{DataType: new(a.Type), StringValue: new(a.Value)}
		if strings.HasPrefix(a.Type, "Binary") {
			v.StringValue, v.BinaryValue = nil, []byte(a.Value)
		}
		in.MessageAttributes[name] = v
	}
	in.MessageGroupId, in.MessageDeduplicationId = filled(p.GroupID), filled(p.DeduplicationID)
	return in
}

func filled(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (p *parcel) busEntry() *eventbridge.PutEventsInput {
	entry := eventtypes.PutEventsRequestEntry{
		EventBusName: &p.ARN, Source: &p.Event.Source, DetailType: &p.Event.DetailType,
		Detail: new(string(p.Body)), Resources: p.Event.Resources, TraceHeader: filled(p.TraceID),
	}
	if !p.Event.Time.IsZero() {
		entry.Time = &p.Event.Time
	}
	return &eventbridge.PutEventsInput{Entries: []eventtypes.PutEventsRequestEntry{entry}}
}

func (h *hub) putEvent(ctx context.Context, c lambda.Caller, p *parcel) error {
	out, err := localCall[eventbridge.PutEventsOutput](ctx, h.local, c, "events", "PutEvents", p.busEntry())
	return eventRefused(out, err)
}

// announce puts an event of an AWS service on an account's default bus. Nobody need
// allow it. Where no buses are served there is nobody to tell.
func (h *hub) announce(ctx context.Context, c lambda.Caller, p parcel) error {
	p.ARN = "default"
	out, err := localTrusted[eventbridge.PutEventsOutput](ctx, h.local, c, "events", "PutEvents", p.busEntry())
	return eventRefused(out, err)
}

// eventRefused is the error of an answer that has one entry.
func eventRefused(out *eventbridge.PutEventsOutput, err error) error {
	if err != nil || len(out.Entries) == 0 || out.Entries[0].ErrorCode == nil {
		return err
	}
	refused := &lambda.Error{Code: *out.Entries[0].ErrorCode}
	if text := out.Entries[0].ErrorMessage; text != nil {
		refused.Message = *text
	}
	return refused
}

// putLog writes one line, in a stream of its own, as AWS does for rules.
func (h *hub) putLog(ctx context.Context, c lambda.Caller, resource string, body []byte) error {
	group, ok := strings.CutPrefix(resource, "log-group:")
	if !ok {
		return fmt.Errorf("%q: %w", resource, errNoTarget)
	}
	group = strings.TrimSuffix(group, ":*")
	stream := uuid.NewString()
	_, err := localCall[cloudwatchlogs.CreateLogStreamOutput](ctx, h.local, c, "logs", "CreateLogStream",
		&cloudwatchlogs.CreateLogStreamInput{LogGroupName: &group, LogStreamName: &stream})
	if err != nil {
		return err
	}
	_, err = localCall[cloudwatchlogs.PutLogEventsOutput](ctx, h.local, c, "logs", "PutLogEvents",
		&cloudwatchlogs.PutLogEventsInput{LogGroupName: &group, LogStreamName: &stream, LogEvents: []logstypes.InputLogEvent{
			{Message: new(string(body)), Timestamp: new(time.Now().UnixMilli())},
		}})
	return err
}

// deliverySession is how long the keys of a delivery are good for: one is made for
// each and used at once.
const deliverySession = 15 * time.Minute

// asFunction is a function's execution role at work.
func (h *hub) asFunction(ctx context.Context, roleARN string, f lambda.FunctionID) (lambda.Caller, error) {
	keys, err := h.iam.MintFunctionSession(ctx, roleARN, f, deliverySession)
	if err != nil {
		return lambda.Caller{}, fmt.Errorf("take the execution role: %w", err)
	}
	return h.holder(ctx, keys, f.Region)
}

// asRole is a role that a service such as "scheduler.amazonaws.com" takes for a
// resource, whose ARN is source. A role that does not let it is a *lambda.Error.
func (h *hub) asRole(ctx context.Context, service, roleARN, source, session string) (lambda.Caller, error) {
	f := strings.SplitN(source, ":", 6)
	if len(f) < 6 {
		return lambda.Caller{}, fmt.Errorf("%q is no ARN", source)
	}
	ok, err := h.iam.CanServiceAssume(ctx, service, roleARN, f[4], source)
	if err != nil {
		return lambda.Caller{}, err
	}
	if !ok {
		return lambda.Caller{}, lambda.Errorf(lambda.CodeAccessDenied, "User: %s is not authorized to perform: sts:AssumeRole on resource: %s", service, roleARN)
	}
	keys, err := h.iam.MintRoleSession(ctx, roleARN, session, deliverySession)
	if err != nil {
		return lambda.Caller{}, fmt.Errorf("take the role: %w", err)
	}
	return h.holder(ctx, keys, f[3])
}

func (h *hub) holder(ctx context.Context, keys lambda.Credentials, region string) (lambda.Caller, error) {
	id, err := h.iam.Lookup(ctx, keys.AccessKeyID, keys.SessionToken)
	if err != nil {
		return lambda.Caller{}, fmt.Errorf("take a role: %w", err)
	}
	id.Caller.Region = region
	return id.Caller, nil
}

// asService is a service such as "s3.amazonaws.com" itself, on behalf of a resource:
// the policy of the target, which target names, must let it.
func asService(service, source, sourceAccount, target string) lambda.Caller {
	c := lambda.Caller{Kind: lambda.PrincipalService, ARN: service, SourceARN: source, SourceAccount: sourceAccount}
	if f := strings.SplitN(target, ":", 6); len(f) == 6 {
		c.Region, c.Account = f[3], f[4]
	}
	return c
}

// passing are the refusals that another try may not get.
var passing = map[string]bool{
	lambda.CodeTooManyRequests: true, lambda.CodeService: true, lambda.CodeResourceConflict: true,
	"ThrottlingException": true, "Throttling": true, "ThrottledException": true, "RequestThrottled": true,
	"SlowDown": true, "InternalError": true, "InternalFailure": true, "InternalException": true,
	"InternalServerError": true, "ServiceUnavailable": true, "ServiceUnavailableException": true,
	"OperationAborted": true,
}

// final says that a delivery which failed so need not be tried again: the target is
// not there, or does not take it from this caller.
func final(err error) bool {
	if errors.Is(err, errNoTarget) || errors.Is(err, errNotServed) {
		return true
	}
	e, ok := errors.AsType[*lambda.Error](err)
	return ok && !passing[e.Code] && e.Status < http.StatusInternalServerError && e.Status != http.StatusTooManyRequests
}

// refusal is the code and the text of a failed delivery, for those who are told.
func refusal(err error) (code, message string) {
	if e, ok := errors.AsType[*lambda.Error](err); ok {
		return e.Code, e.Message
	}
	switch {
	case errors.Is(err, errNoTarget):
		return "InvalidParameterValue", err.Error()
	case errors.Is(err, errNotServed):
		return "NotImplemented", err.Error()
	}
	return "InternalError", "The service had a fault of its own."
}
