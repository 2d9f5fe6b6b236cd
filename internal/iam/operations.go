package iam

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/wire"
)

// IAM is the IAM API. How its exceptions look on the wire is in the edge's table.
func (s *Service) IAM() *wire.Service {
	return &wire.Service{
		Name:      "iam",
		Protocol:  wire.AWSQuery,
		Version:   "2010-05-08",
		Namespace: "https://iam.amazonaws.com/doc/2010-05-08/",
		Operations: slices.Concat(s.roleOperations(), s.policyOperations(), s.userOperations(), s.groupOperations(),
			s.accountOperations(), s.absentOperations()),
	}
}

// onRole names the role that an operation is on: with its path when it exists, as
// AWS does.
func (s *Service) onRole(c lambda.Caller, name *string) string {
	if r, ok := s.mirror.role(c.Account, deref(name)); ok {
		return r.arn
	}
	return roleARN(c.Account, "/", deref(name))
}

func (s *Service) roleOperations() []wire.Operation {
	return []wire.Operation{
		wire.Op("CreateRole", s.createRole, func(c lambda.Caller, in *iam.CreateRoleInput) string {
			return roleARN(c.Account, pathOr(in.Path), deref(in.RoleName))
		}),
		wire.Op("GetRole", s.getRoleOperation, func(c lambda.Caller, in *iam.GetRoleInput) string {
			return s.onRole(c, in.RoleName)
		}),
		wire.Op("ListRoles", s.listRoles, func(c lambda.Caller, in *iam.ListRolesInput) string {
			return roleARN(c.Account, pathOr(in.PathPrefix), "")
		}),
		wire.Op("UpdateRole", s.updateRole, func(c lambda.Caller, in *iam.UpdateRoleInput) string {
			return s.onRole(c, in.RoleName)
		}),
		wire.Op("UpdateRoleDescription", s.updateRoleDescription, func(c lambda.Caller, in *iam.UpdateRoleDescriptionInput) string {
			return s.onRole(c, in.RoleName)
		}),
		wire.Op("UpdateAssumeRolePolicy", s.updateAssumeRolePolicy, func(c lambda.Caller, in *iam.UpdateAssumeRolePolicyInput) string {
			return s.onRole(c, in.RoleName)
		}),
		wire.Op("DeleteRole", s.deleteRole, func(c lambda.Caller, in *iam.DeleteRoleInput) string {
			return s.onRole(c, in.RoleName)
		}),
		wire.Op("TagRole", s.tagRole, func(c lambda.Caller, in *iam.TagRoleInput) string {
			return s.onRole(c, in.RoleName)
		}),
		wire.Op("UntagRole", s.untagRole, func(c lambda.Caller, in *iam.UntagRoleInput) string {
			return s.onRole(c, in.RoleName)
		}),
		wire.Op("ListRoleTags", s.listRoleTags, func(c lambda.Caller, in *iam.ListRoleTagsInput) string {
			return s.onRole(c, in.RoleName)
		}),
		wire.Op("PutRolePermissionsBoundary", s.putRolePermissionsBoundary, func(c lambda.Caller, in *iam.PutRolePermissionsBoundaryInput) string {
			return s.onRole(c, in.RoleName)
		}),
		wire.Op("DeleteRolePermissionsBoundary", s.deleteRolePermissionsBoundary, func(c lambda.Caller, in *iam.DeleteRolePermissionsBoundaryInput) string {
			return s.onRole(c, in.RoleName)
		}),
		wire.Op("AttachRolePolicy", s.attachRolePolicy, func(c lambda.Caller, in *iam.AttachRolePolicyInput) string {
			return s.onRole(c, in.RoleName)
		}),
		wire.Op("DetachRolePolicy", s.detachRolePolicy, func(c lambda.Caller, in *iam.DetachRolePolicyInput) string {
			return s.onRole(c, in.RoleName)
		}),
		wire.Op("ListAttachedRolePolicies", s.listAttachedRolePolicies, func(c lambda.Caller, in *iam.ListAttachedRolePoliciesInput) string {
			return s.onRole(c, in.RoleName)
		}),
		wire.Op("PutRolePolicy", s.putRolePolicy, func(c lambda.Caller, in *iam.PutRolePolicyInput) string {
			return s.onRole(c, in.RoleName)
		}),
		wire.Op("GetRolePolicy", s.getRolePolicy, func(c lambda.Caller, in *iam.GetRolePolicyInput) string {
			return s.onRole(c, in.RoleName)
		}),
		wire.Op("DeleteRolePolicy", s.deleteRolePolicy, func(c lambda.Caller, in *iam.DeleteRolePolicyInput) string {
			return s.onRole(c, in.RoleName)
		}),
		wire.Op("ListRolePolicies", s.listRolePolicies, func(c lambda.Caller, in *iam.ListRolePoliciesInput) string {
			return s.onRole(c, in.RoleName)
		}),
		wire.Op("ListInstanceProfilesForRole", s.listInstanceProfilesForRole, func(c lambda.Caller, in *iam.ListInstanceProfilesForRoleInput) string {
			return s.onRole(c, in.RoleName)
		}),
	}
}

