package iam

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// checkPolicyName checks the name of an inline policy.
func checkPolicyName(name *string) error {
	var c checks
	c.name(name, "policyName", policyNameMax)
	return c.err()
}

// checkInline checks an inline policy's name and the size of its document.
func checkInline(name, document *string) error {
	var c checks
	c.name(name, "policyName", policyNameMax)
	c.text(document, "policyDocument", 1, documentMax)
	return c.err()
}

func checkPolicyARN(arn *string) error {
	var c checks
	c.arn(arn, "policyArn")
	return c.err()
}

func (s *Service) putUserPolicy(ctx context.Context, in *iam.PutUserPolicyInput) (*iam.PutUserPolicyOutput, error) {
	if err := checkInline(in.PolicyName, in.PolicyDocument); err != nil {
		return nil, err
	}
	err := s.changeUser(ctx, in.UserName, func(u *userRecord) error {
		return u.put(userHolder, u.Name, *in.PolicyName, *in.PolicyDocument)
	})
	return &iam.PutUserPolicyOutput{}, err
}

func (s *Service) getUserPolicy(ctx context.Context, in *iam.GetUserPolicyInput) (*iam.GetUserPolicyOutput, error) {
	if err := checkPolicyName(in.PolicyName); err != nil {
		return nil, err
	}
	u, err := s.getUser(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	document, err := u.get(userHolder, *in.PolicyName)
	if err != nil {
		return nil, err
	}
	return &iam.GetUserPolicyOutput{UserName: &u.Name, PolicyName: in.PolicyName, PolicyDocument: &document}, nil
}

func (s *Service) deleteUserPolicy(ctx context.Context, in *iam.DeleteUserPolicyInput) (*iam.DeleteUserPolicyOutput, error) {
	if err := checkPolicyName(in.PolicyName); err != nil {
		return nil, err
	}
	err := s.changeUser(ctx, in.UserName, func(u *userRecord) error { return u.remove(userHolder, *in.PolicyName) })
	return &iam.DeleteUserPolicyOutput{}, err
}

func (s *Service) listUserPolicies(ctx context.Context, in *iam.ListUserPoliciesInput) (*iam.ListUserPoliciesOutput, error) {
	u, err := s.getUser(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	p, err := u.names(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListUserPoliciesOutput{PolicyNames: p.items, IsTruncated: p.truncated, Marker: p.marker}, nil
}

func (s *Service) attachUserPolicy(ctx context.Context, in *iam.AttachUserPolicyInput) (*iam.AttachUserPolicyOutput, error) {
	if err := checkPolicyARN(in.PolicyArn); err != nil {
		return nil, err
	}
	err := s.changeUser(ctx, in.UserName, func(u *userRecord) error {
		return s.attach(&u.policySet, userHolder, lambda.CallerFrom(ctx).Account, *in.PolicyArn)
	})
	return &iam.AttachUserPolicyOutput{}, err
}

func (s *Service) detachUserPolicy(ctx context.Context, in *iam.DetachUserPolicyInput) (*iam.DetachUserPolicyOutput, error) {
	if err := checkPolicyARN(in.PolicyArn); err != nil {
		return nil, err
	}
	err := s.changeUser(ctx, in.UserName, func(u *userRecord) error { return u.detach(*in.PolicyArn) })
	return &iam.DetachUserPolicyOutput{}, err
}

func (s *Service) listAttachedUserPolicies(ctx context.Context, in *iam.ListAttachedUserPoliciesInput) (*iam.ListAttachedUserPoliciesOutput, error) {
	u, err := s.getUser(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	p, err := u.attachedPage(in.PathPrefix, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListAttachedUserPoliciesOutput{AttachedPolicies: p.items, IsTruncated: p.truncated, Marker: p.marker}, nil
}
