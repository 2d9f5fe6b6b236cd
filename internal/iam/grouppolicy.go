package iam

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/hearthfaas/hearth/internal/lambda"
)

func (s *Service) putGroupPolicy(ctx context.Context, in *iam.PutGroupPolicyInput) (*iam.PutGroupPolicyOutput, error) {
	if err := checkInline(in.PolicyName, in.PolicyDocument); err != nil {
		return nil, err
	}
	err := s.changeGroup(ctx, in.GroupName, func(g *groupRecord) error {
		return g.put(groupHolder, g.Name, *in.PolicyName, *in.PolicyDocument)
	})
	return &iam.PutGroupPolicyOutput{}, err
}

func (s *Service) getGroupPolicy(ctx context.Context, in *iam.GetGroupPolicyInput) (*iam.GetGroupPolicyOutput, error) {
	if err := checkPolicyName(in.PolicyName); err != nil {
		return nil, err
	}
	g, err := s.getGroup(ctx, in.GroupName)
	if err != nil {
		return nil, err
	}
	document, err := g.get(groupHolder, *in.PolicyName)
	if err != nil {
		return nil, err
	}
	return &iam.GetGroupPolicyOutput{GroupName: &g.Name, PolicyName: in.PolicyName, PolicyDocument: &document}, nil
}

func (s *Service) deleteGroupPolicy(ctx context.Context, in *iam.DeleteGroupPolicyInput) (*iam.DeleteGroupPolicyOutput, error) {
	if err := checkPolicyName(in.PolicyName); err != nil {
		return nil, err
	}
	err := s.changeGroup(ctx, in.GroupName, func(g *groupRecord) error { return g.remove(groupHolder, *in.PolicyName) })
	return &iam.DeleteGroupPolicyOutput{}, err
}

func (s *Service) listGroupPolicies(ctx context.Context, in *iam.ListGroupPoliciesInput) (*iam.ListGroupPoliciesOutput, error) {
	g, err := s.getGroup(ctx, in.GroupName)
	if err != nil {
		return nil, err
	}
	p, err := g.names(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListGroupPoliciesOutput{PolicyNames: p.items, IsTruncated: p.truncated, Marker: p.marker}, nil
}

func (s *Service) attachGroupPolicy(ctx context.Context, in *iam.AttachGroupPolicyInput) (*iam.AttachGroupPolicyOutput, error) {
	if err := checkPolicyARN(in.PolicyArn); err != nil {
		return nil, err
	}
	err := s.changeGroup(ctx, in.GroupName, func(g *groupRecord) error {
		return s.attach(&g.policySet, groupHolder, lambda.CallerFrom(ctx).Account, *in.PolicyArn)
	})
	return &iam.AttachGroupPolicyOutput{}, err
}

func (s *Service) detachGroupPolicy(ctx context.Context, in *iam.DetachGroupPolicyInput) (*iam.DetachGroupPolicyOutput, error) {
	if err := checkPolicyARN(in.PolicyArn); err != nil {
		return nil, err
	}
	err := s.changeGroup(ctx, in.GroupName, func(g *groupRecord) error { return g.detach(*in.PolicyArn) })
	return &iam.DetachGroupPolicyOutput{}, err
}

func (s *Service) listAttachedGroupPolicies(ctx context.Context, in *iam.ListAttachedGroupPoliciesInput) (*iam.ListAttachedGroupPoliciesOutput, error) {
	g, err := s.getGroup(ctx, in.GroupName)
	if err != nil {
		return nil, err
	}
	p, err := g.attachedPage(in.PathPrefix, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListAttachedGroupPoliciesOutput{AttachedPolicies: p.items, IsTruncated: p.truncated, Marker: p.marker}, nil
}
