package eventbridge

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	eb "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// replaysMax is how many replays of an account may be active (EventBridge quotas).
const replaysMax = 10

// active says whether a replay is not over.
func active(state string) bool {
	switch types.ReplayState(state) {
	case types.ReplayStateStarting, types.ReplayStateRunning, types.ReplayStateCancelling:
		return true
	default:
		return false
	}
}

func (s *Service) startReplay(ctx context.Context, in *eb.StartReplayInput) (*eb.StartReplayOutput, error) {
	c := lambda.CallerFrom(ctx)
	rec, err := s.checkReplay(c, in)
	if err != nil {
		return nil, err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	name := ownName{c.Account, c.Region, rec.Name}
	if _, ok := s.index.replays[name]; ok {
		return nil, exists("Replay %s already exists.", rec.Name)
	}
	archive, ok := s.index.archives[ownName{c.Account, c.Region, rec.Archive}]
	if !ok {
		return nil, invalid("Parameter EventSourceArn is not valid. Reason: Archive %s does not exist.", rec.Archive)
	}
	if archive.record.Bus != rec.Bus {
		return nil, invalid("Parameter Destination.Arn is not valid. Reason: Cross event bus replay is not permitted.")
	}
	n := 0
	for other, r := range s.index.replays {
		if other.account == c.Account && other.region == c.Region && active(r.State) {
			n++
		}
	}
	if n >= replaysMax {
		return nil, errLimit
	}
	if err := s.keepReplay(ctx, rec); err != nil {
		return nil, err
	}
	nudge(s.replaying)
	return &eb.StartReplayOutput{
		ReplayArn: aws.String(replayARN(c.Account, c.Region, rec.Name)), ReplayStartTime: moment(rec.Started), State: types.ReplayState(rec.State),
	}, nil
}

// checkReplay is a replay as it is stored, or the error that refuses it.
func (s *Service) checkReplay(c lambda.Caller, in *eb.StartReplayInput) (replayRecord, error) {
	rec := replayRecord{
		Account: c.Account, Region: c.Region, Name: aws.ToString(in.ReplayName), Description: aws.ToString(in.Description),
		State: string(types.ReplayStateStarting), Started: s.stamp(),
	}
	if in.Destination == nil || in.EventStartTime == nil || in.EventEndTime == nil {
		return rec, invalid("Parameters Destination, EventStartTime and EventEndTime must be specified.")
	}
	rec.From, rec.To, rec.Rules = in.EventStartTime.UTC(), in.EventEndTime.UTC(), in.Destination.FilterArns
	if !rec.From.Before(rec.To) {
		return rec, invalid("Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime.")
	}
	if a, ok := parseARN(aws.ToString(in.Destination.Arn)); !ok || a.service != "events" || !strings.HasPrefix(a.resource, "event-bus/") {
		return rec, invalid("Parameter Destination.Arn is not valid. Reason: Must contain an event bus ARN.")
	}
	k, err := own(c, in.Destination.Arn)
	if err != nil {
		return rec, err
	}
	s.mu.RLock()
	_, err = s.index.bus(k)
	s.mu.RUnlock()
	if err != nil {
		return rec, err
	}
	for _, text := range rec.Rules {
		if of, _, ok := ruleOfARN(text); !ok || of != k {
			return rec, invalid("Parameter Destination.FilterArns is not valid. Reason: %s is no rule of the event bus.", text)
		}
	}
	a, ok := parseARN(aws.ToString(in.EventSourceArn))
	name, isArchive := strings.CutPrefix(a.resource, "archive/")
	if !ok || !isArchive || a.service != "events" {
		return rec, invalid("Parameter EventSourceArn is not valid. Reason: Must contain an archive ARN.")
	}
	if a.account != c.Account || a.region != c.Region {
		return rec, invalid("Parameter EventSourceArn is not valid. Reason: Archive %s does not exist.", name)
	}
	rec.Bus, rec.Archive = k.name, name
	return rec, nil
}

// keepReplay stores a replay. The mutex writing is held.
func (s *Service) keepReplay(ctx context.Context, rec replayRecord) error {
	name := ownName{rec.Account, rec.Region, rec.Name}
	if _, err := s.replays.Put(ctx, name.record(), rec, 0); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.index.replays[name] = &rec
	return nil
}

func noReplay(name string) error { return missing("Replay %s does not exist.", name) }

func (s *Service) cancelReplay(ctx context.Context, in *eb.CancelReplayInput) (*eb.CancelReplayOutput, error) {
	c := lambda.CallerFrom(ctx)
	s.writing.Lock()
	defer s.writing.Unlock()
	r, ok := s.index.replays[ownName{c.Account, c.Region, aws.ToString(in.ReplayName)}]
	if !ok {
		return nil, noReplay(aws.ToString(in.ReplayName))
	}
	rec := *r
	if state := types.ReplayState(rec.State); state != types.ReplayStateStarting && state != types.ReplayStateRunning {
		return nil, lambda.Errorf(codeIllegalStatus, "Replay %s is not in a valid state for this operation.", rec.Name)
	}
	rec.State = string(types.ReplayStateCancelling)
	if err := s.keepReplay(ctx, rec); err != nil {
		return nil, err
	}
	nudge(s.replaying)
	return &eb.CancelReplayOutput{ReplayArn: aws.String(replayARN(c.Account, c.Region, rec.Name)), State: types.ReplayState(rec.State)}, nil
}

func (s *Service) describeReplay(ctx context.Context, in *eb.DescribeReplayInput) (*eb.DescribeReplayOutput, error) {
	c := lambda.CallerFrom(ctx)
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, ok := s.index.replays[ownName{c.Account, c.Region, aws.ToString(in.ReplayName)}]
	if !ok {
		return nil, noReplay(aws.ToString(in.ReplayName))
	}
	return &eb.DescribeReplayOutput{
		ReplayArn: aws.String(replayARN(c.Account, c.Region, r.Name)), ReplayName: aws.String(r.Name), Description: filled(r.Description),
		EventSourceArn: aws.String(archiveARN(c.Account, c.Region, r.Archive)), State: types.ReplayState(r.State), StateReason: filled(r.Reason),
		Destination:    &types.ReplayDestination{Arn: aws.String(busKey{c.Account, c.Region, r.Bus}.arn()), FilterArns: r.Rules},
		EventStartTime: moment(r.From), EventEndTime: moment(r.To), EventLastReplayedTime: moment(r.Last),
		ReplayStartTime: moment(r.Started), ReplayEndTime: moment(r.Ended),
	}, nil
}

func (s *Service) listReplays(ctx context.Context, in *eb.ListReplaysInput) (*eb.ListReplaysOutput, error) {
	c := lambda.CallerFrom(ctx)
	s.mu.RLock()
	defer s.mu.RUnlock()
	var names []string
	for n, r := range s.index.replays {
		if n.account == c.Account && n.region == c.Region && strings.HasPrefix(n.name, aws.ToString(in.NamePrefix)) &&
			(in.State == "" || string(in.State) == r.State) &&
			(in.EventSourceArn == nil || *in.EventSourceArn == archiveARN(n.account, n.region, r.Archive)) {
			names = append(names, n.name)
		}
	}
	page, next, err := pageOf(names, in.NextToken, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &eb.ListReplaysOutput{Replays: []types.Replay{}, NextToken: next}
	for _, name := range page {
		r := s.index.replays[ownName{c.Account, c.Region, name}]
		out.Replays = append(out.Replays, types.Replay{
			ReplayName: aws.String(name), EventSourceArn: aws.String(archiveARN(c.Account, c.Region, r.Archive)),
			State: types.ReplayState(r.State), StateReason: filled(r.Reason), EventStartTime: moment(r.From), EventEndTime: moment(r.To),
			EventLastReplayedTime: moment(r.Last), ReplayStartTime: moment(r.Started), ReplayEndTime: moment(r.Ended),
		})
	}
	return out, nil
}
