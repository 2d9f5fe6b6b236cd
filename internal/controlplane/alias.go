package controlplane

import (
	"context"
	"maps"
	"slices"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// CreateAlias names a version (Lambda API, CreateAlias).
func (s *Service) CreateAlias(ctx context.Context, in *awslambda.CreateAliasInput) (*awslambda.CreateAliasOutput, error) {
	id, err := resolveUnqualified(lambda.CallerFrom(ctx), "CreateAlias", in.FunctionName)
	if err != nil {
		return nil, err
	}
	name := value(in.Name)
	made := aliasRecord{
		Version:     value(in.FunctionVersion),
		Description: value(in.Description),
		Weights:     weights(in.RoutingConfig),
		RevisionID:  lambda.NewUUID(),
	}
	err = s.edit(ctx, id, func(e *edit) error {
		if !e.f.exists {
			return notFound(id.QualifiedARN(made.Version))
		}
		if _, ok := e.f.aliases[name]; ok {
			return lambda.Errorf(lambda.CodeResourceConflict, "Alias already exists: %s", id.QualifiedARN(name))
		}
		if err := e.f.checkAlias(made); err != nil {
			return err
		}
		e.putAlias(name, made)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return as[awslambda.CreateAliasOutput](renderAlias(id, name, made)), nil
}

// UpdateAlias points an alias elsewhere; members that the request leaves out stay
// (Lambda API, UpdateAlias).
func (s *Service) UpdateAlias(ctx context.Context, in *awslambda.UpdateAliasInput) (*awslambda.UpdateAliasOutput, error) {
	id, err := resolveUnqualified(lambda.CallerFrom(ctx), "UpdateAlias", in.FunctionName)
	if err != nil {
		return nil, err
	}
	name := value(in.Name)
	var next aliasRecord
	err = s.edit(ctx, id, func(e *edit) error {
		if !e.f.exists {
			return notFound(id.ARN())
		}
		old, ok := e.f.aliases[name]
		if !ok {
			return lambda.Errorf(lambda.CodeResourceNotFound, "Alias not found: %s", id.QualifiedARN(name))
		}
		if err := checkRevision(in.RevisionId, old.value.RevisionID, msgRevision); err != nil {
			return err
		}
		next = old.value
		set(&next.Version, in.FunctionVersion)
		set(&next.Description, in.Description)
		if in.RoutingConfig != nil {
			next.Weights = weights(in.RoutingConfig)
		}
		if err := e.f.checkAlias(next); err != nil {
			return err
		}
		next.RevisionID = lambda.NewUUID()
		e.putAlias(name, next)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return as[awslambda.UpdateAliasOutput](renderAlias(id, name, next)), nil
}

// DeleteAlias removes a name; one that does not exist is no error (Lambda API,
// DeleteAlias).
func (s *Service) DeleteAlias(ctx context.Context, in *awslambda.DeleteAliasInput) (*awslambda.DeleteAliasOutput, error) {
	id, err := resolveUnqualified(lambda.CallerFrom(ctx), "DeleteAlias", in.FunctionName)
	if err != nil {
		return nil, err
	}
	name := value(in.Name)
	err = s.edit(ctx, id, func(e *edit) error {
		if !e.f.exists {
			return notFound(id.ARN())
		}
		if _, ok := e.f.aliases[name]; !ok {
			e.nothing = true
			return nil
		}
		e.deleteAlias(name)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &awslambda.DeleteAliasOutput{}, nil
}

// GetAlias shows an alias (Lambda API, GetAlias).
func (s *Service) GetAlias(ctx context.Context, in *awslambda.GetAliasInput) (*awslambda.GetAliasOutput, error) {
	id, err := resolveUnqualified(lambda.CallerFrom(ctx), "GetAlias", in.FunctionName)
	if err != nil {
		return nil, err
	}
	f := s.view.function(id)
	if !f.exists {
		return nil, notFound(id.ARN())
	}
	name := value(in.Name)
	a, ok := f.aliases[name]
	if !ok {
		return nil, lambda.Errorf(lambda.CodeResourceNotFound, msgAliasNotFound, id.QualifiedARN(name))
	}
	return as[awslambda.GetAliasOutput](renderAlias(id, name, a.value)), nil
}

// ListAliases shows a function's aliases in order of their names, with
// FunctionVersion those of one version (Lambda API, ListAliases).
func (s *Service) ListAliases(ctx context.Context, in *awslambda.ListAliasesInput) (*awslambda.ListAliasesOutput, error) {
	id, err := resolveUnqualified(lambda.CallerFrom(ctx), "ListAliases", in.FunctionName)
	if err != nil {
		return nil, err
	}
	f := s.view.function(id)
	if !f.exists {
		return nil, notFound(id.ARN())
	}
	after, err := decodeMarker(in.Marker)
	if err != nil {
		return nil, err
	}
	page := newPage[types.AliasConfiguration](in.MaxItems)
	for _, name := range slices.Sorted(maps.Keys(f.aliases)) {
		a := f.aliases[name].value
		if name <= string(after) || in.FunctionVersion != nil && a.Version != *in.FunctionVersion {
			continue
		}
		page.add(marker(name), *renderAlias(id, name, a))
	}
	return &awslambda.ListAliasesOutput{Aliases: page.items, NextMarker: page.marker()}, nil
}

// checkAlias says whether an alias may point where it does.
func (f *function) checkAlias(a aliasRecord) error {
	if len(a.Weights) > 1 {
		return invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
	}
	for _, v := range slices.Sorted(maps.Keys(a.Weights)) {
		if v == a.Version {
			return invalid("Invalid function version %s. Function version %s is already included in routing configuration.", v, v)
		}
		if v == lambda.Latest || a.Version == lambda.Latest {
			err := invalid("$LATEST is not supported for an alias pointing to more than 1 version")
			err.Bare = true
			return err
		}
	}
	for _, v := range append(slices.Sorted(maps.Keys(a.Weights)), a.Version) {
		if _, ok := f.version(v); !ok && v != lambda.Latest {
			return notFound(f.id.QualifiedARN(v))
		}
	}
	return nil
}

func weights(c *types.AliasRoutingConfiguration) map[string]float64 {
	if c == nil || len(c.AdditionalVersionWeights) == 0 {
		return nil
	}
	return c.AdditionalVersionWeights
}

func renderAlias(id lambda.FunctionID, name string, a aliasRecord) *types.AliasConfiguration {
	out := &types.AliasConfiguration{
		AliasArn:        new(id.QualifiedARN(name)),
		Name:            new(name),
		FunctionVersion: new(a.Version),
		Description:     new(a.Description),
		RevisionId:      new(a.RevisionID),
	}
	if a.Weights != nil {
		out.RoutingConfig = &types.AliasRoutingConfiguration{AdditionalVersionWeights: a.Weights}
	}
	return out
}
