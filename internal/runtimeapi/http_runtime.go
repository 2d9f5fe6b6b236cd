package runtimeapi

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// The headers of the Runtime API.
const (
	headerErrorType    = "Lambda-Runtime-Function-Error-Type"
	headerErrorBody    = "Lambda-Runtime-Function-Error-Body"
	headerResponseMode = "Lambda-Runtime-Function-Response-Mode"
)

// serveNext answers with the next event once there is one. While an invocation
// runs it answers with the same event again.
func (s *Session) serveNext(w http.ResponseWriter, r *http.Request) {
	g := s.current()
	if err := g.askNext(); err != nil {
		refuseTransition(w, err)
		return
	}
	if err := g.await(r.Context(), func() bool { return g.state == running && g.inv != nil }); err != nil {
		panic(http.ErrAbortHandler) // the process is gone or going; there is nothing to answer
	}
	inv := g.inv
	g.mu.Unlock()

	h := w.Header()
	h["Lambda-Runtime-Aws-Request-Id"] = []string{string(inv.RequestID)}
	h["Lambda-Runtime-Deadline-Ms"] = []string{strconv.FormatInt(inv.Deadline.UnixMilli(), 10)}
	h["Lambda-Runtime-Invoked-Function-Arn"] = []string{inv.InvokedFunctionARN}
	if inv.TraceID != "" {
		h["Lambda-Runtime-Trace-Id"] = []string{inv.TraceID}
	}
	if inv.ClientContext != "" {
		h["Lambda-Runtime-Client-Context"] = []string{oneLine(inv.ClientContext)}
	}
	if inv.TenantID != "" {
		h["Lambda-Runtime-Aws-Tenant-Id"] = []string{oneLine(inv.TenantID)}
	}
	h["Content-Length"] = []string{strconv.Itoa(len(inv.Payload))}
	writeJSON(w, http.StatusOK, inv.Payload)
}

// askNext records that the runtime asked for an event.
func (g *guest) askNext() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.channel != nil {
		return &transitionError{from: g.state, to: ready}
	}
	if g.state == running {
		return nil
	}
	next, err := move(g.state, ready)
	if err != nil {
		return err
	}
	g.state = next
	g.wake()
	return nil
}

func (g *guest) stateName() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.state.String()
}

// begin takes the runtime's answer to invocation id in hand. It reports false
// after having refused the call.
func (g *guest) begin(w http.ResponseWriter, id string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inv == nil || string(g.inv.RequestID) != id {
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return false
	}
	next, err := move(g.state, responding)
	if err != nil {
		refuseTransition(w, err)
		return false
	}
	g.state = next
	return true
}

// finish records the answer and wakes the invoker.
func (g *guest) finish(out Outcome) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inv == nil {
		return // given up while the body was read
	}
	g.state, g.outcome, g.inv = responseSent, &out, nil
	g.wake()
}

// serveResponse takes the result of an invocation.
func (s *Session) serveResponse(w http.ResponseWriter, r *http.Request) {
	g, id := s.current(), r.PathValue("id")
	if !g.begin(w, id) {
		return
	}
	switch mode := r.Header.Get(headerResponseMode); mode {
	case "", "streaming":
		// aws-lambda-go streams without saying so: its bodies have no length.
		if p := g.streaming(); p != nil && (mode != "" || r.ContentLength < 0) {
			g.serveStream(w, r, p, id)
			return
		}
	default:
		g.finish(platformFault(lambda.RequestID(id), lambda.ErrorInvalidResponseMode, "Invalid function response mode"))
		refuse(w, http.StatusBadRequest, "InvalidFunctionResponseMode", "Invalid function response mode")
		return
	}
	body, ok := g.take(w, r, id)
	if !ok {
		return
	}
	out := Outcome{Payload: body}
	if errorType := r.Trailer.Get(headerErrorType); errorType != "" {
		out = streamFailure(errorType, r.Trailer.Get(headerErrorBody))
	}
	g.finish(out)
	accept(w)
}

// streamFailure is the outcome of a streamed response that ended in an error: for
// a caller who gets the response as a whole the error replaces what was sent.
func streamFailure(errorType, encoded string) Outcome {
	body, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(body) == 0 {
		body = errorBody("the response stream ended with an error", errorType)
	}
	return failed(loggedType(errorType), body)
}

// serveError takes the error of an invocation.
func (s *Session) serveError(w http.ResponseWriter, r *http.Request) {
	g, id := s.current(), r.PathValue("id")
	if !g.begin(w, id) {
		return
	}
	body, ok := g.take(w, r, id)
	if !ok {
		return
	}
	g.finish(failed(loggedType(r.Header.Get(headerErrorType)), body))
	accept(w)
}

// take reads the body of an answer. When that fails it ends the invocation with
// the reason, answers the call, and reports false.
func (g *guest) take(w http.ResponseWriter, r *http.Request, id string) ([]byte, bool) {
	body, err := readBody(r)
	switch {
	case err == nil:
		return body, true
	case errors.Is(err, errBodyTooLarge):
		g.finish(tooLarge(lambda.ResponseMax))
		refuseTooLarge(w, lambda.ResponseMax)
	default:
		g.truncated(w, id)
	}
	return nil, false
}

// truncated ends the invocation of an answer whose body broke off.
func (g *guest) truncated(w http.ResponseWriter, id string) {
	const text = "HTTP request detected as truncated"
	g.finish(platformFault(lambda.RequestID(id), lambda.ErrorTruncatedResponse, text))
	refuse(w, http.StatusBadRequest, "TruncatedHTTPRequest", text)
}

func refuseTooLarge(w http.ResponseWriter, limit int64) {
	refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge",
		fmt.Sprintf("Exceeded maximum allowed payload size (%d bytes).", limit))
}

// serveInitError takes the reason why the runtime cannot initialise.
func (s *Session) serveInitError(w http.ResponseWriter, r *http.Request) {
	g := s.current()
	body, err := readBody(r)
	switch {
	case errors.Is(err, errBodyTooLarge):
		body = tooLarge(lambda.ResponseMax).Payload
	case err != nil:
		refuse(w, http.StatusBadRequest, "TruncatedHTTPRequest", "HTTP request detected as truncated")
		return
	}
	if err := g.failInit(Failure{Type: loggedType(r.Header.Get(headerErrorType)), Payload: body}); err != nil {
		refuseTransition(w, err)
		return
	}
	accept(w)
}

func (g *guest) failInit(f Failure) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	next, err := move(g.state, initError)
	if err == nil && g.channel != nil {
		err = &transitionError{from: g.state, to: initError}
	}
	if err != nil {
		return err
	}
	g.state, g.failure = next, &f
	g.wake()
	return nil
}
