// Package sqs polls queues for functions as Lambda does (Lambda developer guide,
// "Using Lambda with Amazon SQS"): long polls, batches, scaling with what the queue
// holds, filters, and what a function's answer leaves in the queue.
//
// It decides how many polls and batches of a mapping there are at a time, what goes
// into a batch, and which messages are deleted after it. The order within a FIFO
// group, visibility timeouts and dead-letter queues are the queue's own doing (sqs,
// queue); limits of concurrency are the function's (counter).
//
// A mapping that finds nothing holds one long poll and does no work meanwhile.
package sqs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/hearthfaas/hearth/internal/eventsource"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// Queues is SQS as its pollers use it. All is asked for as a caller, whose
// permissions hold.
type Queues interface {
	// Receive takes up to r.Max messages. When ctx ends while it waits, none is taken.
	Receive(ctx context.Context, as lambda.Caller, arn string, r Receive) ([]types.Message, error)
	// Delete removes up to DeleteMax messages. It returns those that another try may
	// remove.
	Delete(ctx context.Context, as lambda.Caller, arn string, messages []types.Message) (left []types.Message, err error)
	// Visibility is a queue's visibility timeout.
	Visibility(ctx context.Context, as lambda.Caller, arn string) (time.Duration, error)
	// MayReceive returns nil when the caller may receive and delete messages.
	MayReceive(ctx context.Context, as lambda.Caller, arn string) error
}

// Receive says what is received.
type Receive struct {
	Max  int           // up to ReceiveMax
	Wait time.Duration // for the first message, up to WaitMax
	// Visibility is how long the messages are hidden; 0 takes the queue's.
	Visibility time.Duration
}

// ErrNoQueue says that there is no such queue.
var ErrNoQueue = errors.New("sqs: no such queue")

// DeniedError says which of SQS's operations a caller may not use.
type DeniedError struct {
	Operation string
	Err       error
}

// Error meets error.
func (e *DeniedError) Error() string { return e.Operation + ": " + e.Err.Error() }

// Unwrap is the refusal.
func (e *DeniedError) Unwrap() error { return e.Err }

const (
	// ReceiveMax is how many messages one receive may ask for (SQS API).
	ReceiveMax = 10
	// DeleteMax is how many messages one delete may name (SQS API).
	DeleteMax = 10
	// WaitMax is the longest of long polls (SQS API).
	WaitMax = 20 * time.Second
)

// Config is what a Source works with; all is required but Log.
type Config struct {
	Queues    Queues
	Functions eventsource.Functions
	Runner    eventsource.Runner
	Roles     eventsource.Roles
	Metrics   eventsource.Metrics
	// Report sets a mapping's LastProcessingResult.
	Report func(uuid, result string)
	Log    *slog.Logger
}

// Source polls queues.
type Source struct{ cfg Config }

// New returns a Source.
func New(cfg Config) *Source {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Source{cfg: cfg}
}

// Check returns nil when the mapping's queue exists, its function's role may read
// it, and its visibility timeout leaves the function enough time. The error is an
// InvalidParameterValueException.
func (s *Source) Check(ctx context.Context, m eventsource.Mapping) error {
	f, err := s.cfg.Functions.Find(m.Function, m.Qualifier)
	if err != nil {
		return lambda.Errorf(lambda.CodeInvalidParameterValue, "Function does not exist")
	}
	as, err := s.cfg.Roles.Assume(ctx, f.Version.RoleARN, m.Function)
	if err != nil {
		return err
	}
	if err := s.cfg.Queues.MayReceive(ctx, as, m.SourceARN); err != nil {
		return refusal(err)
	}
	visibility, err := s.cfg.Queues.Visibility(ctx, as, m.SourceARN)
	if err != nil {
		return refusal(err)
	}
	if visibility < f.Version.Timeout {
		return lambda.Errorf(lambda.CodeInvalidParameterValue,
			"Queue visibility timeout: %d seconds is less than Function timeout: %d seconds",
			int(visibility.Seconds()), int(f.Version.Timeout.Seconds()))
	}
	return nil
}

// refusal is what setting a mapping up answers to an error of its queue.
func refusal(err error) error {
	text, ok := explain(err)
	if !ok {
		return err
	}
	return &lambda.Error{Code: lambda.CodeInvalidParameterValue, Message: text}
}

// explain says in Lambda's words why a queue cannot be used; ok is false for faults
// of ours.
func explain(err error) (text string, ok bool) {
	if denied, ok := errors.AsType[*DeniedError](err); ok {
		return fmt.Sprintf("The provided execution role does not have permissions to call %s on SQS", denied.Operation), true
	}
	if errors.Is(err, ErrNoQueue) {
		return "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not exist.", true
	}
	if refused, ok := errors.AsType[*lambda.Error](err); ok {
		return refused.Message, true
	}
	return "", false
}

// Sweep meets eventsource.Source: the queue keeps all there is to keep.
func (s *Source) Sweep(context.Context, func(string) bool) error { return nil }
