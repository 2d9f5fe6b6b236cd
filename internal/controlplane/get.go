package controlplane

import (
	"context"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// find resolves a request's function and the version that it means.
func (s *Service) find(ctx context.Context, op string, name, qualifier *string) (*function, selected, error) {
	id, q, err := resolve(lambda.CallerFrom(ctx), op, name, qualifier)
	if err != nil {
		return nil, selected{}, err
	}
	f := s.view.function(id)
	v, err := f.choose(q)
	return f, v, err
}

// GetFunction shows a version's configuration and where its package can be fetched
// for the next LinkAge (Lambda API, GetFunction).
func (s *Service) GetFunction(ctx context.Context, in *awslambda.GetFunctionInput) (*awslambda.GetFunctionOutput, error) {
	f, v, err := s.find(ctx, "GetFunction", in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	out := &awslambda.GetFunctionOutput{
		Configuration: render(f.id, v.label, v.qualifier, v.record, inFull),
		Code:          &types.FunctionCodeLocation{RepositoryType: new("S3")},
	}
	if s.cfg.CodeURL != nil {
		out.Code.Location = new(s.cfg.CodeURL(lambda.CallerFrom(ctx).BaseURL, v.record.Settings.Code.Digest))
	}
	if len(f.record.value.Tags) > 0 {
		out.Tags = f.record.value.Tags
	}
	if f.reserved != nil {
		out.Concurrency = &types.Concurrency{ReservedConcurrentExecutions: new(int32(*f.reserved))}
	}
	return out, nil
}

// GetFunctionConfiguration shows a version's configuration (Lambda API,
// GetFunctionConfiguration).
func (s *Service) GetFunctionConfiguration(ctx context.Context, in *awslambda.GetFunctionConfigurationInput) (*awslambda.GetFunctionConfigurationOutput, error) {
	f, v, err := s.find(ctx, "GetFunctionConfiguration", in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	return as[awslambda.GetFunctionConfigurationOutput](render(f.id, v.label, v.qualifier, v.record, inFull)), nil
}
