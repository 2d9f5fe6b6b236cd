package controlplane

import (
	"context"
	"slices"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/wire"
)

// API is the Lambda API as the edge serves it, Invoke apart. Requests wait until
// the state is loaded. How errors look on the wire is the edge's to fill in.
func (s *Service) API() *wire.Service {
	return &wire.Service{
		Name:     "lambda",
		Protocol: wire.RestJSON1,
		Operations: slices.Concat([]wire.Operation{
			op(s, "CreateFunction", s.CreateFunction, func(in *awslambda.CreateFunctionInput) resource { return on(in.FunctionName, nil) }),
			op(s, "GetFunction", s.GetFunction, func(in *awslambda.GetFunctionInput) resource { return on(in.FunctionName, in.Qualifier) }),
			op(s, "GetFunctionConfiguration", s.GetFunctionConfiguration, func(in *awslambda.GetFunctionConfigurationInput) resource { return on(in.FunctionName, in.Qualifier) }),
			op(s, "ListFunctions", s.ListFunctions, nil),
			op(s, "UpdateFunctionCode", s.UpdateFunctionCode, func(in *awslambda.UpdateFunctionCodeInput) resource { return on(in.FunctionName, nil) }),
			op(s, "UpdateFunctionConfiguration", s.UpdateFunctionConfiguration, func(in *awslambda.UpdateFunctionConfigurationInput) resource { return on(in.FunctionName, nil) }),
			op(s, "DeleteFunction", s.DeleteFunction, func(in *awslambda.DeleteFunctionInput) resource { return on(in.FunctionName, in.Qualifier) }),
			op(s, "TagResource", s.TagResource, func(in *awslambda.TagResourceInput) resource { return arn(in.Resource) }),
			op(s, "UntagResource", s.UntagResource, func(in *awslambda.UntagResourceInput) resource { return arn(in.Resource) }),
			op(s, "ListTags", s.ListTags, func(in *awslambda.ListTagsInput) resource { return arn(in.Resource) }),
			op(s, "PublishVersion", s.PublishVersion, func(in *awslambda.PublishVersionInput) resource { return on(in.FunctionName, nil) }),
			op(s, "ListVersionsByFunction", s.ListVersionsByFunction, func(in *awslambda.ListVersionsByFunctionInput) resource { return on(in.FunctionName, nil) }),
			op(s, "CreateAlias", s.CreateAlias, func(in *awslambda.CreateAliasInput) resource { return on(in.FunctionName, nil) }),
			op(s, "GetAlias", s.GetAlias, func(in *awslambda.GetAliasInput) resource { return on(in.FunctionName, nil) }),
			op(s, "UpdateAlias", s.UpdateAlias, func(in *awslambda.UpdateAliasInput) resource { return on(in.FunctionName, nil) }),
			op(s, "DeleteAlias", s.DeleteAlias, func(in *awslambda.DeleteAliasInput) resource { return on(in.FunctionName, nil) }),
			op(s, "ListAliases", s.ListAliases, func(in *awslambda.ListAliasesInput) resource { return on(in.FunctionName, nil) }),
			op(s, "PutFunctionConcurrency", s.PutFunctionConcurrency, func(in *awslambda.PutFunctionConcurrencyInput) resource { return on(in.FunctionName, nil) }),
			op(s, "GetFunctionConcurrency", s.GetFunctionConcurrency, func(in *awslambda.GetFunctionConcurrencyInput) resource { return on(in.FunctionName, nil) }),
			op(s, "DeleteFunctionConcurrency", s.DeleteFunctionConcurrency, func(in *awslambda.DeleteFunctionConcurrencyInput) resource { return on(in.FunctionName, nil) }),
			op(s, "GetAccountSettings", s.GetAccountSettings, nil),
			op(s, "AddPermission", s.AddPermission, func(in *awslambda.AddPermissionInput) resource { return on(in.FunctionName, in.Qualifier) }),
			op(s, "RemovePermission", s.RemovePermission, func(in *awslambda.RemovePermissionInput) resource { return on(in.FunctionName, in.Qualifier) }),
			op(s, "GetPolicy", s.GetPolicy, func(in *awslambda.GetPolicyInput) resource { return on(in.FunctionName, in.Qualifier) }),
			op(s, "PutFunctionEventInvokeConfig", s.PutFunctionEventInvokeConfig, func(in *awslambda.PutFunctionEventInvokeConfigInput) resource {
				return on(in.FunctionName, in.Qualifier)
			}),
			op(s, "UpdateFunctionEventInvokeConfig", s.UpdateFunctionEventInvokeConfig, func(in *awslambda.UpdateFunctionEventInvokeConfigInput) resource {
				return on(in.FunctionName, in.Qualifier)
			}),
			op(s, "GetFunctionEventInvokeConfig", s.GetFunctionEventInvokeConfig, func(in *awslambda.GetFunctionEventInvokeConfigInput) resource {
				return on(in.FunctionName, in.Qualifier)
			}),
			op(s, "DeleteFunctionEventInvokeConfig", s.DeleteFunctionEventInvokeConfig, func(in *awslambda.DeleteFunctionEventInvokeConfigInput) resource {
				return on(in.FunctionName, in.Qualifier)
			}),
			op(s, "ListFunctionEventInvokeConfigs", s.ListFunctionEventInvokeConfigs, func(in *awslambda.ListFunctionEventInvokeConfigsInput) resource { return on(in.FunctionName, nil) }),
			op(s, "GetRuntimeManagementConfig", s.GetRuntimeManagementConfig, func(in *awslambda.GetRuntimeManagementConfigInput) resource { return on(in.FunctionName, in.Qualifier) }),
			op(s, "PutRuntimeManagementConfig", s.PutRuntimeManagementConfig, func(in *awslambda.PutRuntimeManagementConfigInput) resource { return on(in.FunctionName, in.Qualifier) }),
			op(s, "GetFunctionRecursionConfig", s.GetFunctionRecursionConfig, func(in *awslambda.GetFunctionRecursionConfigInput) resource { return on(in.FunctionName, nil) }),
			op(s, "PutFunctionRecursionConfig", s.PutFunctionRecursionConfig, func(in *awslambda.PutFunctionRecursionConfigInput) resource { return on(in.FunctionName, nil) }),
		},
			s.mappingOperations(),
			s.layerOperations(),
			s.urlOperations(),
			s.signingOperations(),
			s.provisionedOperations(),
			s.policyOperations(),
			s.scalingOperations(),
			s.durableOperations(),
			s.capacityOperations(),
		),
	}
}

// resource is what a request acts on.
type resource struct {
	arn             *string // as it is, when not nil
	name, qualifier *string
}

func on(name, qualifier *string) resource { return resource{name: name, qualifier: qualifier} }

func arn(given *string) resource { return resource{arn: given} }

// op makes a wire.Operation on a function that waits for the state to be loaded.
func op[In, Out any](s *Service, name string, call func(context.Context, *In) (*Out, error), of func(*In) resource) wire.Operation {
	if of == nil {
		return opOn(s, name, call, nil)
	}
	o := opOn(s, name, call, func(c lambda.Caller, in *In) string {
		r := of(in)
		if r.arn != nil {
			return *r.arn
		}
		return resourceARN(c, r.name, r.qualifier)
	})
	o.OwnAccount = !slices.Contains(crossAccount, name)
	return o
}

// opOn is op for an operation on something else than a function.
func opOn[In, Out any](s *Service, name string, call func(context.Context, *In) (*Out, error), resourceOf func(lambda.Caller, *In) string) wire.Operation {
	return wire.Op(name, func(ctx context.Context, in *In) (*Out, error) {
		if err := s.awaitReady(ctx); err != nil {
			return nil, err
		}
		return call(ctx, in)
	}, resourceOf)
}
