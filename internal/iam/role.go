package iam

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/hearthfaas/hearth/internal/iam/policy"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

func (s *Service) createRole(ctx context.Context, in *iam.CreateRoleInput) (*iam.CreateRoleOutput, error) {
	account := lambda.CallerFrom(ctx).Account
	var c checks
	c.name(in.RoleName, "roleName", roleNameMax)
	c.path(in.Path, "path")
	c.text(in.AssumeRolePolicyDocument, "assumeRolePolicyDocument", 1, documentMax)
	c.text(in.Description, "description", 0, descriptionMax)
	c.number(in.MaxSessionDuration, "maxSessionDuration", sessionMin, sessionMax)
	c.tags(in.Tags)
	if in.PermissionsBoundary != nil {
		c.arn(in.PermissionsBoundary, "permissionsBoundary")
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	rec := roleRecord{
		Name: *in.RoleName, Path: pathOr(in.Path), ID: newUniqueID("AROA"),
		Trust: *in.AssumeRolePolicyDocument, Description: deref(in.Description), Created: s.stamp(),
		MaxSession: sessionMin, Tags: tagRecords(in.Tags),
	}
	if in.MaxSessionDuration != nil {
		rec.MaxSession = *in.MaxSessionDuration
	}
	s.writes.Lock()
	defer s.writes.Unlock()
	if _, exists := s.mirror.role(account, rec.Name); exists {
		return nil, errRoleExists(rec.Name)
	}
	if err := s.checkTrust(account, rec.Trust); err != nil {
		return nil, err
	}
	if in.PermissionsBoundary != nil {
		if err := s.checkBoundary(account, *in.PermissionsBoundary); err != nil {
			return nil, err
		}
		rec.Boundary = *in.PermissionsBoundary
	}
	if len(s.mirror.rolesOf(account)) >= rolesMax {
		return nil, lambda.Errorf(codeLimitExceeded, "Cannot exceed quota for RolesPerAccount: %d", rolesMax)
	}
	_, err := s.roleRows.Put(ctx, entityKey(account, rec.Name), rec, store.Absent)
	if errors.Is(err, store.ErrConflict) {
		return nil, errRoleExists(rec.Name)
	}
	if err != nil {
		return nil, fmt.Errorf("store role %s: %w", rec.Name, err)
	}
	out := describeRole(account, &rec)
	return &iam.CreateRoleOutput{Role: &out}, nil
}

func errRoleExists(name string) *lambda.Error {
	return lambda.Errorf(codeAlreadyExists, "Role with name %s already exists.", name)
}

func pathOr(path *string) string {
	if path == nil || *path == "" {
		return "/"
	}
	return *path
}

// checkTrust parses a trust policy and checks that the roles and users of this
// account that it names exist. Those of other accounts cannot be known here.
func (s *Service) checkTrust(account, document string) error {
	p, err := checkDocument(policy.Trust, document)
	if err != nil {
		return err
	}
	for _, arn := range p.Principals() {
		if arnAccount(arn) != account || strings.HasPrefix(arn, "arn:aws:sts:") {
			continue
		}
		_, isRole := s.mirror.roleByARN(arn)
		if _, isUser := s.userByARN(arn); !isRole && !isUser {
			return lambda.Errorf(codeMalformed, "%s", policy.InvalidPrincipal("AWS", arn).Message)
		}
	}
	if documentSize(document) > trustPolicyMax {
		return lambda.Errorf(codeLimitExceeded, "Cannot exceed quota for ACLSizePerRole: %d", trustPolicyMax)
	}
	return nil
}

func (s *Service) deleteRole(ctx context.Context, in *iam.DeleteRoleInput) (*iam.DeleteRoleOutput, error) {
	s.writes.Lock()
	defer s.writes.Unlock()
	r, err := s.getRole(ctx, in.RoleName)
	if err != nil {
		return nil, err
	}
	if err := r.empty(); err != nil {
		return nil, err
	}
	err = s.roleRows.Delete(ctx, entityKey(r.account, r.Name), store.Precondition(r.revision))
	if errors.Is(err, store.ErrConflict) {
		return nil, errRaced()
	}
	if err != nil {
		return nil, fmt.Errorf("delete role %s: %w", r.arn, err)
	}
	return &iam.DeleteRoleOutput{}, nil
}

func (s *Service) getRoleOperation(ctx context.Context, in *iam.GetRoleInput) (*iam.GetRoleOutput, error) {
	r, err := s.getRole(ctx, in.RoleName)
	if err != nil {
		return nil, err
	}
	out := describeRole(r.account, &r.roleRecord)
	return &iam.GetRoleOutput{Role: &out}, nil
}

func (s *Service) listRoles(ctx context.Context, in *iam.ListRolesInput) (*iam.ListRolesOutput, error) {
	account := lambda.CallerFrom(ctx).Account
	prefix := pathOr(in.PathPrefix)
	var fits []*role
	for _, r := range s.mirror.rolesOf(account) {
		if strings.HasPrefix(r.Path, prefix) {
			fits = append(fits, r)
		}
	}
	p, err := paginate(fits, func(r *role) string { return r.Name }, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.ListRolesOutput{Roles: []types.Role{}, IsTruncated: p.truncated, Marker: p.marker}
	for _, r := range p.items {
		shown := describeRole(account, &r.roleRecord)
		// ListRoles leaves these out (IAM API reference).
		shown.Tags, shown.PermissionsBoundary, shown.RoleLastUsed = nil, nil, nil
		out.Roles = append(out.Roles, shown)
	}
	return out, nil
}

func (s *Service) listInstanceProfilesForRole(ctx context.Context, in *iam.ListInstanceProfilesForRoleInput) (*iam.ListInstanceProfilesForRoleOutput, error) {
	if _, err := s.getRole(ctx, in.RoleName); err != nil {
		return nil, err
	}
	// There are no machines to give a role to, so a role never has a profile.
	return &iam.ListInstanceProfilesForRoleOutput{InstanceProfiles: []types.InstanceProfile{}}, nil
}
