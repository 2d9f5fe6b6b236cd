package functionurl

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/hearthfaas/hearth/internal/httpevent"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// stallMax is how long a caller may take no bytes before it counts as gone: as long
// as the longest function runs.
const stallMax = lambda.TimeoutMaxSec * time.Second

// streamSink writes a streamed answer as an HTTP response. What comes before the
// response's head is known waits in held.
type streamSink struct {
	x      *exchange
	answer *http.ResponseController
	kind   string // the stream's content type
	held   []byte
	sent   bool // the head is
	failed bool // there was no head to send
}

// Begin meets lambda.Sink.
func (s *streamSink) Begin(_ context.Context, head lambda.StreamHead) error {
	s.kind = head.ContentType
	switch s.kind {
	case lambda.ContentTypeHTTP, lambda.ContentTypeJSON:
		return nil // a prelude comes first, or an answer in one piece
	}
	return s.send(&httpevent.Response{Status: http.StatusOK, Header: http.Header{"Content-Type": {lambda.ContentTypeBytes}}})
}

// Write meets lambda.Sink.
func (s *streamSink) Write(_ context.Context, p []byte) error {
	switch {
	case s.failed:
		return nil // what follows a broken prelude goes nowhere
	case s.sent:
		return s.pass(p)
	}
	s.held = append(s.held, p...)
	if s.kind == lambda.ContentTypeJSON {
		return nil // whole answers end with the invocation; they are bounded like it
	}
	prelude, body, ok := httpevent.CutPrelude(s.held)
	if !ok {
		s.failed = len(s.held) > httpevent.PreludeMax
		return nil
	}
	head, err := httpevent.ReadPrelude(prelude, lambda.ContentTypeBytes)
	if err != nil {
		s.failed = true
		return nil //nolint:nilerr // the function's fault, told when it has ended
	}
	if err := s.send(&head); err != nil {
		return err
	}
	return s.pass(body)
}

// send writes the response's head and lets the caller have it.
func (s *streamSink) send(res *httpevent.Response) error {
	s.sent = true
	h := s.x.w.Header()
	h.Set("X-Amzn-Trace-Id", s.x.trace)
	res.WriteHead(h)
	s.x.target.Cors.Apply(h, s.x.r)
	s.x.w.WriteHeader(res.Status)
	return s.flush()
}

// pass writes bytes of the body.
func (s *streamSink) pass(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	if err := s.answer.SetWriteDeadline(time.Now().Add(stallMax)); err != nil {
		return fmt.Errorf("bound the wait for the caller: %w", err)
	}
	if _, err := s.x.w.Write(p); err != nil {
		return fmt.Errorf("write to the caller: %w", err)
	}
	return s.flush()
}

func (s *streamSink) flush() error {
	if err := s.answer.Flush(); err != nil {
		return fmt.Errorf("send to the caller: %w", err)
	}
	return nil
}

// end finishes the answer of an invocation that succeeded.
func (s *streamSink) end() {
	switch {
	case s.sent:
		_ = s.answer.SetWriteDeadline(time.Time{}) // it is the connection's, which serves other requests
	case s.kind == lambda.ContentTypeJSON:
		s.x.answer(&lambda.Result{Payload: s.held})
	default:
		s.x.failed() // a stream that ended within its prelude
	}
}
