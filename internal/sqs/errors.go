package sqs

import (
	"context"
	"errors"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/queue"
)

// The exception names of SQS in JSON; what the query protocol calls them is the
// model's affair. Two are not in the model: they are of the framework that AWS serves
// SQS with.
const (
	codeInvalidValue     = "InvalidParameterValueException"
	codeMissing          = "MissingRequiredParameterException"
	codeInvalidName      = "InvalidAttributeName"
	codeInvalidAttribute = "InvalidAttributeValue"
	codeAddress          = "InvalidAddress"
	codeNoQueue          = "QueueDoesNotExist"
	codeExists           = "QueueNameExists"
	codeUnsupported      = "UnsupportedOperation"
	codeOverLimit        = "OverLimit"
	codeReceipt          = "ReceiptHandleIsInvalid"
	codeNotInFlight      = "MessageNotInflight"
	codePurging          = "PurgeQueueInProgress"
	codeContents         = "InvalidMessageContents"
	codeNotFound         = "ResourceNotFoundException"

	codeBatchEmpty   = "EmptyBatchRequest"
	codeBatchEntries = "TooManyEntriesInBatchRequest"
	codeBatchTwice   = "BatchEntryIdsNotDistinct"
	codeBatchID      = "InvalidBatchEntryId"
	codeBatchLong    = "BatchRequestTooLong"
)

var (
	errNoQueue = lambda.Errorf(codeNoQueue, "The specified queue does not exist.")
	// errLeft answers a client that is not there any more.
	errLeft = &lambda.Error{Code: "RequestCanceled", Message: "The client has gone.", Status: 499}
)

func invalidValue(format string, args ...any) *lambda.Error {
	return lambda.Errorf(codeInvalidValue, format, args...)
}

// badParameter says why a parameter's value is not valid.
func badParameter(value any, name, reason string) *lambda.Error {
	return invalidValue("Value %v for parameter %s is invalid. Reason: %s", value, name, reason)
}

func missing(name string) *lambda.Error {
	return lambda.Errorf(codeMissing, "The request must contain the parameter %s.", name)
}

func badAttribute(name string) *lambda.Error {
	return lambda.Errorf(codeInvalidAttribute, "Invalid value for the parameter %s.", name)
}

func unknownAttribute(name string) *lambda.Error {
	return lambda.Errorf(codeInvalidName, "Unknown Attribute %s.", name)
}

// shown is an error of the engine as the caller sees it; nil stays nil.
func shown(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, queue.ErrNoQueue):
		return errNoQueue
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return errLeft
	}
	return err
}
