package iam

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/hearthfaas/hearth/internal/iam/policy"
	"github.com/hearthfaas/hearth/internal/lambda"
)

func errNoRolePolicy(name string) *lambda.Error {
	return lambda.Errorf(codeNoSuchEntity, "The role policy with name %s cannot be found.", name)
}

func inlineIndex(r *roleRecord, name string) int {
	return slices.IndexFunc(r.Inline, func(in inlineRecord) bool { return in.Name == name })
}

func (s *Service) putRolePolicy(ctx context.Context, in *iam.PutRolePolicyInput) (*iam.PutRolePolicyOutput, error) {
	var c checks
	c.name(in.PolicyName, "policyName", policyNameMax)
	c.text(in.PolicyDocument, "policyDocument", 1, documentMax)
	if err := c.err(); err != nil {
		return nil, err
	}
	err := s.changeRole(ctx, in.RoleName, func(r *roleRecord) error {
		if _, err := checkDocument(policy.Identity, *in.PolicyDocument); err != nil {
			return err
		}
		rec := inlineRecord{Name: *in.PolicyName, Document: *in.PolicyDocument}
		if i := inlineIndex(r, rec.Name); i >= 0 {
			r.Inline[i] = rec
		} else {
			r.Inline = append(r.Inline, rec)
		}
		slices.SortFunc(r.Inline, func(a, b inlineRecord) int { return strings.Compare(a.Name, b.Name) })
		size := 0
		for _, p := range r.Inline {
			size += documentSize(p.Document)
		}
		if size > inlinePolicyMax {
			return lambda.Errorf(codeLimitExceeded, "Maximum policy size of %d bytes exceeded for role %s", inlinePolicyMax, r.Name)
		}
		return nil
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
	i := inlineIndex(&r.roleRecord, *in.PolicyName)
	if i < 0 {
		return nil, errNoRolePolicy(*in.PolicyName)
	}
	document := escapeDocument(r.Inline[i].Document)
	return &iam.GetRolePolicyOutput{RoleName: &r.Name, PolicyName: in.PolicyName, PolicyDocument: &document}, nil
}

func (s *Service) deleteRolePolicy(ctx context.Context, in *iam.DeleteRolePolicyInput) (*iam.DeleteRolePolicyOutput, error) {
	var c checks
	c.name(in.PolicyName, "policyName", policyNameMax)
	if err := c.err(); err != nil {
		return nil, err
	}
	err := s.changeRole(ctx, in.RoleName, func(r *roleRecord) error {
		i := inlineIndex(r, *in.PolicyName)
		if i < 0 {
			return errNoRolePolicy(*in.PolicyName)
		}
		r.Inline = slices.Delete(r.Inline, i, i+1)
		return nil
	})
	return &iam.DeleteRolePolicyOutput{}, err
}

func (s *Service) listRolePolicies(ctx context.Context, in *iam.ListRolePoliciesInput) (*iam.ListRolePoliciesOutput, error) {
	r, err := s.getRole(ctx, in.RoleName)
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, in := range r.Inline {
		names = append(names, in.Name)
	}
	p, err := paginate(names, func(n string) string { return n }, in.Marker, in.MaxItems)
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
		p, ok := s.mirror.policyByARN(*in.PolicyArn)
		if !ok || p.account != awsAccount && p.account != lambda.CallerFrom(ctx).Account {
			return errNotAttachable(*in.PolicyArn)
		}
		if slices.Contains(r.Attached, p.arn) {
			return errUnchanged
		}
		if len(r.Attached) >= attachedMax {
			return lambda.Errorf(codeLimitExceeded, "Cannot exceed quota for PoliciesPerRole: %d", attachedMax)
		}
		r.Attached = append(r.Attached, p.arn)
		slices.Sort(r.Attached)
		return nil
	})
	return &iam.AttachRolePolicyOutput{}, err
}

func (s *Service) detachRolePolicy(ctx context.Context, in *iam.DetachRolePolicyInput) (*iam.DetachRolePolicyOutput, error) {
	var c checks
	c.arn(in.PolicyArn, "policyArn")
	if err := c.err(); err != nil {
		return nil, err
	}
	err := s.changeRole(ctx, in.RoleName, func(r *roleRecord) error {
		i := slices.Index(r.Attached, *in.PolicyArn)
		if i < 0 {
			return errNoPolicy(*in.PolicyArn)
		}
		r.Attached = slices.Delete(r.Attached, i, i+1)
		return nil
	})
	return &iam.DetachRolePolicyOutput{}, err
}

func (s *Service) listAttachedRolePolicies(ctx context.Context, in *iam.ListAttachedRolePoliciesInput) (*iam.ListAttachedRolePoliciesOutput, error) {
	r, err := s.getRole(ctx, in.RoleName)
	if err != nil {
		return nil, err
	}
	prefix := pathOr(in.PathPrefix)
	var fits []string
	for _, arn := range r.Attached {
		if strings.HasPrefix(policyPath(arn), prefix) {
			fits = append(fits, arn)
		}
	}
	p, err := paginate(fits, func(arn string) string { return arn }, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.ListAttachedRolePoliciesOutput{
		AttachedPolicies: []types.AttachedPolicy{}, IsTruncated: p.truncated, Marker: p.marker,
	}
	for _, arn := range p.items {
		_, name, _ := nameOfARN(arn, "policy")
		out.AttachedPolicies = append(out.AttachedPolicies, types.AttachedPolicy{PolicyArn: &arn, PolicyName: &name})
	}
	return out, nil
}

// policyPath is the path in a policy's ARN, with both slashes.
func policyPath(arn string) string {
	_, rest, _ := strings.Cut(arn, ":policy")
	return rest[:strings.LastIndexByte(rest, '/')+1]
}
