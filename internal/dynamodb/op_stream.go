package dynamodb

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	streams "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"github.com/hearthfaas/hearth/internal/dynamodb/attr"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// sequenceBase makes numbers as long as AWS's, so that they are ordered as text too.
const sequenceBase = "1"

func sequenceText(n int64) *string { return aws.String(fmt.Sprintf("%s%020d", sequenceBase, n)) }

func parseSequence(s string) (int64, bool) {
	digits, ok := strings.CutPrefix(s, sequenceBase)
	if !ok || len(digits) != 20 {
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, err == nil && n >= 0
}

func (s *Service) streamAt(arn *string) (*stream, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	id, ok := s.byARN[aws.ToString(arn)]
	if !ok {
		return nil, lambda.Errorf(lambda.CodeResourceNotFound, "Requested resource not found: Stream: %s not found", aws.ToString(arn))
	}
	return s.streams[id], nil
}

func (s *Service) listStreams(ctx context.Context, in *streams.ListStreamsInput) (*streams.ListStreamsOutput, error) {
	c := lambda.CallerFrom(ctx)
	s.mu.RLock()
	var found []*stream
	for _, arn := range slices.Sorted(maps.Keys(s.byARN)) {
		st := s.streams[s.byARN[arn]]
		if st.Table.Account != c.Account || st.Table.Region != c.Region || arn <= aws.ToString(in.ExclusiveStartStreamArn) {
			continue
		}
		if in.TableName == nil || named(c, *in.TableName) == st.Table {
			found = append(found, st)
		}
	}
	s.mu.RUnlock()
	out := &streams.ListStreamsOutput{Streams: []types.Stream{}}
	limit := int(cmp.Or(aws.ToInt32(in.Limit), listDefault))
	for _, st := range found {
		if len(out.Streams) == limit {
			out.LastEvaluatedStreamArn = out.Streams[limit-1].StreamArn
			break
		}
		out.Streams = append(out.Streams, types.Stream{
			StreamArn: aws.String(st.arn()), StreamLabel: aws.String(st.Label), TableName: aws.String(st.Table.Name),
		})
	}
	return out, nil
}

func (s *Service) describeStream(_ context.Context, in *streams.DescribeStreamInput) (*streams.DescribeStreamOutput, error) {
	st, err := s.streamAt(in.StreamArn)
	if err != nil {
		return nil, err
	}
	d := &types.StreamDescription{
		StreamArn: aws.String(st.arn()), StreamLabel: aws.String(st.Label), TableName: aws.String(st.Table.Name),
		StreamStatus: types.StreamStatusEnabled, StreamViewType: types.StreamViewType(st.View),
		CreationRequestDateTime: aws.Time(st.Created), Shards: []types.Shard{},
	}
	if !st.Disabled.IsZero() {
		d.StreamStatus = types.StreamStatusDisabled
	}
	for _, e := range st.schema() {
		d.KeySchema = append(d.KeySchema, types.KeySchemaElement{AttributeName: e.AttributeName, KeyType: types.KeyType(e.KeyType)})
	}
	limit := int(cmp.Or(aws.ToInt32(in.Limit), listDefault))
	parent := ""
	if f := in.ShardFilter; f != nil && f.Type == types.ShardFilterTypeChildShards {
		parent = aws.ToString(f.ShardId)
	}
	after := in.ExclusiveStartShardId == nil
	for _, sh := range st.Shards {
		if !after {
			after = sh.Name == *in.ExclusiveStartShardId
			continue
		}
		if parent != "" && sh.Parent != parent {
			continue
		}
		if len(d.Shards) == limit {
			d.LastEvaluatedShardId = d.Shards[limit-1].ShardId
			break
		}
		shard := types.Shard{ShardId: aws.String(sh.Name), SequenceNumberRange: &types.SequenceNumberRange{StartingSequenceNumber: sequenceText(sh.Start)}}
		if sh.End != 0 {
			shard.SequenceNumberRange.EndingSequenceNumber = sequenceText(sh.End)
		}
		if sh.Parent != "" {
			shard.ParentShardId = aws.String(sh.Parent)
		}
		d.Shards = append(d.Shards, shard)
	}
	return &streams.DescribeStreamOutput{StreamDescription: d}, nil
}

// iterator is a place in a shard: after the record with a number.
type iterator struct {
	stream string // ARN
	shard  string
	after  int64
	issued time.Time
}

// iteratorLife is for how long an iterator may be used (API reference, GetRecords).
const iteratorLife = 15 * time.Minute

func (i iterator) String() string {
	b := binary.BigEndian.AppendUint64(nil, uint64(i.after))
	b = binary.BigEndian.AppendUint64(b, uint64(i.issued.UnixMilli()))
	return i.stream + "|1|" + base64.StdEncoding.EncodeToString(append(b, i.shard...))
}

func parseIterator(text string) (i iterator, ok bool) {
	arn, rest, ok := strings.Cut(text, "|1|")
	b, err := base64.StdEncoding.DecodeString(rest)
	if !ok || err != nil || len(b) < 16 {
		return iterator{}, false
	}
	return iterator{
		stream: arn, shard: string(b[16:]), after: int64(binary.BigEndian.Uint64(b)),
		issued: time.UnixMilli(int64(binary.BigEndian.Uint64(b[8:]))),
	}, true
}

func (st *stream) shard(name string) (*shardRecord, error) {
	for n := range st.Shards {
		if st.Shards[n].Name == name {
			return &st.Shards[n], nil
		}
	}
	return nil, lambda.Errorf(lambda.CodeResourceNotFound, "Requested resource not found: Shard: %s in Stream: %s not found", name, st.arn())
}

func (s *Service) getShardIterator(ctx context.Context, in *streams.GetShardIteratorInput) (*streams.GetShardIteratorOutput, error) {
	st, err := s.streamAt(in.StreamArn)
	if err != nil {
		return nil, err
	}
	sh, err := st.shard(aws.ToString(in.ShardId))
	if err != nil {
		return nil, err
	}
	i := iterator{stream: st.arn(), shard: sh.Name, issued: s.now()}
	switch in.ShardIteratorType {
	case types.ShardIteratorTypeTrimHorizon:
		i.after = sh.Start
	case types.ShardIteratorTypeLatest:
		i.after, err = s.lastIn(ctx, sh)
	case types.ShardIteratorTypeAtSequenceNumber, types.ShardIteratorTypeAfterSequenceNumber:
		i.after, err = s.positionAt(ctx, sh, in)
	default:
		if in.Timestamp == nil {
			return nil, invalid("Timestamp must be specified for ShardIteratorType AT_TIMESTAMP")
		}
		i.after, err = s.positionOf(ctx, sh, *in.Timestamp)
	}
	return &streams.GetShardIteratorOutput{ShardIterator: aws.String(i.String())}, err
}

// lastIn is the number of a shard's last record.
func (s *Service) lastIn(ctx context.Context, sh *shardRecord) (int64, error) {
	last := max(sh.Start, sh.End)
	if sh.End != 0 {
		return last, nil
	}
	err := s.disk.Range(ctx, sh.Space, nil, nil, true, func(key, _ []byte) (bool, error) {
		last = int64(binary.BigEndian.Uint64(key))
		return false, nil
	})
	return last, err
}

func (s *Service) positionAt(ctx context.Context, sh *shardRecord, in *streams.GetShardIteratorInput) (int64, error) {
	if in.SequenceNumber == nil {
		return 0, invalid("SequenceNumber must be specified for ShardIteratorType %s", in.ShardIteratorType)
	}
	n, ok := parseSequence(*in.SequenceNumber)
	if !ok || n < sh.Start || sh.End != 0 && n > sh.End {
		return 0, invalid("Invalid SequenceNumber: %s is not in shard %s", *in.SequenceNumber, sh.Name)
	}
	if in.ShardIteratorType == types.ShardIteratorTypeAtSequenceNumber {
		value, err := s.disk.Get(ctx, sh.Space, recordKeyOf(n))
		if err != nil {
			return 0, err
		}
		if value != nil {
			if at, err := recordTime(value); err != nil || s.trimmed(at) {
				return 0, cmp.Or(err, error(errTrimmed))
			}
		}
		n--
	}
	return n, nil
}

var errTrimmed = lambda.Errorf("TrimmedDataAccessException", "The operation attempted to read past the oldest stream record in a shard.")

func recordKeyOf(n int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }

// trimmed says that a record is too old to be read.
func (s *Service) trimmed(at time.Time) bool { return s.now().Sub(at) > recordLife }

// positionOf is the place before the first record that is not older than a time.
func (s *Service) positionOf(ctx context.Context, sh *shardRecord, from time.Time) (int64, error) {
	after := sh.Start
	err := s.disk.Range(ctx, sh.Space, nil, nil, false, func(key, value []byte) (bool, error) {
		at, err := recordTime(value)
		if err != nil || !at.Before(from) {
			return false, err
		}
		after = int64(binary.BigEndian.Uint64(key))
		return true, nil
	})
	return after, err
}

// What one GetRecords returns at most (API reference).
const (
	recordsMax      = 1000
	recordsBytesMax = 1 << 20
)

func (s *Service) getRecords(ctx context.Context, in *streams.GetRecordsInput) (*streams.GetRecordsOutput, error) {
	i, ok := parseIterator(aws.ToString(in.ShardIterator))
	if !ok {
		return nil, invalid("Invalid ShardIterator")
	}
	if s.now().Sub(i.issued) > iteratorLife {
		return nil, lambda.Errorf("ExpiredIteratorException", "Iterator expired: the iterator was created at time %s", i.issued.UTC().Format(time.RFC3339))
	}
	st, err := s.streamAt(&i.stream)
	if err != nil {
		return nil, err
	}
	sh, err := st.shard(i.shard)
	if err != nil {
		return nil, errTrimmed
	}
	limit := int(cmp.Or(aws.ToInt32(in.Limit), recordsMax))
	out := &streams.GetRecordsOutput{Records: []types.Record{}}
	size, more := 0, false
	err = s.disk.Range(ctx, sh.Space, recordKeyOf(i.after+1), nil, false, func(key, value []byte) (bool, error) {
		if len(out.Records) == limit || size+len(value) > recordsBytesMax && size > 0 {
			more = true
			return false, nil
		}
		n := int64(binary.BigEndian.Uint64(key))
		i.after = n
		r, err := decodeRecord(bytes.Clone(value))
		if err != nil {
			return false, err
		}
		if s.trimmed(r.at) {
			return true, nil
		}
		size += len(value)
		out.Records = append(out.Records, st.shown(n, r))
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	// The end of a closed shard has no further iterator. The shard was looked up before
	// its records were read, so a closed one can have got no more since.
	if more || sh.End == 0 {
		i.issued = s.now()
		out.NextShardIterator = aws.String(i.String())
	}
	return out, nil
}

// shown is a record as answers show it.
func (st *stream) shown(n int64, r streamed) types.Record {
	sum := sha256.Sum256([]byte(st.arn() + strconv.FormatInt(n, 10)))
	out := types.Record{
		EventID: aws.String(hex.EncodeToString(sum[:16])), EventVersion: aws.String("1.1"), EventSource: aws.String("aws:dynamodb"),
		AwsRegion: aws.String(st.Table.Region), EventName: types.OperationTypeModify,
		Dynamodb: &types.StreamRecord{
			ApproximateCreationDateTime: aws.Time(r.at.Truncate(time.Second)), SequenceNumber: sequenceText(n),
			SizeBytes:      aws.Int64(int64(attr.ItemSize(r.keys) + attr.ItemSize(r.old) + attr.ItemSize(r.item))),
			StreamViewType: types.StreamViewType(st.View),
			Keys:           attr.ItemToStream(r.keys), OldImage: attr.ItemToStream(r.old), NewImage: attr.ItemToStream(r.item),
		},
	}
	switch r.event {
	case eventInsert:
		out.EventName = types.OperationTypeInsert
	case eventRemove:
		out.EventName = types.OperationTypeRemove
	case eventExpire:
		out.EventName = types.OperationTypeRemove
		out.UserIdentity = &types.Identity{Type: aws.String("Service"), PrincipalId: aws.String("dynamodb.amazonaws.com")}
	}
	return out
}
