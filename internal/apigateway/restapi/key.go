package restapi

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	gw "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/hearthfaas/hearth/internal/apigateway/desk"
	"github.com/hearthfaas/hearth/internal/apigateway/shape"
	"github.com/hearthfaas/hearth/internal/apigateway/shelf"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

// The lengths of a key's value (API reference, CreateApiKey), and of one that is drawn.
const (
	keyMin   = 20
	keyMax   = 128
	keyDrawn = 40
)

func (s *Service) createKey(ctx context.Context, in *gw.CreateApiKeyInput) (*gw.CreateApiKeyOutput, error) {
	if len(in.StageKeys) > 0 {
		return nil, desk.BadRequest("StageKeys are deprecated in favor of usage plans")
	}
	k := shape.As[Key](in)
	p := desk.Place(ctx, new(shelf.NewID(10)))
	now := aws.Time(s.cfg.Now().UTC().Truncate(1e9))
	k.Id, k.CreatedDate, k.LastUpdatedDate, k.StageKeys = &p.ID, now, now, []string{}
	k.Value = orDefault(k.Value, shelf.NewID(keyDrawn))
	if n := len(*k.Value); n < keyMin || n > keyMax {
		return nil, desk.BadRequest("API Key value should be at least %d characters", keyMin)
	}
	if len(s.keys.List(p.Account, p.Region)) >= keysMax {
		return nil, tooMany("API Keys")
	}
	if _, taken := s.keyOfValue(p.Account, p.Region, *k.Value); taken {
		return nil, conflict("API Key already exists")
	}
	if err := s.keys.Create(ctx, p, *k); err != nil {
		return nil, err
	}
	return shape.As[gw.CreateApiKeyOutput](k), nil
}

// keyOfValue finds the key with a value.
func (s *Service) keyOfValue(account, region, value string) (*shelf.Entry[Key], bool) {
	hint := account + "/" + region + "/" + value
	if id, ok := s.byValue.Load(hint); ok {
		e, ok := s.keys.Get(shelf.Place{Account: account, Region: region, ID: id.(string)})
		if ok && aws.ToString(e.Doc.Value) == value {
			return e, true
		}
		s.byValue.Delete(hint)
	}
	for _, e := range s.keys.List(account, region) {
		if aws.ToString(e.Doc.Value) == value {
			s.byValue.Store(hint, e.ID)
			return e, true
		}
	}
	return nil, false
}

func noKey() error { return lambdaNotFound("Invalid API Key identifier specified") }

func (s *Service) getKey(ctx context.Context, in *gw.GetApiKeyInput) (*gw.GetApiKeyOutput, error) {
	e, ok := s.keys.Get(desk.Place(ctx, in.ApiKey))
	if !ok {
		return nil, noKey()
	}
	out := shape.As[gw.GetApiKeyOutput](e.Doc)
	if !aws.ToBool(in.IncludeValue) {
		out.Value = nil
	}
	return out, nil
}

func (s *Service) getKeys(ctx context.Context, in *gw.GetApiKeysInput) (*gw.GetApiKeysOutput, error) {
	c := lambda.CallerFrom(ctx)
	all := map[string]types.ApiKey{}
	for _, e := range s.keys.List(c.Account, c.Region) {
		k := types.ApiKey(*e.Doc)
		if !strings.HasPrefix(aws.ToString(k.Name), aws.ToString(in.NameQuery)) ||
			in.CustomerId != nil && aws.ToString(k.CustomerId) != *in.CustomerId {
			continue
		}
		if !aws.ToBool(in.IncludeValues) {
			k.Value = nil
		}
		all[e.ID] = k
	}
	items, next := page(all, in.Limit, in.Position)
	return &gw.GetApiKeysOutput{Items: items, Position: next}, nil
}

func (s *Service) updateKey(ctx context.Context, in *gw.UpdateApiKeyInput) (*gw.UpdateApiKeyOutput, error) {
	var out *gw.UpdateApiKeyOutput
	err := s.keys.Edit(ctx, desk.Place(ctx, in.ApiKey), func(k *Key) ([]store.Change, error) {
		id, value := k.Id, k.Value
		if err := patch(k, in.PatchOperations, nil); err != nil {
			return nil, err
		}
		if k.Id != id || aws.ToString(k.Value) != aws.ToString(value) {
			return nil, desk.BadRequest("Invalid patch path specified: a key's id and value stay")
		}
		k.LastUpdatedDate = aws.Time(s.cfg.Now().UTC().Truncate(1e9))
		out = shape.As[gw.UpdateApiKeyOutput](k)
		out.Value = nil
		return nil, nil
	})
	if errors.Is(err, shelf.ErrMissing) {
		return nil, noKey()
	}
	return out, err
}

func (s *Service) deleteKey(ctx context.Context, in *gw.DeleteApiKeyInput) (*gw.DeleteApiKeyOutput, error) {
	p := desk.Place(ctx, in.ApiKey)
	for _, plan := range s.plans.List(p.Account, p.Region) {
		if !plan.Doc.Keys[p.ID] {
			continue
		}
		err := s.plans.Edit(ctx, plan.Place, func(d *Plan) ([]store.Change, error) {
			delete(d.Keys, p.ID)
			return []store.Change{s.usage.Drop(usagePlace(plan.Place, p.ID))}, nil
		})
		if err != nil && !errors.Is(err, shelf.ErrMissing) {
			return nil, err
		}
	}
	if err := s.keys.Delete(ctx, p); errors.Is(err, shelf.ErrMissing) {
		return nil, noKey()
	} else if err != nil {
		return nil, err
	}
	return &gw.DeleteApiKeyOutput{}, nil
}
