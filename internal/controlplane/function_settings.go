package controlplane

import (
	"context"
	"maps"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// GetRuntimeManagementConfig shows when a version's runtime is updated (Lambda API,
// GetRuntimeManagementConfig).
func (s *Service) GetRuntimeManagementConfig(ctx context.Context, in *awslambda.GetRuntimeManagementConfigInput) (*awslambda.GetRuntimeManagementConfigOutput, error) {
	f, v, err := s.find(ctx, "GetRuntimeManagementConfig", in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	m, ok := f.record.value.RuntimeManagement[v.label]
	if !ok {
		m.UpdateOn = string(types.UpdateRuntimeOnAuto)
	}
	return &awslambda.GetRuntimeManagementConfigOutput{
		UpdateRuntimeOn:   types.UpdateRuntimeOn(m.UpdateOn),
		FunctionArn:       new(f.id.QualifiedARN(v.qualifier)),
		RuntimeVersionArn: optional(m.VersionARN),
	}, nil
}

// PutRuntimeManagementConfig records when a version's runtime is to be updated.
// Runtimes here are what the host has, so it changes nothing else (Lambda API,
// PutRuntimeManagementConfig).
func (s *Service) PutRuntimeManagementConfig(ctx context.Context, in *awslambda.PutRuntimeManagementConfigInput) (*awslambda.PutRuntimeManagementConfigOutput, error) {
	id, q, err := resolve(lambda.CallerFrom(ctx), "PutRuntimeManagementConfig", in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	arn := value(in.RuntimeVersionArn)
	if (in.UpdateRuntimeOn == types.UpdateRuntimeOnManual) != (arn != "") {
		return nil, invalid("RuntimeVersionArn must be specified when UpdateRuntimeOn is Manual, and only then.")
	}
	var shown string
	err = s.edit(ctx, id, func(e *edit) error {
		v, err := e.f.choose(q)
		if err != nil {
			return err
		}
		shown = id.QualifiedARN(v.qualifier)
		e.record.RuntimeManagement = put(maps.Clone(e.record.RuntimeManagement), v.label,
			runtimeManagement{UpdateOn: string(in.UpdateRuntimeOn), VersionARN: arn})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &awslambda.PutRuntimeManagementConfigOutput{
		UpdateRuntimeOn: in.UpdateRuntimeOn, FunctionArn: new(shown), RuntimeVersionArn: optional(arn),
	}, nil
}

// GetFunctionRecursionConfig shows what happens to a function that calls itself in
// a circle (Lambda API, GetFunctionRecursionConfig).
func (s *Service) GetFunctionRecursionConfig(ctx context.Context, in *awslambda.GetFunctionRecursionConfigInput) (*awslambda.GetFunctionRecursionConfigOutput, error) {
	id, err := resolveWhole(lambda.CallerFrom(ctx), "GetFunctionRecursionConfig", in.FunctionName)
	if err != nil {
		return nil, err
	}
	f := s.view.function(id)
	if !f.exists {
		return nil, notFound(id.ARN())
	}
	loop := types.RecursiveLoop(firstOf(f.record.value.RecursiveLoop, string(types.RecursiveLoopTerminate)))
	return &awslambda.GetFunctionRecursionConfigOutput{RecursiveLoop: loop}, nil
}

// PutFunctionRecursionConfig sets what happens to a function that calls itself in a
// circle (Lambda API, PutFunctionRecursionConfig).
func (s *Service) PutFunctionRecursionConfig(ctx context.Context, in *awslambda.PutFunctionRecursionConfigInput) (*awslambda.PutFunctionRecursionConfigOutput, error) {
	id, err := resolveWhole(lambda.CallerFrom(ctx), "PutFunctionRecursionConfig", in.FunctionName)
	if err != nil {
		return nil, err
	}
	err = s.edit(ctx, id, func(e *edit) error {
		if !e.f.exists {
			return notFound(id.ARN())
		}
		e.record.RecursiveLoop = string(in.RecursiveLoop)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &awslambda.PutFunctionRecursionConfigOutput{RecursiveLoop: in.RecursiveLoop}, nil
}
