package iam

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/hearthfaas/hearth/internal/lambda"
)

func (s *Service) putRolePolicy(ctx context.Context, in *iam.PutRolePolicyInput) (*iam.PutRolePolicyOutput, error) {
	var c checks
	c.name(in.PolicyName, "policyName", policyNameMax)
	c.text(in.PolicyDocument, "policyDocument", 1, documentMax)
	if err := c.err(); err != nil {
		return nil, err
	}
	err := s.changeRole(ctx, in.RoleName, func(r *roleRecord) error {
		return r.put(roleHolder, r.Name, *in.PolicyName, *in.PolicyDocument)
	})
	return &iam.PutRolePolicyOutput{}, err
}

func (s *Service) getRolePolicy(ctx context.Context, in *iam.GetRolePolicyInput) (*iam.GetRolePolicyOutput, error) {
	var c checks
	c.name(in.PolicyName, "policyName", policyNameMax)
	if err := c.err(); err != nil {
		return nil, err
	}
	r, err := s.getRole(ctx, in.RoleName)
	if err != nil {
		return nil, err
	}
	document, err := r.get(roleHolder, *in.PolicyName)
	if err != nil {
		return nil, err
	}
	return &iam.GetRolePolicyOutput{RoleName: &r.Name, PolicyName: in.PolicyName, PolicyDocument: &document}, nil
}

func (s *Service) deleteRolePolicy(ctx context.Context, in *iam.DeleteRolePolicyInput) (*iam.DeleteRolePolicyOutput, error) {
	var c checks
	c.name(in.PolicyName, "policyName", policyNameMax)
	if err := c.err(); err != nil {
		return nil, err
	}
	err := s.changeRole(ctx, in.RoleName, func(r *roleRecord) error { return r.remove(roleHolder, *in.PolicyName) })
	return &iam.DeleteRolePolicyOutput{}, err
}

func (s *Service) listRolePolicies(ctx context.Context, in *iam.ListRolePoliciesInput) (*iam.ListRolePoliciesOutput, error) {
	r, err := s.getRole(ctx, in.RoleName)
	if err != nil {
		return nil, err
	}
	p, err := r.names(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListRolePoliciesOutput{PolicyNames: p.items, IsTruncated: p.truncated, Marker: p.marker}, nil
}

func (s *Service) attachRolePolicy(ctx context.Context, in *iam.AttachRolePolicyInput) (*iam.AttachRolePolicyOutput, error) {
	var c checks
	c.arn(in.PolicyArn, "policyArn")
	if err := c.err(); err != nil {
		return nil, err
	}
	err := s.changeRole(ctx, in.RoleName, func(r *roleRecord) error {
		return s.attach(&r.policySet, roleHolder, lambda.CallerFrom(ctx).Account, *in.PolicyArn)
	})
	return &iam.AttachRolePolicyOutput{}, err
}

func (s *Service) detachRolePolicy(ctx context.Context, in *iam.DetachRolePolicyInput) (*iam.DetachRolePolicyOutput, error) {
	var c checks
	c.arn(in.PolicyArn, "policyArn")
	if err := c.err(); err != nil {
		return nil, err
	}
	err := s.changeRole(ctx, in.RoleName, func(r *roleRecord) error { return r.detach(*in.PolicyArn) })
	return &iam.DetachRolePolicyOutput{}, err
}

func (s *Service) listAttachedRolePolicies(ctx context.Context, in *iam.ListAttachedRolePoliciesInput) (*iam.ListAttachedRolePoliciesOutput, error) {
	r, err := s.getRole(ctx, in.RoleName)
	if err != nil {
		return nil, err
	}
	p, err := r.attachedPage(in.PathPrefix, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListAttachedRolePoliciesOutput{AttachedPolicies: p.items, IsTruncated: p.truncated, Marker: p.marker}, nil
}

// policyPath is the path in a policy's ARN, with both slashes.
func policyPath(arn string) string {
	_, rest, _ := strings.Cut(arn, ":policy")
	return rest[:strings.LastIndexByte(rest, '/')+1]
}
