package sqs

import (
	"context"
	"maps"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// The bounds of tags (developer guide, "Queue tags").
const (
	tagsMax     = 50
	tagKeyMax   = 128 // characters
	tagValueMax = 256 // characters
)

func checkTags(tags map[string]string) error {
	for _, key := range sortedKeys(tags) {
		switch {
		case key == "" || utf8.RuneCountInString(key) > tagKeyMax:
			return badParameter(key, "Tags", "Tag keys must be between 1 and 128 characters in length.")
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			return badParameter(key, "Tags", "Tag keys must not begin with the reserved prefix aws:.")
		case utf8.RuneCountInString(tags[key]) > tagValueMax:
			return badParameter(tags[key], "Tags", "Tag values must be between 0 and 256 characters in length.")
		}
	}
	if len(tags) > tagsMax {
		return invalidValue("Too many tags added for queue.")
	}
	return nil
}

func (s *Service) tagQueue(ctx context.Context, in *sqs.TagQueueInput) (*sqs.TagQueueOutput, error) {
	e, err := s.openOwn(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if len(in.Tags) == 0 {
		return nil, missing("Tags")
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	err = s.edit(ctx, e.name, func(old *entry, rec record) (*entry, error) {
		maps.Copy(rec.Tags, in.Tags)
		if len(rec.Tags) > tagsMax {
			return nil, invalidValue("Too many tags added for queue %s.", old.name.Name)
		}
		return newEntry(old.name, rec), nil
	})
	return &sqs.TagQueueOutput{}, err
}

func (s *Service) untagQueue(ctx context.Context, in *sqs.UntagQueueInput) (*sqs.UntagQueueOutput, error) {
	e, err := s.openOwn(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if len(in.TagKeys) == 0 {
		return nil, missing("TagKeys")
	}
	err = s.edit(ctx, e.name, func(old *entry, rec record) (*entry, error) {
		for _, key := range in.TagKeys {
			delete(rec.Tags, key)
		}
		return newEntry(old.name, rec), nil
	})
	return &sqs.UntagQueueOutput{}, err
}

func (s *Service) listQueueTags(ctx context.Context, in *sqs.ListQueueTagsInput) (*sqs.ListQueueTagsOutput, error) {
	e, err := s.openOwn(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return &sqs.ListQueueTagsOutput{Tags: maps.Clone(e.Tags)}, nil
}
