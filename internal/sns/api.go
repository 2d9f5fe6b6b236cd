package sns

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/wire"
)

// API is the service as the edge serves it.
func (s *Service) API() *wire.Service {
	return &wire.Service{Name: "sns", Operations: s.operations()}
}

// operations are what the service can do (Amazon SNS API Reference, 2010-03-31).
// Authorization is asked about the topic. The two that the links in messages lead to
// may come without a signature and ask for themselves.
func (s *Service) operations() []wire.Operation {
	batch := wire.Op("PublishBatch", s.publishBatch, func(_ lambda.Caller, in *awssns.PublishBatchInput) string {
		return aws.ToString(in.TopicArn)
	})
	batch.Action = "Publish"
	return []wire.Operation{
		wire.Op("AddPermission", s.addPermission, func(_ lambda.Caller, in *awssns.AddPermissionInput) string {
			return aws.ToString(in.TopicArn)
		}),
		unsigned(wire.Op("ConfirmSubscription", s.confirmSubscription, nil)),
		wire.Op("CreateTopic", s.createTopic, func(c lambda.Caller, in *awssns.CreateTopicInput) string {
			return topicKey{account: c.Account, region: c.Region, name: aws.ToString(in.Name)}.ARN()
		}),
		wire.Op("DeleteTopic", s.deleteTopic, func(_ lambda.Caller, in *awssns.DeleteTopicInput) string {
			return aws.ToString(in.TopicArn)
		}),
		wire.Op("GetSubscriptionAttributes", s.getSubscriptionAttributes, nil),
		wire.Op("GetTopicAttributes", s.getTopicAttributes, func(_ lambda.Caller, in *awssns.GetTopicAttributesInput) string {
			return aws.ToString(in.TopicArn)
		}),
		wire.Op("ListSubscriptions", s.listSubscriptions, nil),
		wire.Op("ListSubscriptionsByTopic", s.listSubscriptionsByTopic, func(_ lambda.Caller, in *awssns.ListSubscriptionsByTopicInput) string {
			return aws.ToString(in.TopicArn)
		}),
		wire.Op("ListTagsForResource", s.listTagsForResource, func(_ lambda.Caller, in *awssns.ListTagsForResourceInput) string {
			return aws.ToString(in.ResourceArn)
		}),
		wire.Op("ListTopics", s.listTopics, nil),
		wire.Op("Publish", s.publish, func(_ lambda.Caller, in *awssns.PublishInput) string {
			if in.TopicArn != nil {
				return *in.TopicArn
			}
			return aws.ToString(in.TargetArn)
		}),
		batch,
		wire.Op("RemovePermission", s.removePermission, func(_ lambda.Caller, in *awssns.RemovePermissionInput) string {
			return aws.ToString(in.TopicArn)
		}),
		wire.Op("SetSubscriptionAttributes", s.setSubscriptionAttributes, nil),
		wire.Op("SetTopicAttributes", s.setTopicAttributes, func(_ lambda.Caller, in *awssns.SetTopicAttributesInput) string {
			return aws.ToString(in.TopicArn)
		}),
		wire.Op("Subscribe", s.subscribe, func(_ lambda.Caller, in *awssns.SubscribeInput) string {
			return aws.ToString(in.TopicArn)
		}),
		wire.Op("TagResource", s.tagResource, func(_ lambda.Caller, in *awssns.TagResourceInput) string {
			return aws.ToString(in.ResourceArn)
		}),
		unsigned(wire.Op("Unsubscribe", s.unsubscribe, nil)),
		wire.Op("UntagResource", s.untagResource, func(_ lambda.Caller, in *awssns.UntagResourceInput) string {
			return aws.ToString(in.ResourceArn)
		}),
	}
}

// unsigned lets an operation come without a signature.
func unsigned(op wire.Operation) wire.Operation {
	op.OwnVerdict, op.Unsigned = true, true
	return op
}
