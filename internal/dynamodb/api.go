package dynamodb

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	streams "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/wire"
)

// API is DynamoDB as the edge serves it.
func (s *Service) API() *wire.Service {
	return &wire.Service{Name: "dynamodb", Operations: s.Operations()}
}

// StreamsAPI is DynamoDB Streams as the edge serves it: a service of its own that
// shares DynamoDB's name in policies and signatures.
func (s *Service) StreamsAPI() *wire.Service {
	return &wire.Service{Name: "dynamodb", Model: "dynamodbstreams", Operations: s.StreamOperations()}
}

// own marks an operation that authorizes itself.
func own(op wire.Operation) wire.Operation {
	op.OwnVerdict = true
	return op
}

// as names the action of an operation that has another name.
func as(action string, op wire.Operation) wire.Operation {
	op.Action = action
	return op
}

// Operations are what the service can do (DynamoDB API reference, 2012-08-10). Those
// on items authorize themselves, for each table that they touch.
func (s *Service) Operations() []wire.Operation {
	return []wire.Operation{
		own(wire.Op("GetItem", s.getItem, nil)),
		own(wire.Op("PutItem", s.putItem, nil)),
		own(wire.Op("UpdateItem", s.updateItem, nil)),
		own(wire.Op("DeleteItem", s.deleteItem, nil)),
		own(wire.Op("Query", s.query, nil)),
		own(wire.Op("Scan", s.scan, nil)),
		own(wire.Op("BatchGetItem", s.batchGetItem, nil)),
		own(wire.Op("BatchWriteItem", s.batchWriteItem, nil)),
		// Policies know no transactions, only what is done in them.
		own(as("GetItem", wire.Op("TransactGetItems", s.transactGetItems, nil))),
		own(as("PutItem", wire.Op("TransactWriteItems", s.transactWriteItems, nil))),

		wire.Op("CreateTable", s.createTable, func(c lambda.Caller, in *ddb.CreateTableInput) string { return tableResource(c, in.TableName) }),
		wire.Op("DescribeTable", s.describeTable, func(c lambda.Caller, in *ddb.DescribeTableInput) string { return tableResource(c, in.TableName) }),
		wire.Op("UpdateTable", s.updateTable, func(c lambda.Caller, in *ddb.UpdateTableInput) string { return tableResource(c, in.TableName) }),
		wire.Op("DeleteTable", s.deleteTable, func(c lambda.Caller, in *ddb.DeleteTableInput) string { return tableResource(c, in.TableName) }),
		wire.Op("ListTables", s.listTables, nil),
		wire.Op("DescribeTimeToLive", s.describeTimeToLive, func(c lambda.Caller, in *ddb.DescribeTimeToLiveInput) string { return tableResource(c, in.TableName) }),
		wire.Op("UpdateTimeToLive", s.updateTimeToLive, func(c lambda.Caller, in *ddb.UpdateTimeToLiveInput) string { return tableResource(c, in.TableName) }),
		wire.Op("DescribeContinuousBackups", s.describeContinuousBackups, func(c lambda.Caller, in *ddb.DescribeContinuousBackupsInput) string {
			return tableResource(c, in.TableName)
		}),
		wire.Op("UpdateContinuousBackups", s.updateContinuousBackups, func(c lambda.Caller, in *ddb.UpdateContinuousBackupsInput) string {
			return tableResource(c, in.TableName)
		}),
		wire.Op("DescribeLimits", s.describeLimits, nil),
		wire.Op("DescribeEndpoints", s.describeEndpoints, nil),
		wire.Op("TagResource", s.tagResource, func(_ lambda.Caller, in *ddb.TagResourceInput) string { return aws.ToString(in.ResourceArn) }),
		wire.Op("UntagResource", s.untagResource, func(_ lambda.Caller, in *ddb.UntagResourceInput) string { return aws.ToString(in.ResourceArn) }),
		wire.Op("ListTagsOfResource", s.listTags, func(_ lambda.Caller, in *ddb.ListTagsOfResourceInput) string { return aws.ToString(in.ResourceArn) }),
		wire.Op("GetResourcePolicy", s.getResourcePolicy, func(_ lambda.Caller, in *ddb.GetResourcePolicyInput) string { return aws.ToString(in.ResourceArn) }),
		wire.Op("PutResourcePolicy", s.putResourcePolicy, func(_ lambda.Caller, in *ddb.PutResourcePolicyInput) string { return aws.ToString(in.ResourceArn) }),
		wire.Op("DeleteResourcePolicy", s.deleteResourcePolicy, func(_ lambda.Caller, in *ddb.DeleteResourcePolicyInput) string {
			return aws.ToString(in.ResourceArn)
		}),
	}
}

// StreamOperations are what DynamoDB Streams can do (its API reference).
func (s *Service) StreamOperations() []wire.Operation {
	return []wire.Operation{
		wire.Op("ListStreams", s.listStreams, nil),
		wire.Op("DescribeStream", s.describeStream, func(_ lambda.Caller, in *streams.DescribeStreamInput) string { return aws.ToString(in.StreamArn) }),
		wire.Op("GetShardIterator", s.getShardIterator, func(_ lambda.Caller, in *streams.GetShardIteratorInput) string { return aws.ToString(in.StreamArn) }),
		wire.Op("GetRecords", s.getRecords, func(_ lambda.Caller, in *streams.GetRecordsInput) string {
			arn, _, _ := strings.Cut(aws.ToString(in.ShardIterator), "|")
			return arn
		}),
	}
}

func tableResource(c lambda.Caller, name *string) string { return named(c, aws.ToString(name)).ARN() }
