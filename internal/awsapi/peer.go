package awsapi

import (
	"context"
	"errors"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// The answers of Identities.Lookup for keys that cannot sign.
var (
	// ErrUnknownKey says that no such access key exists, that it is inactive, or
	// that the session token does not belong to it.
	ErrUnknownKey = errors.New("unknown access key")
	// ErrExpired says that the key belongs to a session that has ended.
	ErrExpired = errors.New("expired session")
)

// Identities knows access keys.
type Identities interface {
	// Lookup returns the secret and the identity behind an access key.
	// sessionToken is what the request carried, empty if none. Errors are
	// ErrUnknownKey, ErrExpired, or a fault of Hearth's own.
	Lookup(ctx context.Context, accessKeyID, sessionToken string) (Identity, error)
}

// Identity is what an access key proves.
type Identity struct {
	SecretAccessKey string
	// Caller has Kind, Account, ARN, UserID, RoleARN and AccessKeyID; the edge
	// fills in what belongs to the request.
	Caller lambda.Caller
}

// Authorizer says whether a caller may do something.
type Authorizer interface {
	// AuthorizeOperation returns nil when c may perform action (such as
	// "lambda:GetFunction") on resource (an ARN or "*"). in is the operation's input,
	// for the condition keys that it has values for. A refusal is a *lambda.Error with
	// AWS's text; any other error is a fault of Hearth's own.
	AuthorizeOperation(ctx context.Context, c lambda.Caller, action, resource string, in any) error
}

// Invoker carries out the Invoke API. It resolves the name, asks for the
// permission, and decides about payload sizes.
type Invoker interface {
	// Invoke returns how the invocation ended. A function that failed is an
	// output, not an error; refusals are *lambda.Error.
	Invoke(ctx context.Context, in InvokeInput) (InvokeOutput, error)
	// InvokeStream passes the answer to sink as it comes. The output has the error of
	// a function that failed, also after some bytes; refusals leave the sink untouched.
	InvokeStream(ctx context.Context, in InvokeInput, sink lambda.Sink) (InvokeOutput, error)
}

// InvokeInput is one Invoke request as the caller sent it.
type InvokeInput struct {
	Caller lambda.Caller
	// FunctionName is the path label, percent-decoded, in any form AWS accepts.
	FunctionName string
	// Qualifier is the query parameter, empty if none.
	Qualifier string
	// Type is the X-Amz-Invocation-Type as sent; RequestResponse when absent. The
	// invoker refuses values that are not one of the API's.
	Type lambda.InvocationType
	// LogType is the X-Amz-Log-Type as sent: "", "None" or "Tail".
	LogType string
	// ClientContext is the X-Amz-Client-Context as sent: base64.
	ClientContext string
	// TraceID is the X-Amzn-Trace-Id as sent, empty if none.
	TraceID string
	// TenantID is the X-Amz-Tenant-Id as sent, empty if none.
	TenantID string
	// Payload is the body. It belongs to the invoker from here on; the edge does
	// not touch it again.
	Payload []byte
	// Carried stands in for the payload when another process of this Hearth holds it.
	Carried *lambda.Carried
}

// InvokeOutput is the answer to an Invoke request.
type InvokeOutput struct {
	// Status is 200, 202 (Event) or 204 (DryRun).
	Status int
	Result lambda.Result
	// ExecutedVersion is the version that ran, empty for Event.
	ExecutedVersion string
	// TraceID goes out as X-Amzn-Trace-Id; empty sends none.
	TraceID string
}
