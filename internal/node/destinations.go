package node

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/hearthfaas/hearth/internal/iam"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// destinations tells the control plane of what functions may send to.
type destinations struct{ hub *hub }

// Exists meets controlplane.Destinations. What this node does not serve counts as
// there: a configuration that is meant for AWS as well may name it.
func (d destinations) Exists(ctx context.Context, arn string) bool {
	f := strings.SplitN(arn, ":", 6)
	if len(f) < 6 {
		return false
	}
	c := asService("lambda.amazonaws.com", "", f[4], arn)
	var err error
	switch f[2] {
	case "sqs":
		_, err = localTrusted[sqs.GetQueueAttributesOutput](ctx, d.hub.local, c, "sqs", "GetQueueAttributes",
			&sqs.GetQueueAttributesInput{QueueUrl: new(queueURL(f[4], f[5]))})
	case "sns":
		_, err = localTrusted[sns.GetTopicAttributesOutput](ctx, d.hub.local, c, "sns", "GetTopicAttributes", &sns.GetTopicAttributesInput{TopicArn: &arn})
	case "events":
		_, err = localTrusted[eventbridge.DescribeEventBusOutput](ctx, d.hub.local, c, "events", "DescribeEventBus", &eventbridge.DescribeEventBusInput{Name: &arn})
	case "s3":
		return d.hub.objects.HasBucket(f[5])
	}
	return err == nil || errors.Is(err, errNotServed)
}

// MaySend meets controlplane.Destinations.
func (d destinations) MaySend(ctx context.Context, roleARN string, id lambda.FunctionID, arn string) bool {
	c, err := d.hub.asFunction(ctx, roleARN, id)
	if err != nil {
		return false
	}
	action := "sqs:SendMessage"
	if strings.HasPrefix(arn, "arn:aws:sns:") {
		action = "sns:Publish"
	}
	return d.hub.iam.Check(ctx, c, iam.Request{Action: action, Resource: arn}) == nil
}
