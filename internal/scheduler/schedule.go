package scheduler

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/google/uuid"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

// schedulesMax is AWS's quota of schedules in an account and region.
const schedulesMax = 1_000_000

func (s *Service) createSchedule(ctx context.Context, in *scheduler.CreateScheduleInput) (*scheduler.CreateScheduleOutput, error) {
	p, group, name := placeOf(lambda.CallerFrom(ctx)), cmp.Or(deref(in.GroupName), defaultGroup), deref(in.Name)
	want := asked{
		FlexibleTimeWindow: in.FlexibleTimeWindow, Name: in.Name, ScheduleExpression: in.ScheduleExpression, Target: in.Target,
		ActionAfterCompletion: in.ActionAfterCompletion, ClientToken: in.ClientToken, Description: in.Description, EndDate: in.EndDate,
		GroupName: in.GroupName, KmsKeyArn: in.KmsKeyArn, ScheduleExpressionTimezone: in.ScheduleExpressionTimezone,
		StartDate: in.StartDate, State: in.State,
	}
	digest, err := want.digest()
	if err != nil {
		return nil, err
	}
	out := &scheduler.CreateScheduleOutput{ScheduleArn: new(p.scheduleARN(group, name))}
	taken := func(had *scheduleRecord) (*scheduler.CreateScheduleOutput, error) {
		if had != nil && had.Token != "" && had.Token == deref(in.ClientToken) && had.Asked == digest {
			return out, nil
		}
		return nil, lambda.Errorf(codeConflict, "Schedule %s already exists.", name)
	}
	s.membership.RLock()
	defer s.membership.RUnlock()
	if err := s.openGroup(ctx, p, group); err != nil {
		return nil, err
	}
	if row, _, ok := s.agenda.look(p.scheduleKey(group, name)); ok {
		return taken(&row.Value)
	}
	now := s.now()
	r, err := s.record(ctx, p, group, &want, now)
	if err != nil {
		return nil, err
	}
	if s.agenda.schedulesIn(p) >= schedulesMax {
		return nil, lambda.Errorf(codeQuota, "Schedule quota of %d has been exceeded.", schedulesMax)
	}
	r.ID, r.Created, r.Token, r.Asked = uuid.NewString(), now, deref(in.ClientToken), digest
	if err := r.begin(now, now, pace(s.cfg.TimeScale)); err != nil {
		return nil, err
	}
	_, err = s.schedules.Put(ctx, p.scheduleKey(group, name), r, store.Absent)
	if errors.Is(err, store.ErrConflict) {
		return taken(nil)
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// openGroup says whether a group takes schedules.
func (s *Service) openGroup(ctx context.Context, p place, group string) error {
	g, _, err := s.group(ctx, p, group)
	if err != nil {
		return err
	}
	if g.Deleting {
		return lambda.Errorf(codeConflict, "Schedule group %s is being deleted.", group)
	}
	return nil
}

// begin finds the first moment. A rate counts from its start, or from anchor: it runs
// at once.
func (r *scheduleRecord) begin(now, anchor time.Time, p pace) error {
	plan, err := r.plan()
	if err != nil {
		return err
	}
	r.Anchor, r.Next, r.Ran = anchor, time.Time{}, false
	if !r.Start.IsZero() {
		r.Anchor = r.Start
	}
	if !r.Disabled {
		r.Next = r.follow(plan, now.Add(-time.Nanosecond), p)
	}
	return nil
}

func (s *Service) updateSchedule(ctx context.Context, in *scheduler.UpdateScheduleInput) (*scheduler.UpdateScheduleOutput, error) {
	p, group, name := placeOf(lambda.CallerFrom(ctx)), cmp.Or(deref(in.GroupName), defaultGroup), deref(in.Name)
	key := p.scheduleKey(group, name)
	for {
		had, err := s.find(ctx, p, group, name)
		if err != nil {
			return nil, err
		}
		now := s.now()
		r, err := s.record(ctx, p, group, (*asked)(in), now)
		if err != nil {
			return nil, err
		}
		old := had.Value
		r.ID, r.Created, r.Token, r.Asked = old.ID, old.Created, old.Token, old.Asked
		anchor := now
		if old.Expression == r.Expression && old.Start.Equal(r.Start) {
			anchor = old.Anchor
		}
		if err := r.begin(now, anchor, pace(s.cfg.TimeScale)); err != nil {
			return nil, err
		}
		_, err = s.schedules.Put(ctx, key, r, store.Precondition(had.Revision))
		if errors.Is(err, store.ErrConflict) {
			continue // it came due, or somebody else changed it
		}
		if err != nil {
			return nil, err
		}
		return &scheduler.UpdateScheduleOutput{ScheduleArn: new(p.scheduleARN(group, name))}, nil
	}
}

// find is a schedule, or ResourceNotFoundException for it or its group.
func (s *Service) find(ctx context.Context, p place, group, name string) (store.Row[scheduleRecord], error) {
	if row, _, ok := s.agenda.look(p.scheduleKey(group, name)); ok {
		return row, nil
	}
	if _, _, err := s.group(ctx, p, group); err != nil {
		return store.Row[scheduleRecord]{}, err
	}
	return store.Row[scheduleRecord]{}, errNoSchedule(name)
}

func (s *Service) getSchedule(ctx context.Context, in *scheduler.GetScheduleInput) (*scheduler.GetScheduleOutput, error) {
	p, group, name := placeOf(lambda.CallerFrom(ctx)), cmp.Or(deref(in.GroupName), defaultGroup), deref(in.Name)
	row, err := s.find(ctx, p, group, name)
	if err != nil {
		return nil, err
	}
	r := row.Value
	out := &scheduler.GetScheduleOutput{
		ActionAfterCompletion: types.ActionAfterCompletionNone, Arn: new(p.scheduleARN(group, name)), CreationDate: &r.Created,
		Description: r.Description, FlexibleTimeWindow: &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeOff},
		GroupName: &group, KmsKeyArn: r.KMSKey, LastModificationDate: &r.Modified, Name: &name,
		ScheduleExpression: &r.Expression, ScheduleExpressionTimezone: &r.Timezone, State: r.state(), Target: r.Target.show(),
	}
	if r.DeleteDone {
		out.ActionAfterCompletion = types.ActionAfterCompletionDelete
	}
	if !r.Start.IsZero() {
		out.StartDate = &r.Start
	}
	if !r.End.IsZero() {
		out.EndDate = &r.End
	}
	if r.WindowMin > 0 {
		out.FlexibleTimeWindow = &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeFlexible, MaximumWindowInMinutes: new(int32(r.WindowMin))}
	}
	return out, nil
}

