package sqs

import (
	"context"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

func (s *Service) setQueueAttributes(ctx context.Context, in *sqs.SetQueueAttributesInput) (*sqs.SetQueueAttributesOutput, error) {
	e, err := s.openOwn(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if len(in.Attributes) == 0 {
		return nil, missing("Attribute.Name")
	}
	err = s.edit(ctx, e.name, func(old *entry, rec record) (*entry, error) {
		const fifo = string(types.QueueAttributeNameFifoQueue)
		if v, ok := in.Attributes[fifo]; ok && (v == "true") != old.fifo {
			return nil, lambda.Errorf(codeInvalidAttribute, "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.")
		}
		attributes := in.Attributes
		if !old.fifo {
			attributes = without(attributes, fifo)
		}
		rec.Modified = s.cfg.Now().Unix()
		return s.shape(old.name, rec, attributes)
	})
	return &sqs.SetQueueAttributesOutput{}, err
}

func without(m map[string]string, name string) map[string]string {
	out := map[string]string{}
	for k, v := range m {
		if k != name {
			out[k] = v
		}
	}
	return out
}

func (s *Service) getQueueAttributes(ctx context.Context, in *sqs.GetQueueAttributesInput) (*sqs.GetQueueAttributesOutput, error) {
	e, err := s.open(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	out := &sqs.GetQueueAttributesOutput{}
	if len(in.AttributeNames) == 0 {
		return out, nil
	}
	have, err := s.attributesOf(ctx, e)
	if err != nil {
		return nil, err
	}
	out.Attributes = map[string]string{}
	for _, name := range in.AttributeNames {
		if name == types.QueueAttributeNameAll {
			out.Attributes = have
			continue
		}
		if _, ok := settable[name]; !ok && !slices.Contains(readable, name) {
			return nil, unknownAttribute(string(name))
		}
		if v, ok := have[string(name)]; ok {
			out.Attributes[string(name)] = v
		}
	}
	return out, nil
}

// attributesOf are all attributes of a queue as they are read.
func (s *Service) attributesOf(ctx context.Context, e *entry) (map[string]string, error) {
	counts, err := s.cfg.Queues.Counts(e.name)
	if err != nil {
		return nil, shown(ctx, err)
	}
	out := map[string]string{
		string(types.QueueAttributeNameApproximateNumberOfMessages):           strconv.Itoa(counts.Visible),
		string(types.QueueAttributeNameApproximateNumberOfMessagesDelayed):    strconv.Itoa(counts.Delayed),
		string(types.QueueAttributeNameApproximateNumberOfMessagesNotVisible): strconv.Itoa(counts.InFlight),
		string(types.QueueAttributeNameCreatedTimestamp):                      strconv.FormatInt(e.Created, 10),
		string(types.QueueAttributeNameLastModifiedTimestamp):                 strconv.FormatInt(e.Modified, 10),
		string(types.QueueAttributeNameQueueArn):                              e.arn,
	}
	for name := range settable {
		if v := e.get(name); v != "" {
			out[string(name)] = v
		}
	}
	return out, nil
}
