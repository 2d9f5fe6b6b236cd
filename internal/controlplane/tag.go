package controlplane

import (
	"context"
	"maps"
	"strings"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// TagResource adds tags to a function (Lambda API, TagResource).
func (s *Service) TagResource(ctx context.Context, in *awslambda.TagResourceInput) (*awslambda.TagResourceOutput, error) {
	id, err := taggable(lambda.CallerFrom(ctx), "TagResource", in.Resource)
	if err != nil {
		return nil, err
	}
	if len(in.Tags) == 0 {
		return nil, invalid("An error occurred and the request cannot be processed.")
	}
	err = s.edit(ctx, id, func(e *edit) error {
		if !e.f.exists {
			return notFound(id.ARN())
		}
		if err := checkTags(e.record.Tags, in.Tags); err != nil {
			return err
		}
		tags := make(map[string]string, len(e.record.Tags)+len(in.Tags))
		maps.Copy(tags, e.record.Tags)
		maps.Copy(tags, in.Tags)
		e.record.Tags = tags
		e.touch()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &awslambda.TagResourceOutput{}, nil
}

// UntagResource takes tags away from a function (Lambda API, UntagResource).
func (s *Service) UntagResource(ctx context.Context, in *awslambda.UntagResourceInput) (*awslambda.UntagResourceOutput, error) {
	id, err := taggable(lambda.CallerFrom(ctx), "UntagResource", in.Resource)
	if err != nil {
		return nil, err
	}
	err = s.edit(ctx, id, func(e *edit) error {
		if !e.f.exists {
			return notFound(id.ARN())
		}
		tags := maps.Clone(e.record.Tags)
		for _, key := range in.TagKeys {
			delete(tags, key)
		}
		e.record.Tags = tags
		e.touch()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &awslambda.UntagResourceOutput{}, nil
}

// ListTags shows a function's tags (Lambda API, ListTags).
func (s *Service) ListTags(ctx context.Context, in *awslambda.ListTagsInput) (*awslambda.ListTagsOutput, error) {
	id, err := taggable(lambda.CallerFrom(ctx), "ListTags", in.Resource)
	if err != nil {
		return nil, err
	}
	f := s.view.function(id)
	if !f.exists {
		return nil, notFound(id.ARN())
	}
	tags := f.record.value.Tags
	if tags == nil {
		tags = map[string]string{}
	}
	return &awslambda.ListTagsOutput{Tags: tags}, nil
}

// taggable finds the function that a resource ARN means. Only functions have tags
// here; another kind of resource does not exist.
func taggable(c lambda.Caller, op string, resource *string) (lambda.FunctionID, error) {
	arn := value(resource)
	if f := strings.SplitN(arn, ":", 7); len(f) == 7 {
		switch f[5] {
		case "event-source-mapping":
			return lambda.FunctionID{}, lambda.Errorf(lambda.CodeResourceNotFound, "Event source mapping not found: %s", arn)
		case "capacity-provider":
			return lambda.FunctionID{}, lambda.Errorf(lambda.CodeResourceNotFound, "Capacity provider not found: %s", arn)
		case "code-signing-config":
			return lambda.FunctionID{}, lambda.Errorf("CodeSigningConfigNotFoundException", msgNoSuchCodeSigning, arn)
		}
	}
	id, q, err := resolve(c, op, resource, nil)
	if err == nil && q != "" {
		err = invalid("Tags on function aliases and versions are not supported. Please specify a function ARN.")
	}
	return id, err
}

// tagPrefix is reserved for AWS's own tags.
const tagPrefix = "aws:"

// checkTags says whether tags may be added to those that are there.
func checkTags(have, add map[string]string) error {
	total := len(have)
	for key := range add {
		if strings.HasPrefix(key, tagPrefix) {
			return invalid("Tag keys that begin with %s are reserved: %s", tagPrefix, key)
		}
		if _, replaces := have[key]; !replaces {
			total++
		}
	}
	if total > lambda.TagsMax {
		return invalid("Number of tags exceeds resource tag limit.")
	}
	return nil
}
