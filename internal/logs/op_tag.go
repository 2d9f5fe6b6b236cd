package logs

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// tagsMax is how many tags a group may have (API reference, TagResource).
const tagsMax = 50

// checkTags refuses the keys that only AWS itself may use.
func checkTags(tags map[string]string) error {
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		if strings.HasPrefix(strings.ToLower(key), "aws:") {
			return violation(key, "tags", "Member must not begin with the reserved prefix aws:")
		}
	}
	return nil
}

func (s *Service) tagResource(ctx context.Context, in *cwl.TagResourceInput) (*cwl.TagResourceOutput, error) {
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	k, err := taggable(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &cwl.TagResourceOutput{}, s.addTags(ctx, k, in.Tags)
}

func (s *Service) untagResource(ctx context.Context, in *cwl.UntagResourceInput) (*cwl.UntagResourceOutput, error) {
	k, err := taggable(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &cwl.UntagResourceOutput{}, s.removeTags(ctx, k, in.TagKeys)
}

func (s *Service) listTagsForResource(ctx context.Context, in *cwl.ListTagsForResourceInput) (*cwl.ListTagsForResourceOutput, error) {
	k, err := taggable(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	tags, err := s.tagsOf(ctx, k)
	return &cwl.ListTagsForResourceOutput{Tags: tags}, err
}

func (s *Service) tagLogGroup(ctx context.Context, in *cwl.TagLogGroupInput) (*cwl.TagLogGroupOutput, error) {
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	return &cwl.TagLogGroupOutput{}, s.addTags(ctx, callerKey(ctx, in.LogGroupName), in.Tags)
}

func (s *Service) untagLogGroup(ctx context.Context, in *cwl.UntagLogGroupInput) (*cwl.UntagLogGroupOutput, error) {
	return &cwl.UntagLogGroupOutput{}, s.removeTags(ctx, callerKey(ctx, in.LogGroupName), in.Tags)
}

func (s *Service) listTagsLogGroup(ctx context.Context, in *cwl.ListTagsLogGroupInput) (*cwl.ListTagsLogGroupOutput, error) {
	tags, err := s.tagsOf(ctx, callerKey(ctx, in.LogGroupName))
	return &cwl.ListTagsLogGroupOutput{Tags: tags}, err
}

// taggable is the group that an ARN means. Groups are the only resources here that
// have tags.
func taggable(resource *string) (Key, error) {
	k, ok := parseGroupARN(aws.ToString(resource))
	if !ok {
		return Key{}, errNoResource
	}
	return k, nil
}

func (s *Service) addTags(ctx context.Context, k Key, tags map[string]string) error {
	return s.changeGroup(ctx, k, func(rec *groupRecord) error {
		if rec.Tags == nil {
			rec.Tags = map[string]string{}
		}
		maps.Copy(rec.Tags, tags)
		if len(rec.Tags) > tagsMax {
			return lambda.Errorf("TooManyTagsException", "A resource can have no more than %d tags.", tagsMax)
		}
		return nil
	})
}

func (s *Service) removeTags(ctx context.Context, k Key, keys []string) error {
	return s.changeGroup(ctx, k, func(rec *groupRecord) error {
		for _, key := range keys {
			delete(rec.Tags, key)
		}
		return nil
	})
}

// tagsOf is a copy of the group's tags, empty when it has none.
func (s *Service) tagsOf(ctx context.Context, k Key) (map[string]string, error) {
	c := lambda.CallerFrom(ctx)
	if err := s.settle(ctx); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	g := s.index.groups[k]
	if g == nil || k.Account != c.Account || k.Region != c.Region {
		return nil, errNoGroup
	}
	tags := map[string]string{}
	maps.Copy(tags, g.record.Tags)
	return tags, nil
}
