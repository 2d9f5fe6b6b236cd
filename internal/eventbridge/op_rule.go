package eventbridge

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	eb "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/pattern"
	"github.com/hearthfaas/hearth/internal/queue"
)

// rulesMax is how many rules a bus may have. AWS begins with 300 and gives more on
// request; here the number of rules hardly matters to an event.
const rulesMax = 10_000

const (
	stateEnabled  = string(types.RuleStateEnabled)
	stateDisabled = string(types.RuleStateDisabled)
)

func (k busKey) ruleRecord(name string) string { return k.record() + "/" + name }

func (s *Service) putRule(ctx context.Context, in *eb.PutRuleInput) (*eb.PutRuleOutput, error) {
	c := lambda.CallerFrom(ctx)
	k, err := own(c, in.EventBusName)
	if err != nil {
		return nil, err
	}
	tags, err := tagsOf(in.Tags)
	if err != nil {
		return nil, err
	}
	if err := checkRule(k, in); err != nil {
		return nil, err
	}
	if in.RoleArn != nil {
		if err := s.cfg.PassRole(ctx, *in.RoleArn); err != nil {
			return nil, err
		}
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	b, err := s.index.bus(k)
	if err != nil {
		return nil, err
	}
	name := aws.ToString(in.Name)
	rec := ruleRecord{Account: k.account, Region: k.region, Bus: k.name, Name: name, CreatedBy: c.Account, Tags: tags}
	if old, ok := b.rules[name]; ok {
		rec = old.record // what a request does not name stays only for tags and targets
	} else if len(b.rules) >= rulesMax {
		return nil, errLimit
	}
	if rec.Schedule != aws.ToString(in.ScheduleExpression) {
		rec.Anchor = s.stamp()
	}
	rec.Description, rec.RoleARN = aws.ToString(in.Description), aws.ToString(in.RoleArn)
	rec.Pattern, rec.Schedule = aws.ToString(in.EventPattern), aws.ToString(in.ScheduleExpression)
	if rec.State = string(in.State); rec.State == "" {
		rec.State = stateEnabled
	}
	if err := s.keepRule(ctx, rec); err != nil {
		return nil, err
	}
	return &eb.PutRuleOutput{RuleArn: aws.String(k.rule(name))}, nil
}

// checkRule refuses a rule that never could be met.
func checkRule(k busKey, in *eb.PutRuleInput) error {
	if aws.ToString(in.EventPattern) == "" && aws.ToString(in.ScheduleExpression) == "" {
		return invalid("Parameter(s) EventPattern or ScheduleExpression must be specified.")
	}
	if aws.ToString(in.ScheduleExpression) != "" && k.name != defaultBus {
		return invalid("ScheduleExpression is supported only on the default event bus.")
	}
	return checkPattern(in.EventPattern)
}

func checkPattern(text *string) error {
	if aws.ToString(text) == "" {
		return nil
	}
	_, err := pattern.Parse(*text, pattern.EventBridge)
	if syntax, ok := errors.AsType[*pattern.SyntaxError](err); ok {
		return lambda.Errorf(codeInvalidPattern, "Event pattern is not valid. Reason: %s", syntax.Error())
	}
	return err
}

// keepRule stores a rule and puts it to work. The mutex writing is held.
func (s *Service) keepRule(ctx context.Context, rec ruleRecord) error {
	r, err := newRule(rec)
	if err != nil {
		return err
	}
	if _, err := s.rules.Put(ctx, r.bus.ruleRecord(rec.Name), rec, 0); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.index.grow(r.bus).put(r)
	nudge(s.due)
	return nil
}

// changeRule lets change edit a rule's record and stores it. Targets that are gone
// take what waits for them along.
func (s *Service) changeRule(ctx context.Context, k busKey, name string, change func(*ruleRecord) error) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	r, err := s.index.rule(k, name)
	if err != nil {
		return err
	}
	rec := r.record
	rec.Targets, rec.Tags = slices.Clone(rec.Targets), maps.Clone(rec.Tags)
	if err := change(&rec); err != nil {
		return err
	}
	if err := s.keepRule(ctx, rec); err != nil {
		return err
	}
	for _, t := range r.record.Targets {
		if !slices.ContainsFunc(rec.Targets, func(other targetRecord) bool { return other.ID == t.ID }) {
			err := s.cfg.Queue.Delete(context.WithoutCancel(ctx), queueOf(k, name, t.ID))
			if err != nil && !errors.Is(err, queue.ErrNoQueue) {
				return err
			}
		}
	}
	return nil
}

