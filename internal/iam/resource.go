package iam

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/hearthfaas/hearth/internal/iam/policy"
)

// Resources is what identity asks of a service about the resources that it owns.
type Resources interface {
	// Policy finds the policy of the resource with an ARN, false when it has none. Two
	// policies of one ARN with the same revision are the same; document is asked only
	// for a revision that was not seen before.
	Policy(arn string) (revision int64, document func() string, ok bool)
	// Tags returns the resource's tags, nil when it has none.
	Tags(arn string) map[string]string
}

// UseResources lets verdicts on a service's actions, such as those of "lambda",
// take into account what the service says of its resources. It is called while a
// node is put together, before the first request.
func (s *Service) UseResources(service string, r Resources) { s.resources.owners[service] = r }

// resourcePolicyMax bounds the compiled resource policies: one for each resource
// that has one and is in use, up to 100 KiB.
const resourcePolicyMax = 4096

// resources are the owners by service, and their policies compiled.
type resources struct {
	owners   map[string]Resources
	compiled *bounded[string, resourcePolicy]
	own      func(arn string) []tagRecord // IAM's own entities
	log      *slog.Logger
}

type resourcePolicy struct {
	revision int64
	get      func() *policy.Policy
}

func newResources(own func(string) []tagRecord, log *slog.Logger) *resources {
	return &resources{
		owners: map[string]Resources{}, compiled: newBounded[string, resourcePolicy](resourcePolicyMax), own: own, log: log,
	}
}

// policy returns the compiled policy of a resource, nil when it has none. The same
// policy is the same pointer.
// One that cannot be read allows nothing and denies nothing.
func (r *resources) policy(action, arn string) *policy.Policy {
	service, _, _ := strings.Cut(action, ":")
	owner, ok := r.owners[service]
	if !ok {
		return nil
	}
	revision, document, ok := owner.Policy(arn)
	if !ok {
		return nil
	}
	g := r.compiled.Current()
	kept, ok := r.compiled.GetFrom(g, arn)
	if !ok || kept.revision != revision {
		text := document()
		kept = resourcePolicy{revision, sync.OnceValue(func() *policy.Policy { return r.compile(arn, text) })}
		r.compiled.Put(g, arn, kept)
	}
	return kept.get()
}

func (r *resources) compile(arn, text string) *policy.Policy {
	p, err := policy.Parse(policy.Resource, text)
	if err != nil {
		r.log.ErrorContext(context.Background(), "a resource policy cannot be read; only the account's root user gets by it",
			"resource_arn", arn, "error", err)
		return unreadable()
	}
	return p
}

// unreadable stands for a policy that cannot be read: what it forbids is not known, so
// it forbids all, except to who can put it right.
var unreadable = sync.OnceValue(func() *policy.Policy {
	p, err := policy.Parse(policy.Resource, `{"Version":"2012-10-17","Statement":[{"Sid":"UnreadablePolicy","Effect":"Deny",
		"Principal":"*","Action":"*","Resource":"*","Condition":{"StringNotEquals":{"aws:PrincipalType":"Account"}}}]}`)
	if err != nil {
		panic(fmt.Errorf("iam: a built-in policy does not parse: %w", err))
	}
	return p
})

// tags returns the tags of the resource that an action is on.
func (r *resources) tags(action, arn string) map[string]string {
	service, _, _ := strings.Cut(action, ":")
	if service == "iam" || service == "sts" {
		out := map[string]string{}
		for _, t := range r.own(arn) {
			out[t.Key] = t.Value
		}
		return out
	}
	if owner, ok := r.owners[service]; ok {
		return owner.Tags(arn)
	}
	return nil
}

// ownTags are the tags of a role, user, policy or provider.
func (s *Service) ownTags(arn string) []tagRecord {
	if r, ok := s.mirror.roleByARN(arn); ok {
		return r.Tags
	}
	if u, ok := s.userByARN(arn); ok {
		return u.Tags
	}
	if p, ok := s.mirror.policyByARN(arn); ok {
		return p.Tags
	}
	if p, ok := s.providerByARN(arn); ok {
		return p.Tags
	}
	return nil
}
