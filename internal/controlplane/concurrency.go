package controlplane

import (
	"context"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// PutFunctionConcurrency reserves a part of the account's concurrency for a
// function (Lambda API, PutFunctionConcurrency).
func (s *Service) PutFunctionConcurrency(ctx context.Context, in *awslambda.PutFunctionConcurrencyInput) (*awslambda.PutFunctionConcurrencyOutput, error) {
	n := int(value(in.ReservedConcurrentExecutions))
	err := s.reserveConcurrency(ctx, "PutFunctionConcurrency", in.FunctionName, &n)
	if err != nil {
		return nil, err
	}
	return &awslambda.PutFunctionConcurrencyOutput{ReservedConcurrentExecutions: new(int32(n))}, nil
}

// DeleteFunctionConcurrency gives a function's reserved concurrency back (Lambda
// API, DeleteFunctionConcurrency).
func (s *Service) DeleteFunctionConcurrency(ctx context.Context, in *awslambda.DeleteFunctionConcurrencyInput) (*awslambda.DeleteFunctionConcurrencyOutput, error) {
	if err := s.reserveConcurrency(ctx, "DeleteFunctionConcurrency", in.FunctionName, nil); err != nil {
		return nil, err
	}
	return &awslambda.DeleteFunctionConcurrencyOutput{}, nil
}

// GetFunctionConcurrency shows a function's reserved concurrency, if it has one
// (Lambda API, GetFunctionConcurrency).
func (s *Service) GetFunctionConcurrency(ctx context.Context, in *awslambda.GetFunctionConcurrencyInput) (*awslambda.GetFunctionConcurrencyOutput, error) {
	id, err := resolveWhole(lambda.CallerFrom(ctx), "GetFunctionConcurrency", in.FunctionName)
	if err != nil {
		return nil, err
	}
	f := s.view.function(id)
	if !f.exists {
		return nil, notFound(id.ARN())
	}
	out := &awslambda.GetFunctionConcurrencyOutput{}
	if f.reserved != nil {
		out.ReservedConcurrentExecutions = new(int32(*f.reserved))
	}
	return out, nil
}

// resolveWhole is resolve for operations that refuse every qualifier.
func resolveWhole(c lambda.Caller, op string, name *string) (lambda.FunctionID, error) {
	id, q, err := resolve(c, op, name, nil)
	if err == nil && q != "" {
		err = invalid(msgFunctionsOnly)
	}
	return id, err
}

func (s *Service) reserveConcurrency(ctx context.Context, op string, name *string, n *int) error {
	id, err := resolveWhole(lambda.CallerFrom(ctx), op, name)
	if err != nil {
		return err
	}
	return s.edit(ctx, id, func(e *edit) error {
		if !e.f.exists {
			return notFound(id.ARN())
		}
		if n == nil && e.f.reserved == nil {
			e.nothing = true
			return nil
		}
		return e.setReservation(n, func(others, before int) error {
			if n == nil {
				return nil
			}
			if total := totalOf(e.f.provisioned); *n < total {
				err := invalid(" ReservedConcurrentExecutions  %d should not be lower than function's total provisioned concurrency [%d].", *n, total)
				err.Bare = true
				return err
			}
			return checkReservation(s.cfg.AccountConcurrency, others, before, *n)
		})
	})
}

// checkReservation keeps lambda.UnreservedConcurrencyMin of an account's concurrency
// for functions without a reservation. Lowering a reservation is always allowed.
func checkReservation(account, others, before, n int) error {
	if n <= before || n == 0 || account-others-n >= lambda.UnreservedConcurrencyMin {
		return nil
	}
	err := invalid("Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [%d].",
		lambda.UnreservedConcurrencyMin)
	err.Bare = true
	return err
}

// GetAccountSettings shows the account's limits and what is used of them (Lambda
// API, GetAccountSettings).
func (s *Service) GetAccountSettings(ctx context.Context, _ *awslambda.GetAccountSettingsInput) (*awslambda.GetAccountSettingsOutput, error) {
	c := lambda.CallerFrom(ctx)
	s.view.mu.RLock()
	defer s.view.mu.RUnlock()
	r := s.view.regions[home{c.Account, c.Region}]
	if r == nil {
		r = &region{}
	}
	return &awslambda.GetAccountSettingsOutput{
		AccountLimit: &types.AccountLimit{
			TotalCodeSize:                  lambda.CodeStorageMax,
			CodeSizeUnzipped:               lambda.UnzippedMax,
			CodeSizeZipped:                 lambda.ZipMax,
			ConcurrentExecutions:           int32(s.cfg.AccountConcurrency),
			UnreservedConcurrentExecutions: new(int32(s.cfg.AccountConcurrency - r.reservations.value.reserved())),
		},
		AccountUsage: &types.AccountUsage{
			TotalCodeSize: r.codeBytes,
			FunctionCount: int64(len(r.names)),
		},
	}, nil
}
