package lambda

import "fmt"

// Error is what went wrong with a request, written for the caller who sent it.
// Which HTTP status and which spelling of the message member a code has on the
// wire is decided by the edge, in one table for each service.
type Error struct {
	// Code is AWS's exception name, such as "ResourceNotFoundException".
	Code string
	// Message is AWS's text where AWS has one.
	Message string
	// Reason is the enumerated cause that a few exceptions carry beside the
	// message, such as a throttle's "ConcurrentInvocationLimitExceeded".
	Reason string
	// Bare leaves the member Type out of the body, as AWS does for some texts of
	// an exception that otherwise has it.
	Bare bool
	// Status overrides the HTTP status of the table; 0 keeps the table's.
	Status int
	// Authorization is the account of a refusal that only an account's own
	// sts:DecodeAuthorizationMessage can read; empty for other errors.
	Authorization string
	// Detail is the AWS SDK's own struct of the exception, where that has members beside
	// the message which the answer is to carry (a cancelled transaction's reasons).
	Detail any
}

// Error prints the code and the message, for logs and for Go callers.
func (e *Error) Error() string {
	if e.Message == "" {
		return e.Code
	}
	return e.Code + ": " + e.Message
}

// Errorf makes an Error with a formatted message.
func Errorf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// The exception names that more than one component raises.
const (
	CodeAccessDenied            = "AccessDeniedException"
	CodeInvalidParameterValue   = "InvalidParameterValueException"
	CodeInvalidRequestContent   = "InvalidRequestContentException"
	CodePreconditionFailed      = "PreconditionFailedException"
	CodeRequestEntityTooLarge   = "RequestEntityTooLargeException"
	CodeResourceConflict        = "ResourceConflictException"
	CodeResourceNotFound        = "ResourceNotFoundException"
	CodeService                 = "ServiceException"
	CodeTooManyRequests         = "TooManyRequestsException"
	CodeUnknownOperation        = "UnknownOperationException"
	CodeValidation              = "ValidationException"
	CodeResourceAlreadyExists   = "ResourceAlreadyExistsException"
	CodeInvalidParameter        = "InvalidParameterException"
	CodeNotImplemented          = "NotImplementedException"
	CodeCodeStorageExceeded     = "CodeStorageExceededException"
	CodeSerialization           = "SerializationException"
	CodeMissingAuthentication   = "MissingAuthenticationTokenException"
	CodeUnrecognizedClient      = "UnrecognizedClientException"
	CodeInvalidSignature        = "InvalidSignatureException"
	CodeExpiredToken            = "ExpiredTokenException"
	CodeIncompleteSignature     = "IncompleteSignatureException"
	CodeRuntimeNotAvailableHere = CodeInvalidParameterValue
)

// ThrottleReason is the member Reason of TooManyRequestsException.
type ThrottleReason = string

// The reasons that AWS documents (contract part 7.1).
const (
	ReasonConcurrentInvocationLimit           ThrottleReason = "ConcurrentInvocationLimitExceeded"
	ReasonReservedConcurrentInvocationLimit   ThrottleReason = "ReservedFunctionConcurrentInvocationLimitExceeded"
	ReasonFunctionInvocationRateLimit         ThrottleReason = "FunctionInvocationRateLimitExceeded"
	ReasonReservedFunctionInvocationRateLimit ThrottleReason = "ReservedFunctionInvocationRateLimitExceeded"
	ReasonCallerRateLimit                     ThrottleReason = "CallerRateLimitExceeded"
)

// Throttled is the 429 of an invoke, with AWS's exact message.
func Throttled(reason ThrottleReason) *Error {
	return &Error{Code: CodeTooManyRequests, Message: "Rate Exceeded.", Reason: reason}
}
