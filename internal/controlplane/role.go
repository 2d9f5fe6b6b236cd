package controlplane

import (
	"context"
	"regexp"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// roleARN is the model's pattern for Role, with the account as its group.
var roleARN = regexp.MustCompile(`^arn:(?:aws[a-zA-Z-]*)?:iam::(\d{12}):role/?[a-zA-Z_0-9+=,.@\-_/]+$`)

// checkRole says whether a function may be given a role: one of its own account,
// that the caller may pass on and that trusts Lambda.
func (s *Service) checkRole(ctx context.Context, id lambda.FunctionID, role string) error {
	m := roleARN.FindStringSubmatch(role)
	if m == nil {
		return lambda.Errorf(lambda.CodeValidation,
			"1 validation error detected: Value '%s' at 'role' failed to satisfy constraint: Member must satisfy regular expression pattern: %s",
			role, `arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+`)
	}
	if m[1] != id.Account {
		return lambda.Errorf(lambda.CodeAccessDenied, "Cross-account pass role is not allowed.")
	}
	if s.cfg.PassRole != nil {
		if err := s.cfg.PassRole(ctx, role); err != nil {
			return err
		}
	}
	return s.cfg.Roles.CanLambdaAssume(ctx, role, id.Account, id.ARN())
}
