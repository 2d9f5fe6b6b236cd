package logs

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

// The limits of PutLogEvents (API reference).
const (
	putBytesMax = 1048576 // messages and eventOverhead for each
	putSpanMax  = 24 * time.Hour
)

func (s *Service) putLogEvents(ctx context.Context, in *cwl.PutLogEventsInput) (*cwl.PutLogEventsOutput, error) {
	if err := checkPut(in.LogEvents); err != nil {
		return nil, err
	}
	s.disk.Lock()
	defer s.disk.Unlock()
	if s.closed {
		return nil, errClosed
	}
	s.flushLocked(ctx)
	k, stream := callerKey(ctx, in.LogGroupName), aws.ToString(in.LogStreamName)
	g := s.index.groups[k]
	if g == nil {
		return nil, errNoGroup
	}
	if g.streams[stream] == nil {
		return nil, errNoStream
	}
	now := s.now()
	kept, rejected, err := judge(in.LogEvents, now, s.cutoff(g, now))
	if err != nil {
		return nil, err
	}
	if len(kept) > 0 {
		events := make([]Event, len(kept))
		for i, e := range kept {
			events[i] = Event{Time: time.UnixMilli(aws.ToInt64(e.Timestamp)), Message: aws.ToString(e.Message)}
		}
		err := s.write(context.WithoutCancel(ctx), batch{
			entries: []entry{{key: k, stream: stream, at: now.UnixMilli(), n: len(events)}},
			events:  events,
		})
		if err != nil {
			return nil, err
		}
		s.followers.tell(k, stream, events)
	}
	return &cwl.PutLogEventsOutput{
		NextSequenceToken:     aws.String(sequenceToken),
		RejectedLogEventsInfo: rejected,
	}, nil
}

// checkPut finds what is wrong with a batch whatever the time is.
func checkPut(events []types.InputLogEvent) error {
	size, ordered := 0, true
	for i, e := range events {
		size += len(aws.ToString(e.Message)) + eventOverhead
		ordered = ordered && (i == 0 || aws.ToInt64(events[i-1].Timestamp) <= aws.ToInt64(e.Timestamp))
	}
	switch {
	case size > putBytesMax:
		return invalid("Upload too large: %d bytes exceeds limit of %d", size, putBytesMax)
	case !ordered:
		return invalid("Log events in a single PutLogEvents request must be in chronological order.")
	}
	return nil
}

// judge separates what is accepted of an ordered batch from what is too old, has
// expired, or lies too far ahead. cutoff is when the group's retention begins, in
// Unix milliseconds.
func judge(events []types.InputLogEvent, now time.Time, cutoff int64) ([]types.InputLogEvent, *types.RejectedLogEventsInfo, error) {
	oldest, newest := now.Add(-pastMax).UnixMilli(), now.Add(futureMax).UnixMilli()
	var info types.RejectedLogEventsInfo
	from, to := 0, len(events)
	for i, e := range events {
		switch ts := aws.ToInt64(e.Timestamp); {
		case ts < cutoff:
			info.ExpiredLogEventEndIndex = aws.Int32(int32(i + 1)) // at most 10,000 by the model
			from = i + 1
		case ts < oldest:
			info.TooOldLogEventEndIndex = aws.Int32(int32(i + 1)) // at most 10,000 by the model
			from = i + 1
		case ts > newest && to == len(events):
			info.TooNewLogEventStartIndex = aws.Int32(int32(i)) // at most 10,000 by the model
			to = i
		}
	}
	kept := events[from:to]
	if len(kept) > 0 && aws.ToInt64(kept[len(kept)-1].Timestamp)-aws.ToInt64(kept[0].Timestamp) > putSpanMax.Milliseconds() {
		return nil, nil, invalid("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
	}
	if len(kept) == len(events) {
		return kept, nil, nil
	}
	return kept, &info, nil
}
