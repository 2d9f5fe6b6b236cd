package controlplane

import (
	"context"
	"maps"
	"slices"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

const msgFunctionGone = "Function does not exist"

// CreateFunctionUrlConfig gives a function or an alias a URL (Lambda API,
// CreateFunctionUrlConfig). Each URL has an id of its own: one that is made again
// after a deletion is another.
func (s *Service) CreateFunctionUrlConfig(ctx context.Context, in *awslambda.CreateFunctionUrlConfigInput) (*awslambda.CreateFunctionUrlConfigOutput, error) {
	id, q, err := resolveURL(lambda.CallerFrom(ctx), "CreateFunctionUrlConfig", in.FunctionName, in.Qualifier)
	if err == nil {
		err = checkCors(in.Cors)
	}
	if err != nil {
		return nil, err
	}
	now := s.cfg.Now()
	made := urlRecord{
		ID:        newURLID(),
		Auth:      URLAuth(in.AuthType),
		Cors:      corsOf(in.Cors),
		Streaming: in.InvokeMode == types.InvokeModeResponseStream,
		Created:   now, Modified: now,
	}
	err = s.edit(ctx, id, func(e *edit) error {
		if !e.f.exists {
			return lambda.Errorf(lambda.CodeResourceNotFound, msgFunctionGone)
		}
		if _, ok := e.f.urls[policyPart(q)]; ok {
			return lambda.Errorf(lambda.CodeResourceConflict,
				"Failed to create function url config for [functionArn = %s]. Error message:  FunctionUrlConfig exists for this Lambda function", id.QualifiedARN(q))
		}
		if _, ok := e.f.aliases[q]; !ok && q != "" {
			return lambda.Errorf(lambda.CodeResourceNotFound, msgFunctionGone)
		}
		e.putURL(q, made)
		return nil
	})
	if err != nil {
		return nil, err
	}
	shown := s.renderURL(id, q, made)
	shown.InvokeMode = in.InvokeMode // absent when the request had none
	return as[awslambda.CreateFunctionUrlConfigOutput](shown), nil
}

// UpdateFunctionUrlConfig changes a URL's settings; members that the request leaves
// out stay (Lambda API, UpdateFunctionUrlConfig).
func (s *Service) UpdateFunctionUrlConfig(ctx context.Context, in *awslambda.UpdateFunctionUrlConfigInput) (*awslambda.UpdateFunctionUrlConfigOutput, error) {
	id, q, err := resolveURL(lambda.CallerFrom(ctx), "UpdateFunctionUrlConfig", in.FunctionName, in.Qualifier)
	if err == nil {
		err = checkCors(in.Cors)
	}
	if err != nil {
		return nil, err
	}
	var next urlRecord
	err = s.edit(ctx, id, func(e *edit) error {
		if _, ok := e.f.aliases[q]; !e.f.exists || q != "" && !ok {
			return lambda.Errorf(lambda.CodeResourceNotFound, msgFunctionGone)
		}
		old, ok := e.f.urls[policyPart(q)]
		if !ok {
			return lambda.Errorf(lambda.CodeResourceNotFound, msgResourceNotFound)
		}
		next = old.value
		if in.AuthType != "" {
			next.Auth = URLAuth(in.AuthType)
		}
		if in.Cors != nil {
			next.Cors = corsOf(in.Cors)
		}
		if in.InvokeMode != "" {
			next.Streaming = in.InvokeMode == types.InvokeModeResponseStream
		}
		next.Modified = s.cfg.Now()
		e.putURL(q, next)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return as[awslambda.UpdateFunctionUrlConfigOutput](s.renderURL(id, q, next)), nil
}

// GetFunctionUrlConfig shows the URL of a function or alias (Lambda API,
// GetFunctionUrlConfig).
func (s *Service) GetFunctionUrlConfig(ctx context.Context, in *awslambda.GetFunctionUrlConfigInput) (*awslambda.GetFunctionUrlConfigOutput, error) {
	id, q, err := resolveURL(lambda.CallerFrom(ctx), "GetFunctionUrlConfig", in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	f := s.view.function(id)
	u, ok := f.urls[policyPart(q)]
	if !ok || !f.exists {
		return nil, lambda.Errorf(lambda.CodeResourceNotFound, msgResourceNotFound)
	}
	return as[awslambda.GetFunctionUrlConfigOutput](s.renderURL(id, q, u.value)), nil
}

// DeleteFunctionUrlConfig takes the URL of a function or alias away (Lambda API,
// DeleteFunctionUrlConfig).
func (s *Service) DeleteFunctionUrlConfig(ctx context.Context, in *awslambda.DeleteFunctionUrlConfigInput) (*awslambda.DeleteFunctionUrlConfigOutput, error) {
	id, q, err := resolveURL(lambda.CallerFrom(ctx), "DeleteFunctionUrlConfig", in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	err = s.edit(ctx, id, func(e *edit) error {
		if _, ok := e.f.urls[policyPart(q)]; !ok || !e.f.exists {
			return lambda.Errorf(lambda.CodeResourceNotFound, msgResourceNotFound)
		}
		e.deleteURL(q)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &awslambda.DeleteFunctionUrlConfigOutput{}, nil
}

// ListFunctionUrlConfigs shows the URLs of a function and its aliases, the
// function's own first (Lambda API, ListFunctionUrlConfigs).
func (s *Service) ListFunctionUrlConfigs(ctx context.Context, in *awslambda.ListFunctionUrlConfigsInput) (*awslambda.ListFunctionUrlConfigsOutput, error) {
	id, _, err := resolveURL(lambda.CallerFrom(ctx), "ListFunctionUrlConfigs", in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	f := s.view.function(id)
	if !f.exists {
		return nil, lambda.Errorf(lambda.CodeResourceNotFound, msgFunctionGone)
	}
	after, err := decodeMarker(in.Marker)
	if err != nil {
		return nil, err
	}
	page := newPage[types.FunctionUrlConfig](in.MaxItems)
	for _, part := range slices.Sorted(maps.Keys(f.urls)) { // "$LATEST" sorts before every alias
		if part > string(after) {
			page.add(marker(part), *s.renderURL(id, partQualifier(part), f.urls[part].value))
		}
	}
	return &awslambda.ListFunctionUrlConfigsOutput{FunctionUrlConfigs: page.items, NextMarker: page.marker()}, nil
}
