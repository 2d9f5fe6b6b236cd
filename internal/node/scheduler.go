package node

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/hearthfaas/hearth/internal/frontend"
	"github.com/hearthfaas/hearth/internal/iam"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/scheduler"
	"github.com/hearthfaas/hearth/internal/store/sqlite"
)

const schedulerService = "scheduler.amazonaws.com"

// openScheduler opens EventBridge Scheduler, and shows identity its groups.
func (n *Node) openScheduler(ctx context.Context, p *parts) error {
	own, err := sqlite.Open(ctx, n.dir("scheduler.db"), n.log)
	if err != nil {
		return fmt.Errorf("open the schedules: %w", err)
	}
	p.closers = append(p.closers, own.Close)
	p.schedules, err = scheduler.Open(ctx, scheduler.Config{
		Store: own, Roles: schedulerRoles{p.iam}, Targets: schedulerTargets{p.hub, n.log},
		TimeScale: n.cfg.TimeScale, Now: time.Now, Log: n.log,
	})
	if err != nil {
		return err
	}
	p.closers = append(p.closers, func() error { p.schedules.Close(); return nil })
	p.iam.UseResources("scheduler", schedulerResources{p.schedules})
	return nil
}

// runScheduler runs schedules from when functions are known.
func (p *parts) runScheduler(ctx context.Context) error {
	select {
	case <-p.plane.Ready():
		return p.schedules.Run(ctx)
	case <-ctx.Done():
		return nil
	}
}

// schedulerRoles asks identity on behalf of Scheduler.
type schedulerRoles struct{ iam *iam.Service }

// CanPass meets scheduler.Roles.
func (r schedulerRoles) CanPass(ctx context.Context, roleARN string) error {
	return r.iam.CanPassRole(ctx, roleARN, schedulerService)
}

// CanAssume meets scheduler.Roles.
func (r schedulerRoles) CanAssume(ctx context.Context, roleARN, account, groupARN string) (bool, error) {
	return r.iam.CanServiceAssume(ctx, schedulerService, roleARN, account, groupARN)
}

// schedulerTargets calls what schedules are for.
type schedulerTargets struct {
	hub *hub
	log *slog.Logger
}

// Check meets scheduler.Targets.
func (t schedulerTargets) Check(arn string) error {
	refused := lambda.Errorf(lambda.CodeValidation, "The target %s is not supported on this installation.", arn)
	if service, operation, ok := scheduler.Universal(arn); ok {
		service, operation = universalOperation(service, operation)
		if _, err := t.hub.local.find(service, operation); err != nil && (service != "lambda" || operation != "Invoke") {
			return refused
		}
		return nil
	}
	f := strings.SplitN(arn, ":", 6)
	switch operations := map[string]string{"sqs": "SendMessage", "sns": "Publish", "events": "PutEvents"}; f[2] {
	case "lambda":
		return nil
	case "sqs", "sns", "events":
		if _, err := t.hub.local.find(f[2], operations[f[2]]); err == nil {
			return nil
		}
	}
	return refused
}

// Deliver meets scheduler.Targets.
func (t schedulerTargets) Deliver(ctx context.Context, d scheduler.Delivery) error {
	err := t.deliver(ctx, d)
	if err == nil {
		return nil
	}
	if _, known := errors.AsType[*lambda.Error](err); !known {
		t.log.WarnContext(ctx, "calling a schedule's target", "target", d.ARN, "error", err)
	}
	code, message := refusal(err)
	if code == "QueueDoesNotExist" {
		code = "AWS.SimpleQueueService.NonExistentQueue" // dead letters still have SQS's older name for it
	}
	return &scheduler.Failure{Code: code, Message: message, Final: final(err)}
}

func (t schedulerTargets) deliver(ctx context.Context, d scheduler.Delivery) error {
	c, err := t.hub.asRole(ctx, schedulerService, d.RoleARN, d.GroupARN, d.Execution)
	if err != nil {
		return err
	}
	if service, operation, ok := scheduler.Universal(d.ARN); ok {
		service, operation = universalOperation(service, operation)
		if service == "lambda" && operation == "Invoke" {
			return t.invoke(ctx, c, d.Body)
		}
		return t.hub.local.named(ctx, c, service, operation, d.Body)
	}
	p := parcel{ARN: d.ARN, Body: d.Body, GroupID: d.GroupID, Event: busEvent{Source: d.Source, DetailType: d.DetailType}}
	for name, value := range d.Attributes {
		if p.Attributes == nil {
			p.Attributes = map[string]attribute{}
		}
		p.Attributes[name] = attribute{"String", value}
	}
	return t.hub.deliver(ctx, c, p)
}

// invoke is the universal target lambda:invoke: a function's error is an answer, and
// is not tried again.
func (t schedulerTargets) invoke(ctx context.Context, c lambda.Caller, text []byte) error {
	var in struct {
		FunctionName, Qualifier, ClientContext string
		InvocationType                         lambda.InvocationType
		Payload                                json.RawMessage
	}
	if err := json.Unmarshal(text, &in); err != nil {
		return lambda.Errorf(lambda.CodeSerialization, "The input is no input of Invoke.")
	}
	payload := []byte(in.Payload)
	var quoted string
	if json.Unmarshal(in.Payload, &quoted) == nil {
		payload = []byte(quoted)
	}
	c.RequestID = lambda.NewRequestID()
	_, err := t.hub.frontend.Invoke(lambda.WithCaller(ctx, c), frontend.Input{
		Caller: c, FunctionName: in.FunctionName, Qualifier: in.Qualifier, ClientContext: in.ClientContext,
		Type: cmp.Or(in.InvocationType, lambda.RequestResponse), Payload: payload,
	})
	return err
}

// universalOperation is what the parts of a universal target's ARN mean here: the
// service's model and the operation.
func universalOperation(service, operation string) (model, name string) {
	switch service {
	case "eventbridge":
		service = "events"
	case "cloudwatchlogs":
		service = "logs"
	}
	r, size := utf8.DecodeRuneInString(operation)
	return service, string(unicode.ToUpper(r)) + operation[size:]
}

// schedulerResources shows identity the tags of schedule groups, which have no
// policies.
type schedulerResources struct{ schedules *scheduler.Service }

// Policy meets iam.Resources.
func (schedulerResources) Policy(string) (int64, func() string, bool) { return 0, nil, false }

// Tags meets iam.Resources.
func (r schedulerResources) Tags(arn string) map[string]string { return r.schedules.TagsAt(arn) }
