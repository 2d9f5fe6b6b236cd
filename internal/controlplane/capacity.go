package controlplane

import (
	"context"
	"strings"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/wire"
)

// capacityOperations are those on capacity providers. There is no EC2 to provide
// capacity here: none can be made, so none exists.
func (s *Service) capacityOperations() []wire.Operation {
	return []wire.Operation{
		opOn(s, "CreateCapacityProvider", func(context.Context, *awslambda.CreateCapacityProviderInput) (*awslambda.CreateCapacityProviderOutput, error) {
			return nil, invalid("Capacity providers are not available in this Region.")
		}, func(c lambda.Caller, in *awslambda.CreateCapacityProviderInput) string {
			return capacityARN(c, in.CapacityProviderName)
		}),
		opOn(s, "GetCapacityProvider", func(ctx context.Context, in *awslambda.GetCapacityProviderInput) (*awslambda.GetCapacityProviderOutput, error) {
			return nil, noCapacity(ctx, in.CapacityProviderName)
		}, func(c lambda.Caller, in *awslambda.GetCapacityProviderInput) string {
			return capacityARN(c, in.CapacityProviderName)
		}),
		opOn(s, "UpdateCapacityProvider", func(ctx context.Context, in *awslambda.UpdateCapacityProviderInput) (*awslambda.UpdateCapacityProviderOutput, error) {
			return nil, noCapacity(ctx, in.CapacityProviderName)
		}, func(c lambda.Caller, in *awslambda.UpdateCapacityProviderInput) string {
			return capacityARN(c, in.CapacityProviderName)
		}),
		opOn(s, "DeleteCapacityProvider", func(ctx context.Context, in *awslambda.DeleteCapacityProviderInput) (*awslambda.DeleteCapacityProviderOutput, error) {
			return nil, noCapacity(ctx, in.CapacityProviderName)
		}, func(c lambda.Caller, in *awslambda.DeleteCapacityProviderInput) string {
			return capacityARN(c, in.CapacityProviderName)
		}),
		opOn(s, "ListFunctionVersionsByCapacityProvider", func(ctx context.Context, in *awslambda.ListFunctionVersionsByCapacityProviderInput) (*awslambda.ListFunctionVersionsByCapacityProviderOutput, error) {
			return nil, noCapacity(ctx, in.CapacityProviderName)
		}, func(c lambda.Caller, in *awslambda.ListFunctionVersionsByCapacityProviderInput) string {
			return capacityARN(c, in.CapacityProviderName)
		}),
		op(s, "ListCapacityProviders", func(context.Context, *awslambda.ListCapacityProvidersInput) (*awslambda.ListCapacityProvidersOutput, error) {
			return &awslambda.ListCapacityProvidersOutput{CapacityProviders: []types.CapacityProvider{}}, nil
		}, nil),
	}
}

// capacityARN is the ARN of a capacity provider that a request names by it or by its
// name.
func capacityARN(c lambda.Caller, name *string) string {
	if strings.HasPrefix(value(name), "arn:") {
		return *name
	}
	return "arn:aws:lambda:" + c.Region + ":" + c.Account + ":capacity-provider:" + value(name)
}

func noCapacity(ctx context.Context, name *string) error {
	return lambda.Errorf(lambda.CodeResourceNotFound, "Capacity provider not found: %s", capacityARN(lambda.CallerFrom(ctx), name))
}
