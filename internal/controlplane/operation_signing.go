package controlplane

import (
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/hearthfaas/hearth/internal/wire"
)

// signingOperations are those on code signing configurations.
func (s *Service) signingOperations() []wire.Operation {
	return []wire.Operation{
		op(s, "CreateCodeSigningConfig", s.CreateCodeSigningConfig, nil),
		op(s, "GetCodeSigningConfig", s.GetCodeSigningConfig, func(in *awslambda.GetCodeSigningConfigInput) resource { return arn(in.CodeSigningConfigArn) }),
		op(s, "UpdateCodeSigningConfig", s.UpdateCodeSigningConfig, func(in *awslambda.UpdateCodeSigningConfigInput) resource { return arn(in.CodeSigningConfigArn) }),
		op(s, "DeleteCodeSigningConfig", s.DeleteCodeSigningConfig, func(in *awslambda.DeleteCodeSigningConfigInput) resource { return arn(in.CodeSigningConfigArn) }),
		op(s, "ListCodeSigningConfigs", s.ListCodeSigningConfigs, nil),
		op(s, "ListFunctionsByCodeSigningConfig", s.ListFunctionsByCodeSigningConfig, func(in *awslambda.ListFunctionsByCodeSigningConfigInput) resource {
			return arn(in.CodeSigningConfigArn)
		}),
		op(s, "PutFunctionCodeSigningConfig", s.PutFunctionCodeSigningConfig, func(in *awslambda.PutFunctionCodeSigningConfigInput) resource { return on(in.FunctionName, nil) }),
		op(s, "GetFunctionCodeSigningConfig", s.GetFunctionCodeSigningConfig, func(in *awslambda.GetFunctionCodeSigningConfigInput) resource { return on(in.FunctionName, nil) }),
		op(s, "DeleteFunctionCodeSigningConfig", s.DeleteFunctionCodeSigningConfig, func(in *awslambda.DeleteFunctionCodeSigningConfigInput) resource { return on(in.FunctionName, nil) }),
	}
}
