package logs

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/hearthfaas/hearth/internal/store"
)

// sequenceToken is what PutLogEvents and DescribeLogStreams answer where once a
// sequence token stood. AWS ignores it in requests, and so do we; the members stay
// because older clients read them.
const sequenceToken = "49039859635170370123456789012345678901234567890123456789"

func (s *Service) createLogStream(ctx context.Context, in *cwl.CreateLogStreamInput) (*cwl.CreateLogStreamOutput, error) {
	s.disk.Lock()
	defer s.disk.Unlock()
	s.flushLocked(ctx)
	g := s.index.groups[callerKey(ctx, in.LogGroupName)]
	if g == nil {
		return nil, errNoGroup
	}
	name := aws.ToString(in.LogStreamName)
	if g.streams[name] != nil {
		return nil, errStreamExists
	}
	now := s.now().UnixMilli()
	st := &stream{id: s.index.newID(now), name: name, created: now}
	if _, err := s.streams.Put(ctx, streamKey(g.id, name), streamRecord{ID: st.id, Created: now}, store.Absent); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g.streams[name] = st
	return &cwl.CreateLogStreamOutput{}, nil
}

func (s *Service) deleteLogStream(ctx context.Context, in *cwl.DeleteLogStreamInput) (*cwl.DeleteLogStreamOutput, error) {
	s.disk.Lock()
	defer s.disk.Unlock()
	s.flushLocked(ctx)
	g := s.index.groups[callerKey(ctx, in.LogGroupName)]
	if g == nil {
		return nil, errNoGroup
	}
	st := g.streams[aws.ToString(in.LogStreamName)]
	if st == nil {
		return nil, errNoStream
	}
	if err := s.removeStreams(ctx, g, []*stream{st}); err != nil {
		return nil, err
	}
	return &cwl.DeleteLogStreamOutput{}, nil
}

// removeStreams forgets streams; what they have in the day files is left to the
// sweep. The caller holds disk.
func (s *Service) removeStreams(ctx context.Context, g *group, gone []*stream) error {
	var changes []store.Change
	for _, st := range gone {
		bin, err := s.trash.PutChange(trashKey(st.id), trashRecord{Stream: st.id}, 0)
		if err != nil {
			return err
		}
		changes = append(changes, s.streams.DeleteChange(streamKey(g.id, st.name), 0), bin)
	}
	if _, err := s.meta.Apply(ctx, changes...); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range gone {
		delete(g.streams, st.name)
	}
	return nil
}

func trashKey(id int64) string { return strconv.FormatInt(id, 10) }

func (s *Service) describeLogStreams(ctx context.Context, in *cwl.DescribeLogStreamsInput) (*cwl.DescribeLogStreamsOutput, error) {
	byTime := in.OrderBy == types.OrderByLastEventTime
	if byTime && in.LogStreamNamePrefix != nil {
		return nil, invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
	}
	k, err := s.find(ctx, in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	g := s.index.groups[k]
	if g == nil {
		return nil, errNoGroup
	}
	ranked, err := g.rank(aws.ToString(in.LogStreamNamePrefix), byTime, aws.ToBool(in.Descending), in.NextToken)
	if err != nil {
		return nil, err
	}
	limit := int(aws.ToInt32(in.Limit))
	if limit == 0 {
		limit = describeMax
	}
	out := &cwl.DescribeLogStreamsOutput{LogStreams: []types.LogStream{}}
	for _, r := range ranked[:min(limit, len(ranked))] {
		out.LogStreams = append(out.LogStreams, r.stream.describe(k))
	}
	if len(ranked) > limit {
		out.NextToken = nameToken(ranked[limit-1].String())
	}
	return out, nil
}

// rankedStream is a stream and what it is ordered by: the time, which is 0 when
// names alone count, and the name.
type rankedStream struct {
	time   int64
	name   string
	stream *stream
}

// String is the rank as a token carries it.
func (r rankedStream) String() string { return fmt.Sprintf("%d/%s", r.time, r.name) }

func (r rankedStream) compare(q rankedStream) int {
	return cmp.Or(cmp.Compare(r.time, q.time), strings.Compare(r.name, q.name))
}

// rank is the group's streams with a prefix, in order, from behind the token on.
func (g *group) rank(prefix string, byTime, descending bool, token *string) ([]rankedStream, error) {
	direction := 1
	if descending {
		direction = -1
	}
	var after *rankedStream
	if token != nil {
		text, ok := parseNameToken(token)
		ts, name, found := strings.Cut(text, "/")
		t, err := strconv.ParseInt(ts, 10, 64)
		if !ok || !found || err != nil {
			return nil, errBadToken
		}
		after = &rankedStream{time: t, name: name}
	}
	var out []rankedStream
	for name, st := range g.streams {
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		r := rankedStream{name: name, stream: st}
		if byTime {
			t, _ := st.total()
			r.time = t.last
		}
		if after == nil || r.compare(*after)*direction > 0 {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b rankedStream) int { return a.compare(b) * direction })
	return out, nil
}

func (st *stream) describe(k Key) types.LogStream {
	out := types.LogStream{
		Arn:                 aws.String(streamARN(k, st.name)),
		LogStreamName:       aws.String(st.name),
		CreationTime:        aws.Int64(st.created),
		StoredBytes:         aws.Int64(0), //nolint:staticcheck // deprecated by AWS, which still sends 0 (API reference, LogStream)
		UploadSequenceToken: aws.String(sequenceToken),
	}
	if t, ok := st.total(); ok {
		out.FirstEventTimestamp = aws.Int64(t.first)
		out.LastEventTimestamp = aws.Int64(t.last)
		out.LastIngestionTime = aws.Int64(t.ingested)
	}
	return out
}
