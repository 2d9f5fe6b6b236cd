package node

import (
	"context"
	"fmt"
	"time"

	"github.com/hearthfaas/hearth/internal/dynamodb"
	"github.com/hearthfaas/hearth/internal/iam"
	"github.com/hearthfaas/hearth/internal/iam/policy"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// openDynamoDB opens the tables, and shows identity their policies and tags.
func (n *Node) openDynamoDB(ctx context.Context, p *parts) (err error) {
	p.dynamodb, err = dynamodb.Open(ctx, dynamodb.Config{
		Dir: n.dir("dynamodb"), Authorizer: dynamodbAuthorizer{p.iam}, Now: time.Now, Log: n.log,
		CheckPolicy: func(document string) error {
			_, err := policy.Parse(policy.Resource, document)
			return err
		},
	})
	if err != nil {
		return fmt.Errorf("open the tables: %w", err)
	}
	p.closers = append(p.closers, p.dynamodb.Close)
	p.iam.UseResources("dynamodb", dynamodbResources{p.dynamodb})
	return nil
}

// dynamodbAuthorizer asks iam on behalf of DynamoDB.
type dynamodbAuthorizer struct{ iam *iam.Service }

// Authorize meets dynamodb.Authorizer.
func (a dynamodbAuthorizer) Authorize(ctx context.Context, c lambda.Caller, action, resource string, keys func(string) ([]string, bool)) error {
	return a.iam.Check(ctx, c, iam.Request{Action: action, Resource: resource, Context: lookup(keys)})
}

// lookup is a function that answers for condition keys.
type lookup func(key string) ([]string, bool)

// Lookup meets policy.Context.
func (l lookup) Lookup(key string) ([]string, bool) { return l(key) }

// dynamodbResources shows identity the policies and tags of tables and streams.
type dynamodbResources struct{ tables *dynamodb.Service }

// Policy meets iam.Resources.
func (r dynamodbResources) Policy(arn string) (int64, func() string, bool) {
	return r.tables.PolicyAt(arn)
}

// Tags meets iam.Resources.
func (r dynamodbResources) Tags(arn string) map[string]string { return r.tables.TagsAt(arn) }
