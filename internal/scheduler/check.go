package scheduler

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

const (
	// ageDefault and retriesDefault are AWS's retry policy where none is given.
	ageDefault     = 86400
	retriesDefault = 185
	// startPast is how far back a schedule may begin (AWS's own refusal names it).
	startPast = 5 * time.Minute
	// inputMax is AWS's largest input, in bytes.
	inputMax = 256 << 10
)

// asked is what CreateSchedule and UpdateSchedule have in common.
type asked scheduler.UpdateScheduleInput

// digest tells one request from another with the same token.
func (in *asked) digest() (string, error) {
	plain := *in
	plain.ClientToken = nil
	text, err := json.Marshal(plain)
	if err != nil {
		return "", fmt.Errorf("encode a schedule: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// record makes the schedule that a request asks for, without what it has come to, or
// the *lambda.Error that refuses it. What the API's model says of single members was
// checked by the edge.
func (s *Service) record(ctx context.Context, p place, group string, in *asked, now time.Time) (scheduleRecord, error) {
	r := scheduleRecord{
		Modified: now, Description: in.Description, Expression: deref(in.ScheduleExpression), Timezone: deref(in.ScheduleExpressionTimezone),
		KMSKey: in.KmsKeyArn, Disabled: in.State == types.ScheduleStateDisabled,
		DeleteDone: in.ActionAfterCompletion == types.ActionAfterCompletionDelete,
	}
	if r.Timezone == "" {
		r.Timezone = "UTC"
	}
	plan, err := r.plan()
	if err != nil {
		return r, err
	}
	r.setDates(in)
	if !plan.Once() { // which keeps its dates and has no use for them
		if err := r.checkDates(now); err != nil {
			return r, err
		}
	}
	if err := r.setWindow(in.FlexibleTimeWindow); err != nil {
		return r, err
	}
	if r.Target, err = s.target(in.Target); err != nil {
		return r, err
	}
	return r, s.checkRole(ctx, p, group, r.Target.RoleARN)
}

func (r *scheduleRecord) setDates(in *asked) {
	if in.StartDate != nil {
		r.Start = in.StartDate.UTC()
	}
	if in.EndDate != nil {
		r.End = in.EndDate.UTC()
	}
}

func (r *scheduleRecord) checkDates(now time.Time) error {
	switch {
	case !r.Start.IsZero() && r.Start.Before(now.Add(-startPast)):
		return invalid("The StartDate you specify cannot be earlier than 5 minutes ago.")
	case !r.End.IsZero() && r.End.Before(now):
		return invalid("The EndDate you specify cannot be in the past.")
	case !r.Start.IsZero() && !r.End.IsZero() && !r.Start.Before(r.End):
		return invalid("The StartDate you specify must come before the EndDate you specify.")
	}
	return nil
}

func (r *scheduleRecord) setWindow(w *types.FlexibleTimeWindow) error {
	switch {
	case w == nil:
		return invalid("FlexibleTimeWindow must be provided.")
	case w.Mode == types.FlexibleTimeWindowModeOff && w.MaximumWindowInMinutes != nil:
		return invalid("MaximumWindowInMinutes must not be provided when FlexibleTimeWindow.Mode is OFF.")
	case w.Mode == types.FlexibleTimeWindowModeFlexible && w.MaximumWindowInMinutes == nil:
		return invalid("MaximumWindowInMinutes must be provided when FlexibleTimeWindow.Mode is FLEXIBLE.")
	case w.MaximumWindowInMinutes != nil:
		r.WindowMin = int(*w.MaximumWindowInMinutes)
	}
	return nil
}

// universal is how the ARNs of universal targets begin: the service and the operation
// follow.
const universal = "arn:aws:scheduler:::aws-sdk:"

// Universal takes apart the ARN of a universal target, such as
// arn:aws:scheduler:::aws-sdk:sqs:sendMessage.
func Universal(arn string) (service, operation string, ok bool) {
	rest, ok := strings.CutPrefix(arn, universal)
	if !ok {
		return "", "", false
	}
	service, operation, ok = strings.Cut(rest, ":")
	return service, operation, ok && service != "" && operation != ""
}

// reads are how operations begin that only read, which Scheduler does not call (user
// guide, "Using universal targets").
var reads = []string{
	"get", "describe", "list", "poll", "receive", "search", "scan", "query", "select", "read", "discover", "validate",
	"batchGet", "batchDescribe", "batchRead", "transactGet", "adminGet", "adminList", "testMigration", "retrieve",
	"testConnection", "translateDocument", "isAuthorized", "invokeModel",
}

func (s *Service) target(t *types.Target) (targetRecord, error) {
	r := targetRecord{AgeSec: ageDefault, Retries: retriesDefault}
	if t == nil {
		return r, invalid("Target must be provided.")
	}
	r.ARN, r.RoleARN, r.Input = deref(t.Arn), deref(t.RoleArn), t.Input
	if policy := t.RetryPolicy; policy != nil {
		if policy.MaximumEventAgeInSeconds != nil {
			r.AgeSec = *policy.MaximumEventAgeInSeconds
		}
		if policy.MaximumRetryAttempts != nil {
			r.Retries = *policy.MaximumRetryAttempts
		}
	}
	if t.DeadLetterConfig != nil && t.DeadLetterConfig.Arn != nil {
		r.DeadLetter = t.DeadLetterConfig.Arn
	}
	if len(deref(t.Input)) > inputMax {
		return r, invalid("Input must be at most %d bytes.", inputMax)
	}
	f := strings.SplitN(r.ARN, ":", 6)
	if len(f) < 6 || f[0] != "arn" || f[5] == "" {
		return r, invalid("Provided Arn is not in correct format.")
	}
	if err := r.parameters(t, f); err != nil {
		return r, err
	}
	return r, s.cfg.Targets.Check(r.ARN)
}

// parameters takes what belongs to one kind of target.
func (r *targetRecord) parameters(t *types.Target, arn []string) error {
	_, operation, isUniversal := Universal(r.ARN)
	kind := arn[2]
	if isUniversal {
		kind = "universal"
	}
	if (t.EventBridgeParameters != nil) && kind != "events" || (t.SqsParameters != nil) && kind != "sqs" ||
		t.EcsParameters != nil || t.KinesisParameters != nil || t.SageMakerPipelineParameters != nil {
		return invalid("Target parameters do not match the target %s.", r.ARN)
	}
	needsJSON := kind == "lambda" || kind == "events" || kind == "universal"
	if needsJSON && r.Input != nil && !json.Valid([]byte(withoutContext(*r.Input))) {
		return invalid("Invalid Input JSON provided for target %s.", r.ARN)
	}
	switch kind {
	case "universal":
		for _, prefix := range reads {
			if strings.HasPrefix(operation, prefix) {
				return invalid("%s is not a supported api action.", operation)
			}
		}
	case "events":
		if t.EventBridgeParameters == nil {
			return invalid("EventBridgeParameters must be provided for an event bus target.")
		}
		r.Source, r.DetailType = t.EventBridgeParameters.Source, t.EventBridgeParameters.DetailType
	case "sqs":
		if t.SqsParameters != nil {
			r.GroupID = t.SqsParameters.MessageGroupId
		}
		if strings.HasSuffix(r.ARN, ".fifo") && r.GroupID == nil {
			return invalid("MessageGroupId must be provided for a FIFO queue target.")
		}
	}
	return nil
}

// withoutContext is an input with its context attributes gone: those that stand
// outside of a text, as a number may, would not be JSON.
func withoutContext(input string) string {
	return strings.NewReplacer(
		"<aws.scheduler.schedule-arn>", "0", "<aws.scheduler.scheduled-time>", "0",
		"<aws.scheduler.execution-id>", "0", "<aws.scheduler.attempt-number>", "1",
	).Replace(input)
}

// checkRole says whether the caller may give the role away, and Scheduler take it.
func (s *Service) checkRole(ctx context.Context, p place, group, role string) error {
	if err := s.cfg.Roles.CanPass(ctx, role); err != nil {
		return err
	}
	ok, err := s.cfg.Roles.CanAssume(ctx, role, p.account, p.groupARN(group))
	if err != nil {
		return err
	}
	if !ok {
		return &lambda.Error{Code: lambda.CodeValidation, Message: "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."}
	}
	return nil
}
