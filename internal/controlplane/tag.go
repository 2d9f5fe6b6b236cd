package controlplane

import (
	"context"
	"errors"
	"maps"
	"strings"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

// TagResource adds tags to a function, an event source mapping or a code signing
// configuration (Lambda API, TagResource).
func (s *Service) TagResource(ctx context.Context, in *awslambda.TagResourceInput) (*awslambda.TagResourceOutput, error) {
	if len(in.Tags) == 0 {
		return nil, invalid("An error occurred and the request cannot be processed.")
	}
	err := s.editTags(ctx, "TagResource", in.Resource, func(have map[string]string) (map[string]string, error) {
		if err := checkTags(have, in.Tags); err != nil {
			return nil, err
		}
		tags := make(map[string]string, len(have)+len(in.Tags))
		maps.Copy(tags, have)
		maps.Copy(tags, in.Tags)
		return tags, nil
	})
	if err != nil {
		return nil, err
	}
	return &awslambda.TagResourceOutput{}, nil
}

// UntagResource takes tags away (Lambda API, UntagResource).
func (s *Service) UntagResource(ctx context.Context, in *awslambda.UntagResourceInput) (*awslambda.UntagResourceOutput, error) {
	err := s.editTags(ctx, "UntagResource", in.Resource, func(have map[string]string) (map[string]string, error) {
		tags := maps.Clone(have)
		for _, key := range in.TagKeys {
			delete(tags, key)
		}
		return tags, nil
	})
	if err != nil {
		return nil, err
	}
	return &awslambda.UntagResourceOutput{}, nil
}

// ListTags shows the tags of a function, an event source mapping or a code signing
// configuration (Lambda API, ListTags).
func (s *Service) ListTags(ctx context.Context, in *awslambda.ListTagsInput) (*awslambda.ListTagsOutput, error) {
	tags, err := s.tagsOf(lambda.CallerFrom(ctx), in.Resource)
	if err != nil {
		return nil, err
	}
	if tags == nil {
		tags = map[string]string{}
	}
	return &awslambda.ListTagsOutput{Tags: tags}, nil
}

func (s *Service) tagsOf(c lambda.Caller, resource *string) (map[string]string, error) {
	r, err := taggable(c, "ListTags", resource)
	if err != nil {
		return nil, err
	}
	h := home{c.Account, c.Region}
	switch r.kind {
	case taggedMapping:
		m, ok := s.mappings.get(mappingID{h, r.name})
		if !ok {
			return nil, r.missing()
		}
		return m.value.Tags, nil
	case taggedSigning:
		g, ok := s.signing.get(h, r.name)
		if !ok {
			return nil, r.missing()
		}
		return g.value.Tags, nil
	case taggedFunction:
	}
	f := s.view.function(r.function)
	if !f.exists {
		return nil, r.missing()
	}
	return f.record.value.Tags, nil
}

func (s *Service) editTags(ctx context.Context, op string, resource *string, change func(map[string]string) (map[string]string, error)) error {
	c := lambda.CallerFrom(ctx)
	r, err := taggable(c, op, resource)
	if err != nil {
		return err
	}
	key := homeKey(home{c.Account, c.Region}, r.name)
	switch r.kind {
	case taggedMapping:
		return editRow(ctx, s.tables.mappings, key, r.missing(), func(m *mappingRecord) (err error) {
			m.Tags, err = change(m.Tags)
			return err
		})
	case taggedSigning:
		return editRow(ctx, s.tables.signings, key, r.missing(), func(g *signingRecord) (err error) {
			g.Tags, err = change(g.Tags)
			return err
		})
	case taggedFunction:
	}
	return s.edit(ctx, r.function, func(e *edit) error {
		if !e.f.exists {
			return r.missing()
		}
		tags, err := change(e.record.Tags)
		if err != nil {
			return err
		}
		e.record.Tags = tags
		e.touch()
		return nil
	})
}

// editRow changes one record that stands for itself, again when somebody else's
// change comes first.
func editRow[T any](ctx context.Context, t store.Table[T], key string, missing error, change func(*T) error) error {
	for range editAttempts {
		v, revision, err := t.Get(ctx, key)
		if errors.Is(err, store.ErrNotFound) {
			return missing
		}
		if err == nil {
			err = change(&v)
		}
		if err != nil {
			return err
		}
		_, err = t.Put(ctx, key, v, store.Precondition(revision))
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return lambda.Errorf(lambda.CodeResourceConflict, msgUpdateInProgress, key)
}

// The kinds of resource that have tags.
type taggedKind int

const (
	taggedFunction taggedKind = iota
	taggedMapping
	taggedSigning
)

// tagged is a resource that has tags.
type tagged struct {
	kind     taggedKind
	arn      string
	function lambda.FunctionID
	name     string // of a mapping its UUID, of a code signing configuration its id
}

// missing is the answer when there is no such resource.
func (r tagged) missing() error {
	switch r.kind {
	case taggedMapping:
		return lambda.Errorf(lambda.CodeResourceNotFound, "Event source mapping not found: %s", r.arn)
	case taggedSigning:
		return noSigningConfig(r.arn)
	case taggedFunction:
	}
	return notFound(r.function.ARN())
}

// taggable finds out what a resource ARN means.
func taggable(c lambda.Caller, op string, resource *string) (tagged, error) {
	r := tagged{arn: value(resource)}
	if f := strings.SplitN(r.arn, ":", 7); len(f) == 7 {
		r.name = f[6]
		switch f[5] {
		case "event-source-mapping":
			r.kind = taggedMapping
		case "code-signing-config":
			r.kind = taggedSigning
		case "capacity-provider":
			return r, lambda.Errorf(lambda.CodeResourceNotFound, "Capacity provider not found: %s", r.arn)
		}
		if r.kind != taggedFunction && (f[3] != c.Region || f[4] != c.Account) {
			return r, r.missing()
		}
		if r.kind != taggedFunction {
			return r, nil
		}
	}
	id, q, err := resolve(c, op, resource, nil)
	if err == nil && q != "" {
		err = invalid("Tags on function aliases and versions are not supported. Please specify a function ARN.")
	}
	r.function = id
	return r, err
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
