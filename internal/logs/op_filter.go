package logs

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/hearthfaas/hearth/internal/logs/filterpattern"
)

// lookedAtMax bounds the events that one FilterLogEvents looks at, so that a rare
// pattern in a large group answers with an empty page and a token, as AWS does,
// instead of holding a connection for minutes.
const lookedAtMax = 200000

func (s *Service) filterLogEvents(ctx context.Context, in *cwl.FilterLogEventsInput) (*cwl.FilterLogEventsOutput, error) {
	pattern, err := checkFilter(in)
	if err != nil {
		return nil, err
	}
	k, err := s.find(ctx, in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	sel, names, cutoff, err := s.selectStreams(k, in)
	if err != nil {
		return nil, err
	}
	// The end is included (API reference), unlike GetLogEvents'.
	view := interval{after: position{ts: max(aws.ToInt64(in.StartTime), cutoff)}, before: always}
	if in.EndTime != nil && *in.EndTime < always.ts {
		view.before = position{ts: *in.EndTime + 1}
	}
	backward := in.StartFromHead != nil && !*in.StartFromHead
	if in.NextToken != nil {
		p, back, ok := parseFilterToken(*in.NextToken)
		if !ok {
			return nil, errBadToken
		}
		if backward = back; backward {
			view.before = earlier(view.before, p)
		} else {
			view.after = later(view.after, p)
		}
	}
	out := &cwl.FilterLogEventsOutput{Events: []types.FilteredLogEvent{}, SearchedLogStreams: []types.SearchedLogStream{}}
	f := filter{pattern: pattern, names: names, limit: int(aws.ToInt32(in.Limit)), backward: backward}
	if len(names) == 0 {
		return out, nil
	}
	if err := s.scan(ctx, sel, view, backward, f.take); err != nil {
		return nil, err
	}
	out.Events = append(out.Events, f.events...)
	out.NextToken = f.token
	return out, ctx.Err()
}

func checkFilter(in *cwl.FilterLogEventsInput) (*filterpattern.Pattern, error) {
	if len(in.LogStreamNames) > 0 && in.LogStreamNamePrefix != nil {
		return nil, invalid("LogStream names and LogStream name prefix are mutually exclusive parameters.")
	}
	pattern, err := filterpattern.Parse(aws.ToString(in.FilterPattern))
	if bad, ok := errors.AsType[*filterpattern.SyntaxError](err); ok {
		return nil, invalid("%s", bad.Message)
	}
	return pattern, err
}

// selectStreams is the selector for a request's streams, their names by id, and
// from when on the group's events are kept. Streams that do not exist are an error
// when they were named.
func (s *Service) selectStreams(k Key, in *cwl.FilterLogEventsInput) (selector, map[int64]string, int64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	g := s.index.groups[k]
	if g == nil {
		return selector{}, nil, 0, errNoGroup
	}
	names := map[int64]string{}
	for _, name := range in.LogStreamNames {
		st := g.streams[name]
		if st == nil {
			return selector{}, nil, 0, errNoStream
		}
		names[st.id] = name
	}
	if len(in.LogStreamNames) == 0 {
		for name, st := range g.streams {
			if strings.HasPrefix(name, aws.ToString(in.LogStreamNamePrefix)) {
				names[st.id] = name
			}
		}
	}
	sel := selector{group: g.id}
	if len(names) == 1 {
		for id := range names {
			sel.stream = id
		}
	}
	return sel, names, s.cutoff(g, s.now()), nil
}

// filter collects one page of FilterLogEvents.
type filter struct {
	pattern  *filterpattern.Pattern
	names    map[int64]string
	limit    int // 0: a whole page
	backward bool

	events   []types.FilteredLogEvent
	size     int
	lookedAt int
	last     position // of the last event that was looked at and is done with
	token    *string
}

// take looks at one event and says whether the next one is wanted. The page ends
// in front of an event that no longer fits, so that a token is given only when
// there is something left to look at.
func (f *filter) take(l line) bool {
	if f.lookedAt >= lookedAtMax {
		f.token = filterToken(f.last, f.backward)
		return false
	}
	name, ok := f.names[l.stream]
	if ok && f.pattern.Match(l.message) {
		size := len(l.message) + eventOverhead
		limit := f.limit
		if limit == 0 {
			limit = pageEventsMax
		}
		if len(f.events) == limit || len(f.events) > 0 && f.size+size > pageBytesMax {
			f.token = filterToken(f.last, f.backward)
			return false
		}
		f.size += size
		f.events = append(f.events, types.FilteredLogEvent{
			EventId:       aws.String(l.position().String()),
			LogStreamName: aws.String(name),
			Timestamp:     aws.Int64(l.ts),
			IngestionTime: aws.Int64(l.ingested),
			Message:       aws.String(l.message),
		})
	}
	f.lookedAt++
	f.last = l.position()
	return true
}
