package dynamodb

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/hearthfaas/hearth/internal/dynamodb/disk"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// tagMap checks tags.
func tagMap(in []types.Tag) (map[string]string, error) {
	if len(in) == 0 {
		return nil, nil
	}
	out := map[string]string{}
	for _, t := range in {
		key := aws.ToString(t.Key)
		if strings.HasPrefix(strings.ToLower(key), "aws:") {
			return nil, wrongParameter("Tag keys beginning with aws: are reserved. Key: %s", key)
		}
		if _, twice := out[key]; twice {
			return nil, wrongParameter("Duplicate tag key: %s", key)
		}
		out[key] = aws.ToString(t.Value)
	}
	if len(out) > tagsMax {
		return nil, wrongParameter("The number of tags exceeds the limit of %d", tagsMax)
	}
	return out, nil
}

// taggable is the table that an ARN of a request means.
func taggable(arn *string) (Key, error) {
	k, rest, ok := parseARN(aws.ToString(arn))
	if !ok || rest != "" {
		return Key{}, invalid("Invalid TableArn: Invalid ResourceArn provided as input %s", aws.ToString(arn))
	}
	return k, nil
}

func noTagged(arn *string) error {
	return lambda.Errorf(lambda.CodeResourceNotFound, "Requested resource not found: ResourcArn: %s not found", aws.ToString(arn))
}

