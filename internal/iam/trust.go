package iam

import (
	"context"
	"fmt"

	"github.com/hearthfaas/hearth/internal/iam/policy"
	"github.com/hearthfaas/hearth/internal/lambda"
)

const (
	actionAssumeRole  = "sts:AssumeRole"
	actionTagSession  = "sts:TagSession"
	actionSetSource   = "sts:SetSourceIdentity"
	actionWebIdentity = "sts:AssumeRoleWithWebIdentity"
	lambdaService     = "lambda.amazonaws.com"
)

func errCannotAssume() *lambda.Error {
	return &lambda.Error{
		Code:    lambda.CodeInvalidParameterValue,
		Message: "The role defined for the function cannot be assumed by Lambda.",
	}
}

// CanLambdaAssume says whether a function may run as a role: the role exists in
// the function's account and its trust policy allows sts:AssumeRole to
// lambda.amazonaws.com, with aws:SourceAccount and aws:SourceArn as given. It
// returns nil or InvalidParameterValueException with Lambda's text.
func (s *Service) CanLambdaAssume(ctx context.Context, roleARN, account, functionARN string) error {
	ok, err := s.CanServiceAssume(ctx, lambdaService, roleARN, account, functionARN)
	if err != nil {
		return err
	}
	if !ok {
		return errCannotAssume()
	}
	return nil
}

// CanServiceAssume says whether a service such as "scheduler.amazonaws.com" may take
// a role on behalf of a resource: the role exists in the resource's account and its
// trust policy allows it, with aws:SourceAccount and aws:SourceArn as given. Errors
// are faults of Hearth's own.
func (s *Service) CanServiceAssume(_ context.Context, service, roleARN, account, sourceARN string) (bool, error) {
	r, ok := s.mirror.roleByARN(roleARN)
	if !ok || r.account != account {
		return false, nil
	}
	trust, err := r.trust()
	if err != nil {
		return false, fmt.Errorf("read the trust policy of %s: %w", r.arn, err)
	}
	caller := &lambda.Caller{Kind: lambda.PrincipalService, ARN: service}
	d := policy.Evaluate([]policy.Source{{Name: "trust policy", Policy: trust}}, &policy.Request{
		Action:    actionAssumeRole,
		Resource:  r.arn,
		Principal: principalOf(caller),
		Context: &requestContext{caller: caller, now: s.now, extra: policy.Values{
			"aws:sourceaccount": {account},
			"aws:sourcearn":     {sourceARN},
		}},
	})
	return d.Effect == policy.Allow, nil
}

// CanPassRole says whether the caller in ctx may give a role to a service such as
// "lambda.amazonaws.com": iam:PassRole on the role, with iam:PassedToService as
// AWS's own policies ask for it. The answers are those of Authorize.
func (s *Service) CanPassRole(ctx context.Context, roleARN, service string) error {
	return s.Check(ctx, lambda.CallerFrom(ctx), Request{
		Action:   "iam:PassRole",
		Resource: roleARN,
		Context:  policy.Values{"iam:passedtoservice": {service}},
	})
}

// checkAssume says whether a caller may assume a role, or do one of the actions that
// go with it: the trust policy must allow it, and the caller's own policies too
// unless the trust policy names the caller.
func (s *Service) checkAssume(c *lambda.Caller, r *role, action string, keys policy.Values) (policy.Verdict, error) {
	trust, err := r.trust()
	if err != nil {
		return policy.Verdict{}, fmt.Errorf("read the trust policy of %s: %w", r.arn, err)
	}
	layers := policy.Layers{
		Resource:     []policy.Source{{Name: "trust policy", Policy: trust}},
		Trust:        true,
		CrossAccount: r.account != c.Account,
	}
	ctx := requestContext{
		caller: c, now: s.now, extra: keys, resources: s.resources, action: action, resource: r.arn,
		organization: s.organizationOf, owner: r.account,
	}
	if err := s.addLayers(&layers, c, &ctx); err != nil {
		return policy.Verdict{}, err
	}
	return layers.Decide(&policy.Request{
		Action:    action,
		Resource:  r.arn,
		Principal: principalOf(c),
		Context:   &ctx,
	}), nil
}
