package node

import (
	"context"
	"fmt"
	"time"

	"github.com/hearthfaas/hearth/internal/iam/policy"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/sqs"
)

// openSQS opens SQS over the queues, and shows identity its queues.
func (n *Node) openSQS(ctx context.Context, p *parts) (err error) {
	p.sqs, err = sqs.Open(ctx, sqs.Config{
		Queues: p.queue, Store: p.store, Now: time.Now, Log: n.log,
		CheckPolicy: func(document string) error {
			_, err := policy.Parse(policy.Resource, document)
			return err
		},
		Allow: func(ctx context.Context, action, queueARN string, in any) error {
			return p.iam.AuthorizeOperation(ctx, lambda.CallerFrom(ctx), action, queueARN, in)
		},
	})
	if err != nil {
		return fmt.Errorf("open the queues: %w", err)
	}
	p.iam.UseResources("sqs", sqsResources{p.sqs})
	return nil
}

// sqsResources shows identity the policies and tags of queues.
type sqsResources struct{ sqs *sqs.Service }

// Policy meets iam.Resources.
func (r sqsResources) Policy(arn string) (int64, func() string, bool) { return r.sqs.PolicyAt(arn) }

// Tags meets iam.Resources.
func (r sqsResources) Tags(arn string) map[string]string { return r.sqs.TagsAt(arn) }
