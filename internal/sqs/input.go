package sqs

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/schemas"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/wire"
)

// In the SDK's inputs a number that was not sent is 0. SQS tells the two apart: a
// delay of 0 overrides the queue's, a wait of 0 makes a short poll. The inputs here
// are the SDK's with pointers, on the wire the same.

type sendInput struct {
	QueueUrl                *string //nolint:revive,staticcheck // the model's spelling
	MessageBody             *string
	DelaySeconds            *int32
	MessageAttributes       map[string]types.MessageAttributeValue
	MessageDeduplicationId  *string //nolint:revive,staticcheck // the model's spelling
	MessageGroupId          *string //nolint:revive,staticcheck // the model's spelling
	MessageSystemAttributes map[string]types.MessageSystemAttributeValue
}

type sendEntry struct {
	Id                      *string //nolint:revive,staticcheck // the model's spelling
	MessageBody             *string
	DelaySeconds            *int32
	MessageAttributes       map[string]types.MessageAttributeValue
	MessageDeduplicationId  *string //nolint:revive,staticcheck // the model's spelling
	MessageGroupId          *string //nolint:revive,staticcheck // the model's spelling
	MessageSystemAttributes map[string]types.MessageSystemAttributeValue
}

type sendBatchInput struct {
	QueueUrl *string //nolint:revive,staticcheck // the model's spelling
	Entries  []sendEntry
}

type receiveInput struct {
	QueueUrl                    *string //nolint:revive,staticcheck // the model's spelling
	AttributeNames              []types.QueueAttributeName
	MaxNumberOfMessages         *int32
	MessageAttributeNames       []string
	MessageSystemAttributeNames []types.MessageSystemAttributeName
	ReceiveRequestAttemptId     *string //nolint:revive,staticcheck // the model's spelling
	VisibilityTimeout           *int32
	WaitTimeSeconds             *int32
}

// The schemas are the SDK's; package wire reads them off what Serialize writes.

func (*sendInput) Serialize(s smithy.ShapeSerializer) { mark(s, schemas.SendMessageRequest) }
func (*sendBatchInput) Serialize(s smithy.ShapeSerializer) {
	mark(s, schemas.SendMessageBatchRequest)
}
func (*receiveInput) Serialize(s smithy.ShapeSerializer) { mark(s, schemas.ReceiveMessageRequest) }

func mark(s smithy.ShapeSerializer, schema *smithy.Schema) {
	s.WriteStruct(schema)
	s.CloseStruct()
}

func given(n int32) *int32 {
	if n == 0 {
		return nil
	}
	return &n
}

func fromSend(in *sqs.SendMessageInput) *sendInput {
	return &sendInput{
		QueueUrl: in.QueueUrl, MessageBody: in.MessageBody, DelaySeconds: given(in.DelaySeconds),
		MessageAttributes: in.MessageAttributes, MessageDeduplicationId: in.MessageDeduplicationId,
		MessageGroupId: in.MessageGroupId, MessageSystemAttributes: in.MessageSystemAttributes,
	}
}

func fromSendBatch(in *sqs.SendMessageBatchInput) *sendBatchInput {
	out := &sendBatchInput{QueueUrl: in.QueueUrl}
	for _, e := range in.Entries {
		out.Entries = append(out.Entries, sendEntry{
			Id: e.Id, MessageBody: e.MessageBody, DelaySeconds: given(e.DelaySeconds),
			MessageAttributes: e.MessageAttributes, MessageDeduplicationId: e.MessageDeduplicationId,
			MessageGroupId: e.MessageGroupId, MessageSystemAttributes: e.MessageSystemAttributes,
		})
	}
	return out
}

func fromReceive(in *sqs.ReceiveMessageInput) *receiveInput {
	return &receiveInput{
		QueueUrl: in.QueueUrl, AttributeNames: in.AttributeNames, MaxNumberOfMessages: given(in.MaxNumberOfMessages),
		MessageAttributeNames: in.MessageAttributeNames, MessageSystemAttributeNames: in.MessageSystemAttributeNames,
		ReceiveRequestAttemptId: in.ReceiveRequestAttemptId, VisibilityTimeout: given(in.VisibilityTimeout),
		WaitTimeSeconds: given(in.WaitTimeSeconds),
	}
}

// either makes an operation whose input is one of those here on the wire, and the
// SDK's for callers within the node.
func either[SDK, In, Out any](
	name string, from func(*SDK) *In, call func(context.Context, *In) (*Out, error), url func(*In) *string,
) wire.Operation {
	own := func(in any) *In {
		switch in := in.(type) {
		case *In:
			return in
		case *SDK:
			return from(in)
		}
		panic(fmt.Sprintf("sqs: %s was called with a %T", name, in))
	}
	op := wire.Op(name, call, nil)
	inner := op.Call
	op.Call = func(ctx context.Context, in any) (any, error) { return inner(ctx, own(in)) }
	op.Resource = func(c lambda.Caller, in any) string { return resource(c, url(own(in))) }
	return op
}
