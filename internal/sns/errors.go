package sns

import "github.com/hearthfaas/hearth/internal/lambda"

// The exceptions of the API's model; the edge knows their codes on the wire.
const (
	codeAuthorization      = "AuthorizationErrorException"
	codeIDsNotDistinct     = "BatchEntryIdsNotDistinctException"
	codeBatchTooLong       = "BatchRequestTooLongException"
	codeEmptyBatch         = "EmptyBatchRequestException"
	codeFilterPolicyLimit  = "FilterPolicyLimitExceededException"
	codeInvalidBatchID     = "InvalidBatchEntryIdException"
	codeInvalidParameter   = lambda.CodeInvalidParameter
	codeInvalidValue       = lambda.CodeInvalidParameterValue
	codeNotFound           = "NotFoundException"
	codeResourceNotFound   = lambda.CodeResourceNotFound
	codeSubscriptionLimit  = "SubscriptionLimitExceededException"
	codeTagLimit           = "TagLimitExceededException"
	codeTooManyEntries     = "TooManyEntriesInBatchRequestException"
	codeTopicLimitExceeded = "TopicLimitExceededException"
)

// invalid is AWS's usual refusal of a parameter.
func invalid(format string, args ...any) error {
	return lambda.Errorf(codeInvalidParameter, "Invalid parameter: "+format, args...)
}

// invalidValue is the refusal of a message attribute.
func invalidValue(format string, args ...any) error {
	return lambda.Errorf(codeInvalidValue, format, args...)
}

var (
	errNoTopic        = lambda.Errorf(codeNotFound, "Topic does not exist")
	errNoSubscription = lambda.Errorf(codeNotFound, "Subscription does not exist")
	errNoResource     = lambda.Errorf(codeResourceNotFound, "Resource does not exist")
	errNotYours       = lambda.Errorf(codeAuthorization, "Not authorized")
)
