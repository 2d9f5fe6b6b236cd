package sns

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// The limits of tags (SNS developer guide, "Topic tags").
const (
	tagsMax     = 50
	tagKeyMax   = 128
	tagValueMax = 256
)

// addTags is tags with others added to them.
func addTags(to map[string]string, tags []types.Tag) (map[string]string, error) {
	out := maps.Clone(to)
	if out == nil {
		out = map[string]string{}
	}
	seen := map[string]bool{}
	for _, t := range tags {
		key, value := aws.ToString(t.Key), aws.ToString(t.Value)
		switch {
		case key == "" || utf8.RuneCountInString(key) > tagKeyMax || utf8.RuneCountInString(value) > tagValueMax:
			return nil, invalid("Tag keys have 1 to %d characters and values at most %d", tagKeyMax, tagValueMax)
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			return nil, invalid("Tag keys cannot start with aws:")
		case seen[key]:
			return nil, invalid("Duplicated keys are not allowed.")
		}
		seen[key] = true
		out[key] = value
	}
	if len(out) > tagsMax {
		return nil, lambda.Errorf(codeTagLimit, "Could not complete request: tag quota of per resource exceeded")
	}
	return out, nil
}

// taggable is the topic of an ARN; nothing else has tags.
func taggable(ctx context.Context, arn *string) (string, error) {
	k, ok := parseTopic(aws.ToString(arn))
	if !ok || k.region != lambda.CallerFrom(ctx).Region {
		return "", errNoResource
	}
	return k.ARN(), nil
}

// withoutTopic says of a topic that is not there what the operations on tags say.
func withoutTopic(err error) error {
	if errors.Is(err, errNoTopic) {
		return errNoResource
	}
	return err
}

func (s *Service) tagResource(ctx context.Context, in *awssns.TagResourceInput) (*awssns.TagResourceOutput, error) {
	arn, err := taggable(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	err = s.changeTopic(ctx, arn, func(_ *topic, rec *topicRecord) (err error) {
		rec.Tags, err = addTags(rec.Tags, in.Tags)
		return err
	})
	return &awssns.TagResourceOutput{}, withoutTopic(err)
}

func (s *Service) untagResource(ctx context.Context, in *awssns.UntagResourceInput) (*awssns.UntagResourceOutput, error) {
	arn, err := taggable(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	err = s.changeTopic(ctx, arn, func(_ *topic, rec *topicRecord) error {
		for _, key := range in.TagKeys {
			delete(rec.Tags, key)
		}
		return nil
	})
	return &awssns.UntagResourceOutput{}, withoutTopic(err)
}

func (s *Service) listTagsForResource(ctx context.Context, in *awssns.ListTagsForResourceInput) (*awssns.ListTagsForResourceOutput, error) {
	arn, err := taggable(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	t, err := s.topic(arn)
	if err != nil {
		return nil, errNoResource
	}
	out := &awssns.ListTagsForResourceOutput{Tags: []types.Tag{}}
	for _, key := range slices.Sorted(maps.Keys(t.record.Tags)) {
		out.Tags = append(out.Tags, types.Tag{Key: aws.String(key), Value: aws.String(t.record.Tags[key])})
	}
	return out, nil
}
