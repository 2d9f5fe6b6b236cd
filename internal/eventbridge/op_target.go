package eventbridge

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	eb "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// targetsMax is how many targets a rule may have (EventBridge quotas).
const targetsMax = 5

func (s *Service) putTargets(ctx context.Context, in *eb.PutTargetsInput) (*eb.PutTargetsOutput, error) {
	k, err := own(lambda.CallerFrom(ctx), in.EventBusName)
	if err != nil {
		return nil, err
	}
	var targets []targetRecord
	for i := range in.Targets {
		t, err := checkTarget(&in.Targets[i])
		if err != nil {
			return nil, err
		}
		if t.RoleARN != "" {
			if err := s.cfg.PassRole(ctx, t.RoleARN); err != nil {
				return nil, err
			}
		}
		if slices.ContainsFunc(targets, func(other targetRecord) bool { return other.ID == t.ID }) {
			return nil, invalid("Target with the same Id %s is specified more than once.", t.ID)
		}
		targets = append(targets, t)
	}
	err = s.changeRule(ctx, k, aws.ToString(in.Rule), func(r *ruleRecord) error {
		for _, t := range targets {
			at, found := slices.BinarySearchFunc(r.Targets, t.ID, func(t targetRecord, id string) int { return cmp.Compare(t.ID, id) })
			if found {
				r.Targets[at] = t
			} else {
				r.Targets = slices.Insert(r.Targets, at, t)
			}
		}
		if len(r.Targets) > targetsMax {
			return errLimit
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &eb.PutTargetsOutput{FailedEntries: []types.PutTargetsResultEntry{}}, nil
}

// checkTarget is a target as it is stored, or the error that refuses it.
func checkTarget(in *types.Target) (targetRecord, error) {
	t := targetRecord{
		ID: aws.ToString(in.Id), ARN: aws.ToString(in.Arn), RoleARN: aws.ToString(in.RoleArn), Input: in.Input, InputPath: in.InputPath,
	}
	if err := checkKind(in); err != nil {
		return t, err
	}
	if in.SqsParameters != nil {
		t.GroupID = aws.ToString(in.SqsParameters.MessageGroupId)
	}
	if in.DeadLetterConfig != nil && aws.ToString(in.DeadLetterConfig.Arn) != "" {
		t.DeadLetter = *in.DeadLetterConfig.Arn
		if err := checkDeadLetter(t.DeadLetter); err != nil {
			return t, err
		}
	}
	if p := in.RetryPolicy; p != nil {
		t.AgeMax, t.RetriesMax = p.MaximumEventAgeInSeconds, p.MaximumRetryAttempts
	}
	if tr := in.InputTransformer; tr != nil {
		t.Transform = &transformerRecord{Paths: tr.InputPathsMap, Template: aws.ToString(tr.InputTemplate)}
	}
	_, err := newInput(&t)
	return t, err
}

// checkKind refuses targets that this installation cannot reach.
func checkKind(in *types.Target) error {
	a, ok := parseARN(aws.ToString(in.Arn))
	if !ok {
		return invalid("Parameter %s is not valid. Reason: Provided Arn is not in correct format.", aws.ToString(in.Arn))
	}
	kind, _, _ := strings.Cut(a.resource, "/")
	switch a.service {
	case "lambda", "sns":
		return nil
	case "sqs":
		if strings.HasSuffix(a.resource, ".fifo") && (in.SqsParameters == nil || aws.ToString(in.SqsParameters.MessageGroupId) == "") {
			return invalid("Parameter(s) SqsParameters must be specified for target: %s.", aws.ToString(in.Id))
		}
		return nil
	case "logs":
		if strings.HasPrefix(a.resource, "log-group:") {
			return nil
		}
	case "events":
		if kind == "event-bus" {
			return nil
		}
		if kind == "api-destination" {
			return notServed("API destinations")
		}
	}
	return notServed("Targets of the service " + a.service)
}

func (s *Service) removeTargets(ctx context.Context, in *eb.RemoveTargetsInput) (*eb.RemoveTargetsOutput, error) {
	k, err := own(lambda.CallerFrom(ctx), in.EventBusName)
	if err != nil {
		return nil, err
	}
	err = s.changeRule(ctx, k, aws.ToString(in.Rule), func(r *ruleRecord) error {
		r.Targets = slices.DeleteFunc(r.Targets, func(t targetRecord) bool { return slices.Contains(in.Ids, t.ID) })
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &eb.RemoveTargetsOutput{FailedEntries: []types.RemoveTargetsResultEntry{}}, nil
}

func (s *Service) listTargetsByRule(ctx context.Context, in *eb.ListTargetsByRuleInput) (*eb.ListTargetsByRuleOutput, error) {
	k, err := own(lambda.CallerFrom(ctx), in.EventBusName)
	if err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, err := s.index.rule(k, aws.ToString(in.Rule))
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, t := range r.record.Targets {
		ids = append(ids, t.ID)
	}
	page, next, err := pageOf(ids, in.NextToken, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &eb.ListTargetsByRuleOutput{Targets: []types.Target{}, NextToken: next}
	for _, t := range r.record.Targets {
		if slices.Contains(page, t.ID) {
			out.Targets = append(out.Targets, t.describe())
		}
	}
	return out, nil
}

func (t *targetRecord) describe() types.Target {
	out := types.Target{
		Id: aws.String(t.ID), Arn: aws.String(t.ARN), RoleArn: filled(t.RoleARN), Input: t.Input, InputPath: t.InputPath,
	}
	if t.Transform != nil {
		out.InputTransformer = &types.InputTransformer{InputPathsMap: t.Transform.Paths, InputTemplate: aws.String(t.Transform.Template)}
	}
	if t.GroupID != "" {
		out.SqsParameters = &types.SqsParameters{MessageGroupId: aws.String(t.GroupID)}
	}
	if t.DeadLetter != "" {
		out.DeadLetterConfig = &types.DeadLetterConfig{Arn: aws.String(t.DeadLetter)}
	}
	if t.AgeMax != nil || t.RetriesMax != nil {
		out.RetryPolicy = &types.RetryPolicy{MaximumEventAgeInSeconds: t.AgeMax, MaximumRetryAttempts: t.RetriesMax}
	}
	return out
}
