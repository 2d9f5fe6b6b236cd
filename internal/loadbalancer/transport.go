package loadbalancer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
)

// errNobody says that no frontend could be connected to.
var errNobody = errors.New("no frontend can be reached")

// roundTripper sends a request to a frontend, and to another one where that is safe.
type roundTripper struct{ b *Balancer }

// RoundTrip meets http.RoundTripper.
func (t roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	tried := map[*frontend]bool{}
	body := &countedBody{next: req.Body}
	var last error
	for len(tried) < t.b.cfg.TriesMax {
		f := t.b.take(tried)
		if f == nil {
			break
		}
		tried[f] = true
		res, err := t.once(req, f, body)
		if err == nil {
			return res, nil
		}
		last = err
		if !again(req, body.read.Load(), err) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%w: %w", errNobody, last)
}

// once sends the request to one frontend. The request is in flight there until the
// answer's body is closed.
func (t roundTripper) once(req *http.Request, f *frontend, body *countedBody) (*http.Response, error) {
	out := req.Clone(req.Context())
	out.URL.Scheme, out.URL.Host = f.URL.Scheme, f.URL.Host
	if hasBody(req) {
		out.Body = body
	}
	res, err := t.b.transport.RoundTrip(out)
	if err != nil {
		f.done()
		if req.Context().Err() == nil { // a caller that leaves is no fault of the frontend's
			t.b.broke(req.Context(), f, err)
		}
		return nil, err
	}
	t.b.answered(f)
	res.Body = &flightBody{ReadCloser: res.Body, end: sync.OnceFunc(f.done)}
	if w, ok := res.Body.(*flightBody).ReadCloser.(io.Writer); ok { // a connection that changed its protocol
		res.Body = &upgradedBody{flightBody: res.Body.(*flightBody), Writer: w}
	}
	return res, nil
}

// again says whether a request that failed may go to another frontend: when none has
// seen anything of it, or when asking twice is the same as asking once.
func again(req *http.Request, bodyRead bool, err error) bool {
	if req.Context().Err() != nil {
		return false
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return true
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	if hasBody(req) {
		return !bodyRead // half a request has no effect
	}
	return req.Method == http.MethodGet || req.Method == http.MethodHead
}

func hasBody(req *http.Request) bool {
	return req.Body != nil && req.Body != http.NoBody && req.ContentLength != 0
}

// countedBody is the request's body, which the transport closes with each try; it
// remembers whether any of it was read. The server closes the real one.
type countedBody struct {
	next io.Reader
	read atomic.Bool
}

// Read reads the body.
func (c *countedBody) Read(p []byte) (int, error) {
	c.read.Store(true)
	return c.next.Read(p)
}

// Close leaves the body open for another try.
func (c *countedBody) Close() error { return nil }

// flightBody is an answer's body; its close ends the flight.
type flightBody struct {
	io.ReadCloser
	end func()
}

// Close closes the body.
func (b *flightBody) Close() error {
	b.end()
	return b.ReadCloser.Close()
}

type upgradedBody struct {
	*flightBody
	io.Writer
}
