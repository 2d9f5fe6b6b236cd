package iam

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// getAccountSummary counts entities and tells the quotas that are held to.
func (s *Service) getAccountSummary(ctx context.Context, _ *iam.GetAccountSummaryInput) (*iam.GetAccountSummaryOutput, error) {
	account := lambda.CallerFrom(ctx).Account
	versions := 0
	policies := s.mirror.policiesOf(account)
	for _, p := range policies {
		versions += len(p.Versions)
	}
	return &iam.GetAccountSummaryOutput{SummaryMap: map[string]int32{
		"Users": count(s.users.of(account)), "UsersQuota": usersMax,
		"Groups": count(s.groups.of(account)), "GroupsQuota": groupsMax, "GroupsPerUserQuota": groupsPerUserMax,
		"Roles": count(s.mirror.rolesOf(account)), "RolesQuota": rolesMax, "AssumeRolePolicySizeQuota": trustPolicyMax,
		"Policies": count(policies), "PoliciesQuota": policiesMax, "PolicySizeQuota": managedMax,
		"PolicyVersionsInUse": int32(versions), "VersionsPerPolicyQuota": versionsMax,
		"AttachedPoliciesPerUserQuota": attachedMax, "AttachedPoliciesPerGroupQuota": attachedMax, "AttachedPoliciesPerRoleQuota": attachedMax,
		"UserPolicySizeQuota": int32(userHolder.inlineMax), "GroupPolicySizeQuota": int32(groupHolder.inlineMax),
		"RolePolicySizeQuota":    int32(roleHolder.inlineMax),
		"AccessKeysPerUserQuota": accessKeysMax, "AccountAccessKeysPresent": min(count(s.keysOf(account, "")), 1),
		"Providers": count(s.providers.of(account)), "InstanceProfiles": 0, "ServerCertificates": 0,
		"MFADevices": 0, "MFADevicesInUse": 0, "AccountMFAEnabled": 0, "AccountSigningCertificatesPresent": 0,
	}}, nil
}

func count[T any](items []T) int32 { return int32(len(items)) }

// detail is one entry of GetAccountAuthorizationDetails: one of the four is set.
type detail struct {
	key    string
	user   *types.UserDetail
	group  *types.GroupDetail
	role   *types.RoleDetail
	policy *types.ManagedPolicyDetail
}

func (s *Service) getAccountAuthorizationDetails(ctx context.Context, in *iam.GetAccountAuthorizationDetailsInput) (*iam.GetAccountAuthorizationDetailsOutput, error) {
	account := lambda.CallerFrom(ctx).Account
	wants := func(t types.EntityType) bool { return len(in.Filter) == 0 || slices.Contains(in.Filter, t) }
	var all []detail
	if wants(types.EntityTypeUser) {
		for _, u := range s.users.of(account) {
			all = append(all, detail{key: "1" + u.arn, user: s.userDetail(u)})
		}
	}
	if wants(types.EntityTypeGroup) {
		for _, g := range s.groups.of(account) {
			all = append(all, detail{key: "2" + g.arn, group: groupDetail(g)})
		}
	}
	if wants(types.EntityTypeRole) {
		for _, r := range s.mirror.rolesOf(account) {
			all = append(all, detail{key: "3" + r.arn, role: roleDetail(r)})
		}
	}
	attached, boundaries := s.countUses(account)
	add := func(p *managed) {
		all = append(all, detail{key: "4" + p.arn, policy: policyDetail(p, attached[p.arn], boundaries[p.arn])})
	}
	if wants(types.EntityTypeLocalManagedPolicy) {
		for _, p := range s.mirror.policiesOf(account) {
			add(p)
		}
	}
	if wants(types.EntityTypeAWSManagedPolicy) {
		for _, p := range awsManaged() {
			if attached[p.arn]+boundaries[p.arn] > 0 { // AWS shows those in use
				add(p)
			}
		}
	}
	p, err := paginateSorted(all, func(d detail) string { return d.key }, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.GetAccountAuthorizationDetailsOutput{
		UserDetailList: []types.UserDetail{}, GroupDetailList: []types.GroupDetail{}, RoleDetailList: []types.RoleDetail{},
		Policies: []types.ManagedPolicyDetail{}, IsTruncated: p.truncated, Marker: p.marker,
	}
	for _, d := range p.items {
		switch {
		case d.user != nil:
			out.UserDetailList = append(out.UserDetailList, *d.user)
		case d.group != nil:
			out.GroupDetailList = append(out.GroupDetailList, *d.group)
		case d.role != nil:
			out.RoleDetailList = append(out.RoleDetailList, *d.role)
		default:
			out.Policies = append(out.Policies, *d.policy)
		}
	}
	return out, nil
}

func (p *policySet) details() (inline []types.PolicyDetail, attached []types.AttachedPolicy) {
	for _, in := range p.Inline {
		name, document := in.Name, escapeDocument(in.Document)
		inline = append(inline, types.PolicyDetail{PolicyName: &name, PolicyDocument: &document})
	}
	for _, arn := range p.Attached {
		attached = append(attached, describeAttached(arn))
	}
	return inline, attached
}

func (s *Service) userDetail(u *user) *types.UserDetail {
	d := describeUser(u.account, &u.userRecord)
	out := &types.UserDetail{
		Arn: d.Arn, CreateDate: d.CreateDate, Path: d.Path, UserId: d.UserId, UserName: d.UserName,
		PermissionsBoundary: d.PermissionsBoundary, Tags: d.Tags, GroupList: []string{},
	}
	for _, g := range s.groupsOf(u) {
		out.GroupList = append(out.GroupList, g.Name)
	}
	out.UserPolicyList, out.AttachedManagedPolicies = u.details()
	return out
}

func groupDetail(g *group) *types.GroupDetail {
	d := describeGroup(g.account, &g.groupRecord)
	out := &types.GroupDetail{Arn: d.Arn, CreateDate: d.CreateDate, GroupId: d.GroupId, GroupName: d.GroupName, Path: d.Path}
	out.GroupPolicyList, out.AttachedManagedPolicies = g.details()
	return out
}

func roleDetail(r *role) *types.RoleDetail {
	d := describeRole(r.account, &r.roleRecord)
	out := &types.RoleDetail{
		Arn: d.Arn, AssumeRolePolicyDocument: d.AssumeRolePolicyDocument, CreateDate: d.CreateDate, Path: d.Path,
		PermissionsBoundary: d.PermissionsBoundary, RoleId: d.RoleId, RoleName: d.RoleName, Tags: d.Tags,
		InstanceProfileList: []types.InstanceProfile{}, RoleLastUsed: d.RoleLastUsed,
	}
	out.RolePolicyList, out.AttachedManagedPolicies = r.details()
	return out
}

func policyDetail(p *managed, attached, boundaries int32) *types.ManagedPolicyDetail {
	d := describePolicy(p, attached, boundaries)
	out := &types.ManagedPolicyDetail{
		Arn: d.Arn, AttachmentCount: d.AttachmentCount, CreateDate: d.CreateDate, DefaultVersionId: d.DefaultVersionId,
		Description: d.Description, IsAttachable: true, Path: d.Path, PermissionsBoundaryUsageCount: d.PermissionsBoundaryUsageCount,
		PolicyId: d.PolicyId, PolicyName: d.PolicyName, UpdateDate: d.UpdateDate,
	}
	for _, v := range p.Versions {
		shown, document := describeVersion(&p.policyRecord, v), escapeDocument(v.Document)
		shown.Document = &document
		out.PolicyVersionList = append(out.PolicyVersionList, shown)
	}
	return out
}
