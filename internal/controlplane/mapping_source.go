package controlplane

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// SourceKind is what kind of thing a mapping reads.
type SourceKind string

// The kinds of event source that Lambda polls (Lambda developer guide, "Event
// source mappings").
const (
	SourceSQS         SourceKind = "sqs"
	SourceKinesis     SourceKind = "kinesis"
	SourceDynamoDB    SourceKind = "dynamodb"
	SourceMSK         SourceKind = "kafka"
	SourceSelfManaged SourceKind = "self-managed-kafka"
	SourceMQ          SourceKind = "mq"
	SourceDocumentDB  SourceKind = "docdb"
)

// need says whether a member must, may or must not be given.
type need int

const (
	never need = iota
	optionally
	always
)

// sourceRules is what mappings of one kind of source can be told (Lambda developer
// guide, the page of each source).
type sourceRules struct {
	name         string // for people
	batchDefault int32
	// windowSec is the default batching window, nil where AWS waits 500 ms and shows
	// none.
	windowSec *int32
	positions []types.EventSourcePosition // empty: the source has no position
	// perShard is parallelisation, bisecting and tumbling windows.
	perShard bool
	// expiry is the age of records and the number of retries.
	expiry            bool
	failureTo         []string // services that take what could not be processed
	responses         bool
	concurrency       bool
	pollers           bool
	access            need
	topics            need
	queues            need
	document          need
	schema            bool
	reason            string // StateTransitionReason of what a user did
	processingResults bool   // LastProcessingResult is shown from the start
}

var (
	allPositions   = []types.EventSourcePosition{types.EventSourcePositionTrimHorizon, types.EventSourcePositionLatest, types.EventSourcePositionAtTimestamp}
	fixedPositions = allPositions[:2]
	streamFailures = []string{"sqs", "sns", "s3"}
	kafkaFailures  = []string{"sqs", "sns", "s3", "kafka"}
)

var rulesOf = map[SourceKind]sourceRules{
	SourceSQS: {
		name: "Amazon SQS", batchDefault: 10, windowSec: new(int32(0)),
		responses: true, concurrency: true, pollers: true, reason: "USER_INITIATED",
	},
	SourceKinesis: {
		name: "Amazon Kinesis", batchDefault: 100, windowSec: new(int32(0)), positions: allPositions,
		perShard: true, expiry: true, failureTo: streamFailures, responses: true,
		reason: "User action", processingResults: true,
	},
	SourceDynamoDB: {
		name: "Amazon DynamoDB Streams", batchDefault: 100, windowSec: new(int32(0)), positions: fixedPositions,
		perShard: true, expiry: true, failureTo: streamFailures, responses: true,
		reason: "User action", processingResults: true,
	},
	SourceMSK: {
		name: "Amazon MSK", batchDefault: 100, positions: allPositions, expiry: true,
		failureTo: kafkaFailures, responses: true, pollers: true, access: optionally, topics: always,
		schema: true, reason: "USER_INITIATED", processingResults: true,
	},
	SourceSelfManaged: {
		name: "Apache Kafka", batchDefault: 100, positions: allPositions, expiry: true,
		failureTo: kafkaFailures, responses: true, pollers: true, access: always, topics: always,
		schema: true, reason: "USER_INITIATED", processingResults: true,
	},
	SourceMQ: {
		name: "Amazon MQ", batchDefault: 100, access: always, queues: always,
		reason: "USER_INITIATED", processingResults: true,
	},
	SourceDocumentDB: {
		name: "Amazon DocumentDB", batchDefault: 100, positions: allPositions,
		access: always, document: always, reason: "USER_INITIATED", processingResults: true,
	},
}

// kindOf finds out what kind of source an ARN names. An empty ARN stands for a Kafka
// cluster of one's own, when the request names its brokers.
func kindOf(arn string, own *types.SelfManagedEventSource) (SourceKind, error) {
	f := strings.SplitN(arn, ":", 6)
	switch {
	case arn == "" && own != nil && len(own.Endpoints[bootstrapServers]) > 0:
		return SourceSelfManaged, nil
	case len(f) < 6 || own != nil:
	case f[2] == "sqs" && f[5] != "":
		return SourceSQS, nil
	case f[2] == "kinesis" && strings.HasPrefix(f[5], "stream/"):
		return SourceKinesis, nil
	case f[2] == "dynamodb" && strings.HasPrefix(f[5], "table/") && strings.Contains(f[5], "/stream/"):
		return SourceDynamoDB, nil
	case f[2] == "kafka" && strings.HasPrefix(f[5], "cluster/"):
		return SourceMSK, nil
	case f[2] == "mq" && strings.HasPrefix(f[5], "broker:"):
		return SourceMQ, nil
	case f[2] == "rds" && strings.HasPrefix(f[5], "cluster:"):
		return SourceDocumentDB, nil
	}
	return "", invalid("Unrecognized event source.")
}

// bootstrapServers is the one type of endpoint that there is (Lambda API,
// EndPointType).
const bootstrapServers = string(types.EndPointTypeKafkaBootstrapServers)

// isFIFO says whether a mapping's source is a queue that keeps the order.
func isFIFO(kind SourceKind, arn string) bool {
	return kind == SourceSQS && strings.HasSuffix(arn, ".fifo")
}

// takes says whether failed events of the kind may go to a destination.
func (r sourceRules) takes(destination string) bool {
	if strings.HasPrefix(destination, "kafka://") {
		return slices.Contains(r.failureTo, "kafka")
	}
	f := strings.SplitN(destination, ":", 6)
	return len(f) == 6 && slices.Contains(r.failureTo, f[2])
}
