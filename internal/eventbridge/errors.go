package eventbridge

import (
	"github.com/hearthfaas/hearth/internal/lambda"
)

// The exceptions of the API's model; how they look on the wire is the edge's matter.
const (
	codeIllegalStatus  = "IllegalStatusException"
	codeInvalidPattern = "InvalidEventPatternException"
	codeLimit          = "LimitExceededException"
	codePolicyLength   = "PolicyLengthExceededException"
)

// What the API's model says of single members is checked by the edge before an
// operation is called. Here is the rest.

func invalid(format string, args ...any) error {
	return lambda.Errorf(lambda.CodeValidation, format, args...)
}

func missing(format string, args ...any) error {
	return lambda.Errorf(lambda.CodeResourceNotFound, format, args...)
}

func exists(format string, args ...any) error {
	return lambda.Errorf(lambda.CodeResourceAlreadyExists, format, args...)
}

func noBus(name string) error { return missing("Event bus %s does not exist.", name) }

func noRule(name, bus string) error {
	return missing("Rule %s does not exist on EventBus %s.", name, bus)
}

func notServed(what string) error {
	return lambda.Errorf(lambda.CodeNotImplemented, "%s are not available in this installation.", what)
}

var (
	errLimit = lambda.Errorf(codeLimit, "The requested resource exceeds the maximum number allowed.")
	errToken = invalid("The nextToken is not valid.")
	errKMS   = invalid("The KMS key could not be found: there is no key management service in this installation.")
)
