package iam

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hearthfaas/hearth/internal/iam/policy"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

// errUnchanged ends a change that has nothing to write.
var errUnchanged = errors.New("iam: nothing to change")

func errNoRole(name string) *lambda.Error {
	return lambda.Errorf(codeNoSuchEntity, "The role with name %s cannot be found.", name)
}

func errNoPolicy(arn string) *lambda.Error {
	return lambda.Errorf(codeNoSuchEntity, "Policy %s was not found.", arn)
}

func errNotAttachable(arn string) *lambda.Error {
	return lambda.Errorf(codeNoSuchEntity, "Policy %s does not exist or is not attachable.", arn)
}

// errRaced is AWS's answer when two changes of one entity meet.
func errRaced() *lambda.Error {
	return &lambda.Error{
		Code:    "ConcurrentModification",
		Message: "The request was rejected because multiple requests to change this object were submitted simultaneously.",
		Status:  409,
	}
}

// getRole finds a role of the caller's account, or NoSuchEntity.
func (s *Service) getRole(ctx context.Context, name *string) (*role, error) {
	var c checks
	c.name(name, "roleName", roleNameMax)
	if err := c.err(); err != nil {
		return nil, err
	}
	r, ok := s.mirror.role(lambda.CallerFrom(ctx).Account, *name)
	if !ok {
		return nil, errNoRole(*name)
	}
	return r, nil
}

// changeRole rewrites a role of the caller's account. change may return
// errUnchanged.
func (s *Service) changeRole(ctx context.Context, name *string, change func(*roleRecord) error) error {
	s.writes.Lock()
	defer s.writes.Unlock()
	r, err := s.getRole(ctx, name)
	if err != nil {
		return err
	}
	rec := r.clone()
	if err := change(&rec); err != nil {
		if errors.Is(err, errUnchanged) {
			return nil
		}
		return err
	}
	_, err = s.roleRows.Put(ctx, entityKey(r.account, r.Name), rec, store.Precondition(r.revision))
	if errors.Is(err, store.ErrConflict) {
		return errRaced()
	}
	if err != nil {
		return fmt.Errorf("store role %s: %w", r.arn, err)
	}
	return nil
}

// getPolicy finds a managed policy, the caller's account's or AWS's.
func (s *Service) getPolicy(ctx context.Context, arn *string) (*managed, error) {
	var c checks
	c.arn(arn, "policyArn")
	if err := c.err(); err != nil {
		return nil, err
	}
	p, ok := s.mirror.policyByARN(*arn)
	if !ok || p.account != awsAccount && p.account != lambda.CallerFrom(ctx).Account {
		return nil, errNoPolicy(*arn)
	}
	return p, nil
}

// changePolicy rewrites a customer-managed policy, or deletes it when change
// empties its versions.
func (s *Service) changePolicy(ctx context.Context, arn *string, action string, change func(*policyRecord) error) error {
	s.writes.Lock()
	defer s.writes.Unlock()
	p, err := s.getPolicy(ctx, arn)
	if err != nil {
		return err
	}
	if p.account == awsAccount {
		return lambda.Errorf(codeAccessDenied, "User: %s is not authorized to perform: iam:%s on resource: policy %s",
			lambda.CallerFrom(ctx).ARN, action, p.arn)
	}
	rec := p.clone()
	if err := change(&rec); err != nil {
		if errors.Is(err, errUnchanged) {
			return nil
		}
		return err
	}
	key := entityKey(p.account, p.Name)
	if len(rec.Versions) == 0 {
		err = s.polRows.Delete(ctx, key, store.Precondition(p.revision))
	} else {
		_, err = s.polRows.Put(ctx, key, rec, store.Precondition(p.revision))
	}
	if errors.Is(err, store.ErrConflict) {
		return errRaced()
	}
	if err != nil {
		return fmt.Errorf("store policy %s: %w", p.arn, err)
	}
	return nil
}

// checkDocument parses a document for its errors, as MalformedPolicyDocument.
func checkDocument(kind policy.Kind, document string) (*policy.Policy, error) {
	p, err := policy.Parse(kind, document)
	if syntax, ok := errors.AsType[*policy.SyntaxError](err); ok {
		return nil, lambda.Errorf(codeMalformed, "%s", syntax.Message)
	}
	return p, err
}

// documentSize counts as the quotas do: without white space.
func documentSize(document string) int {
	n := 0
	for _, r := range document {
		switch r {
		case ' ', '\t', '\n', '\r':
		default:
			n++
		}
	}
	return n
}

// stamp is the time as records keep it; the API shows whole seconds.
func (s *Service) stamp() time.Time { return s.now().UTC().Truncate(time.Second) }
