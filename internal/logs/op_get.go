package logs

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

// The limits of a page of GetLogEvents and FilterLogEvents (API reference).
const (
	pageEventsMax = 10000
	pageBytesMax  = 1 << 20
)

func (s *Service) getLogEvents(ctx context.Context, in *cwl.GetLogEventsInput) (*cwl.GetLogEventsOutput, error) {
	k, err := s.find(ctx, in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	sel, cutoff, err := s.selectStream(k, aws.ToString(in.LogStreamName))
	if err != nil {
		return nil, err
	}
	// The end is not included (API reference), unlike FilterLogEvents'.
	bounds := interval{after: position{ts: max(aws.ToInt64(in.StartTime), cutoff)}, before: always}
	if in.EndTime != nil {
		bounds.before = position{ts: min(*in.EndTime, always.ts)}
	}
	view := bounds
	backward := !aws.ToBool(in.StartFromHead)
	if in.NextToken != nil {
		p, back, ok := parseEventsToken(*in.NextToken)
		if !ok {
			return nil, errBadToken
		}
		backward = back
		if backward {
			view.before = earlier(view.before, p)
		} else {
			view.after = later(view.after, p)
		}
	}
	lines, err := s.page(ctx, sel, view, backward, int(aws.ToInt32(in.Limit)))
	if err != nil {
		return nil, err
	}
	out := &cwl.GetLogEventsOutput{Events: []types.OutputLogEvent{}}
	for _, l := range lines {
		out.Events = append(out.Events, types.OutputLogEvent{
			Timestamp: aws.Int64(l.ts), IngestionTime: aws.Int64(l.ingested), Message: aws.String(l.message),
		})
	}
	out.NextForwardToken, out.NextBackwardToken = pageTokens(lines, in.NextToken, bounds)
	return out, nil
}

// page reads up to limit events, at most a page's, and gives them in order of
// time whichever way it read.
func (s *Service) page(ctx context.Context, sel selector, in interval, backward bool, limit int) ([]line, error) {
	if limit == 0 {
		limit = pageEventsMax
	}
	var lines []line
	size := 0
	err := s.scan(ctx, sel, in, backward, func(l line) bool {
		size += len(l.message) + eventOverhead
		if len(lines) > 0 && size > pageBytesMax {
			return false
		}
		lines = append(lines, l)
		return len(lines) < limit
	})
	if backward {
		slices.Reverse(lines)
	}
	return lines, err
}

// pageTokens are the tokens that go on after and before a page. At an end, the
// token that led there comes back unchanged, which is how callers know (API
// reference); the other one leads back to what lies on this side of the end.
func pageTokens(lines []line, token *string, bounds interval) (forward, backward *string) {
	if len(lines) > 0 {
		return forwardToken(lines[len(lines)-1].position()), backwardToken(lines[0].position())
	}
	if token == nil {
		return forwardToken(bounds.after), backwardToken(bounds.after.next())
	}
	p, back, _ := parseEventsToken(*token)
	if back {
		return forwardToken(position{p.ts, max(p.seq-1, 0)}), token
	}
	return token, backwardToken(p.next())
}

// selectStream is the selector of a stream and from when on its events are kept.
func (s *Service) selectStream(k Key, name string) (selector, int64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	g := s.index.groups[k]
	if g == nil {
		return selector{}, 0, errNoGroup
	}
	st := g.streams[name]
	if st == nil {
		return selector{}, 0, errNoStream
	}
	return selector{group: g.id, stream: st.id}, s.cutoff(g, s.now()), nil
}

func later(p, q position) position {
	if p.less(q) {
		return q
	}
	return p
}

func earlier(p, q position) position {
	if q.less(p) {
		return q
	}
	return p
}
