package controlplane

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// EventInvokeConfig says how events of asynchronous invokes are treated. Members
// that are nil or empty were not configured.
type EventInvokeConfig struct {
	RetryAttempts *int
	EventAge      *time.Duration
	OnSuccess     string // ARN of a destination
	OnFailure     string // ARN of a destination
}

// EventInvoke is the configuration for a function and qualifier, empty for none; the
// zero value when there is none. It reads memory only.
func (s *Service) EventInvoke(id lambda.FunctionID, qualifier string) EventInvokeConfig {
	r := s.view.function(id).eventInvokes[policyPart(qualifier)].value
	c := EventInvokeConfig{OnSuccess: r.OnSuccess, OnFailure: r.OnFailure}
	if r.RetryAttempts != nil {
		c.RetryAttempts = new(int(*r.RetryAttempts))
	}
	if r.EventAgeSec != nil {
		c.EventAge = new(time.Duration(*r.EventAgeSec) * time.Second)
	}
	return c
}

// PutFunctionEventInvokeConfig replaces a configuration (Lambda API,
// PutFunctionEventInvokeConfig).
func (s *Service) PutFunctionEventInvokeConfig(ctx context.Context, in *awslambda.PutFunctionEventInvokeConfigInput) (*awslambda.PutFunctionEventInvokeConfigOutput, error) {
	out, err := s.changeEventInvoke(ctx, "PutFunctionEventInvokeConfig", in.FunctionName, in.Qualifier, false,
		eventInvokeChange{in.MaximumRetryAttempts, in.MaximumEventAgeInSeconds, in.DestinationConfig})
	if err != nil {
		return nil, err
	}
	return as[awslambda.PutFunctionEventInvokeConfigOutput](out), nil
}

// UpdateFunctionEventInvokeConfig changes the members that the request has (Lambda
// API, UpdateFunctionEventInvokeConfig).
func (s *Service) UpdateFunctionEventInvokeConfig(ctx context.Context, in *awslambda.UpdateFunctionEventInvokeConfigInput) (*awslambda.UpdateFunctionEventInvokeConfigOutput, error) {
	out, err := s.changeEventInvoke(ctx, "UpdateFunctionEventInvokeConfig", in.FunctionName, in.Qualifier, true,
		eventInvokeChange{in.MaximumRetryAttempts, in.MaximumEventAgeInSeconds, in.DestinationConfig})
	if err != nil {
		return nil, err
	}
	return as[awslambda.UpdateFunctionEventInvokeConfigOutput](out), nil
}

