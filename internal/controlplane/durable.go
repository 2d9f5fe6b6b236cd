package controlplane

import (
	"context"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/wire"
)

// durableOperations are those on durable executions. A function cannot be made
// durable here, so there are no executions: lists are empty, and whatever names one
// gets AWS's answer for one that does not exist.
func (s *Service) durableOperations() []wire.Operation {
	type in = awslambda.ListDurableExecutionsByFunctionInput
	return []wire.Operation{
		op(s, "ListDurableExecutionsByFunction", s.ListDurableExecutionsByFunction, func(in *in) resource { return on(in.FunctionName, in.Qualifier) }),
		op(s, "GetDurableExecution", func(_ context.Context, in *awslambda.GetDurableExecutionInput) (*awslambda.GetDurableExecutionOutput, error) {
			return nil, noExecution(in.DurableExecutionArn)
		}, func(in *awslambda.GetDurableExecutionInput) resource { return arn(in.DurableExecutionArn) }),
		op(s, "GetDurableExecutionHistory", func(_ context.Context, in *awslambda.GetDurableExecutionHistoryInput) (*awslambda.GetDurableExecutionHistoryOutput, error) {
			return nil, noExecution(in.DurableExecutionArn)
		}, func(in *awslambda.GetDurableExecutionHistoryInput) resource { return arn(in.DurableExecutionArn) }),
		op(s, "StopDurableExecution", func(_ context.Context, in *awslambda.StopDurableExecutionInput) (*awslambda.StopDurableExecutionOutput, error) {
			return nil, noExecution(in.DurableExecutionArn)
		}, func(in *awslambda.StopDurableExecutionInput) resource { return arn(in.DurableExecutionArn) }),
		op(s, "GetDurableExecutionState", func(context.Context, *awslambda.GetDurableExecutionStateInput) (*awslambda.GetDurableExecutionStateOutput, error) {
			return nil, errCheckpointToken
		}, func(in *awslambda.GetDurableExecutionStateInput) resource { return arn(in.DurableExecutionArn) }),
		op(s, "CheckpointDurableExecution", func(context.Context, *awslambda.CheckpointDurableExecutionInput) (*awslambda.CheckpointDurableExecutionOutput, error) {
			return nil, errCheckpointToken
		}, func(in *awslambda.CheckpointDurableExecutionInput) resource { return arn(in.DurableExecutionArn) }),
		op(s, "SendDurableExecutionCallbackSuccess", func(context.Context, *awslambda.SendDurableExecutionCallbackSuccessInput) (*awslambda.SendDurableExecutionCallbackSuccessOutput, error) {
			return nil, errNoCallback
		}, nil),
		op(s, "SendDurableExecutionCallbackFailure", func(context.Context, *awslambda.SendDurableExecutionCallbackFailureInput) (*awslambda.SendDurableExecutionCallbackFailureOutput, error) {
			return nil, errNoCallback
		}, nil),
		op(s, "SendDurableExecutionCallbackHeartbeat", func(context.Context, *awslambda.SendDurableExecutionCallbackHeartbeatInput) (*awslambda.SendDurableExecutionCallbackHeartbeatOutput, error) {
			return nil, errNoCallback
		}, nil),
	}
}

// errCheckpointToken is what the two operations answer that know no missing
// execution: a token belongs to one.
var (
	errCheckpointToken = invalid("The provided checkpoint token is invalid.")
	errNoCallback      = lambda.Errorf(lambda.CodeResourceNotFound, "Callback not found.")
)

func noExecution(arn *string) error {
	return lambda.Errorf(lambda.CodeResourceNotFound, "Durable execution not found: %s", value(arn))
}

// ListDurableExecutionsByFunction shows that a function has no durable executions
// (Lambda API, ListDurableExecutionsByFunction).
func (s *Service) ListDurableExecutionsByFunction(ctx context.Context, in *awslambda.ListDurableExecutionsByFunctionInput) (*awslambda.ListDurableExecutionsByFunctionOutput, error) {
	if _, _, err := s.find(ctx, "ListDurableExecutionsByFunction", in.FunctionName, in.Qualifier); err != nil {
		return nil, err
	}
	return &awslambda.ListDurableExecutionsByFunctionOutput{DurableExecutions: []types.Execution{}}, nil
}
