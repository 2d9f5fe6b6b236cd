package scheduler

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// tagsMax is AWS's limit for one group.
const tagsMax = 50

// addTags returns old tags with new ones over them.
func addTags(old map[string]string, add []types.Tag) (map[string]string, error) {
	out := maps.Clone(old)
	if out == nil {
		out = map[string]string{}
	}
	for _, t := range add {
		key := deref(t.Key)
		if strings.HasPrefix(strings.ToLower(key), "aws:") {
			return nil, invalid("Tag keys beginning with 'aws:' are reserved.")
		}
		out[key] = deref(t.Value)
	}
	if len(out) > tagsMax {
		return nil, lambda.Errorf(codeQuota, "A schedule group cannot have more than %d tags.", tagsMax)
	}
	return out, nil
}

// tagged is the group that an ARN names, in the caller's own account and region.
func tagged(ctx context.Context, arn *string) (place, string, error) {
	p := placeOf(lambda.CallerFrom(ctx))
	name, ok := strings.CutPrefix(deref(arn), p.groupARN(""))
	if !ok || name == "" {
		return p, "", lambda.Errorf(lambda.CodeResourceNotFound, "Resource %s does not exist.", deref(arn))
	}
	return p, name, nil
}

func (s *Service) tagResource(ctx context.Context, in *scheduler.TagResourceInput) (*scheduler.TagResourceOutput, error) {
	p, name, err := tagged(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	err = s.changeGroup(ctx, p, name, func(r *groupRecord) (err error) {
		r.Tags, err = addTags(r.Tags, in.Tags)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &scheduler.TagResourceOutput{}, nil
}

func (s *Service) untagResource(ctx context.Context, in *scheduler.UntagResourceInput) (*scheduler.UntagResourceOutput, error) {
	p, name, err := tagged(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	err = s.changeGroup(ctx, p, name, func(r *groupRecord) error {
		maps.DeleteFunc(r.Tags, func(key, _ string) bool { return slices.Contains(in.TagKeys, key) })
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &scheduler.UntagResourceOutput{}, nil
}

func (s *Service) listTags(ctx context.Context, in *scheduler.ListTagsForResourceInput) (*scheduler.ListTagsForResourceOutput, error) {
	p, name, err := tagged(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	r, _, err := s.group(ctx, p, name)
	if err != nil {
		return nil, err
	}
	out := &scheduler.ListTagsForResourceOutput{Tags: []types.Tag{}}
	for _, key := range slices.Sorted(maps.Keys(r.Tags)) {
		out.Tags = append(out.Tags, types.Tag{Key: &key, Value: new(r.Tags[key])})
	}
	return out, nil
}

// TagsAt are the tags of the resource with an ARN, for identity.
func (s *Service) TagsAt(arn string) map[string]string {
	f := strings.SplitN(arn, ":", 6)
	if len(f) < 6 {
		return nil
	}
	name, ok := strings.CutPrefix(f[5], "schedule-group/")
	if !ok {
		return nil
	}
	r, _, err := s.groups.Get(context.Background(), place{f[4], f[3]}.groupKey(name))
	if err != nil {
		return nil
	}
	return r.Tags
}
