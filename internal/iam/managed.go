package iam

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/hearthfaas/hearth/internal/iam/policy"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

func (s *Service) createPolicy(ctx context.Context, in *iam.CreatePolicyInput) (*iam.CreatePolicyOutput, error) {
	account := lambda.CallerFrom(ctx).Account
	var c checks
	c.name(in.PolicyName, "policyName", policyNameMax)
	c.path(in.Path, "path")
	c.text(in.PolicyDocument, "policyDocument", 1, documentMax)
	c.text(in.Description, "description", 0, descriptionMax)
	c.tags(in.Tags)
	if err := c.err(); err != nil {
		return nil, err
	}
	if err := checkManagedDocument(*in.PolicyDocument); err != nil {
		return nil, err
	}
	now := s.stamp()
	rec := policyRecord{
		Name: *in.PolicyName, Path: pathOr(in.Path), ID: newUniqueID("ANPA"), Description: deref(in.Description),
		Created: now, Updated: now, Default: "v1", Last: 1,
		Versions: []versionRecord{{ID: "v1", Document: *in.PolicyDocument, Created: now}},
		Tags:     tagRecords(in.Tags),
	}
	s.writes.Lock()
	defer s.writes.Unlock()
	if len(s.mirror.policiesOf(account)) >= policiesMax {
		return nil, lambda.Errorf(codeLimitExceeded, "Cannot exceed quota for PoliciesPerAccount: %d", policiesMax)
	}
	_, err := s.polRows.Put(ctx, entityKey(account, rec.Name), rec, store.Absent)
	if errors.Is(err, store.ErrConflict) {
		return nil, lambda.Errorf(codeAlreadyExists, "A policy called %s already exists. Duplicate names are not allowed.", rec.Name)
	}
	if err != nil {
		return nil, fmt.Errorf("store policy %s: %w", rec.Name, err)
	}
	out := describePolicy(&managed{policyRecord: rec, arn: policyARN(account, rec.Path, rec.Name)}, 0, 0)
	return &iam.CreatePolicyOutput{Policy: &out}, nil
}

func checkManagedDocument(document string) error {
	if _, err := checkDocument(policy.Identity, document); err != nil {
		return err
	}
	if documentSize(document) > managedMax {
		return lambda.Errorf(codeLimitExceeded, "Cannot exceed quota for PolicySize: %d", managedMax)
	}
	return nil
}

func (s *Service) getPolicyOperation(ctx context.Context, in *iam.GetPolicyInput) (*iam.GetPolicyOutput, error) {
	p, err := s.getPolicy(ctx, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	attached, boundaries := s.countUses(lambda.CallerFrom(ctx).Account)
	out := describePolicy(p, attached[p.arn], boundaries[p.arn])
	if out.Tags == nil {
		out.Tags = []types.Tag{} // shown also when there are none, unlike a role's
	}
	return &iam.GetPolicyOutput{Policy: &out}, nil
}

func (s *Service) listPolicies(ctx context.Context, in *iam.ListPoliciesInput) (*iam.ListPoliciesOutput, error) {
	account := lambda.CallerFrom(ctx).Account
	var all []*managed
	if in.Scope != types.PolicyScopeTypeAws {
		all = s.mirror.policiesOf(account)
	}
	if in.Scope != types.PolicyScopeTypeLocal {
		for _, p := range awsManaged() {
			all = append(all, p)
		}
	}
	attached, boundaries := s.countUses(account)
	prefix := pathOr(in.PathPrefix)
	all = slices.DeleteFunc(all, func(p *managed) bool {
		used := attached[p.arn] + boundaries[p.arn]
		switch in.PolicyUsageFilter {
		case types.PolicyUsageTypePermissionsPolicy:
			used = attached[p.arn]
		case types.PolicyUsageTypePermissionsBoundary:
			used = boundaries[p.arn]
		}
		wanted := !in.OnlyAttached && in.PolicyUsageFilter == "" || used > 0
		return !wanted || !strings.HasPrefix(p.Path, prefix)
	})
	page, err := paginateSorted(all, func(p *managed) string { return p.arn }, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.ListPoliciesOutput{Policies: []types.Policy{}, IsTruncated: page.truncated, Marker: page.marker}
	for _, p := range page.items {
		shown := describePolicy(p, attached[p.arn], boundaries[p.arn])
		// ListPolicies leaves these out (IAM API reference).
		shown.Description, shown.Tags = nil, nil
		out.Policies = append(out.Policies, shown)
	}
	return out, nil
}

func (s *Service) deletePolicy(ctx context.Context, in *iam.DeletePolicyInput) (*iam.DeletePolicyOutput, error) {
	err := s.changePolicy(ctx, in.PolicyArn, "DeletePolicy", func(p *policyRecord) error {
		attached, boundaries := s.countUses(lambda.CallerFrom(ctx).Account)
		if attached[*in.PolicyArn]+boundaries[*in.PolicyArn] > 0 {
			return lambda.Errorf(codeDeleteConflict, "Cannot delete a policy attached to entities.")
		}
		if len(p.Versions) > 1 {
			return lambda.Errorf(codeDeleteConflict, "This policy has more than one version. Before you delete a policy, "+
				"you must delete the policy's versions. The default version is deleted with the policy.")
		}
		p.Versions = nil
		return nil
	})
	return &iam.DeletePolicyOutput{}, err
}
