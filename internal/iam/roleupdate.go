package iam

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/hearthfaas/hearth/internal/lambda"
)

func (s *Service) updateRole(ctx context.Context, in *iam.UpdateRoleInput) (*iam.UpdateRoleOutput, error) {
	var c checks
	c.text(in.Description, "description", 0, descriptionMax)
	c.number(in.MaxSessionDuration, "maxSessionDuration", sessionMin, sessionMax)
	if err := c.err(); err != nil {
		return nil, err
	}
	err := s.changeRole(ctx, in.RoleName, func(r *roleRecord) error {
		if in.Description != nil {
			r.Description = *in.Description
		}
		if in.MaxSessionDuration != nil {
			r.MaxSession = *in.MaxSessionDuration
		}
		return nil
	})
	return &iam.UpdateRoleOutput{}, err
}

func (s *Service) updateRoleDescription(ctx context.Context, in *iam.UpdateRoleDescriptionInput) (*iam.UpdateRoleDescriptionOutput, error) {
	var c checks
	c.text(in.Description, "description", 0, descriptionMax)
	if in.Description == nil {
		c.add(nil, "description", "Member must not be null")
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	err := s.changeRole(ctx, in.RoleName, func(r *roleRecord) error {
		r.Description = *in.Description
		return nil
	})
	if err != nil {
		return nil, err
	}
	r, err := s.getRole(ctx, in.RoleName)
	if err != nil {
		return nil, err
	}
	out := describeRole(r.account, &r.roleRecord)
	return &iam.UpdateRoleDescriptionOutput{Role: &out}, nil
}

func (s *Service) updateAssumeRolePolicy(ctx context.Context, in *iam.UpdateAssumeRolePolicyInput) (*iam.UpdateAssumeRolePolicyOutput, error) {
	var c checks
	c.text(in.PolicyDocument, "policyDocument", 1, documentMax)
	if err := c.err(); err != nil {
		return nil, err
	}
	err := s.changeRole(ctx, in.RoleName, func(r *roleRecord) error {
		if err := s.checkTrust(lambda.CallerFrom(ctx).Account, *in.PolicyDocument); err != nil {
			return err
		}
		r.Trust = *in.PolicyDocument
		return nil
	})
	return &iam.UpdateAssumeRolePolicyOutput{}, err
}

func (s *Service) putRolePermissionsBoundary(ctx context.Context, in *iam.PutRolePermissionsBoundaryInput) (*iam.PutRolePermissionsBoundaryOutput, error) {
	var c checks
	c.arn(in.PermissionsBoundary, "permissionsBoundary")
	if err := c.err(); err != nil {
		return nil, err
	}
	err := s.changeRole(ctx, in.RoleName, func(r *roleRecord) error {
		r.Boundary = *in.PermissionsBoundary
		return s.checkBoundary(lambda.CallerFrom(ctx).Account, r.Boundary)
	})
	return &iam.PutRolePermissionsBoundaryOutput{}, err
}

// checkBoundary says whether a policy may be the boundary of an entity of an account.
func (s *Service) checkBoundary(account, arn string) error {
	p, ok := s.mirror.policyByARN(arn)
	if !ok || p.account != awsAccount && p.account != account {
		return errNotAttachable(arn)
	}
	return nil
}

func (s *Service) deleteRolePermissionsBoundary(ctx context.Context, in *iam.DeleteRolePermissionsBoundaryInput) (*iam.DeleteRolePermissionsBoundaryOutput, error) {
	err := s.changeRole(ctx, in.RoleName, func(r *roleRecord) error {
		if r.Boundary == "" {
			return lambda.Errorf(codeNoSuchEntity, "Role with name %s has no permissions boundary.", r.Name)
		}
		r.Boundary = ""
		return nil
	})
	return &iam.DeleteRolePermissionsBoundaryOutput{}, err
}
