// Package dynamodb reads DynamoDB Streams for eventsource/streams: their shards,
// iterators and records, and what a record looks like to a function.
package dynamodb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"github.com/hearthfaas/hearth/internal/eventsource/streams"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// API is DynamoDB Streams, asked as a caller whose permissions hold. Refusals are
// *lambda.Error.
type API interface {
	DescribeStream(ctx context.Context, as lambda.Caller, in *dynamodbstreams.DescribeStreamInput) (*dynamodbstreams.DescribeStreamOutput, error)
	GetShardIterator(ctx context.Context, as lambda.Caller, in *dynamodbstreams.GetShardIteratorInput) (*dynamodbstreams.GetShardIteratorOutput, error)
	GetRecords(ctx context.Context, as lambda.Caller, in *dynamodbstreams.GetRecordsInput) (*dynamodbstreams.GetRecordsOutput, error)
}

// Streams meets streams.Streams.
type Streams struct{ api API }

// New returns the streams of an API.
func New(api API) *Streams { return &Streams{api} }

const (
	// recordsMax is how many records one read may ask for, and retention how long they
	// are kept (DynamoDB developer guide, "DynamoDB Streams").
	recordsMax = 1000
	retention  = 24 * time.Hour
	// shardPagesMax ends a listing that never does: a stream of a day has some shards
	// for each of its table's partitions, a hundred to a page.
	shardPagesMax = 1000
)

// Format meets streams.Streams.
func (s *Streams) Format() streams.Format {
	return streams.Format{BatchInfo: "DDBStreamBatchInfo", TimeLayout: "2006-01-02T15:04:05Z", RecordsMax: recordsMax, Retention: retention}
}

// Shards meets streams.Streams.
func (s *Streams) Shards(ctx context.Context, as lambda.Caller, arn string) ([]streams.Shard, error) {
	var out []streams.Shard
	in := &dynamodbstreams.DescribeStreamInput{StreamArn: &arn}
	for range shardPagesMax {
		page, err := s.api.DescribeStream(ctx, as, in)
		if err != nil {
			return nil, known(err)
		}
		for _, shard := range page.StreamDescription.Shards {
			one := streams.Shard{ID: value(shard.ShardId)}
			if shard.ParentShardId != nil {
				one.Parents = []string{*shard.ParentShardId}
			}
			out = append(out, one)
		}
		if in.ExclusiveStartShardId = page.StreamDescription.LastEvaluatedShardId; in.ExclusiveStartShardId == nil {
			return out, nil
		}
	}
	return nil, fmt.Errorf("list the shards of %s: there are more than %d pages", arn, shardPagesMax)
}

// Iterator meets streams.Streams.
func (s *Streams) Iterator(ctx context.Context, as lambda.Caller, arn, shard string, p streams.Position) (string, error) {
	in := &dynamodbstreams.GetShardIteratorInput{StreamArn: &arn, ShardId: &shard}
	switch p.Kind {
	case streams.TrimHorizon:
		in.ShardIteratorType = types.ShardIteratorTypeTrimHorizon
	case streams.After:
		in.ShardIteratorType, in.SequenceNumber = types.ShardIteratorTypeAfterSequenceNumber, &p.Sequence
	case streams.Latest, streams.AtTime:
		return "", fmt.Errorf("a DynamoDB stream has no position %s", p.Kind)
	}
	out, err := s.api.GetShardIterator(ctx, as, in)
	if err != nil {
		return "", known(err)
	}
	return value(out.ShardIterator), nil
}

// Records meets streams.Streams.
func (s *Streams) Records(ctx context.Context, as lambda.Caller, iterator string, limit int) (streams.Page, error) {
	out, err := s.api.GetRecords(ctx, as, &dynamodbstreams.GetRecordsInput{ShardIterator: &iterator, Limit: new(int32(limit))})
	if err != nil {
		return streams.Page{}, known(err)
	}
	page := streams.Page{Next: value(out.NextShardIterator)}
	for i := range out.Records {
		r := &out.Records[i]
		if r.Dynamodb == nil {
			return streams.Page{}, errors.New("a DynamoDB stream's record has no content")
		}
		key, err := json.Marshal(item(r.Dynamodb.Keys))
		if err != nil {
			return streams.Page{}, fmt.Errorf("write the key of record %s: %w", value(r.EventID), err)
		}
		page.Records = append(page.Records, streams.Record{
			Sequence: value(r.Dynamodb.SequenceNumber), Key: string(key), Arrived: value(r.Dynamodb.ApproximateCreationDateTime), Data: r,
		})
	}
	return page, nil
}

// Tip meets streams.Streams. There is no asking for it, so the shard is read to its
// end; it has no more than a day's records.
func (s *Streams) Tip(ctx context.Context, as lambda.Caller, arn, shard string) (streams.Position, error) {
	at := streams.Position{Kind: streams.TrimHorizon}
	iterator, err := s.Iterator(ctx, as, arn, shard, at)
	for err == nil {
		var page streams.Page
		if page, err = s.Records(ctx, as, iterator, recordsMax); err != nil {
			break
		}
		if n := len(page.Records); n > 0 {
			at = streams.Position{Kind: streams.After, Sequence: page.Records[n-1].Sequence}
		}
		if len(page.Records) == 0 || page.Next == "" {
			return at, nil
		}
		iterator = page.Next
	}
	return at, err
}

// known turns DynamoDB's refusals into those that pollers tell apart.
func known(err error) error {
	refused, ok := errors.AsType[*lambda.Error](err)
	if !ok {
		return err
	}
	switch refused.Code {
	case lambda.CodeAccessDenied:
		return streams.ErrDenied
	case lambda.CodeResourceNotFound:
		return streams.ErrNoStream
	case "ExpiredIteratorException":
		return streams.ErrExpired
	case "TrimmedDataAccessException":
		return streams.ErrTrimmed
	}
	return err
}

func value[T any](p *T) T {
	if p == nil {
		return *new(T)
	}
	return *p
}
