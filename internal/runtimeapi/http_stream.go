package runtimeapi

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// pouring is the streamed answer of a runtime on HTTP. Its bytes arrive on another
// goroutine than the invocation's, which may end before they do.
type pouring struct {
	*spout
	ctx context.Context // the invocation's, which bounds each write
}

// newPouring returns nil for an invocation that has no sink.
func newPouring(ctx context.Context, inv *lambda.Invocation) *pouring {
	if inv.Sink == nil {
		return nil
	}
	return &pouring{newSpout(inv.Sink, lambda.ContentTypeBytes), ctx}
}

// streaming returns where the answer that is being read goes, nil for one that is
// collected.
func (g *guest) streaming() *pouring {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.stream
}

// serveStream takes a response that the runtime streams. An error in the trailers
// ends it; what was sent before stays sent.
func (g *guest) serveStream(w http.ResponseWriter, r *http.Request, p *pouring, id string) {
	if declared := r.Header.Get("Content-Type"); declared != "" {
		p.declare(declared)
	}
	err := p.copyFrom(r.Body)
	var out Outcome
	switch errorType := r.Trailer.Get(headerErrorType); {
	case errors.Is(err, errBodyTruncated):
		g.truncated(w, id)
		return
	case err == nil && errorType != "":
		out = streamFailure(errorType, r.Trailer.Get(headerErrorBody))
	case err == nil:
		out, err = p.finish(p.ctx)
	}
	if err != nil { // the invocation ended meanwhile
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return
	}
	g.finish(out)
	if out.ErrorType == lambda.ErrorResponseSizeTooLarge {
		refuseTooLarge(w, p.max)
		return
	}
	accept(w)
}

// copyFrom passes a body on as it comes. The error is errBodyTruncated when the
// body broke off, and otherwise the invocation's.
func (p *pouring) copyFrom(body io.Reader) error {
	buf := pourBuffers.Get().(*[pourSize]byte)
	defer pourBuffers.Put(buf)
	for {
		n, err := body.Read(buf[:])
		if n > 0 {
			if err := p.write(p.ctx, buf[:n]); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return errors.Join(errBodyTruncated, err)
		}
	}
}
