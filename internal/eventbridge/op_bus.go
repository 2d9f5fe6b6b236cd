package eventbridge

import (
	"context"
	"maps"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	eb "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

// busesMax is how many buses an account may have in a region (EventBridge quotas).
const busesMax = 100

func (s *Service) createEventBus(ctx context.Context, in *eb.CreateEventBusInput) (*eb.CreateEventBusOutput, error) {
	c := lambda.CallerFrom(ctx)
	k := busKey{c.Account, c.Region, aws.ToString(in.Name)}
	switch {
	case in.EventSourceName != nil || strings.HasPrefix(k.name, "aws.partner"):
		return nil, notServed("Partner event sources")
	case strings.HasPrefix(k.name, "aws."):
		return nil, invalid("Event bus name starting with 'aws.' is not valid.")
	case strings.Contains(k.name, "/"):
		return nil, invalid("Event bus name must not contain '/'.")
	case aws.ToString(in.KmsKeyIdentifier) != "":
		return nil, errKMS
	case k.name == defaultBus:
		return nil, exists("Event bus %s already exists.", k.name)
	}
	tags, err := tagsOf(in.Tags)
	if err != nil {
		return nil, err
	}
	now := s.stamp()
	rec := busRecord{
		Account: k.account, Region: k.region, Name: k.name, Description: aws.ToString(in.Description),
		Tags: tags, Created: now, Modified: now,
	}
	if err := rec.set(in.DeadLetterConfig, in.LogConfig); err != nil {
		return nil, err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if _, ok := s.index.buses[k]; ok {
		return nil, exists("Event bus %s already exists.", k.name)
	}
	n := 0
	for other := range s.index.buses {
		if other.account == k.account && other.region == k.region {
			n++
		}
	}
	if n >= busesMax {
		return nil, errLimit
	}
	if err := s.putBus(ctx, k, rec, store.Absent); err != nil {
		return nil, err
	}
	return &eb.CreateEventBusOutput{
		EventBusArn: aws.String(k.arn()), Description: in.Description, DeadLetterConfig: in.DeadLetterConfig, LogConfig: in.LogConfig,
	}, nil
}

// set takes over where undeliverable events go and what is logged.
func (r *busRecord) set(dead *types.DeadLetterConfig, log *types.LogConfig) error {
	r.DeadLetter, r.LogLevel, r.LogDetail = "", "", ""
	if dead != nil && aws.ToString(dead.Arn) != "" {
		r.DeadLetter = *dead.Arn
		if err := checkDeadLetter(r.DeadLetter); err != nil {
			return err
		}
	}
	if log != nil {
		r.LogLevel, r.LogDetail = string(log.Level), string(log.IncludeDetail)
	}
	return nil
}

// checkDeadLetter refuses what is no standard queue.
func checkDeadLetter(text string) error {
	a, ok := parseARN(text)
	if !ok || a.service != "sqs" || strings.HasSuffix(a.resource, ".fifo") {
		return invalid("Parameter DeadLetterConfig.Arn is not valid. Reason: It must be the ARN of a standard SQS queue.")
	}
	return nil
}

// putBus stores a bus. The mutex writing is held.
func (s *Service) putBus(ctx context.Context, k busKey, rec busRecord, cond store.Precondition) error {
	revision, err := s.buses.Put(ctx, k.record(), rec, cond)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.index.grow(k)
	if b.record.Created.IsZero() {
		s.index.attach(b)
	}
	b.record, b.revision = rec, revision
	return nil
}

// changeBus lets change edit a bus's record and stores it.
func (s *Service) changeBus(ctx context.Context, k busKey, change func(*busRecord) error) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	b, err := s.index.bus(k)
	if err != nil {
		return err
	}
	rec := b.record
	rec.Tags = maps.Clone(rec.Tags)
	if err := change(&rec); err != nil {
		return err
	}
	rec.Modified = s.stamp()
	return s.putBus(ctx, k, rec, 0)
}

func (s *Service) updateEventBus(ctx context.Context, in *eb.UpdateEventBusInput) (*eb.UpdateEventBusOutput, error) {
	if aws.ToString(in.KmsKeyIdentifier) != "" {
		return nil, errKMS
	}
	k, err := own(lambda.CallerFrom(ctx), in.Name)
	if err != nil {
		return nil, err
	}
	err = s.changeBus(ctx, k, func(r *busRecord) error {
		r.Description = aws.ToString(in.Description)
		return r.set(in.DeadLetterConfig, in.LogConfig)
	})
	if err != nil {
		return nil, err
	}
	return &eb.UpdateEventBusOutput{
		Arn: aws.String(k.arn()), Name: aws.String(k.name), Description: in.Description,
		DeadLetterConfig: in.DeadLetterConfig, LogConfig: in.LogConfig,
	}, nil
}

func (s *Service) deleteEventBus(ctx context.Context, in *eb.DeleteEventBusInput) (*eb.DeleteEventBusOutput, error) {
	k, err := own(lambda.CallerFrom(ctx), in.Name)
	if err != nil || k.name == defaultBus {
		return nil, invalid("Cannot delete event bus %s.", k.name)
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	b, ok := s.index.buses[k]
	if !ok {
		return &eb.DeleteEventBusOutput{}, nil
	}
	if len(b.rules) > 0 {
		return nil, invalid("Event bus %s can't be deleted since it has rules.", k.name)
	}
	if err := s.buses.Delete(ctx, k.record(), 0); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.index.buses, k)
	return &eb.DeleteEventBusOutput{}, nil
}

func (s *Service) describeEventBus(ctx context.Context, in *eb.DescribeEventBusInput) (*eb.DescribeEventBusOutput, error) {
	k, err := own(lambda.CallerFrom(ctx), in.Name)
	if err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, err := s.index.bus(k)
	if err != nil {
		return nil, err
	}
	r := &b.record
	out := &eb.DescribeEventBusOutput{
		Arn: aws.String(k.arn()), Name: aws.String(k.name), Policy: filled(r.Policy), Description: filled(r.Description),
		CreationTime: moment(r.Created), LastModifiedTime: moment(r.Modified),
	}
	if r.DeadLetter != "" {
		out.DeadLetterConfig = &types.DeadLetterConfig{Arn: aws.String(r.DeadLetter)}
	}
	if r.LogLevel != "" || r.LogDetail != "" {
		out.LogConfig = &types.LogConfig{Level: types.Level(r.LogLevel), IncludeDetail: types.IncludeDetail(r.LogDetail)}
	}
	return out, nil
}

func (s *Service) listEventBuses(ctx context.Context, in *eb.ListEventBusesInput) (*eb.ListEventBusesOutput, error) {
	c := lambda.CallerFrom(ctx)
	s.mu.RLock()
	defer s.mu.RUnlock()
	var names []string
	add := func(name string) {
		if strings.HasPrefix(name, aws.ToString(in.NamePrefix)) {
			names = append(names, name)
		}
	}
	add(defaultBus)
	for k := range s.index.buses {
		if k.account == c.Account && k.region == c.Region && k.name != defaultBus {
			add(k.name)
		}
	}
	page, next, err := pageOf(names, in.NextToken, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &eb.ListEventBusesOutput{EventBuses: []types.EventBus{}, NextToken: next}
	for _, name := range page {
		k := busKey{c.Account, c.Region, name}
		b, err := s.index.bus(k)
		if err != nil {
			return nil, err
		}
		out.EventBuses = append(out.EventBuses, types.EventBus{
			Arn: aws.String(k.arn()), Name: aws.String(name), Policy: filled(b.record.Policy), Description: filled(b.record.Description),
			CreationTime: moment(b.record.Created), LastModifiedTime: moment(b.record.Modified),
		})
	}
	return out, nil
}
