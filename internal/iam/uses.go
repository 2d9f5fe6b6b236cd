package iam

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// policyUse is an entity that a managed policy can hang on.
type policyUse struct {
	kind           types.EntityType
	name, id, path string
	attached       []string
	boundary       string
}

// uses are the entities of an account.
func (s *Service) uses(account string) []policyUse {
	var out []policyUse
	for _, r := range s.mirror.rolesOf(account) {
		out = append(out, policyUse{types.EntityTypeRole, r.Name, r.ID, r.Path, r.Attached, r.Boundary})
	}
	for _, u := range s.users.of(account) {
		out = append(out, policyUse{types.EntityTypeUser, u.Name, u.ID, u.Path, u.Attached, u.Boundary})
	}
	for _, g := range s.groups.of(account) {
		out = append(out, policyUse{types.EntityTypeGroup, g.Name, g.ID, g.Path, g.Attached, ""})
	}
	return out
}

// countUses counts the entities of an account that have each policy attached, and
// those that have it as their permissions boundary.
func (s *Service) countUses(account string) (attached, boundary map[string]int32) {
	attached, boundary = map[string]int32{}, map[string]int32{}
	for _, u := range s.uses(account) {
		for _, arn := range u.attached {
			attached[arn]++
		}
		if u.boundary != "" {
			boundary[u.boundary]++
		}
	}
	return attached, boundary
}

func (s *Service) listEntitiesForPolicy(ctx context.Context, in *iam.ListEntitiesForPolicyInput) (*iam.ListEntitiesForPolicyOutput, error) {
	m, err := s.getPolicy(ctx, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	var fits []policyUse
	for _, u := range s.uses(lambda.CallerFrom(ctx).Account) {
		attached, boundary := slices.Contains(u.attached, m.arn), u.boundary == m.arn
		switch in.PolicyUsageFilter {
		case types.PolicyUsageTypePermissionsPolicy:
			boundary = false
		case types.PolicyUsageTypePermissionsBoundary:
			attached = false
		}
		if (attached || boundary) && strings.HasPrefix(u.path, pathOr(in.PathPrefix)) &&
			(in.EntityFilter == "" || in.EntityFilter == u.kind) {
			fits = append(fits, u)
		}
	}
	p, err := paginateSorted(fits, func(u policyUse) string { return string(u.kind) + "/" + u.name }, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.ListEntitiesForPolicyOutput{
		PolicyRoles:  []types.PolicyRole{},
		PolicyGroups: []types.PolicyGroup{},
		PolicyUsers:  []types.PolicyUser{},
		IsTruncated:  p.truncated, Marker: p.marker,
	}
	for _, u := range p.items {
		switch u.kind {
		case types.EntityTypeRole:
			out.PolicyRoles = append(out.PolicyRoles, types.PolicyRole{RoleId: &u.id, RoleName: &u.name})
		case types.EntityTypeGroup:
			out.PolicyGroups = append(out.PolicyGroups, types.PolicyGroup{GroupId: &u.id, GroupName: &u.name})
		default:
			out.PolicyUsers = append(out.PolicyUsers, types.PolicyUser{UserId: &u.id, UserName: &u.name})
		}
	}
	return out, nil
}
