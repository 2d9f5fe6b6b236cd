package iam

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

func errNoVersion(arn, version string) *lambda.Error {
	return lambda.Errorf(codeNoSuchEntity, "Policy %s version %s does not exist or is not attachable.", arn, version)
}

func checkVersionID(id *string) error {
	var c checks
	c.text(id, "versionId", 1, 21)
	return c.err()
}

func (s *Service) createPolicyVersion(ctx context.Context, in *iam.CreatePolicyVersionInput) (*iam.CreatePolicyVersionOutput, error) {
	var c checks
	c.text(in.PolicyDocument, "policyDocument", 1, documentMax)
	if err := c.err(); err != nil {
		return nil, err
	}
	var shown types.PolicyVersion
	err := s.changePolicy(ctx, in.PolicyArn, "CreatePolicyVersion", func(p *policyRecord) error {
		if err := checkManagedDocument(*in.PolicyDocument); err != nil {
			return err
		}
		if len(p.Versions) >= versionsMax {
			return lambda.Errorf(codeLimitExceeded, "A managed policy can have up to %d versions. "+
				"Before you create a new version, you must delete an existing version.", versionsMax)
		}
		p.Last++
		v := versionRecord{ID: fmt.Sprintf("v%d", p.Last), Document: *in.PolicyDocument, Created: s.stamp()}
		p.Versions = append(p.Versions, v)
		p.Updated = v.Created
		if in.SetAsDefault {
			p.Default = v.ID
		}
		shown = describeVersion(p, v)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &iam.CreatePolicyVersionOutput{PolicyVersion: &shown}, nil
}

func (s *Service) getPolicyVersion(ctx context.Context, in *iam.GetPolicyVersionInput) (*iam.GetPolicyVersionOutput, error) {
	if err := checkVersionID(in.VersionId); err != nil {
		return nil, err
	}
	p, err := s.getPolicy(ctx, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	v, ok := p.version(*in.VersionId)
	if !ok {
		return nil, errNoVersion(p.arn, *in.VersionId)
	}
	shown := describeVersion(&p.policyRecord, v)
	document := escapeDocument(v.Document)
	shown.Document = &document
	return &iam.GetPolicyVersionOutput{PolicyVersion: &shown}, nil
}

func (s *Service) listPolicyVersions(ctx context.Context, in *iam.ListPolicyVersionsInput) (*iam.ListPolicyVersionsOutput, error) {
	m, err := s.getPolicy(ctx, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	newest := slices.Clone(m.Versions)
	slices.Reverse(newest)
	// The key falls as the number grows, so that the newest come first.
	key := func(v versionRecord) string {
		i := slices.IndexFunc(newest, func(o versionRecord) bool { return o.ID == v.ID })
		return fmt.Sprintf("%03d", i)
	}
	p, err := paginate(newest, key, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.ListPolicyVersionsOutput{Versions: []types.PolicyVersion{}, IsTruncated: p.truncated, Marker: p.marker}
	for _, v := range p.items {
		out.Versions = append(out.Versions, describeVersion(&m.policyRecord, v))
	}
	return out, nil
}

func (s *Service) deletePolicyVersion(ctx context.Context, in *iam.DeletePolicyVersionInput) (*iam.DeletePolicyVersionOutput, error) {
	if err := checkVersionID(in.VersionId); err != nil {
		return nil, err
	}
	err := s.changePolicy(ctx, in.PolicyArn, "DeletePolicyVersion", func(p *policyRecord) error {
		if _, ok := p.version(*in.VersionId); !ok {
			return errNoVersion(*in.PolicyArn, *in.VersionId)
		}
		if p.Default == *in.VersionId {
			return lambda.Errorf(codeDeleteConflict, "Cannot delete the default version of a policy.")
		}
		p.Versions = slices.DeleteFunc(p.Versions, func(v versionRecord) bool { return v.ID == *in.VersionId })
		return nil
	})
	return &iam.DeletePolicyVersionOutput{}, err
}

func (s *Service) setDefaultPolicyVersion(ctx context.Context, in *iam.SetDefaultPolicyVersionInput) (*iam.SetDefaultPolicyVersionOutput, error) {
	if err := checkVersionID(in.VersionId); err != nil {
		return nil, err
	}
	err := s.changePolicy(ctx, in.PolicyArn, "SetDefaultPolicyVersion", func(p *policyRecord) error {
		if _, ok := p.version(*in.VersionId); !ok {
			return errNoVersion(*in.PolicyArn, *in.VersionId)
		}
		p.Default, p.Updated = *in.VersionId, s.stamp()
		return nil
	})
	return &iam.SetDefaultPolicyVersionOutput{}, err
}
