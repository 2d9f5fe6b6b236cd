package restapi

import (
	"context"
	"maps"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	gw "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/hearthfaas/hearth/internal/apigateway/desk"
	"github.com/hearthfaas/hearth/internal/apigateway/shape"
	"github.com/hearthfaas/hearth/internal/apigateway/shelf"
)

// sorted are the values of a map in order of their keys.
func sorted[T any](m map[string]T) []T {
	out := make([]T, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[key])
	}
	return out
}

func number(s string) float64 {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0
	}
	return f
}

// The parts of an API that are kept and shown alike: request validators and models.

func (s *Service) createValidator(ctx context.Context, in *gw.CreateRequestValidatorInput) (*gw.CreateRequestValidatorOutput, error) {
	v := *shape.As[types.RequestValidator](in)
	v.Id = new(shelf.NewID(6))
	err := s.edit(ctx, in.RestApiId, func(d *Document) error {
		d.Validators = desk.Put(d.Validators, *v.Id, v)
		return nil
	})
	return shape.As[gw.CreateRequestValidatorOutput](&v), err
}

func (s *Service) getValidator(ctx context.Context, in *gw.GetRequestValidatorInput) (*gw.GetRequestValidatorOutput, error) {
	d, err := s.get(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	v, ok := d.Validators[aws.ToString(in.RequestValidatorId)]
	if !ok {
		return nil, desk.NotFound("Request Validator")
	}
	return shape.As[gw.GetRequestValidatorOutput](&v), nil
}

func (s *Service) getValidators(ctx context.Context, in *gw.GetRequestValidatorsInput) (*gw.GetRequestValidatorsOutput, error) {
	d, err := s.get(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	items, next := page(d.Validators, in.Limit, in.Position)
	return &gw.GetRequestValidatorsOutput{Items: items, Position: next}, nil
}

func (s *Service) updateValidator(ctx context.Context, in *gw.UpdateRequestValidatorInput) (*gw.UpdateRequestValidatorOutput, error) {
	var out *gw.UpdateRequestValidatorOutput
	err := s.edit(ctx, in.RestApiId, func(d *Document) error {
		v, ok := d.Validators[aws.ToString(in.RequestValidatorId)]
		if !ok {
			return desk.NotFound("Request Validator")
		}
		if err := patch(&v, in.PatchOperations, nil); err != nil {
			return err
		}
		d.Validators[*v.Id] = v
		out = shape.As[gw.UpdateRequestValidatorOutput](&v)
		return nil
	})
	return out, err
}

func (s *Service) deleteValidator(ctx context.Context, in *gw.DeleteRequestValidatorInput) (*gw.DeleteRequestValidatorOutput, error) {
	return &gw.DeleteRequestValidatorOutput{}, s.edit(ctx, in.RestApiId, func(d *Document) error {
		id := aws.ToString(in.RequestValidatorId)
		if _, ok := d.Validators[id]; !ok {
			return desk.NotFound("Request Validator")
		}
		for _, r := range d.Resources {
			for _, m := range r.ResourceMethods {
				if aws.ToString(m.RequestValidatorId) == id {
					return conflict("Cannot delete Request Validator %s, because it is referenced by a method", id)
				}
			}
		}
		delete(d.Validators, id)
		return nil
	})
}

func (s *Service) createModel(ctx context.Context, in *gw.CreateModelInput) (*gw.CreateModelOutput, error) {
	m := *shape.As[types.Model](in)
	m.Id = new(shelf.NewID(6))
	err := s.edit(ctx, in.RestApiId, func(d *Document) error {
		if _, ok := d.Models[aws.ToString(in.Name)]; ok {
			return conflict("Model name already exists for this REST API")
		}
		d.Models = desk.Put(d.Models, aws.ToString(in.Name), m)
		return nil
	})
	return shape.As[gw.CreateModelOutput](&m), err
}

func (s *Service) getModel(ctx context.Context, in *gw.GetModelInput) (*gw.GetModelOutput, error) {
	d, err := s.get(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	m, ok := d.Models[aws.ToString(in.ModelName)]
	if !ok {
		return nil, lambdaNotFound("Invalid model name specified: " + aws.ToString(in.ModelName))
	}
	return shape.As[gw.GetModelOutput](&m), nil
}

func (s *Service) getModels(ctx context.Context, in *gw.GetModelsInput) (*gw.GetModelsOutput, error) {
	d, err := s.get(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	items, next := page(d.Models, in.Limit, in.Position)
	return &gw.GetModelsOutput{Items: items, Position: next}, nil
}

func (s *Service) updateModel(ctx context.Context, in *gw.UpdateModelInput) (*gw.UpdateModelOutput, error) {
	var out *gw.UpdateModelOutput
	err := s.edit(ctx, in.RestApiId, func(d *Document) error {
		m, ok := d.Models[aws.ToString(in.ModelName)]
		if !ok {
			return lambdaNotFound("Invalid model name specified: " + aws.ToString(in.ModelName))
		}
		if err := patch(&m, in.PatchOperations, nil); err != nil {
			return err
		}
		d.Models[*in.ModelName] = m
		out = shape.As[gw.UpdateModelOutput](&m)
		return nil
	})
	return out, err
}

func (s *Service) deleteModel(ctx context.Context, in *gw.DeleteModelInput) (*gw.DeleteModelOutput, error) {
	return &gw.DeleteModelOutput{}, s.edit(ctx, in.RestApiId, func(d *Document) error {
		if _, ok := d.Models[aws.ToString(in.ModelName)]; !ok {
			return lambdaNotFound("Invalid model name specified: " + aws.ToString(in.ModelName))
		}
		delete(d.Models, *in.ModelName)
		return nil
	})
}
