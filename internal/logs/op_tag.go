package logs

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// tagsMax is how many tags a group may have (API reference, TagResource).
const tagsMax = 50

var (
	tagKey   = constraint{field: "tags", required: true, min: 1, max: 128, pattern: regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]+$`), text: `^([\p{L}\p{Z}\p{N}_.:/=+\-@]+)$`}
	tagValue = constraint{field: "tags", max: 256, pattern: regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`), text: `^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$`}
	arn      = constraint{field: "resourceArn", required: true, min: 1, max: 1011, pattern: regexp.MustCompile(`^[\w+=/:,.@*#-]*$`), text: `[\w+=/:,.@-]*`}
)

// tags holds the tags of a request against the model.
func (v *violations) tags(tags map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		value := tags[key]
		v.check(&key, tagKey)
		v.check(&value, tagValue.as("tags."+key+".member"))
		if strings.HasPrefix(strings.ToLower(key), "aws:") {
			v.add(key, "tags", "Member must not begin with the reserved prefix aws:")
		}
	}
	if len(tags) > tagsMax {
		v.add(fmt.Sprint(len(tags))+" tags", "tags", fmt.Sprintf("Member must have length less than or equal to %d", tagsMax))
	}
}

func (s *Service) tagResource(ctx context.Context, in *cwl.TagResourceInput) (*cwl.TagResourceOutput, error) {
	var v violations
	v.check(in.ResourceArn, arn)
	if in.Tags == nil {
		v.null("tags")
	}
	v.tags(in.Tags)
	k, err := taggable(&v, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &cwl.TagResourceOutput{}, s.addTags(ctx, k, in.Tags)
}

func (s *Service) untagResource(ctx context.Context, in *cwl.UntagResourceInput) (*cwl.UntagResourceOutput, error) {
	var v violations
	v.check(in.ResourceArn, arn)
	if in.TagKeys == nil {
		v.null("tagKeys")
	}
	k, err := taggable(&v, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &cwl.UntagResourceOutput{}, s.removeTags(ctx, k, in.TagKeys)
}

func (s *Service) listTagsForResource(ctx context.Context, in *cwl.ListTagsForResourceInput) (*cwl.ListTagsForResourceOutput, error) {
	var v violations
	v.check(in.ResourceArn, arn)
	k, err := taggable(&v, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	tags, err := s.tagsOf(ctx, k)
	return &cwl.ListTagsForResourceOutput{Tags: tags}, err
}

func (s *Service) tagLogGroup(ctx context.Context, in *cwl.TagLogGroupInput) (*cwl.TagLogGroupOutput, error) {
	var v violations
	v.check(in.LogGroupName, groupName)
	if in.Tags == nil {
		v.null("tags")
	}
	v.tags(in.Tags)
	if err := v.err(); err != nil {
		return nil, err
	}
	return &cwl.TagLogGroupOutput{}, s.addTags(ctx, callerKey(ctx, in.LogGroupName), in.Tags)
}

func (s *Service) untagLogGroup(ctx context.Context, in *cwl.UntagLogGroupInput) (*cwl.UntagLogGroupOutput, error) {
	var v violations
	v.check(in.LogGroupName, groupName)
	if in.Tags == nil {
		v.null("tags")
	}
	if err := v.err(); err != nil {
		return nil, err
	}
	return &cwl.UntagLogGroupOutput{}, s.removeTags(ctx, callerKey(ctx, in.LogGroupName), in.Tags)
}

func (s *Service) listTagsLogGroup(ctx context.Context, in *cwl.ListTagsLogGroupInput) (*cwl.ListTagsLogGroupOutput, error) {
	var v violations
	v.check(in.LogGroupName, groupName)
	if err := v.err(); err != nil {
		return nil, err
	}
	tags, err := s.tagsOf(ctx, callerKey(ctx, in.LogGroupName))
	return &cwl.ListTagsLogGroupOutput{Tags: tags}, err
}

// taggable is the group that an ARN means. Groups are the only resources here that
// have tags.
func taggable(v *violations, resource *string) (Key, error) {
	if err := v.err(); err != nil {
		return Key{}, err
	}
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
