package controlplane

import (
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/hearthfaas/hearth/internal/wire"
)

// policyOperations are those on whole resource policies.
func (s *Service) policyOperations() []wire.Operation {
	return []wire.Operation{
		op(s, "GetResourcePolicy", s.GetResourcePolicy, func(in *awslambda.GetResourcePolicyInput) resource { return arn(in.ResourceArn) }),
		op(s, "PutResourcePolicy", s.PutResourcePolicy, func(in *awslambda.PutResourcePolicyInput) resource { return arn(in.ResourceArn) }),
		op(s, "DeleteResourcePolicy", s.DeleteResourcePolicy, func(in *awslambda.DeleteResourcePolicyInput) resource { return arn(in.ResourceArn) }),
	}
}

// scalingOperations are those on the number of environments.
func (s *Service) scalingOperations() []wire.Operation {
	return []wire.Operation{
		op(s, "PutFunctionScalingConfig", s.PutFunctionScalingConfig, func(in *awslambda.PutFunctionScalingConfigInput) resource { return on(in.FunctionName, in.Qualifier) }),
		op(s, "GetFunctionScalingConfig", s.GetFunctionScalingConfig, func(in *awslambda.GetFunctionScalingConfigInput) resource { return on(in.FunctionName, in.Qualifier) }),
	}
}
