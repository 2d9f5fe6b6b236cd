package controlplane

import "github.com/hearthfaas/hearth/internal/lambda"

// AWS's texts that more than one operation answers with (recorded responses of the
// Lambda API).
const (
	msgFunctionNotFound  = "Function not found: %s"
	msgResourceNotFound  = "The resource you requested does not exist."
	msgAliasNotFound     = "Cannot find alias arn: %s"
	msgUpdateInProgress  = "The operation cannot be performed at this time. An update is in progress for resource: %s"
	msgFunctionState     = "The operation cannot be performed at this time. The function is currently in the following state: %s"
	msgRevision          = "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id"
	msgPolicyRevision    = "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve the latest Revision Id"
	msgFunctionsOnly     = "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN."
	msgBeingCreated      = "The function is being created."
	msgNoSuchLayer       = "Layer version %s does not exist."
	msgNoSuchCodeSigning = "The code signing configuration cannot be found. Check that the provided configuration is not deleted: %s."
)

// The codes of the state machine (StateReasonCode, LastUpdateStatus and their
// values in the Lambda API).
const (
	codeCreating      = "Creating"
	codeInternalError = "InternalError"
	codeInvalidZip    = "InvalidZipFileException"

	updateInProgress = "InProgress"
	updateSuccessful = "Successful"
	updateFailed     = "Failed"
)

func notFound(arn string) *lambda.Error {
	return lambda.Errorf(lambda.CodeResourceNotFound, msgFunctionNotFound, arn)
}

func invalid(format string, args ...any) *lambda.Error {
	return lambda.Errorf(lambda.CodeInvalidParameterValue, format, args...)
}

// value is what p points to, or the zero value.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
