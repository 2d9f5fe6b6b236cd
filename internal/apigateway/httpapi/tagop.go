package httpapi

import (
	"context"
	"maps"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	gw "github.com/aws/aws-sdk-go-v2/service/apigatewayv2"

	"github.com/hearthfaas/hearth/internal/apigateway/desk"
	"github.com/hearthfaas/hearth/internal/apigateway/shelf"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

// tagsMax is how many tags a resource has (API Gateway quotas).
const tagsMax = 50

// tagged takes apart arn:aws:apigateway:region::/apis/ID and …/stages/NAME.
func tagged(arn string) (api, stage string, ok bool) {
	_, path, ok := strings.Cut(arn, "::/apis/")
	if !ok || !strings.HasPrefix(arn, "arn:aws:apigateway:") {
		return "", "", false
	}
	api, stage, staged := strings.Cut(path, "/stages/")
	return api, stage, api != "" && !strings.Contains(api, "/") && (!staged || stage != "")
}

// Tags are the tags of the API or stage with an ARN; false when there is none.
func (s *Service) Tags(arn string) (map[string]string, bool) {
	api, stage, ok := tagged(arn)
	e, found := s.apis.Find(api)
	if !ok || !found {
		return nil, false
	}
	if stage == "" {
		return e.Doc.API.Tags, true
	}
	st, ok := e.Doc.Stages[stage]
	return st.Tags, ok
}

func (s *Service) editTags(ctx context.Context, arn *string, edit func(map[string]string)) error {
	api, stage, ok := tagged(aws.ToString(arn))
	if !ok {
		return desk.BadRequest("Invalid ARN specified in the request")
	}
	return s.change(ctx, &api, func(_ shelf.Place, d *Document) ([]store.Change, error) {
		tags := maps.Clone(d.API.Tags)
		st, there := d.Stages[stage]
		if stage != "" {
			if !there {
				return nil, desk.NotFound("stage")
			}
			tags = maps.Clone(st.Tags)
		}
		if tags == nil {
			tags = map[string]string{}
		}
		if edit(tags); len(tags) > tagsMax {
			return nil, lambda.Errorf(desk.CodeBadRequest, "A resource has %d tags at most", tagsMax)
		}
		if stage == "" {
			d.API.Tags = tags
			return nil, nil
		}
		st.Tags = tags
		d.Stages[stage] = st
		return nil, nil
	})
}

func (s *Service) tagResource(ctx context.Context, in *gw.TagResourceInput) (*gw.TagResourceOutput, error) {
	return &gw.TagResourceOutput{}, s.editTags(ctx, in.ResourceArn, func(tags map[string]string) { maps.Copy(tags, in.Tags) })
}

func (s *Service) untagResource(ctx context.Context, in *gw.UntagResourceInput) (*gw.UntagResourceOutput, error) {
	return &gw.UntagResourceOutput{}, s.editTags(ctx, in.ResourceArn, func(tags map[string]string) {
		for _, key := range in.TagKeys {
			delete(tags, key)
		}
	})
}

func (s *Service) getTags(_ context.Context, in *gw.GetTagsInput) (*gw.GetTagsOutput, error) {
	tags, ok := s.Tags(aws.ToString(in.ResourceArn))
	if !ok {
		return nil, lambda.Errorf(desk.CodeNotFound, "Invalid resource ARN specified: %s", aws.ToString(in.ResourceArn))
	}
	return &gw.GetTagsOutput{Tags: tags}, nil
}