func (s *Service) deleteRule(ctx context.Context, in *eb.DeleteRuleInput) (*eb.DeleteRuleOutput, error) {
	k, err := own(lambda.CallerFrom(ctx), in.EventBusName)
	if err != nil {
		return nil, err
	}
	name := aws.ToString(in.Name)
	s.writing.Lock()
	defer s.writing.Unlock()
	b, err := s.index.bus(k)
	if err != nil {
		return nil, err
	}
	r, ok := b.rules[name]
	if !ok {
		return &eb.DeleteRuleOutput{}, nil
	}
	if len(r.record.Targets) > 0 {
		return nil, invalid("Rule can't be deleted since it has targets.")
	}
	if err := s.rules.Delete(ctx, k.ruleRecord(name), 0); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b.drop(name)
	s.counts.drop(r.arn())
	nudge(s.due)
	return &eb.DeleteRuleOutput{}, nil
}

func (s *Service) describeRule(ctx context.Context, in *eb.DescribeRuleInput) (*eb.DescribeRuleOutput, error) {
	k, err := own(lambda.CallerFrom(ctx), in.EventBusName)
	if err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	rule, err := s.index.rule(k, aws.ToString(in.Name))
	if err != nil {
		return nil, err
	}
	r := &rule.record
	return &eb.DescribeRuleOutput{
		Arn: aws.String(rule.arn()), Name: aws.String(r.Name), EventBusName: aws.String(k.name), CreatedBy: aws.String(r.CreatedBy),
		Description: filled(r.Description), EventPattern: filled(r.Pattern), ScheduleExpression: filled(r.Schedule),
		RoleArn: filled(r.RoleARN), State: types.RuleState(r.State),
	}, nil
}

func (s *Service) enableRule(ctx context.Context, in *eb.EnableRuleInput) (*eb.EnableRuleOutput, error) {
	return &eb.EnableRuleOutput{}, s.switchRule(ctx, in.EventBusName, in.Name, stateEnabled)
}

func (s *Service) disableRule(ctx context.Context, in *eb.DisableRuleInput) (*eb.DisableRuleOutput, error) {
	return &eb.DisableRuleOutput{}, s.switchRule(ctx, in.EventBusName, in.Name, stateDisabled)
}

func (s *Service) switchRule(ctx context.Context, busName, name *string, state string) error {
	k, err := own(lambda.CallerFrom(ctx), busName)
	if err != nil {
		return err
	}
	return s.changeRule(ctx, k, aws.ToString(name), func(r *ruleRecord) error {
		r.State = state
		return nil
	})
}

func (s *Service) listRules(ctx context.Context, in *eb.ListRulesInput) (*eb.ListRulesOutput, error) {
	k, err := own(lambda.CallerFrom(ctx), in.EventBusName)
	if err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, err := s.index.bus(k)
	if err != nil {
		return nil, err
	}
	var names []string
	for name := range b.rules {
		if strings.HasPrefix(name, aws.ToString(in.NamePrefix)) {
			names = append(names, name)
		}
	}
	page, next, err := pageOf(names, in.NextToken, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &eb.ListRulesOutput{Rules: []types.Rule{}, NextToken: next}
	for _, name := range page {
		r := &b.rules[name].record
		out.Rules = append(out.Rules, types.Rule{
			Arn: aws.String(k.rule(name)), Name: aws.String(name), EventBusName: aws.String(k.name),
			Description: filled(r.Description), EventPattern: filled(r.Pattern), ScheduleExpression: filled(r.Schedule),
			RoleArn: filled(r.RoleARN), State: types.RuleState(r.State),
		})
	}
	return out, nil
}

func (s *Service) listRuleNamesByTarget(ctx context.Context, in *eb.ListRuleNamesByTargetInput) (*eb.ListRuleNamesByTargetOutput, error) {
	k, err := own(lambda.CallerFrom(ctx), in.EventBusName)
	if err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, err := s.index.bus(k)
	if err != nil {
		return nil, err
	}
	names := []string{}
	for name, r := range b.rules {
		if slices.ContainsFunc(r.record.Targets, func(t targetRecord) bool { return t.ARN == aws.ToString(in.TargetArn) }) {
			names = append(names, name)
		}
	}
	page, next, err := pageOf(names, in.NextToken, in.Limit)
	if err != nil {
		return nil, err
	}
	return &eb.ListRuleNamesByTargetOutput{RuleNames: page, NextToken: next}, nil
}
