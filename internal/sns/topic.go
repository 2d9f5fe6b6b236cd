package sns

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

const (
	// topicsMax and fifoTopicsMax are how many topics an account may have in a region
	// (SNS quotas).
	topicsMax     = 100_000
	fifoTopicsMax = 1000
	// pageMax is the size of every page (API reference, ListTopics).
	pageMax = 100
)

func (s *Service) createTopic(ctx context.Context, in *awssns.CreateTopicInput) (*awssns.CreateTopicOutput, error) {
	c := lambda.CallerFrom(ctx)
	k := topicKey{account: c.Account, region: c.Region, name: aws.ToString(in.Name)}
	rec, err := s.newTopicRecord(k.name, in)
	if err != nil {
		return nil, err
	}
	out := &awssns.CreateTopicOutput{TopicArn: aws.String(k.ARN())}
	s.writing.Lock()
	defer s.writing.Unlock()
	if old, err := s.topic(k.ARN()); err == nil {
		return out, sameTopic(old, &rec)
	}
	if err := s.checkTopicCount(k, rec.FIFO); err != nil {
		return nil, err
	}
	return out, s.storeTopic(ctx, k.ARN(), rec)
}

// newTopicRecord checks everything that a CreateTopic says.
func (s *Service) newTopicRecord(name string, in *awssns.CreateTopicInput) (topicRecord, error) {
	rec := topicRecord{ID: lambda.NewUUID(), Attributes: map[string]string{}}
	if in.DataProtectionPolicy != nil {
		return rec, lambda.Errorf(lambda.CodeNotImplemented, "Hearth has no data protection policies.")
	}
	rec.FIFO = strings.EqualFold(in.Attributes[attrFIFO], "true")
	switch {
	case rec.FIFO && (!strings.HasSuffix(name, fifoSuffix) || !validName(name)):
		return rec, invalid("Fifo Topic names must end with .fifo and must be made up of only uppercase and lowercase " +
			"ASCII letters, numbers, underscores, and hyphens, and must be between 1 and 256 characters long.")
	case !rec.FIFO && (strings.HasSuffix(name, fifoSuffix) || !validName(name)):
		return rec, invalid("Topic Name")
	}
	for _, attribute := range slices.Sorted(maps.Keys(in.Attributes)) {
		value := in.Attributes[attribute]
		if attribute == attrFIFO {
			if value != "true" && value != "false" {
				return rec, invalid("Attributes Reason: FifoTopic: Invalid value [%s]. Must be true or false.", value)
			}
			continue
		}
		if err := s.setTopicAttribute(&rec, nil, attribute, value); err != nil {
			return rec, asAttributes(err)
		}
	}
	var err error
	rec.Tags, err = addTags(nil, in.Tags)
	return rec, err
}

// sameTopic refuses the creation of a topic that exists, unless it is the same.
func sameTopic(old *topic, rec *topicRecord) error {
	for name, value := range rec.Attributes {
		if old.attribute(name) != value {
			return invalid("Attributes Reason: Topic already exists with different attributes")
		}
	}
	if len(rec.Tags) > 0 && !maps.Equal(old.record.Tags, rec.Tags) {
		return invalid("Tags Reason: Topic already exists with different tags")
	}
	return nil
}

func (s *Service) checkTopicCount(k topicKey, fifo bool) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	c := s.index.counts[topicKey{account: k.account, region: k.region}]
	if c.all >= topicsMax || fifo && c.fifo >= fifoTopicsMax {
		return lambda.Errorf(codeTopicLimitExceeded, "Topic limit exceeded")
	}
	return nil
}

// deleteTopic removes a topic with its subscriptions and the messages that were not
// delivered; one that does not exist is no error (API reference, DeleteTopic).
func (s *Service) deleteTopic(ctx context.Context, in *awssns.DeleteTopicInput) (*awssns.DeleteTopicOutput, error) {
	k, err := checkTopicARN(lambda.CallerFrom(ctx), "TopicArn", aws.ToString(in.TopicArn))
	if err != nil {
		return nil, err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	t, err := s.topic(k.ARN())
	if err != nil {
		return &awssns.DeleteTopicOutput{}, nil // it is gone already
	}
	subs := s.subscriptionsOf(t)
	changes := s.topicDeletion(t, subs)
	if _, err := s.cfg.Store.Apply(ctx, changes...); err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.index.dropTopic(t)
	s.mu.Unlock()
	s.tally.drop(t.arn)
	s.deleteQueue(ctx, t.queue())
	for _, sub := range subs {
		s.deleteQueue(ctx, sub.queue())
	}
	return &awssns.DeleteTopicOutput{}, nil
}

func (s *Service) getTopicAttributes(ctx context.Context, in *awssns.GetTopicAttributesInput) (*awssns.GetTopicAttributesOutput, error) {
	k, err := checkTopicARN(lambda.CallerFrom(ctx), "TopicArn", aws.ToString(in.TopicArn))
	if err != nil {
		return nil, err
	}
	t, err := s.topic(k.ARN())
	if err != nil {
		return nil, err
	}
	pending, confirmed := 0, 0
	for _, sub := range s.subscriptionsOf(t) {
		switch {
		case sub.confirmed():
			confirmed++
		case sub.listed():
			pending++
		}
	}
	out := maps.Clone(t.record.Attributes)
	if out == nil {
		out = map[string]string{}
	}
	maps.Copy(out, map[string]string{
		"TopicArn": t.arn, "Owner": t.account, attrPolicy: t.policyDocument(), attrDisplayName: t.attribute(attrDisplayName),
		"SubscriptionsPending": strconv.Itoa(pending), "SubscriptionsConfirmed": strconv.Itoa(confirmed),
		"SubscriptionsDeleted": strconv.Itoa(t.record.Deleted), "EffectiveDeliveryPolicy": t.policy.effective(),
	})
	if t.record.FIFO {
		for _, name := range []string{attrFIFO, attrContentDedup, attrThroughputScope} {
			out[name] = t.attribute(name)
		}
	}
	return &awssns.GetTopicAttributesOutput{Attributes: out}, nil
}

func (s *Service) setTopicAttributes(ctx context.Context, in *awssns.SetTopicAttributesInput) (*awssns.SetTopicAttributesOutput, error) {
	k, err := checkTopicARN(lambda.CallerFrom(ctx), "TopicArn", aws.ToString(in.TopicArn))
	if err != nil {
		return nil, err
	}
	name := aws.ToString(in.AttributeName)
	err = s.changeTopic(ctx, k.ARN(), func(t *topic, rec *topicRecord) error {
		if name == attrFIFO {
			return invalid("AttributeName")
		}
		return s.setTopicAttribute(rec, s.subscriptionsOf(t), name, aws.ToString(in.AttributeValue))
	})
	if err == nil && name == attrThroughputScope {
		err = s.configureTopicQueue(ctx, k.ARN())
	}
	return &awssns.SetTopicAttributesOutput{}, err
}

func (s *Service) listTopics(ctx context.Context, in *awssns.ListTopicsInput) (*awssns.ListTopicsOutput, error) {
	c := lambda.CallerFrom(ctx)
	s.mu.RLock()
	var arns []string
	for arn, t := range s.index.topics {
		if t.account == c.Account && t.region == c.Region {
			arns = append(arns, arn)
		}
	}
	s.mu.RUnlock()
	page, next, err := pageOf(arns, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &awssns.ListTopicsOutput{NextToken: next, Topics: make([]types.Topic, 0, len(page))}
	for _, arn := range page {
		out.Topics = append(out.Topics, types.Topic{TopicArn: aws.String(arn)})
	}
	return out, nil
}
