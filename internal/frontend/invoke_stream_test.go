package frontend

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// house is everything that a frontend asks, for one function that is there.
type house struct {
	refusal error
	full    bool
	held    atomic.Int32 // slots and environments that were not given back
	run     func(ctx context.Context, inv *lambda.Invocation) (lambda.Result, error)
}

func (h *house) Lookup(id lambda.FunctionID, _ string) (Target, error) {
	return Target{Version: &lambda.Version{Function: id, Version: "4"}, Refusal: h.refusal}, nil
}

func (*house) Authorize(context.Context, lambda.Caller, string, string) error { return nil }

func (h *house) Reserve(lambda.FunctionID, string) (int, error) {
	if h.full {
		return 0, lambda.Throttled(lambda.ReasonConcurrentInvocationLimit)
	}
	h.held.Add(1)
	return 0, nil
}

func (h *house) Release(int) { h.held.Add(-1) }

func (h *house) Acquire(context.Context, *lambda.Version) (*house, bool, error) {
	h.held.Add(1)
	return h, false, nil
}

func (h *house) Return(*house, bool) { h.held.Add(-1) }

func (h *house) Invoke(ctx context.Context, inv *lambda.Invocation) (lambda.Result, error) {
	return h.run(ctx, inv)
}

func (h *house) frontend() *Frontend[int, *house] {
	return New[int, *house](h, h, h, h, nil, h, slog.New(slog.DiscardHandler))
}

func request() Input {
	return Input{
		FunctionName: "f", Type: lambda.RequestResponse, TraceID: "Root=1",
		Caller: lambda.Caller{Account: "000000000000", Region: "us-east-1"},
	}
}

// caller takes a streamed answer.
type caller struct {
	mu      sync.Mutex
	head    lambda.StreamHead
	begins  int
	body    bytes.Buffer
	onWrite func() error
}

func (c *caller) Begin(_ context.Context, head lambda.StreamHead) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.head, c.begins = head, c.begins+1
	return nil
}

func (c *caller) Write(_ context.Context, p []byte) error {
	if c.onWrite != nil {
		if err := c.onWrite(); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.body.Write(p)
	return nil
}

// streams is a function that writes parts.
func streams(contentType string, parts ...string) func(context.Context, *lambda.Invocation) (lambda.Result, error) {
	return func(ctx context.Context, inv *lambda.Invocation) (lambda.Result, error) {
		if err := inv.Sink.Begin(ctx, lambda.StreamHead{ContentType: contentType}); err != nil {
			return lambda.Result{}, err
		}
		for _, p := range parts {
			if err := inv.Sink.Write(ctx, []byte(p)); err != nil {
				return lambda.Result{FunctionError: lambda.Unhandled, ErrorType: lambda.ErrorTimedout}, nil //nolint:nilerr // a timeout is a result
			}
		}
		return lambda.Result{}, nil
	}
}

func TestInvokeStreamPassesAnswersOn(t *testing.T) {
	big := strings.Repeat("0123456789", 50_000)
	failed := lambda.Result{FunctionError: lambda.Unhandled, ErrorType: "Runtime.X", Payload: []byte(`{}`)}
	for _, c := range []struct {
		name        string
		run         func(context.Context, *lambda.Invocation) (lambda.Result, error)
		contentType string
		body        string
		payload     string
		begins      int
	}{
		{"a stream's", streams("text/plain", "a", big, "b"), "text/plain", "a" + big + "b", "", 1},
		{"an empty stream's", streams("text/plain"), "text/plain", "", "", 1},
		{"a function's that does not stream", func(context.Context, *lambda.Invocation) (lambda.Result, error) {
			return lambda.Result{Payload: []byte(big)}, nil
		}, "application/json", big, "", 1},
		{"not the error of a function that fails before its first byte", func(context.Context, *lambda.Invocation) (lambda.Result, error) {
			return failed, nil
		}, "", "", `{}`, 0},
		{"what came before an error", func(ctx context.Context, inv *lambda.Invocation) (lambda.Result, error) {
			_, err := streams("text/plain", "half")(ctx, inv)
			return failed, err
		}, "text/plain", "half", `{}`, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := &house{run: c.run}
			l := &caller{}
			out, err := h.frontend().InvokeStream(t.Context(), request(), l)
			if err != nil || out.Status != 200 || out.ExecutedVersion != "4" || !strings.HasPrefix(out.TraceID, "Root=1;Lineage=1:") || string(out.Result.Payload) != c.payload {
				t.Errorf("got %+v, %v", out, err)
			}
			if l.body.String() != c.body || l.head.ContentType != c.contentType || l.begins != c.begins {
				t.Errorf("the caller got %q, %d bytes, %d beginnings", l.head.ContentType, l.body.Len(), l.begins)
			}
			if c.begins > 0 && (l.head.ExecutedVersion != "4" || l.head.TraceID != out.TraceID) {
				t.Errorf("the caller was told %+v", l.head)
			}
			if h.held.Load() != 0 {
				t.Errorf("%d slots and environments are still held", h.held.Load())
			}
		})
	}
}

