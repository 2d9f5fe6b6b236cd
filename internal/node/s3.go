package node

import (
	"context"
	"errors"
	"sync"

	"github.com/hearthfaas/hearth/internal/iam"
	"github.com/hearthfaas/hearth/internal/iam/policy"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/s3"
)

// s3Identities shows iam's keys to S3.
type s3Identities struct{ iam *iam.Service }

// Lookup meets s3.Identities.
func (a s3Identities) Lookup(ctx context.Context, accessKeyID, sessionToken string) (string, lambda.Caller, error) {
	id, err := a.iam.Lookup(ctx, accessKeyID, sessionToken)
	switch {
	case errors.Is(err, iam.ErrUnknownKey), errors.Is(err, iam.ErrTokenInvalid):
		return "", lambda.Caller{}, s3.ErrUnknownKey
	case errors.Is(err, iam.ErrExpiredToken):
		return "", lambda.Caller{}, s3.ErrExpired
	case err != nil:
		return "", lambda.Caller{}, err
	}
	return id.SecretAccessKey, id.Caller, nil
}

// s3Authorizer asks iam on behalf of S3, with the buckets' policies compiled.
type s3Authorizer struct {
	iam *iam.Service

	mu       sync.Mutex // guards compiled
	compiled map[bucketPolicy]*policy.Policy
}

// bucketPolicy is a policy's text and the account whose bucket has it: verdicts on
// one compiled policy are remembered, so two owners never share one.
type bucketPolicy struct{ owner, text string }

// bucketPoliciesMax bounds the compiled policies; all are forgotten when there are
// more. Each has up to 20 KB.
const bucketPoliciesMax = 1024

// Authorize meets s3.Authorizer.
func (a *s3Authorizer) Authorize(ctx context.Context, c lambda.Caller, q s3.Question) error {
	r := iam.Request{Action: q.Action, Resource: q.Resource, Owner: q.Owner}
	if q.Policy != "" {
		var err error
		if r.ResourcePolicy, err = a.compile(bucketPolicy{q.Owner, q.Policy}); err != nil {
			return err
		}
	}
	if q.Keys != nil {
		r.Context = policy.Values(q.Keys)
	}
	return a.iam.Check(ctx, c, r)
}

func (a *s3Authorizer) compile(key bucketPolicy) (*policy.Policy, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if p, ok := a.compiled[key]; ok {
		return p, nil
	}
	p, err := policy.Parse(policy.Resource, key.text)
	if err != nil {
		return nil, err
	}
	if a.compiled == nil || len(a.compiled) >= bucketPoliciesMax {
		a.compiled = map[bucketPolicy]*policy.Policy{}
	}
	a.compiled[key] = p
	return p, nil
}

// CheckPolicy meets s3.Authorizer.
func (a *s3Authorizer) CheckPolicy(document string) error {
	_, err := policy.Parse(policy.Resource, document)
	return err
}
