package iam

import (
	"context"
	"fmt"
	"strings"

	"github.com/hearthfaas/hearth/internal/iam/policy"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// Explanation is why a principal may, or may not, do something.
type Explanation struct {
	Principal string // the ARN, or the name of a service
	Action    string
	Resource  string
	Allowed   bool
	// Because says it in AWS's words for a refusal, and in the same manner otherwise.
	Because string
	// Policy, Sid and Statement (counted from 1) name the statement that decided;
	// Policy is empty when it was the lack of one.
	Policy    string
	Sid       string
	Statement int
	// Conditional says that a condition was looked at: with other keys in the request
	// it can come out otherwise. Without a request most keys have no value.
	Conditional bool
}

// ExplainFor answers what Authorize would say to a principal, and why. The principal
// is an ARN of a user, a role, a session or an account's root, the name of a
// service, or user/NAME or role/NAME of the account. Errors for the caller are
// ValidationException and ResourceNotFoundException.
func (s *Service) ExplainFor(ctx context.Context, account, principal, action, resource string) (Explanation, error) {
	c, err := s.callerNamed(account, principal)
	if err != nil {
		return Explanation{}, err
	}
	if prefix, name, ok := strings.Cut(action, ":"); !ok || prefix == "" || name == "" {
		return Explanation{}, lambda.Errorf(lambda.CodeValidation, "%q is no action such as lambda:InvokeFunction.", action)
	}
	v, err := s.Explain(ctx, c, Request{Action: action, Resource: resource})
	if err != nil {
		return Explanation{}, err
	}
	e := Explanation{
		Principal: c.ARN, Action: action, Resource: resource, Allowed: v.Allowed, Conditional: v.Conditional,
		Because: v.Cause(action),
	}
	if v.Allowed {
		e.Because = "because " + layerNames[v.Layer] + " allows the " + action + " action"
	}
	if v.Decision.Effect != policy.None {
		e.Policy, e.Sid, e.Statement = v.Decision.Policy, v.Decision.Sid, v.Decision.Statement+1
	}
	return e, nil
}

var layerNames = map[policy.Layer]string{
	policy.LayerIdentity: "an identity-based policy",
	policy.LayerResource: "a resource-based policy",
	policy.LayerBoundary: "a permissions boundary",
	policy.LayerSession:  "a session policy",
	policy.LayerTrust:    "the role trust policy",
}

// callerNamed makes the caller that a principal would be.
func (s *Service) callerNamed(account, principal string) (lambda.Caller, error) {
	if kind, name, ok := strings.Cut(principal, "/"); ok && !strings.Contains(principal, ":") {
		switch kind {
		case "user":
			if u, ok := s.users.get(entityKey(account, name)); ok {
				principal = u.arn
			}
		case "role":
			if r, ok := s.mirror.role(account, name); ok {
				principal = r.arn
			}
		}
	}
	if u, ok := s.userByARN(principal); ok {
		return userCaller(u, ""), nil
	}
	if r, ok := s.mirror.roleByARN(principal); ok {
		return callerOf(r, "explain"), nil
	}
	owner := arnAccount(principal)
	if rest, ok := strings.CutPrefix(principal, "arn:aws:sts::"+owner+":assumed-role/"); ok {
		name, session, _ := strings.Cut(rest, "/")
		if r, ok := s.mirror.role(owner, name); ok && session != "" {
			return callerOf(r, session), nil
		}
	}
	if _, known := s.accounts.get(owner); known && principal == rootARN(owner) {
		return rootIdentity(owner, "", "").Caller, nil
	}
	if strings.HasSuffix(principal, ".amazonaws.com") {
		return lambda.Caller{Kind: lambda.PrincipalService, ARN: principal}, nil
	}
	return lambda.Caller{}, lambda.Errorf(lambda.CodeResourceNotFound, "There is no principal %q; name a user or role by its ARN, or as user/NAME or role/NAME.", principal)
}

// callerOf is a session of a role.
func callerOf(r *role, session string) lambda.Caller {
	se := roleSession(r, session)
	c := se.identity("").Caller
	c.Session = nil
	return c
}

// String is the explanation as a sentence or two.
func (e Explanation) String() string {
	verb := "may not"
	if e.Allowed {
		verb = "may"
	}
	text := fmt.Sprintf("%s %s perform %s on %s %s", e.Principal, verb, e.Action, e.Resource, e.Because)
	if e.Policy != "" {
		text += fmt.Sprintf(": statement %d", e.Statement)
		if e.Sid != "" {
			text += fmt.Sprintf(" (%s)", e.Sid)
		}
		text += " of " + e.Policy
	}
	return text
}
