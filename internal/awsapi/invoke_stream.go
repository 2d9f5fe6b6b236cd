package awsapi

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"

	"github.com/hearthfaas/hearth/internal/lambda"
)

const (
	// chunkMax bounds one PayloadChunk: a client buffers a whole event, and the
	// SDKs refuse events of more than 16 MiB.
	chunkMax = 64 << 10
	// stallMax is how long a caller may take no bytes before it counts as gone: as
	// long as the longest function runs, so that no caller is cut off while its
	// function still works.
	stallMax = lambda.TimeoutMaxSec * time.Second
)

// The content type of the answer and the headers of its two events (API reference,
// InvokeWithResponseStream; Smithy, "Amazon Event Stream Specification").
var (
	streamContentType = []string{"application/vnd.amazon.eventstream"}
	chunkHeaders      = eventHeaders("PayloadChunk", lambda.ContentTypeBytes)
	completeHeaders   = eventHeaders("InvokeComplete", lambda.ContentTypeJSON)
)

func eventHeaders(event, contentType string) eventstream.Headers {
	return eventstream.Headers{
		{Name: ":message-type", Value: eventstream.StringValue("event")},
		{Name: ":event-type", Value: eventstream.StringValue(event)},
		{Name: ":content-type", Value: eventstream.StringValue(contentType)},
	}
}

// invokeStream is the path of InvokeWithResponseStream. What is refused before the
// function runs is an ordinary error; everything after that is a 200 whose last
// event tells how the invocation ended.
func (x *exchange) invokeStream(escapedName string) {
	ctx := x.r.Context()
	in, err := x.receiveInvoke(ctx, escapedName)
	if err != nil {
		x.fail(ctx, err)
		return
	}
	s := &eventSink{x: x, answer: http.NewResponseController(x.w), encoder: eventstream.NewEncoder()}
	out, err := x.edge.cfg.Invoker.InvokeStream(lambda.WithCaller(ctx, in.Caller), in, s)
	switch {
	case err != nil && s.begun:
		// The status is out, and clients take a connection that breaks off for a good end.
		x.edge.cfg.Log.ErrorContext(ctx, "a stream failed", "request_id", x.id, "error", err)
		s.complete(ctx, &InvokeOutput{Result: lambda.Result{
			FunctionError: lambda.Unhandled, ErrorType: internalFault.Code, Payload: []byte(internalFault.Message),
		}})
	case err != nil:
		x.fail(ctx, err)
	case out.Status != http.StatusOK:
		x.answerInvoke(&out) // a dry run has no events
	default:
		s.complete(ctx, &out)
	}
}

// eventSink writes a streamed answer as events, each as soon as it is there.
type eventSink struct {
	x       *exchange
	answer  *http.ResponseController
	encoder *eventstream.Encoder
	begun   bool
}

// Begin meets lambda.Sink.
func (s *eventSink) Begin(_ context.Context, head lambda.StreamHead) error {
	s.begun, s.x.done = true, true
	h := s.x.w.Header()
	h["Content-Type"] = streamContentType
	h[headerExecutedVersion] = []string{head.ExecutedVersion}
	if head.TraceID != "" {
		h[headerTraceID] = []string{head.TraceID}
	}
	s.x.w.WriteHeader(http.StatusOK)
	return s.flush()
}

// Write meets lambda.Sink.
func (s *eventSink) Write(_ context.Context, p []byte) error {
	for len(p) > 0 {
		n := min(len(p), chunkMax)
		if err := s.event(chunkHeaders, p[:n]); err != nil {
			return err
		}
		p = p[n:]
	}
	return s.flush()
}

func (s *eventSink) event(h eventstream.Headers, payload []byte) error {
	if err := s.answer.SetWriteDeadline(time.Now().Add(stallMax)); err != nil {
		return fmt.Errorf("bound the wait for the caller: %w", err)
	}
	if err := s.encoder.Encode(s.x.w, eventstream.Message{Headers: h, Payload: payload}); err != nil {
		return fmt.Errorf("write an event: %w", err)
	}
	return nil
}

// flush sends what is written; the caller is to have it now.
func (s *eventSink) flush() error {
	if err := s.answer.Flush(); err != nil {
		return fmt.Errorf("send the answer: %w", err)
	}
	return nil
}

// complete writes the last event. A caller that has gone misses it.
func (s *eventSink) complete(ctx context.Context, out *InvokeOutput) {
	if !s.begun {
		if s.Begin(ctx, lambda.StreamHead{ExecutedVersion: out.ExecutedVersion, TraceID: out.TraceID}) != nil {
			return
		}
	}
	if out.Result.ColdStart != nil {
		s.x.w.Header()[http.TrailerPrefix+headerColdStart] = []string{coldStartValue(out.Result.ColdStart)}
	}
	if s.event(completeHeaders, completion(&out.Result)) == nil {
		_ = s.flush() // the caller has gone; there is nobody to tell
	}
	_ = s.answer.SetWriteDeadline(time.Time{}) // it is the connection's, which serves other requests
}

// completion is the payload of InvokeComplete, with only the members that apply.
func completion(r *lambda.Result) []byte {
	var members struct {
		ErrorCode    string `json:",omitempty"`
		ErrorDetails string `json:",omitempty"`
		LogResult    string `json:",omitempty"`
	}
	if r.FunctionError != "" {
		members.ErrorCode, members.ErrorDetails = errorCode(r), string(r.Payload)
	}
	members.LogResult = base64.StdEncoding.EncodeToString(r.LogTail)
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(members); err != nil {
		panic("awsapi: a completion of strings did not encode: " + err.Error())
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// errorCode is the type of the error, or "Unhandled" for one that is the function's
// own and has no type that the platform knows.
func errorCode(r *lambda.Result) string {
	if r.ErrorType == "" || strings.HasSuffix(r.ErrorType, ".Unknown") {
		return r.FunctionError
	}
	return r.ErrorType
}
