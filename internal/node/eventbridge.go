package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hearthfaas/hearth/internal/eventbridge"
	"github.com/hearthfaas/hearth/internal/iam/policy"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store/sqlite"
)

const eventsService = "events.amazonaws.com"

// openEventBridge opens EventBridge with a store of its own, as archives may be large,
// and shows identity its buses and rules.
func (n *Node) openEventBridge(ctx context.Context, p *parts) error {
	own, err := sqlite.Open(ctx, n.dir("events.db"), n.log)
	if err != nil {
		return fmt.Errorf("open the event buses: %w", err)
	}
	p.closers = append(p.closers, own.Close)
	p.buses, err = eventbridge.Open(ctx, eventbridge.Config{
		Store: own, Queue: p.queue, Targets: eventTargets{p.hub}, Authorizer: p.iam,
		CheckPolicy: func(document string) error {
			_, err := policy.Parse(policy.Resource, document)
			return err
		},
		PassRole: func(ctx context.Context, arn string) error {
			return p.iam.CanPassRole(ctx, arn, eventsService)
		},
		TimeScale: n.cfg.TimeScale, Now: time.Now, Log: n.log,
	})
	if err != nil {
		return err
	}
	p.iam.UseResources("events", eventResources{p.buses})
	return nil
}

// runEventBridge delivers events from when functions are known: before, one that
// exists would look as if it did not.
func (p *parts) runEventBridge(ctx context.Context) error {
	select {
	case <-p.plane.Ready():
		return p.buses.Run(ctx)
	case <-ctx.Done():
		return nil
	}
}

// eventTargets takes events to what rules name.
type eventTargets struct{ hub *hub }

// Deliver meets eventbridge.Targets.
func (t eventTargets) Deliver(ctx context.Context, d eventbridge.Delivery) error {
	c, err := t.caller(ctx, d)
	if err != nil {
		return err
	}
	p := parcel{ARN: d.ARN, Body: d.Body, GroupID: d.GroupID, TraceID: d.TraceID}
	for name, value := range d.Attributes {
		if p.Attributes == nil {
			p.Attributes = map[string]attribute{}
		}
		p.Attributes[name] = attribute{"String", value}
	}
	return eventFailure(t.hub.deliver(ctx, c, p))
}

// MayPut meets eventbridge.Targets.
func (t eventTargets) MayPut(ctx context.Context, d eventbridge.Delivery) error {
	c, err := t.caller(ctx, d)
	if err != nil {
		return err
	}
	return eventFailure(t.hub.iam.Authorize(ctx, c, "events:PutEvents", d.ARN))
}

// caller is as whom an event is delivered: the target's role, or the service itself.
// Without a role buses and log groups are the account's affair: a bus's policy names
// accounts, and log groups have none.
func (t eventTargets) caller(ctx context.Context, d eventbridge.Delivery) (lambda.Caller, error) {
	rule, target := strings.SplitN(d.RuleARN, ":", 6), strings.SplitN(d.ARN, ":", 6)
	if len(rule) < 6 || len(target) < 6 {
		return lambda.Caller{}, &eventbridge.Failure{Code: "INVALID_PARAMETER", Message: "The target's ARN is not valid.", Final: true}
	}
	account := lambda.Caller{
		Kind: lambda.PrincipalRoot, Account: rule[4], ARN: "arn:aws:iam::" + rule[4] + ":root", UserID: rule[4], Region: rule[3],
	}
	switch {
	case target[2] == "logs" && target[4] == rule[4]:
		return account, nil
	case d.RoleARN != "":
		c, err := t.hub.asRole(ctx, eventsService, d.RoleARN, d.RuleARN, lambda.NewUUID())
		if refused, ok := errors.AsType[*lambda.Error](err); ok {
			return c, &eventbridge.Failure{Code: "FAILED_TO_ASSUME_ROLE", Message: refused.Message, Final: true}
		}
		return c, err
	case target[2] == "events":
		return account, nil
	}
	return asService(eventsService, d.RuleARN, rule[4], d.ARN), nil
}

// eventFailure is an error in the words of EventBridge's dead letters (user guide,
// "Using dead-letter queues", ERROR_CODE).
func eventFailure(err error) error {
	if err == nil || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	code, text := refusal(err)
	f := &eventbridge.Failure{Code: "ERROR_FROM_TARGET", Message: text, Final: final(err)}
	switch {
	case strings.Contains(code, "AccessDenied"), strings.Contains(code, "AuthorizationError"):
		f.Code = "NO_PERMISSIONS"
	case strings.Contains(code, "NotFound"), strings.Contains(code, "NonExistentQueue"), strings.Contains(code, "QueueDoesNotExist"):
		f.Code = "NO_RESOURCE"
	case strings.Contains(code, "Throttl"), strings.Contains(code, "TooManyRequests"), code == "SlowDown":
		f.Code = "THROTTLING"
	case strings.Contains(code, "Invalid"), strings.Contains(code, "Validation"), code == "NotImplemented":
		f.Code = "INVALID_PARAMETER"
	case strings.HasPrefix(code, "Internal"), code == lambda.CodeService:
		f.Code = "INTERNAL_ERROR"
	}
	return f
}

// eventResources shows identity the policies of buses, and the tags of buses and
// rules.
type eventResources struct{ buses *eventbridge.Service }

// Policy meets iam.Resources.
func (r eventResources) Policy(arn string) (int64, func() string, bool) {
	revision, text, ok := r.buses.PolicyAt(arn)
	return revision, func() string { return text }, ok
}

// Tags meets iam.Resources.
func (r eventResources) Tags(arn string) map[string]string { return r.buses.TagsAt(arn) }