func (t *targetRecord) show() *types.Target {
	out := &types.Target{
		Arn: &t.ARN, RoleArn: &t.RoleARN, Input: t.Input,
		RetryPolicy: &types.RetryPolicy{MaximumEventAgeInSeconds: &t.AgeSec, MaximumRetryAttempts: &t.Retries},
	}
	if t.DeadLetter != nil {
		out.DeadLetterConfig = &types.DeadLetterConfig{Arn: t.DeadLetter}
	}
	if t.GroupID != nil {
		out.SqsParameters = &types.SqsParameters{MessageGroupId: t.GroupID}
	}
	if t.Source != nil {
		out.EventBridgeParameters = &types.EventBridgeParameters{Source: t.Source, DetailType: t.DetailType}
	}
	return out
}

func (s *Service) deleteSchedule(ctx context.Context, in *scheduler.DeleteScheduleInput) (*scheduler.DeleteScheduleOutput, error) {
	p, group, name := placeOf(lambda.CallerFrom(ctx)), cmp.Or(deref(in.GroupName), defaultGroup), deref(in.Name)
	if _, err := s.find(ctx, p, group, name); err != nil {
		return nil, err
	}
	if err := s.schedules.Delete(ctx, p.scheduleKey(group, name), 0); err != nil {
		return nil, err
	}
	return &scheduler.DeleteScheduleOutput{}, nil
}

func (s *Service) listSchedules(ctx context.Context, in *scheduler.ListSchedulesInput) (*scheduler.ListSchedulesOutput, error) {
	p := placeOf(lambda.CallerFrom(ctx))
	prefix := p.prefix()
	if in.GroupName != nil {
		if _, _, err := s.group(ctx, p, *in.GroupName); err != nil {
			return nil, err
		}
		prefix = p.scheduleKey(*in.GroupName, deref(in.NamePrefix))
	}
	after, err := readToken(in.NextToken)
	if err != nil {
		return nil, err
	}
	if after != "" {
		after = p.prefix() + after
	}
	size := pageSize(in.MaxResults)
	out := &scheduler.ListSchedulesOutput{Schedules: []types.ScheduleSummary{}}
	for {
		rows, err := s.schedules.List(ctx, prefix, after, size+1)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			_, group, name := splitKey(row.Key)
			r := row.Value
			if !strings.HasPrefix(name, deref(in.NamePrefix)) || in.State != "" && in.State != r.state() {
				continue
			}
			if len(out.Schedules) == size {
				last := out.Schedules[size-1]
				out.NextToken = makeToken(*last.GroupName + "/" + *last.Name)
				return out, nil
			}
			out.Schedules = append(out.Schedules, types.ScheduleSummary{
				Arn: new(p.scheduleARN(group, name)), CreationDate: &r.Created, GroupName: &group, LastModificationDate: &r.Modified,
				Name: &name, State: r.state(), Target: &types.TargetSummary{Arn: &r.Target.ARN},
			})
		}
		if len(rows) <= size {
			return out, nil
		}
		after = rows[len(rows)-1].Key
	}
}