func TestInvokeStreamRefuses(t *testing.T) {
	pending := lambda.Errorf(lambda.CodeResourceConflict, "pending")
	for _, c := range []struct {
		name   string
		house  *house
		change func(*Input)
		code   string
	}{
		{"an event", &house{}, func(in *Input) { in.Type = lambda.Event }, lambda.CodeValidation},
		{"what is no JSON", &house{}, func(in *Input) { in.Payload = []byte("x") }, lambda.CodeInvalidRequestContent},
		{"a function that is not ready", &house{refusal: pending}, func(*Input) {}, lambda.CodeResourceConflict},
		{"one too many", &house{full: true}, func(*Input) {}, lambda.CodeTooManyRequests},
	} {
		t.Run(c.name, func(t *testing.T) {
			in, l := request(), &caller{}
			c.change(&in)
			_, err := c.house.frontend().InvokeStream(t.Context(), in, l)
			if e, ok := errors.AsType[*lambda.Error](err); !ok || e.Code != c.code {
				t.Errorf("got %v, want %s", err, c.code)
			}
			if l.begins != 0 {
				t.Error("the sink was touched")
			}
		})
	}
	in := request()
	in.Type = lambda.DryRun
	out, err := (&house{}).frontend().InvokeStream(t.Context(), in, &caller{})
	if err != nil || out.Status != 204 || out.ExecutedVersion != "4" {
		t.Errorf("a dry run: got %+v, %v", out, err)
	}
}

func TestACallerWhoLeavesDoesNotEndTheInvocation(t *testing.T) {
	ended := false
	h := &house{}
	h.run = func(ctx context.Context, inv *lambda.Invocation) (lambda.Result, error) {
		r, err := streams("text/plain", strings.Repeat("x", 10*relayMax), "more")(ctx, inv)
		ended = ctx.Err() == nil
		return r, err
	}
	ctx, cancel := context.WithCancel(t.Context())
	writes := 0
	l := &caller{onWrite: func() error { writes++; cancel(); return io.ErrClosedPipe }}
	out, err := h.frontend().InvokeStream(ctx, request(), l)
	if err != nil || out.Result.FunctionError != "" || !ended || writes != 1 || h.held.Load() != 0 {
		t.Errorf("got %+v, %v; ended %v, %d writes, %d held", out, err, ended, writes, h.held.Load())
	}
}

// Goal: a caller who stalls holds up the function, but holds its environment no
// longer than the invocation lasts, and gets what was written once it goes on.
func TestACallerWhoStallsDoesNotHoldTheEnvironment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &house{}
		h.run = func(ctx context.Context, inv *lambda.Invocation) (lambda.Result, error) {
			ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
			defer cancel()
			return streams("text/plain", strings.Repeat("x", 10*relayMax))(ctx, inv)
		}
		free := make(chan struct{})
		l := &caller{onWrite: func() error { <-free; return nil }}
		done := make(chan Output)
		go func() {
			out, err := h.frontend().InvokeStream(t.Context(), request(), l)
			if err != nil {
				t.Error(err)
			}
			done <- out
		}()
		synctest.Wait()
		if h.held.Load() != 2 {
			t.Errorf("while it runs %d are held, want slot and environment", h.held.Load())
		}
		time.Sleep(4 * time.Second) // the bubble's clock
		synctest.Wait()
		if h.held.Load() != 0 {
			t.Errorf("after the timeout %d are held", h.held.Load())
		}
		close(free)
		out := <-done
		if out.Result.ErrorType != lambda.ErrorTimedout {
			t.Errorf("got %+v", out.Result)
		}
		if n := l.body.Len(); n < relayMax || n > 2*relayMax {
			t.Errorf("%d bytes waited for the caller, want one to two times %d", n, relayMax)
		}
	})
}

// Began meets Observer; the house counts what ran.
func (h *house) Began(*lambda.Version, *lambda.Invocation) Running { return h }
func (h *house) Throttled(*lambda.Version, *lambda.Invocation)     {}
func (h *house) Ended(*lambda.Invocation, bool)                    {}
func (h *house) Abandoned()                                        {}
