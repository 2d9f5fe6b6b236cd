package iam

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hearthfaas/hearth/internal/iam/policy"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// Request is a question to Check and Explain.
type Request struct {
	Action   string // "lambda:InvokeFunction"
	Resource string // an ARN; empty means "*"
	// Owner is the account that owns the resource where its ARN does not tell, as
	// those of buckets do not.
	Owner string
	// ResourcePolicy is the policy of the resource when its owner passes it along; nil
	// asks the owner that UseResources made known, if any.
	ResourcePolicy *policy.Policy
	// Context answers for condition keys beyond the caller's own (such as
	// "iam:passedtoservice"); it is asked first and may be nil.
	Context policy.Context
}

// decisionKey is what an unconditional decision depends on besides the records.
// Only allowed ones are kept: there are few of them for each principal.
type decisionKey struct {
	principal      string // as in GetCallerIdentity, or the name of a service
	narrowed       string // session policy
	action         string
	resource       string
	resourcePolicy *policy.Policy // the same policy is the same pointer
}

// Authorize says whether a caller may perform an action on a resource by its own
// policies alone. It returns nil, or AccessDeniedException with AWS's text; any
// other error is a fault of Hearth's own.
func (s *Service) Authorize(ctx context.Context, c lambda.Caller, action, resource string) error {
	return s.Check(ctx, c, Request{Action: action, Resource: resource})
}

// Check is Authorize with a resource policy and condition keys beside the caller's
// own policies (IAM user guide, policy evaluation logic).
func (s *Service) Check(_ context.Context, c lambda.Caller, r Request) error {
	if r.Resource == "" {
		r.Resource = "*"
	}
	if r.ResourcePolicy == nil {
		r.ResourcePolicy = s.resources.policy(r.Action, r.Resource)
	}
	s.noteKeyUse(&c, r.Action)
	key := decisionKey{cmp.Or(c.UserID, c.ARN), c.SessionPolicy, r.Action, r.Resource, r.ResourcePolicy}
	g := s.allowed.Current()
	if _, ok := s.allowed.GetFrom(g, key); ok {
		return nil
	}
	return s.checkAnew(c, r, g, key)
}

// checkAnew decides what no earlier verdict of the generation answers. It is a function
// of its own because what keeps c here would make every check copy it to the heap.
func (s *Service) checkAnew(c lambda.Caller, r Request, g *generation, key decisionKey) error {
	v, err := s.decide(&c, r)
	if err != nil {
		return err
	}
	s.used.note(&c, r.Action, r.Resource, v.Allowed, s.now)
	switch {
	case !v.Allowed:
		refusal := denied(c.ARN, r.Action, r.Resource, v.Cause(r.Action))
		if refusal.Authorization, err = s.encode(&c, r, v); err != nil {
			return err
		}
		return refusal
	case !v.Conditional:
		s.allowed.Put(g, key, struct{}{})
	}
	return nil
}

// Explain is Check with the whole verdict: which statement of which policy decided.
func (s *Service) Explain(_ context.Context, c lambda.Caller, r Request) (policy.Verdict, error) {
	if r.Resource == "" {
		r.Resource = "*"
	}
	if r.ResourcePolicy == nil {
		r.ResourcePolicy = s.resources.policy(r.Action, r.Resource)
	}
	return s.decide(&c, r)
}

// principalKey is the role's id and not its ARN, so that a role that was deleted
// and made again is another one.
func principalKey(c *lambda.Caller) string {
	id, _, _ := strings.Cut(c.UserID, ":")
	return id
}

func denied(who, action, resource, cause string) *lambda.Error {
	return lambda.Errorf(lambda.CodeAccessDenied,
		"User: %s is not authorized to perform: %s on resource: %s %s", who, action, resource, cause)
}

