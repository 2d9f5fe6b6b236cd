package controlplane

import (
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/hearthfaas/hearth/internal/wire"
)

// urlOperations are those on the configuration of function URLs.
func (s *Service) urlOperations() []wire.Operation {
	return []wire.Operation{
		op(s, "CreateFunctionUrlConfig", s.CreateFunctionUrlConfig, func(in *awslambda.CreateFunctionUrlConfigInput) resource {
			return on(in.FunctionName, in.Qualifier)
		}),
		op(s, "GetFunctionUrlConfig", s.GetFunctionUrlConfig, func(in *awslambda.GetFunctionUrlConfigInput) resource {
			return on(in.FunctionName, in.Qualifier)
		}),
		op(s, "UpdateFunctionUrlConfig", s.UpdateFunctionUrlConfig, func(in *awslambda.UpdateFunctionUrlConfigInput) resource {
			return on(in.FunctionName, in.Qualifier)
		}),
		op(s, "DeleteFunctionUrlConfig", s.DeleteFunctionUrlConfig, func(in *awslambda.DeleteFunctionUrlConfigInput) resource {
			return on(in.FunctionName, in.Qualifier)
		}),
		op(s, "ListFunctionUrlConfigs", s.ListFunctionUrlConfigs, func(in *awslambda.ListFunctionUrlConfigsInput) resource {
			return on(in.FunctionName, nil)
		}),
	}
}
