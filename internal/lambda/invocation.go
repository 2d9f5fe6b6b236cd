package lambda

import (
	"errors"
	"iter"
	"time"
)

// ErrNotDelivered says that the platform failed before the function saw anything of an
// event: it may be tried again elsewhere.
var ErrNotDelivered = errors.New("the event was not delivered to the function")

// InvocationType is the X-Amz-Invocation-Type of an invoke.
type InvocationType string

// The invocation types of the Invoke API.
const (
	RequestResponse InvocationType = "RequestResponse"
	Event           InvocationType = "Event"
	DryRun          InvocationType = "DryRun"
)

// Invocation is one event on its way into an execution environment. Its payload
// is the caller's bytes and is never parsed or copied on the way.
type Invocation struct {
	RequestID RequestID
	// Start is when the Invoke phase began; the environment's owner sets it and
	// the deadline together.
	Start    time.Time
	Deadline time.Time
	// InvokedFunctionARN is the ARN as the caller wrote it: with the alias or
	// version when one was given, otherwise unqualified.
	InvokedFunctionARN string
	TraceID            string
	// ClientContext is the decoded JSON of X-Amz-Client-Context, or empty.
	ClientContext string
	// TenantID is the tenant that the caller named in X-Amz-Tenant-Id, or empty.
	TenantID string
	Payload  []byte
	// Tail asks for the last LogTailMax bytes of this invocation's log.
	Tail bool
	// Sink takes the answer of a runtime that streams it, when it is not nil; Result
	// then has no Payload on success. Without a Sink such an answer is collected.
	Sink Sink
	// Carrier holds the payload when another process does; nil otherwise.
	Carrier Carrier
}

// Result is how an invocation ended. A failed function is a Result, not a Go
// error: Go errors are for the platform's own faults.
type Result struct {
	// Payload is the bytes that the runtime posted, or the platform's error JSON. It
	// is empty when they went to the invocation's Sink.
	Payload []byte
	// FunctionError is empty on success and "Unhandled" otherwise.
	FunctionError string
	// ErrorType is the error's type as it appears in the REPORT line, such as
	// "Runtime.ExitError" or "Sandbox.Timedout"; empty on success.
	ErrorType string
	// LogTail is the end of this invocation's log, when the caller asked for it.
	LogTail []byte
	// ColdStart has the parts of the cold start that this invoke waited for; nil on
	// a warm start.
	ColdStart *ColdStart
}

// ColdStart is how long each step took from nothing to an environment that is ready
// for its first event. A step that was not taken is 0.
type ColdStart struct {
	Place   time.Duration // until a worker was found, others making way for it included
	Fetch   time.Duration // the package, from the blob store to the worker
	Unpack  time.Duration // the package, into the worker's code cache
	Wait    time.Duration // for the host's processors, while it makes other environments
	Sandbox time.Duration // the isolated environment: root, limits, network
	// Assign stands in the place of Sandbox and Runtime when the environment was made
	// ahead: its files and its memory limit.
	Assign time.Duration
	// Runtime is the boot of the runtime, where Hearth's own tells its end. Init has it.
	Runtime time.Duration
	Init    time.Duration // the runtime's boot and the function's static code
}

// Parts goes through the steps in their order, with their names in headers and metrics.
// They do not overlap: what Init says of the runtime's boot is not counted twice.
func (c *ColdStart) Parts() iter.Seq2[string, time.Duration] {
	return func(yield func(string, time.Duration) bool) {
		_ = yield("place", c.Place) && yield("fetch", c.Fetch) && yield("unpack", c.Unpack) && yield("wait", c.Wait) &&
			yield("sandbox", c.Sandbox) && yield("assign", c.Assign) && yield("runtime", c.Runtime) && yield("init", c.Init-c.Runtime)
	}
}

// Unhandled is the only X-Amz-Function-Error that AWS sends today.
const Unhandled = "Unhandled"

// The error types that the platform itself reports (contract part 3.4).
const (
	ErrorTimedout             = "Sandbox.Timedout"
	ErrorSandboxFailure       = "Sandbox.Failure"
	ErrorExit                 = "Runtime.ExitError"
	ErrorInvalidEntrypoint    = "Runtime.InvalidEntrypoint"
	ErrorResponseSizeTooLarge = "Function.ResponseSizeTooLarge"
	ErrorTruncatedResponse    = "Runtime.TruncatedResponse"
	ErrorInvalidResponseMode  = "Runtime.InvalidResponseModeHeader"
)
