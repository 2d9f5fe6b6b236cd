package logs

import (
	"fmt"
	"regexp"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// What the API's model says of single members (presence, length, pattern, range) is
// checked by the edge before an operation is called. Here is the rest.

// groupNamePattern is what a group's name looks like (API model, LogGroupName).
var groupNamePattern = regexp.MustCompile(`^[.\-_/#A-Za-z0-9]+$`)

// violation is an InvalidParameterException about one member, in the words of
// those that the edge makes of the model.
func violation(value any, field, must string) error {
	return invalid("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: %s", fmt.Sprint(value), field, must)
}

func invalid(format string, args ...any) error {
	return lambda.Errorf(lambda.CodeInvalidParameter, format, args...)
}

var (
	errNoGroup      = lambda.Errorf(lambda.CodeResourceNotFound, "The specified log group does not exist.")
	errNoStream     = lambda.Errorf(lambda.CodeResourceNotFound, "The specified log stream does not exist.")
	errNoResource   = lambda.Errorf(lambda.CodeResourceNotFound, "The specified resource does not exist.")
	errGroupExists  = lambda.Errorf(lambda.CodeResourceAlreadyExists, "The specified log group already exists")
	errStreamExists = lambda.Errorf(lambda.CodeResourceAlreadyExists, "The specified log stream already exists")
	errBadToken     = lambda.Errorf(lambda.CodeInvalidParameter, "The specified nextToken is invalid.")
)