// decide collects the layers that apply to the caller and asks them.
func (s *Service) decide(c *lambda.Caller, r Request) (policy.Verdict, error) {
	owner := cmp.Or(r.Owner, arnAccount(r.Resource))
	layers := policy.Layers{
		CrossAccount: owner != "" && c.Account != "" && owner != c.Account, // services and strangers have no account
	}
	if r.ResourcePolicy != nil {
		layers.Resource = []policy.Source{{Name: "resource policy", Policy: r.ResourcePolicy}}
	}
	ctx := requestContext{
		caller: c, now: s.now, extra: r.Context, resources: s.resources, action: r.Action, resource: r.Resource,
		organization: s.organizationOf, owner: owner,
	}
	if err := s.addLayers(&layers, c, &ctx); err != nil {
		return policy.Verdict{}, err
	}
	return layers.Decide(&policy.Request{
		Action:    r.Action,
		Resource:  r.Resource,
		Principal: principalOf(c),
		Context:   &ctx,
	}), nil
}

func principalOf(c *lambda.Caller) policy.Principal {
	p := policy.Principal{Account: c.Account, ARN: c.ARN, RoleARN: c.RoleARN}
	if c.Kind == lambda.PrincipalService {
		p = policy.Principal{Service: c.ARN}
	}
	return p
}

// addLayers adds what the caller's kind brings: everything for a root user,
// nothing for a service, the policies of its role for a session.
func (s *Service) addLayers(layers *policy.Layers, c *lambda.Caller, ctx *requestContext) error {
	switch c.Kind {
	case lambda.PrincipalRoot:
		layers.Identity = everything()
	case lambda.PrincipalAssumedRole:
		r, ok := s.mirror.roleByARN(c.RoleARN)
		if !ok || r.ID != principalKey(c) {
			return nil // the role is gone: nothing allows
		}
		ctx.tags = r.Tags
		return s.addRole(layers, r, c.SessionPolicy)
	case lambda.PrincipalUser:
		u, ok := s.callingUser(c)
		if !ok {
			return nil // the user is gone: nothing allows
		}
		ctx.tags = u.Tags
		return s.addUser(layers, u)
	case lambda.PrincipalService, lambda.PrincipalAnonymous:
		// They have no policies of their own.
	}
	return nil
}

// addUser adds a user's own policies, its groups' and its boundary.
func (s *Service) addUser(layers *policy.Layers, u *user) error {
	var err error
	if layers.Identity, err = s.sources(layers.Identity, &u.policySet, u.inline, u.arn); err != nil {
		return err
	}
	for _, g := range s.groupsOf(u) {
		if layers.Identity, err = s.sources(layers.Identity, &g.policySet, g.inline, g.arn); err != nil {
			return err
		}
	}
	if u.Boundary != "" {
		layers.Boundary, err = s.addManaged([]policy.Source{}, []string{u.Boundary})
	}
	return err
}

func (s *Service) addRole(layers *policy.Layers, r *role, sessionPolicy string) error {
	var err error
	if layers.Identity, err = s.sources(layers.Identity, &r.policySet, r.inline, r.arn); err != nil {
		return err
	}
	if r.Boundary != "" {
		// Not nil even when the policy is gone: a boundary then allows nothing.
		if layers.Boundary, err = s.addManaged([]policy.Source{}, []string{r.Boundary}); err != nil {
			return err
		}
	}
	if sessionPolicy != "" {
		layers.Session, err = s.sessionSources(sessionPolicy)
	}
	return err
}

// addManaged appends the default versions of managed policies; those that do not
// exist any more add nothing.
func (s *Service) addManaged(to []policy.Source, arns []string) ([]policy.Source, error) {
	for _, arn := range arns {
		m, ok := s.mirror.policyByARN(arn)
		if !ok {
			continue
		}
		p, err := m.current()
		if err != nil {
			return nil, fmt.Errorf("read policy %s: %w", arn, err)
		}
		to = append(to, policy.Source{Name: arn, Policy: p})
	}
	return to, nil
}

// everything is what the root user may do in its account.
func everything() []policy.Source {
	m := awsManaged()[administratorAccess]
	p, err := m.current()
	if err != nil {
		panic(errors.Join(errors.New("iam: a built-in policy does not parse"), err))
	}
	return []policy.Source{{Name: "root user", Policy: p}}
}
