package node

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// polledStreams shows DynamoDB Streams to their pollers, as the same requests through
// the edge would.
type polledStreams struct{ local *local }

// DescribeStream meets dynamodb.API.
func (s polledStreams) DescribeStream(ctx context.Context, as lambda.Caller, in *dynamodbstreams.DescribeStreamInput) (*dynamodbstreams.DescribeStreamOutput, error) {
	return localCall[dynamodbstreams.DescribeStreamOutput](ctx, s.local, as, "dynamodbstreams", "DescribeStream", in)
}

// GetShardIterator meets dynamodb.API.
func (s polledStreams) GetShardIterator(ctx context.Context, as lambda.Caller, in *dynamodbstreams.GetShardIteratorInput) (*dynamodbstreams.GetShardIteratorOutput, error) {
	return localCall[dynamodbstreams.GetShardIteratorOutput](ctx, s.local, as, "dynamodbstreams", "GetShardIterator", in)
}

// GetRecords meets dynamodb.API.
func (s polledStreams) GetRecords(ctx context.Context, as lambda.Caller, in *dynamodbstreams.GetRecordsInput) (*dynamodbstreams.GetRecordsOutput, error) {
	return localCall[dynamodbstreams.GetRecordsOutput](ctx, s.local, as, "dynamodbstreams", "GetRecords", in)
}

// failedBatches takes what is told of batches to queues, topics and buckets.
type failedBatches struct{ hub *hub }

// Deliver meets streams.Destinations.
func (f failedBatches) Deliver(ctx context.Context, as lambda.Caller, arn, key string, body []byte) error {
	return f.hub.deliver(ctx, as, parcel{ARN: arn, Key: key, Body: body})
}
