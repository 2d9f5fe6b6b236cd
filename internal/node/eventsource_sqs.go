package node

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/hearthfaas/hearth/internal/eventsource/sqs"
	"github.com/hearthfaas/hearth/internal/iam"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// polledQueues shows SQS to its pollers, as the same requests through the edge would.
type polledQueues struct {
	iam   *iam.Service
	local *local
}

// Receive meets sqs.Queues.
func (q polledQueues) Receive(ctx context.Context, as lambda.Caller, arn string, r sqs.Receive) ([]types.Message, error) {
	in := &awssqs.ReceiveMessageInput{
		QueueUrl: queueURLOf(arn), MaxNumberOfMessages: int32(r.Max), WaitTimeSeconds: wholeSeconds(r.Wait),
		MessageAttributeNames:       []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	}
	if r.Visibility > 0 {
		in.VisibilityTimeout = wholeSeconds(r.Visibility)
	}
	out, err := polled[awssqs.ReceiveMessageOutput](ctx, q, as, "ReceiveMessage", in)
	if err != nil {
		return nil, err
	}
	return out.Messages, nil
}

// Delete meets sqs.Queues.
func (q polledQueues) Delete(ctx context.Context, as lambda.Caller, arn string, messages []types.Message) ([]types.Message, error) {
	in := &awssqs.DeleteMessageBatchInput{QueueUrl: queueURLOf(arn)}
	for i := range messages {
		in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: new(strconv.Itoa(i)), ReceiptHandle: messages[i].ReceiptHandle})
	}
	out, err := polled[awssqs.DeleteMessageBatchOutput](ctx, q, as, "DeleteMessageBatch", in)
	if err != nil {
		return messages, err
	}
	var left []types.Message
	for _, f := range out.Failed {
		if i, err := strconv.Atoi(orZero(f.Id)); err == nil && i < len(messages) && !f.SenderFault {
			left = append(left, messages[i])
		}
	}
	return left, nil
}

// Visibility meets sqs.Queues.
func (q polledQueues) Visibility(ctx context.Context, as lambda.Caller, arn string) (time.Duration, error) {
	out, err := polled[awssqs.GetQueueAttributesOutput](ctx, q, as, "GetQueueAttributes", &awssqs.GetQueueAttributesInput{
		QueueUrl: queueURLOf(arn), AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameVisibilityTimeout},
	})
	if err != nil {
		return 0, err
	}
	seconds, err := strconv.Atoi(out.Attributes[string(types.QueueAttributeNameVisibilityTimeout)])
	if err != nil {
		return 0, fmt.Errorf("read the visibility timeout of %s: %w", arn, err)
	}
	return time.Duration(seconds) * time.Second, nil
}

// MayReceive meets sqs.Queues.
func (q polledQueues) MayReceive(ctx context.Context, as lambda.Caller, arn string) error {
	as.Region = regionOf(arn, as.Region)
	for _, name := range []string{"ReceiveMessage", "DeleteMessage"} {
		if err := q.iam.Authorize(lambda.WithCaller(ctx, as), as, "sqs:"+name, arn); err != nil {
			return queueError(ctx, name, err)
		}
	}
	return nil
}

func polled[Out any](ctx context.Context, q polledQueues, as lambda.Caller, operation string, in any) (*Out, error) {
	out, err := localCall[Out](ctx, q.local, as, "sqs", operation, in)
	if err != nil {
		return nil, queueError(ctx, strings.TrimSuffix(operation, "Batch"), err)
	}
	return out, nil
}

// queueError is an error of SQS as pollers tell them apart.
func queueError(ctx context.Context, operation string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	refused, ok := errors.AsType[*lambda.Error](err)
	if !ok {
		return err
	}
	switch refused.Code {
	case lambda.CodeAccessDenied:
		return &sqs.DeniedError{Operation: operation, Err: err}
	case "QueueDoesNotExist":
		return sqs.ErrNoQueue
	}
	return err
}

func queueURLOf(arn string) *string {
	if f := strings.SplitN(arn, ":", 6); len(f) == 6 {
		return new(queueURL(f[4], f[5]))
	}
	return new("")
}

func regionOf(arn, otherwise string) string {
	if f := strings.SplitN(arn, ":", 5); len(f) == 5 && f[3] != "" {
		return f[3]
	}
	return otherwise
}

// wholeSeconds rounds up: to wait too short would be to ask again at once.
func wholeSeconds(d time.Duration) int32 { return int32(math.Ceil(d.Seconds())) }
