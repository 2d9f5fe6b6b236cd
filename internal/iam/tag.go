package iam

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// addTags merges by key without case; the tag's new spelling of the key wins.
func addTags(have []tagRecord, tags []types.Tag) ([]tagRecord, error) {
	for _, t := range tagRecords(tags) {
		if i := tagIndex(have, t.Key); i >= 0 {
			have[i] = t
		} else {
			have = append(have, t)
		}
	}
	var c checks
	c.tagCount(len(have))
	return have, c.err()
}

func removeTags(have []tagRecord, keys []string) []tagRecord {
	return slices.DeleteFunc(have, func(t tagRecord) bool {
		return slices.ContainsFunc(keys, func(k string) bool { return strings.EqualFold(k, t.Key) })
	})
}

func tagIndex(tags []tagRecord, key string) int {
	return slices.IndexFunc(tags, func(t tagRecord) bool { return strings.EqualFold(t.Key, key) })
}

func checkTags(tags []types.Tag) error {
	var c checks
	c.tags(tags)
	return c.err()
}

func (s *Service) tagRole(ctx context.Context, in *iam.TagRoleInput) (*iam.TagRoleOutput, error) {
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	err := s.changeRole(ctx, in.RoleName, func(r *roleRecord) (err error) {
		r.Tags, err = addTags(r.Tags, in.Tags)
		return err
	})
	return &iam.TagRoleOutput{}, err
}

func (s *Service) untagRole(ctx context.Context, in *iam.UntagRoleInput) (*iam.UntagRoleOutput, error) {
	err := s.changeRole(ctx, in.RoleName, func(r *roleRecord) error {
		r.Tags = removeTags(r.Tags, in.TagKeys)
		return nil
	})
	return &iam.UntagRoleOutput{}, err
}

func (s *Service) listRoleTags(ctx context.Context, in *iam.ListRoleTagsInput) (*iam.ListRoleTagsOutput, error) {
	r, err := s.getRole(ctx, in.RoleName)
	if err != nil {
		return nil, err
	}
	p, err := pageTags(r.Tags, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListRoleTagsOutput{Tags: p.items, IsTruncated: p.truncated, Marker: p.marker}, nil
}

func pageTags(tags []tagRecord, marker *string, maxItems *int32) (page[types.Tag], error) {
	return paginateSorted(describeTags(tags), func(t types.Tag) string { return *t.Key }, marker, maxItems)
}

func (s *Service) tagPolicy(ctx context.Context, in *iam.TagPolicyInput) (*iam.TagPolicyOutput, error) {
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	err := s.changePolicy(ctx, in.PolicyArn, "TagPolicy", func(p *policyRecord) (err error) {
		p.Tags, err = addTags(p.Tags, in.Tags)
		return err
	})
	return &iam.TagPolicyOutput{}, err
}

func (s *Service) untagPolicy(ctx context.Context, in *iam.UntagPolicyInput) (*iam.UntagPolicyOutput, error) {
	err := s.changePolicy(ctx, in.PolicyArn, "UntagPolicy", func(p *policyRecord) error {
		p.Tags = removeTags(p.Tags, in.TagKeys)
		return nil
	})
	return &iam.UntagPolicyOutput{}, err
}

func (s *Service) listPolicyTags(ctx context.Context, in *iam.ListPolicyTagsInput) (*iam.ListPolicyTagsOutput, error) {
	m, err := s.getPolicy(ctx, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	p, err := pageTags(m.Tags, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListPolicyTagsOutput{Tags: p.items, IsTruncated: p.truncated, Marker: p.marker}, nil
}
