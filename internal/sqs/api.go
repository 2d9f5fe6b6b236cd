package sqs

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/queue"
	"github.com/hearthfaas/hearth/internal/wire"
)

// Operations are what the service can do (Amazon SQS API Reference, 2012-11-05). A
// batch asks for the permission of its single operation.
func (s *Service) Operations() []wire.Operation {
	as := func(action string, op wire.Operation) wire.Operation {
		op.Action = action
		return op
	}
	return append(s.queueOperations(),
		wire.Op("SendMessage", s.sendMessage, func(c lambda.Caller, in *sqs.SendMessageInput) string {
			return resource(c, in.QueueUrl)
		}),
		as("SendMessage", wire.Op("SendMessageBatch", s.sendMessageBatch, func(c lambda.Caller, in *sqs.SendMessageBatchInput) string {
			return resource(c, in.QueueUrl)
		})),
		wire.Op("ReceiveMessage", s.receiveMessage, func(c lambda.Caller, in *sqs.ReceiveMessageInput) string {
			return resource(c, in.QueueUrl)
		}),
		wire.Op("DeleteMessage", s.deleteMessage, func(c lambda.Caller, in *sqs.DeleteMessageInput) string {
			return resource(c, in.QueueUrl)
		}),
		as("DeleteMessage", wire.Op("DeleteMessageBatch", s.deleteMessageBatch, func(c lambda.Caller, in *sqs.DeleteMessageBatchInput) string {
			return resource(c, in.QueueUrl)
		})),
		wire.Op("ChangeMessageVisibility", s.changeVisibility, func(c lambda.Caller, in *sqs.ChangeMessageVisibilityInput) string {
			return resource(c, in.QueueUrl)
		}),
		as("ChangeMessageVisibility", wire.Op("ChangeMessageVisibilityBatch", s.changeVisibilityBatch, func(c lambda.Caller, in *sqs.ChangeMessageVisibilityBatchInput) string {
			return resource(c, in.QueueUrl)
		})),
		wire.Op("StartMessageMoveTask", s.startMoveTask, func(_ lambda.Caller, in *sqs.StartMessageMoveTaskInput) string {
			return aws.ToString(in.SourceArn)
		}),
		wire.Op("CancelMessageMoveTask", s.cancelMoveTask, func(_ lambda.Caller, in *sqs.CancelMessageMoveTaskInput) string {
			source, _, _ := parseHandle(aws.ToString(in.TaskHandle))
			return source
		}),
		wire.Op("ListMessageMoveTasks", s.listMoveTasks, func(_ lambda.Caller, in *sqs.ListMessageMoveTasksInput) string {
			return aws.ToString(in.SourceArn)
		}),
	)
}

// sent is a number that the request had, nil when it had none: a delay of 0 overrides
// the queue's, a wait of 0 makes a short poll. The path is wire.Sent's.
func sent(ctx context.Context, n int32, path ...any) *int32 {
	if n == 0 && !wire.Sent(ctx, path...) {
		return nil
	}
	return &n
}

func (s *Service) queueOperations() []wire.Operation {
	return []wire.Operation{
		wire.Op("CreateQueue", s.createQueue, func(c lambda.Caller, in *sqs.CreateQueueInput) string {
			return arnOf(queue.Name{Account: c.Account, Region: c.Region, Name: aws.ToString(in.QueueName)})
		}),
		wire.Op("DeleteQueue", s.deleteQueue, func(c lambda.Caller, in *sqs.DeleteQueueInput) string {
			return resource(c, in.QueueUrl)
		}),
		wire.Op("PurgeQueue", s.purgeQueue, func(c lambda.Caller, in *sqs.PurgeQueueInput) string {
			return resource(c, in.QueueUrl)
		}),
		wire.Op("GetQueueUrl", s.getQueueURL, func(c lambda.Caller, in *sqs.GetQueueUrlInput) string {
			return arnOf(ownedName(c, in))
		}),
		wire.Op("ListQueues", s.listQueues, nil),
		wire.Op("ListDeadLetterSourceQueues", s.listDeadLetterSourceQueues, func(c lambda.Caller, in *sqs.ListDeadLetterSourceQueuesInput) string {
			return resource(c, in.QueueUrl)
		}),
		wire.Op("GetQueueAttributes", s.getQueueAttributes, func(c lambda.Caller, in *sqs.GetQueueAttributesInput) string {
			return resource(c, in.QueueUrl)
		}),
		wire.Op("SetQueueAttributes", s.setQueueAttributes, func(c lambda.Caller, in *sqs.SetQueueAttributesInput) string {
			return resource(c, in.QueueUrl)
		}),
		wire.Op("TagQueue", s.tagQueue, func(c lambda.Caller, in *sqs.TagQueueInput) string {
			return resource(c, in.QueueUrl)
		}),
		wire.Op("UntagQueue", s.untagQueue, func(c lambda.Caller, in *sqs.UntagQueueInput) string {
			return resource(c, in.QueueUrl)
		}),
		wire.Op("ListQueueTags", s.listQueueTags, func(c lambda.Caller, in *sqs.ListQueueTagsInput) string {
			return resource(c, in.QueueUrl)
		}),
		wire.Op("AddPermission", s.addPermission, func(c lambda.Caller, in *sqs.AddPermissionInput) string {
			return resource(c, in.QueueUrl)
		}),
		wire.Op("RemovePermission", s.removePermission, func(c lambda.Caller, in *sqs.RemovePermissionInput) string {
			return resource(c, in.QueueUrl)
		}),
	}
}