func (s *Service) tagResource(ctx context.Context, in *ddb.TagResourceInput) (*ddb.TagResourceOutput, error) {
	k, err := taggable(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	if len(in.Tags) == 0 {
		return nil, invalid("Atleast one Tag needs to be provided as Input.")
	}
	tags, err := tagMap(in.Tags)
	if err != nil {
		return nil, err
	}
	if s.find(k) == nil {
		return nil, noTagged(in.ResourceArn)
	}
	_, err = s.alter(ctx, k, func(_ *disk.Tx, _ *table, rec *tableRecord) (func(), error) {
		all := maps.Clone(rec.Tags)
		if all == nil {
			all = map[string]string{}
		}
		maps.Copy(all, tags)
		if len(all) > tagsMax {
			return nil, wrongParameter("The number of tags exceeds the limit of %d", tagsMax)
		}
		rec.Tags = all
		return nil, nil
	})
	return &ddb.TagResourceOutput{}, err
}

func (s *Service) untagResource(ctx context.Context, in *ddb.UntagResourceInput) (*ddb.UntagResourceOutput, error) {
	k, err := taggable(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	if len(in.TagKeys) == 0 {
		return nil, invalid("Atleast one Tag Key needs to be provided as Input.")
	}
	if s.find(k) == nil {
		return nil, errNoResource
	}
	_, err = s.alter(ctx, k, func(_ *disk.Tx, _ *table, rec *tableRecord) (func(), error) {
		rec.Tags = maps.Clone(rec.Tags)
		for _, key := range in.TagKeys {
			delete(rec.Tags, key)
		}
		return nil, nil
	})
	return &ddb.UntagResourceOutput{}, err
}

// tagsPage is how many tags one answer lists (API reference, ListTagsOfResource).
const tagsPage = 10

func (s *Service) listTags(_ context.Context, in *ddb.ListTagsOfResourceInput) (*ddb.ListTagsOfResourceOutput, error) {
	k, err := taggable(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	t := s.find(k)
	if t == nil {
		return nil, noTagged(in.ResourceArn)
	}
	out := &ddb.ListTagsOfResourceOutput{Tags: []types.Tag{}}
	for _, key := range slices.Sorted(maps.Keys(t.Tags)) {
		if key <= aws.ToString(in.NextToken) {
			continue
		}
		if len(out.Tags) == tagsPage {
			out.NextToken = out.Tags[tagsPage-1].Key
			break
		}
		out.Tags = append(out.Tags, types.Tag{Key: aws.String(key), Value: aws.String(t.Tags[key])})
	}
	return out, nil
}

// TagsAt are the tags of the table with an ARN, or of the table to which an index or a
// stream belongs; nil when there are none.
func (s *Service) TagsAt(arn string) map[string]string {
	k, _, ok := parseARN(arn)
	if !ok {
		return nil
	}
	t := s.find(k)
	if t == nil {
		return nil
	}
	return t.Tags
}

// PolicyAt is the resource policy of the table or stream with an ARN; an index has
// that of its table.
func (s *Service) PolicyAt(arn string) (revision int64, document func() string, ok bool) {
	p := s.policyAt(arn)
	if p == nil || p.Document == "" {
		return 0, nil, false
	}
	return p.Number, func() string { return p.Document }, true
}

func (s *Service) policyAt(arn string) *policyRecord {
	k, rest, ok := parseARN(arn)
	if !ok {
		return nil
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if strings.HasPrefix(rest, "stream/") {
		if id, ok := s.byARN[arn]; ok {
			return &s.streams[id].Policy
		}
		return nil
	}
	if t := s.tables[k]; t != nil && (rest == "" || strings.HasPrefix(rest, "index/")) {
		return &t.Policy
	}
	return nil
}

// noPolicy is the revision that demands that there is no policy yet.
const noPolicy = "NO_POLICY"

// policyMax is how long a resource policy may be, in bytes without white space
// (DynamoDB developer guide, quotas).
const policyMax = 20 << 10

func (s *Service) newPolicy(old policyRecord, document string) (policyRecord, error) {
	if len(strings.Join(strings.Fields(document), "")) > policyMax {
		return old, invalid("Policy size exceeds the limit of %d bytes", policyMax)
	}
	if err := s.cfg.CheckPolicy(document); err != nil {
		return old, invalid("Invalid policy document: %v", err)
	}
	n := old.Number + 1
	return policyRecord{Document: document, Revision: revision(n, document), Number: n}, nil
}

func errNoPolicy(arn *string) error {
	return lambda.Errorf("PolicyNotFoundException", "Resource-based policy not found for the provided ResourceArn: %s", aws.ToString(arn))
}

func (s *Service) getResourcePolicy(_ context.Context, in *ddb.GetResourcePolicyInput) (*ddb.GetResourcePolicyOutput, error) {
	p := s.policyAt(aws.ToString(in.ResourceArn))
	if p == nil {
		return nil, noTagged(in.ResourceArn)
	}
	if p.Document == "" {
		return nil, errNoPolicy(in.ResourceArn)
	}
	return &ddb.GetResourcePolicyOutput{Policy: aws.String(p.Document), RevisionId: aws.String(p.Revision)}, nil
}

func (s *Service) putResourcePolicy(ctx context.Context, in *ddb.PutResourcePolicyInput) (*ddb.PutResourcePolicyOutput, error) {
	var made policyRecord
	err := s.alterPolicy(ctx, in.ResourceArn, func(old policyRecord) (p policyRecord, err error) {
		expected := aws.ToString(in.ExpectedRevisionId)
		if expected != "" && expected != cmp.Or(old.Revision, noPolicy) {
			return old, errNoPolicy(in.ResourceArn)
		}
		made, err = s.newPolicy(old, aws.ToString(in.Policy))
		return made, err
	})
	return &ddb.PutResourcePolicyOutput{RevisionId: aws.String(made.Revision)}, err
}

func (s *Service) deleteResourcePolicy(ctx context.Context, in *ddb.DeleteResourcePolicyInput) (*ddb.DeleteResourcePolicyOutput, error) {
	var was policyRecord
	err := s.alterPolicy(ctx, in.ResourceArn, func(old policyRecord) (policyRecord, error) {
		if expected := aws.ToString(in.ExpectedRevisionId); expected != "" && expected != old.Revision {
			return old, errNoPolicy(in.ResourceArn)
		}
		was = old
		return policyRecord{Number: old.Number + 1}, nil
	})
	if err != nil || was.Revision == "" {
		return &ddb.DeleteResourcePolicyOutput{}, err
	}
	return &ddb.DeleteResourcePolicyOutput{RevisionId: aws.String(was.Revision)}, nil
}

// alterPolicy changes the policy of a table or a stream.
func (s *Service) alterPolicy(ctx context.Context, arn *string, edit func(policyRecord) (policyRecord, error)) error {
	k, rest, ok := parseARN(aws.ToString(arn))
	if !ok || rest != "" && !strings.HasPrefix(rest, "stream/") {
		return invalid("Invalid ResourceArn provided as input %s", aws.ToString(arn))
	}
	if rest == "" {
		if s.find(k) == nil {
			return noTagged(arn)
		}
		_, err := s.alter(ctx, k, func(_ *disk.Tx, _ *table, rec *tableRecord) (_ func(), err error) {
			rec.Policy, err = edit(rec.Policy)
			return nil, err
		})
		return err
	}
	return s.alone(ctx, func(tx *disk.Tx) (func(), error) {
		s.mu.RLock()
		id, ok := s.byARN[*arn]
		s.mu.RUnlock()
		if !ok {
			return nil, noTagged(arn)
		}
		return s.alterStream(tx, id, func(rec *streamRecord) (err error) {
			rec.Policy, err = edit(rec.Policy)
			return err
		})
	})
}