// GetFunctionEventInvokeConfig shows a configuration (Lambda API,
// GetFunctionEventInvokeConfig).
func (s *Service) GetFunctionEventInvokeConfig(ctx context.Context, in *awslambda.GetFunctionEventInvokeConfigInput) (*awslambda.GetFunctionEventInvokeConfigOutput, error) {
	id, q, err := resolve(lambda.CallerFrom(ctx), "GetFunctionEventInvokeConfig", in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	f := s.view.function(id)
	r, ok := f.eventInvokes[policyPart(q)]
	if !ok || !f.exists {
		return nil, noEventInvoke(id, q)
	}
	return as[awslambda.GetFunctionEventInvokeConfigOutput](renderEventInvoke(id, policyPart(q), r.value)), nil
}

// DeleteFunctionEventInvokeConfig removes a configuration (Lambda API,
// DeleteFunctionEventInvokeConfig).
func (s *Service) DeleteFunctionEventInvokeConfig(ctx context.Context, in *awslambda.DeleteFunctionEventInvokeConfigInput) (*awslambda.DeleteFunctionEventInvokeConfigOutput, error) {
	id, q, err := resolve(lambda.CallerFrom(ctx), "DeleteFunctionEventInvokeConfig", in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	err = s.edit(ctx, id, func(e *edit) error {
		if _, ok := e.f.eventInvokes[policyPart(q)]; !ok || !e.f.exists {
			return noEventInvoke(id, q)
		}
		e.deleteEventInvoke(q)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &awslambda.DeleteFunctionEventInvokeConfigOutput{}, nil
}

// ListFunctionEventInvokeConfigs shows a function's configurations in order of
// their qualifiers (Lambda API, ListFunctionEventInvokeConfigs).
func (s *Service) ListFunctionEventInvokeConfigs(ctx context.Context, in *awslambda.ListFunctionEventInvokeConfigsInput) (*awslambda.ListFunctionEventInvokeConfigsOutput, error) {
	id, _, err := resolve(lambda.CallerFrom(ctx), "ListFunctionEventInvokeConfigs", in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	f := s.view.function(id)
	if !f.exists {
		return nil, errNoFunctionForEvents
	}
	after, err := decodeMarker(in.Marker)
	if err != nil {
		return nil, err
	}
	page := newPage[types.FunctionEventInvokeConfig](in.MaxItems)
	for _, q := range slices.Sorted(maps.Keys(f.eventInvokes)) {
		if q > string(after) {
			page.add(marker(q), *renderEventInvoke(id, q, f.eventInvokes[q].value))
		}
	}
	return &awslambda.ListFunctionEventInvokeConfigsOutput{FunctionEventInvokeConfigs: page.items, NextMarker: page.marker()}, nil
}

var errNoFunctionForEvents = lambda.Errorf(lambda.CodeResourceNotFound, "The function doesn't exist.")

func noEventInvoke(id lambda.FunctionID, q string) error {
	return lambda.Errorf(lambda.CodeResourceNotFound, "The function %s doesn't have an EventInvokeConfig", id.QualifiedARN(policyPart(q)))
}

// eventInvokeChange is what a request asks for.
type eventInvokeChange struct {
	retries, age *int32
	destinations *types.DestinationConfig
}

func (s *Service) changeEventInvoke(ctx context.Context, op string, name, qualifier *string, merge bool, c eventInvokeChange) (*types.FunctionEventInvokeConfig, error) {
	id, q, err := resolve(lambda.CallerFrom(ctx), op, name, qualifier)
	if err != nil {
		return nil, err
	}
	if !merge && c.retries == nil && c.age == nil && c.destinations == nil {
		return nil, invalid("You must specify at least one of error handling or destination setting.")
	}
	if err := s.checkDestinations(ctx, id, c.destinations); err != nil {
		return nil, err
	}
	var next eventInvokeRecord
	err = s.edit(ctx, id, func(e *edit) error {
		if _, err := e.f.choose(q); err != nil {
			return errNoFunctionForEvents
		}
		next = eventInvokeRecord{}
		old, ok := e.f.eventInvokes[policyPart(q)]
		if merge && !ok {
			return noEventInvoke(id, q)
		}
		if merge {
			next = old.value
		}
		next.LastModified = s.cfg.Now()
		if c.retries != nil {
			next.RetryAttempts = c.retries
		}
		if c.age != nil {
			next.EventAgeSec = c.age
		}
		if d := c.destinations; d != nil {
			if d.OnSuccess != nil {
				next.OnSuccess = value(d.OnSuccess.Destination)
			}
			if d.OnFailure != nil {
				next.OnFailure = value(d.OnFailure.Destination)
			}
		}
		e.putEventInvoke(q, next)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return renderEventInvoke(id, policyPart(q), next), nil
}

// checkDestinations says whether records may go where a request wants them: queues,
// topics, event buses, other functions that exist, and for failures buckets.
func (s *Service) checkDestinations(ctx context.Context, id lambda.FunctionID, d *types.DestinationConfig) error {
	if d == nil {
		return nil
	}
	var success, failure string
	if d.OnSuccess != nil {
		success = value(d.OnSuccess.Destination)
	}
	if d.OnFailure != nil {
		failure = value(d.OnFailure.Destination)
	}
	for _, arn := range []string{failure, success} {
		if arn == "" {
			continue
		}
		if !takesRecords(arn, arn == failure) {
			return invalid("The provided destination config DestinationConfig(onSuccess=%s, onFailure=%s) is invalid.",
				printDestination("OnSuccess", success), printDestination("OnFailure", failure))
		}
		if !strings.HasPrefix(arn, "arn:aws:lambda:") {
			if s.cfg.Destinations != nil && !s.cfg.Destinations.Exists(ctx, arn) {
				return invalid("The destination ARN %s is invalid.", arn)
			}
			continue
		}
		ref, ok := lambda.ParseFunctionRef(arn)
		to := lambda.FunctionID{Account: ref.Account, Region: ref.Region, Name: ref.Name}
		if ok && to == id {
			return invalid("You can't specify the function as a destination for itself.")
		}
		if !ok || !s.view.function(to).exists {
			return invalid("The destination ARN %s is invalid.", arn)
		}
	}
	return nil
}

// takesRecords says whether an ARN is of a kind that records go to: not what keeps
// an order, and buckets for failures only.
func takesRecords(arn string, failure bool) bool {
	f := strings.SplitN(arn, ":", 6)
	if len(f) < 6 || f[0] != "arn" || f[5] == "" {
		return false
	}
	switch f[2] {
	case "sqs", "sns":
		return !strings.HasSuffix(arn, ".fifo")
	case "events", "lambda":
		return true
	case "s3":
		return failure
	}
	return false
}

func printDestination(kind, arn string) string {
	if arn == "" {
		return "null"
	}
	return kind + "(destination=" + arn + ")"
}

func renderEventInvoke(id lambda.FunctionID, qualifier string, r eventInvokeRecord) *types.FunctionEventInvokeConfig {
	return &types.FunctionEventInvokeConfig{
		FunctionArn:              new(id.QualifiedARN(qualifier)),
		LastModified:             new(r.LastModified),
		MaximumRetryAttempts:     r.RetryAttempts,
		MaximumEventAgeInSeconds: r.EventAgeSec,
		DestinationConfig: &types.DestinationConfig{
			OnSuccess: &types.OnSuccess{Destination: optional(r.OnSuccess)},
			OnFailure: &types.OnFailure{Destination: optional(r.OnFailure)},
		},
	}
}
