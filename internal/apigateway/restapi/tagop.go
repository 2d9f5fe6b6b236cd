package restapi

import (
	"context"
	"errors"
	"maps"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	gw "github.com/aws/aws-sdk-go-v2/service/apigateway"

	"github.com/hearthfaas/hearth/internal/apigateway/desk"
	"github.com/hearthfaas/hearth/internal/apigateway/shelf"
	"github.com/hearthfaas/hearth/internal/store"
)

// tagged takes apart arn:aws:apigateway:region::/KIND/ID[/stages/NAME].
func tagged(arn string) (kind, id, stage string, ok bool) {
	_, path, ok := strings.Cut(arn, "::/")
	f := strings.Split(path, "/")
	switch {
	case !ok || !strings.HasPrefix(arn, "arn:aws:apigateway:"):
		return "", "", "", false
	case len(f) == 2 && (f[0] == "restapis" || f[0] == "apikeys" || f[0] == "usageplans"):
		return f[0], f[1], "", true
	case len(f) == 4 && f[0] == "restapis" && f[2] == "stages":
		return f[0], f[1], f[3], true
	}
	return "", "", "", false
}

// Tags are the tags of what an ARN names; false when there is nothing of the kind.
func (s *Service) Tags(arn string) (map[string]string, bool) {
	kind, id, stage, _ := tagged(arn)
	switch kind {
	case "restapis":
		e, ok := s.apis.Find(id)
		if !ok {
			return nil, false
		}
		if stage == "" {
			return e.Doc.API.Tags, true
		}
		st, ok := e.Doc.Stages[stage]
		return st.Tags, ok
	case "apikeys":
		if e, ok := s.keys.Find(id); ok {
			return e.Doc.Tags, true
		}
	case "usageplans":
		if e, ok := s.plans.Find(id); ok {
			return e.Doc.Tags, true
		}
	}
	return nil, false
}

// editTags changes the tags of what an ARN names.
func (s *Service) editTags(ctx context.Context, arn *string, edit func(map[string]string)) error {
	kind, id, stage, ok := tagged(aws.ToString(arn))
	if !ok {
		return desk.BadRequest("Invalid ARN specified in the request")
	}
	changed := func(tags map[string]string) (map[string]string, error) {
		out := maps.Clone(tags)
		if out == nil {
			out = map[string]string{}
		}
		if edit(out); len(out) > tagsMax {
			return nil, desk.BadRequest("A resource has %d tags at most", tagsMax)
		}
		return out, nil
	}
	var err error
	switch p := desk.Place(ctx, &id); kind {
	case "apikeys":
		err = s.keys.Edit(ctx, p, func(k *Key) (_ []store.Change, err error) { k.Tags, err = changed(k.Tags); return nil, err })
	case "usageplans":
		err = s.plans.Edit(ctx, p, func(u *Plan) (_ []store.Change, err error) { u.Tags, err = changed(u.Tags); return nil, err })
	default:
		err = s.apis.Edit(ctx, p, func(d *Document) (_ []store.Change, err error) {
			if stage == "" {
				d.API.Tags, err = changed(d.API.Tags)
				return nil, err
			}
			st, ok := d.Stages[stage]
			if !ok {
				return nil, desk.NotFound("stage")
			}
			if st.Tags, err = changed(st.Tags); err == nil {
				d.Stages[stage] = st
			}
			return nil, err
		})
	}
	if errors.Is(err, shelf.ErrMissing) {
		return lambdaNotFound("Invalid resource ARN specified: " + *arn)
	}
	return err
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
		return nil, lambdaNotFound("Invalid resource ARN specified: " + aws.ToString(in.ResourceArn))
	}
	return &gw.GetTagsOutput{Tags: tags}, nil
}
