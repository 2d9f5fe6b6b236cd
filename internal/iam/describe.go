package iam

import (
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// escapeDocument percent-encodes a document (RFC 3986), as the API returns it.
func escapeDocument(document string) string {
	return strings.ReplaceAll(url.QueryEscape(document), "+", "%20")
}

// describeRole is a role as GetRole shows it.
func describeRole(account string, r *roleRecord) types.Role {
	arn, trust, created := roleARN(account, r.Path, r.Name), escapeDocument(r.Trust), r.Created
	out := types.Role{
		Arn:                      &arn,
		AssumeRolePolicyDocument: &trust,
		CreateDate:               &created,
		Description:              optional(r.Description),
		MaxSessionDuration:       &r.MaxSession,
		Path:                     &r.Path,
		PermissionsBoundary:      describeBoundary(r.Boundary),
		RoleId:                   &r.ID,
		RoleLastUsed:             &types.RoleLastUsed{}, // the use of roles is not tracked
		RoleName:                 &r.Name,
		Tags:                     describeTags(r.Tags),
	}
	return out
}

// describeBoundary is nil for none.
func describeBoundary(arn string) *types.AttachedPermissionsBoundary {
	if arn == "" {
		return nil
	}
	return &types.AttachedPermissionsBoundary{
		PermissionsBoundaryArn: &arn,
		// What AWS sends; the SDK's only enum value is never seen on the wire.
		PermissionsBoundaryType: "Policy",
	}
}

// describePolicy is a policy as GetPolicy shows it.
func describePolicy(p *managed, attached, boundaries int32) types.Policy {
	return types.Policy{
		Arn:                           &p.arn,
		AttachmentCount:               &attached,
		CreateDate:                    &p.Created,
		DefaultVersionId:              &p.Default,
		Description:                   optional(p.Description),
		IsAttachable:                  true,
		Path:                          &p.Path,
		PermissionsBoundaryUsageCount: &boundaries,
		PolicyId:                      &p.ID,
		PolicyName:                    &p.Name,
		Tags:                          describeTags(p.Tags),
		UpdateDate:                    &p.Updated,
	}
}

func describeVersion(p *policyRecord, v versionRecord) types.PolicyVersion {
	return types.PolicyVersion{
		CreateDate:       &v.Created,
		IsDefaultVersion: v.ID == p.Default,
		VersionId:        &v.ID,
	}
}

func describeTags(tags []tagRecord) []types.Tag {
	var out []types.Tag
	for _, t := range tags {
		out = append(out, types.Tag{Key: &t.Key, Value: &t.Value})
	}
	return out
}

func tagRecords(tags []types.Tag) []tagRecord {
	var out []tagRecord
	for _, t := range tags {
		out = append(out, tagRecord{Key: *t.Key, Value: *t.Value})
	}
	return out
}
