package sqs

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/queue"
)

func badReceipt(handle string) error {
	return lambda.Errorf(codeReceipt, "The input receipt handle %q is not a valid receipt handle.", handle)
}

// deletion is what became of a deletion, as the caller sees it. In a standard queue
// an old receipt may not delete and that is no error; in a FIFO queue one that has
// expired is refused, unless its message is gone anyway.
func (e *entry) deletion(handle string, err error) error {
	switch {
	case errors.Is(err, queue.ErrReceipt):
		return badReceipt(handle)
	case errors.Is(err, queue.ErrGone):
		return nil
	case errors.Is(err, queue.ErrStale):
		if e.fifo {
			return badParameter(handle, "ReceiptHandle", "The receipt handle has expired.")
		}
		return nil
	}
	return err
}

func (s *Service) deleteMessage(ctx context.Context, in *sqs.DeleteMessageInput) (*sqs.DeleteMessageOutput, error) {
	e, err := s.open(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if in.ReceiptHandle == nil {
		return nil, missing("ReceiptHandle")
	}
	errs, err := s.cfg.Queues.Remove(ctx, e.name, *in.ReceiptHandle)
	if err != nil {
		return nil, shown(ctx, err)
	}
	if err := e.deletion(*in.ReceiptHandle, errs[0]); err != nil {
		return nil, err
	}
	return &sqs.DeleteMessageOutput{}, nil
}

func (s *Service) deleteMessageBatch(ctx context.Context, in *sqs.DeleteMessageBatchInput) (*sqs.DeleteMessageBatchOutput, error) {
	e, err := s.open(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	err = checkBatch("DeleteMessageBatchRequestEntry", in.Entries, func(b *types.DeleteMessageBatchRequestEntry) *string { return b.Id })
	if err != nil {
		return nil, err
	}
	receipts := make([]string, len(in.Entries))
	for i := range in.Entries {
		receipts[i] = aws.ToString(in.Entries[i].ReceiptHandle)
	}
	errs, err := s.cfg.Queues.Remove(ctx, e.name, receipts...)
	if err != nil {
		return nil, shown(ctx, err)
	}
	out := &sqs.DeleteMessageBatchOutput{}
	for i, id := range in.Entries {
		if err := e.deletion(receipts[i], errs[i]); err != nil {
			f, err := failed(ctx, id.Id, err)
			if err != nil {
				return nil, err
			}
			out.Failed = append(out.Failed, f)
			continue
		}
		out.Successful = append(out.Successful, types.DeleteMessageBatchResultEntry{Id: id.Id})
	}
	return out, nil
}

// hiding is what became of a change of a visibility timeout, as the caller sees it.
func hiding(handle string, err error) error {
	switch {
	case errors.Is(err, queue.ErrReceipt):
		return badReceipt(handle)
	case errors.Is(err, queue.ErrStale):
		return badParameter(handle, "ReceiptHandle", "Message does not exist or is not available for visibility timeout change.")
	case errors.Is(err, queue.ErrNotInFlight):
		return lambda.Errorf(codeNotInFlight, "The specified message isn't in flight.")
	}
	return err
}

func hidingTime(seconds int32) (time.Duration, error) {
	if seconds < 0 || seconds > visibilityMax {
		return 0, badParameter(seconds, "VisibilityTimeout", "Must be between 0 and 43200.")
	}
	return time.Duration(seconds) * time.Second, nil
}

func (s *Service) changeVisibility(ctx context.Context, in *sqs.ChangeMessageVisibilityInput) (*sqs.ChangeMessageVisibilityOutput, error) {
	e, err := s.open(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if in.ReceiptHandle == nil {
		return nil, missing("ReceiptHandle")
	}
	timeout, err := hidingTime(in.VisibilityTimeout)
	if err != nil {
		return nil, err
	}
	errs, err := s.cfg.Queues.ChangeVisibility(ctx, e.name, queue.Visibility{Receipt: *in.ReceiptHandle, Timeout: timeout})
	if err != nil {
		return nil, shown(ctx, err)
	}
	if err := hiding(*in.ReceiptHandle, errs[0]); err != nil {
		return nil, err
	}
	return &sqs.ChangeMessageVisibilityOutput{}, nil
}

func (s *Service) changeVisibilityBatch(ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	e, err := s.open(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	err = checkBatch("ChangeMessageVisibilityBatchRequestEntry", in.Entries,
		func(b *types.ChangeMessageVisibilityBatchRequestEntry) *string { return b.Id })
	if err != nil {
		return nil, err
	}
	errs := make([]error, len(in.Entries))
	var changes []queue.Visibility
	var at []int
	for i := range in.Entries {
		var timeout time.Duration
		if timeout, errs[i] = hidingTime(in.Entries[i].VisibilityTimeout); errs[i] != nil {
			continue
		}
		changes = append(changes, queue.Visibility{Receipt: aws.ToString(in.Entries[i].ReceiptHandle), Timeout: timeout})
		at = append(at, i)
	}
	results, err := s.cfg.Queues.ChangeVisibility(ctx, e.name, changes...)
	if err != nil {
		return nil, shown(ctx, err)
	}
	for n, i := range at {
		errs[i] = hiding(changes[n].Receipt, results[n])
	}
	out := &sqs.ChangeMessageVisibilityBatchOutput{}
	for i := range in.Entries {
		if errs[i] != nil {
			f, err := failed(ctx, in.Entries[i].Id, errs[i])
			if err != nil {
				return nil, err
			}
			out.Failed = append(out.Failed, f)
			continue
		}
		out.Successful = append(out.Successful, types.ChangeMessageVisibilityBatchResultEntry{Id: in.Entries[i].Id})
	}
	return out, nil
}
