package lambda

import "context"

// StreamMax is the largest streamed response (Lambda quotas, "Function response
// payload (streamed)").
const StreamMax = 200 << 20

// The content types of responses.
const (
	ContentTypeBytes = "application/octet-stream"
	ContentTypeJSON  = "application/json"
	// ContentTypeHTTP is a response that begins with a prelude: JSON of status,
	// headers and cookies, and eight zero bytes (Lambda developer guide, "Response
	// streaming for Lambda functions").
	ContentTypeHTTP = "application/vnd.awslambda.http-integration-response"
)

// StreamHead is what is known of a streamed answer before its first byte.
type StreamHead struct {
	ContentType string // as the runtime declared it
	// ExecutedVersion and TraceID are the frontend's to fill in.
	ExecutedVersion string
	TraceID         string
}

// Sink takes one streamed answer as it comes. Begin is called once, before the
// first Write; neither is called when an invocation fails before its first byte, and
// neither once the invocation has ended. Calls never overlap.
//
// Both wait while the receiver is slow, but not beyond ctx, whose error they then
// return. Any other error says that the receiver is gone: it is called no more, and
// the invocation goes on without it.
type Sink interface {
	Begin(ctx context.Context, head StreamHead) error
	// Write takes all of p before it returns, and does not keep it.
	Write(ctx context.Context, p []byte) error
}
