package sqs

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/queue"
)

func (s *Service) sendMessage(ctx context.Context, in *sqs.SendMessageInput) (*sqs.SendMessageOutput, error) {
	e, err := s.open(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	d, err := e.draft(lambda.CallerFrom(ctx), &types.SendMessageBatchRequestEntry{
		MessageBody: in.MessageBody, MessageAttributes: in.MessageAttributes,
		MessageDeduplicationId: in.MessageDeduplicationId, MessageGroupId: in.MessageGroupId,
		MessageSystemAttributes: in.MessageSystemAttributes,
	}, sent(ctx, in.DelaySeconds, "DelaySeconds"))
	if err != nil {
		return nil, err
	}
	kept, err := s.cfg.Queues.Send(ctx, e.name, d.Outgoing)
	if err != nil {
		return nil, shown(ctx, err)
	}
	return &sqs.SendMessageOutput{
		MessageId: aws.String(kept[0].ID), MD5OfMessageBody: d.md5, MD5OfMessageAttributes: d.md5Attributes,
		MD5OfMessageSystemAttributes: d.md5System, SequenceNumber: e.sequence(kept[0]),
	}, nil
}

// sequence is the number that FIFO queues give a message.
func (e *entry) sequence(kept queue.Sent) *string {
	if !e.fifo {
		return nil
	}
	return aws.String(sequence(kept.Sequence))
}

func (s *Service) sendMessageBatch(ctx context.Context, in *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error) {
	e, err := s.open(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := checkBatch("SendMessageBatchRequestEntry", in.Entries, func(b *types.SendMessageBatchRequestEntry) *string { return b.Id }); err != nil {
		return nil, err
	}
	if size := batchSize(in.Entries); size > batchBytesMax {
		return nil, lambda.Errorf(codeBatchLong, "Batch requests cannot be longer than %d bytes. You have sent %d bytes.", batchBytesMax, size)
	}
	out := &sqs.SendMessageBatchOutput{}
	var drafts []draft
	var outgoing []queue.Outgoing
	var ids []*string
	for i := range in.Entries {
		d, err := e.draft(lambda.CallerFrom(ctx), &in.Entries[i], sent(ctx, in.Entries[i].DelaySeconds, "Entries", i, "DelaySeconds"))
		if err != nil {
			f, err := failed(ctx, in.Entries[i].Id, err)
			if err != nil {
				return nil, err
			}
			out.Failed = append(out.Failed, f)
			continue
		}
		drafts, outgoing, ids = append(drafts, d), append(outgoing, d.Outgoing), append(ids, in.Entries[i].Id)
	}
	if len(drafts) == 0 {
		return out, nil
	}
	kept, err := s.cfg.Queues.Send(ctx, e.name, outgoing...)
	if err != nil {
		return nil, shown(ctx, err)
	}
	for i, d := range drafts {
		out.Successful = append(out.Successful, types.SendMessageBatchResultEntry{
			Id: ids[i], MessageId: aws.String(kept[i].ID), MD5OfMessageBody: d.md5, MD5OfMessageAttributes: d.md5Attributes,
			MD5OfMessageSystemAttributes: d.md5System, SequenceNumber: e.sequence(kept[i]),
		})
	}
	return out, nil
}

// batchSize is the size of a batch's messages together, valid or not.
func batchSize(entries []types.SendMessageBatchRequestEntry) int {
	n := 0
	for i := range entries {
		n += len(aws.ToString(entries[i].MessageBody))
		for name, a := range entries[i].MessageAttributes {
			n += len(name) + len(aws.ToString(a.DataType)) + len(aws.ToString(a.StringValue)) + len(a.BinaryValue)
		}
	}
	return n
}
