package controlplane

import (
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/hearthfaas/hearth/internal/wire"
)

// provisionedOperations are those on provisioned concurrency.
func (s *Service) provisionedOperations() []wire.Operation {
	return []wire.Operation{
		op(s, "PutProvisionedConcurrencyConfig", s.PutProvisionedConcurrencyConfig, func(in *awslambda.PutProvisionedConcurrencyConfigInput) resource {
			return on(in.FunctionName, in.Qualifier)
		}),
		op(s, "GetProvisionedConcurrencyConfig", s.GetProvisionedConcurrencyConfig, func(in *awslambda.GetProvisionedConcurrencyConfigInput) resource {
			return on(in.FunctionName, in.Qualifier)
		}),
		op(s, "DeleteProvisionedConcurrencyConfig", s.DeleteProvisionedConcurrencyConfig, func(in *awslambda.DeleteProvisionedConcurrencyConfigInput) resource {
			return on(in.FunctionName, in.Qualifier)
		}),
		op(s, "ListProvisionedConcurrencyConfigs", s.ListProvisionedConcurrencyConfigs, func(in *awslambda.ListProvisionedConcurrencyConfigsInput) resource {
			return on(in.FunctionName, nil)
		}),
	}
}
