package awsapi

import (
	"net/http"

	"github.com/hearthfaas/hearth/internal/wire"
)

// LambdaErrors is how every exception of Lambda's model looks on the wire: its
// HTTP status and whether AWS spells the text "message" or "Message", which
// differs from exception to exception (Lambda API reference, errors of each
// operation; the spelling is what AWS sends).
var LambdaErrors = table(
	shapes{http.StatusBadRequest, "message", []string{
		"AliasLimitExceededException", "CapacityProviderLimitExceededException", "CodeStorageExceededException",
		"FunctionVersionsPerCapacityProviderLimitExceededException", "InvalidParameterValueException",
		"InvalidRequestContentException", "ModeNotSupportedException", "PolicyLengthExceededException",
	}},
	shapes{http.StatusBadRequest, "Message", []string{
		"CallbackTimeoutException", "CodeVerificationFailedException", "InvalidCodeSignatureException",
		"NoPublishedVersionException", "PublicPolicyException", "RecursiveInvocationException",
		"ResourceInUseException", "SnapStartException",
	}},
	shapes{http.StatusPaymentRequired, "Message", []string{"ServiceQuotaExceededException"}},
	shapes{http.StatusForbidden, "Message", []string{"EFSMountFailureException", "S3FilesMountFailureException"}},
	shapes{http.StatusNotFound, "Message", []string{"CodeSigningConfigNotFoundException", "ResourceNotFoundException"}},
	shapes{http.StatusNotFound, "message", []string{"ProvisionedConcurrencyConfigNotFoundException"}},
	shapes{http.StatusRequestTimeout, "Message", []string{
		"EFSMountConnectivityException", "EFSMountTimeoutException", "S3FilesMountConnectivityException",
		"S3FilesMountTimeoutException", "SnapStartTimeoutException",
	}},
	shapes{http.StatusConflict, "Message", []string{
		"DurableExecutionAlreadyStartedException", "SnapStartNotReadyException", "SnapStartRegenerationFailureException",
	}},
	shapes{http.StatusConflict, "message", []string{
		"CodeArtifactUserDeletedException", "CodeArtifactUserFailedException", "CodeArtifactUserPendingException",
		"ResourceConflictException",
	}},
	shapes{http.StatusGone, "Message", []string{"EFSIOException"}},
	shapes{http.StatusPreconditionFailed, "message", []string{"PreconditionFailedException"}},
	shapes{http.StatusRequestEntityTooLarge, "message", []string{
		"RequestTooLargeException", "SerializedRequestEntityTooLargeException",
	}},
	shapes{http.StatusUnsupportedMediaType, "message", []string{"UnsupportedMediaTypeException"}},
	shapes{http.StatusTooManyRequests, "message", []string{"TooManyRequestsException"}},
	shapes{http.StatusInternalServerError, "Message", []string{"ServiceException"}},
	shapes{http.StatusBadGateway, "Message", []string{
		"EC2AccessDeniedException", "EC2ThrottledException", "EC2UnexpectedException", "ENILimitReachedException",
		"ENINotReadyException", "InvalidRuntimeException", "InvalidSecurityGroupIDException",
		"InvalidSubnetIDException", "InvalidZipFileException", "KMSAccessDeniedException", "KMSDisabledException",
		"KMSInvalidStateException", "KMSNotFoundException", "SubnetIPAddressLimitReachedException",
	}},
	shapes{http.StatusBadGateway, "message", []string{"ResourceNotReadyException"}},
)

// LogsErrors is the same for CloudWatch Logs. Its faults of the caller are all 400,
// those of the front door included, as in every awsJson service.
var LogsErrors = table(
	shapes{http.StatusBadRequest, "message", []string{
		"ConflictException", "DataAlreadyAcceptedException", "InvalidOperationException", "InvalidParameterException",
		"InvalidSequenceTokenException", "LimitExceededException", "MalformedQueryException",
		"OperationAbortedException", "ResourceAlreadyExistsException", "ResourceNotFoundException",
		"ServiceQuotaExceededException", "ThrottlingException", "TooManyTagsException", "ValidationException",

		"ExpiredTokenException", "IncompleteSignatureException", "InvalidSignatureException",
		"MissingAuthenticationTokenException", "SerializationException", "UnknownOperationException",
		"UnrecognizedClientException",
	}},
	shapes{http.StatusBadRequest, "Message", []string{"AccessDeniedException"}},
	shapes{http.StatusInternalServerError, "message", []string{"InternalFailure", "InternalServerException"}},
	shapes{http.StatusServiceUnavailable, "message", []string{"ServiceUnavailableException"}},
)

// IAMErrors is the same for IAM, by the codes that its XML carries.
var IAMErrors = table(
	shapes{http.StatusBadRequest, "", []string{
		"DuplicateSSHPublicKey", "InvalidCertificate", "InvalidInput", "InvalidPublicKey", "InvalidUserType",
		"KeyPairMismatch", "MalformedCertificate", "MalformedPolicyDocument", "OpenIdIdpCommunicationError",
		"PasswordPolicyViolation", "PolicyNotAttachable", "UnmodifiableEntity", "UnrecognizedPublicKeyEncoding",
		"ValidationError",
	}},
	shapes{http.StatusForbidden, "", []string{"AccessDenied", "InvalidAuthenticationCode"}},
	shapes{http.StatusNotFound, "", []string{"NoSuchEntity", "NotSupportedService", "ReportInProgress"}},
	shapes{http.StatusConflict, "", []string{
		"ConcurrentModification", "DeleteConflict", "DuplicateCertificate", "EntityAlreadyExists",
		"EntityTemporarilyUnmodifiable", "LimitExceeded", "ReportGenerationLimitExceeded",
	}},
	shapes{http.StatusGone, "", []string{"ReportExpired", "ReportNotPresent"}},
	shapes{http.StatusInternalServerError, "", []string{"InternalFailure", "PolicyEvaluation", "ServiceFailure"}},
)

// STSErrors is the same for STS.
var STSErrors = table(
	shapes{http.StatusBadRequest, "", []string{
		"ExpiredTokenException", "IDPCommunicationError", "InvalidAuthorizationMessageException",
		"InvalidIdentityToken", "MalformedPolicyDocument", "PackedPolicyTooLarge", "ValidationError",
	}},
	shapes{http.StatusForbidden, "", []string{"AccessDenied", "IDPRejectedClaim", "RegionDisabledException"}},
	shapes{http.StatusInternalServerError, "", []string{"InternalFailure"}},
)

// shapes are the exceptions that share a status and a spelling.
type shapes struct {
	status int
	member string
	codes  []string
}

func table(groups ...shapes) map[string]wire.ErrorShape {
	t := map[string]wire.ErrorShape{}
	for _, g := range groups {
		for _, code := range g.codes {
			t[code] = wire.ErrorShape{Status: g.status, Member: g.member}
		}
	}
	return t
}