func (s *Service) policyOperations() []wire.Operation {
	return []wire.Operation{
		wire.Op("CreatePolicy", s.createPolicy, func(c lambda.Caller, in *iam.CreatePolicyInput) string {
			return policyARN(c.Account, pathOr(in.Path), deref(in.PolicyName))
		}),
		wire.Op("GetPolicy", s.getPolicyOperation, func(_ lambda.Caller, in *iam.GetPolicyInput) string {
			return deref(in.PolicyArn)
		}),
		wire.Op("ListPolicies", s.listPolicies, func(c lambda.Caller, in *iam.ListPoliciesInput) string {
			return policyARN(c.Account, pathOr(in.PathPrefix), "")
		}),
		wire.Op("DeletePolicy", s.deletePolicy, func(_ lambda.Caller, in *iam.DeletePolicyInput) string {
			return deref(in.PolicyArn)
		}),
		wire.Op("CreatePolicyVersion", s.createPolicyVersion, func(_ lambda.Caller, in *iam.CreatePolicyVersionInput) string {
			return deref(in.PolicyArn)
		}),
		wire.Op("GetPolicyVersion", s.getPolicyVersion, func(_ lambda.Caller, in *iam.GetPolicyVersionInput) string {
			return deref(in.PolicyArn)
		}),
		wire.Op("ListPolicyVersions", s.listPolicyVersions, func(_ lambda.Caller, in *iam.ListPolicyVersionsInput) string {
			return deref(in.PolicyArn)
		}),
		wire.Op("DeletePolicyVersion", s.deletePolicyVersion, func(_ lambda.Caller, in *iam.DeletePolicyVersionInput) string {
			return deref(in.PolicyArn)
		}),
		wire.Op("SetDefaultPolicyVersion", s.setDefaultPolicyVersion, func(_ lambda.Caller, in *iam.SetDefaultPolicyVersionInput) string {
			return deref(in.PolicyArn)
		}),
		wire.Op("TagPolicy", s.tagPolicy, func(_ lambda.Caller, in *iam.TagPolicyInput) string {
			return deref(in.PolicyArn)
		}),
		wire.Op("UntagPolicy", s.untagPolicy, func(_ lambda.Caller, in *iam.UntagPolicyInput) string {
			return deref(in.PolicyArn)
		}),
		wire.Op("ListPolicyTags", s.listPolicyTags, func(_ lambda.Caller, in *iam.ListPolicyTagsInput) string {
			return deref(in.PolicyArn)
		}),
		wire.Op("ListEntitiesForPolicy", s.listEntitiesForPolicy, func(_ lambda.Caller, in *iam.ListEntitiesForPolicyInput) string {
			return deref(in.PolicyArn)
		}),
	}
}
