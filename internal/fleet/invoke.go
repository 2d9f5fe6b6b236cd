package fleet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/rpc"
)

// event is an invocation on the wire, without its payload.
type event struct {
	RequestID          lambda.RequestID
	InvokedFunctionARN string
	TraceID            string
	ClientContext      string `json:",omitempty"`
	TenantID           string `json:",omitempty"`
	Tail, Stream       bool
}

// ran is a result on the wire, without its payload.
type ran struct {
	lambda.Result
	Took time.Duration // from the Invoke phase's beginning to its end
}

// Invoke has a worker run one event in an environment and returns how it ended. The
// invocation's Deadline is set; its Start is corrected by what was on the way.
// lambda.ErrNotDelivered says that the function has seen nothing of the event; after
// any other error it may have, and may still run.
func Invoke(ctx context.Context, to *rpc.Peer, at lambda.Address, inv *lambda.Invocation) (lambda.Result, error) {
	ctx, cancel := context.WithDeadline(ctx, inv.Deadline.Add(invokeSlack))
	defer cancel()
	var body bytes.Buffer
	body.Grow(len(inv.Payload) + 1024)
	if err := writeJSONFrame(&body, frameHead, event{
		inv.RequestID, inv.InvokedFunctionARN, inv.TraceID, inv.ClientContext, inv.TenantID, inv.Tail, inv.Sink != nil,
	}); err != nil {
		return lambda.Result{}, err
	}
	if err := writeFrame(&body, framePayload, inv.Payload); err != nil {
		return lambda.Result{}, err
	}
	req, err := to.Request(ctx, http.MethodPost, invokePrefix+string(at.Environment))
	if err != nil {
		return lambda.Result{}, err
	}
	req.Header.Set(sessionHeader, at.Session)
	whole := body.Bytes()
	var sent *wholly
	again := func() (io.ReadCloser, error) { // what was not written at all is written anew
		sent = &wholly{r: bytes.NewReader(whole)}
		return sent, nil
	}
	req.Body, _ = again() // it does not fail
	req.GetBody, req.ContentLength = again, int64(len(whole))
	resp, err := to.RoundTrip(req)
	if err != nil && sent.seal() {
		return lambda.Result{}, fmt.Errorf("worker %s: %w: %w", at.Name, lambda.ErrNotDelivered, err)
	}
	if err != nil {
		return lambda.Result{}, fmt.Errorf("worker %s was lost while it ran an invoke: %w", at.Name, err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusGone:
		return lambda.Result{}, fmt.Errorf("worker %s takes no invoke in environment %s: %w", at.Name, at.Environment, lambda.ErrNotDelivered)
	default:
		return lambda.Result{}, fmt.Errorf("worker %s: %w", at.Name, answeredError(resp))
	}
	result, err := receive(ctx, inv, resp.Body)
	if err != nil {
		return lambda.Result{}, fmt.Errorf("worker %s was lost while it ran an invoke: %w", at.Name, err)
	}
	return result, nil
}

// wholly notices when all of an event was on its way. Before that the function cannot
// have seen it: the worker reads it to its end first.
type wholly struct {
	mu     sync.Mutex // guards what follows
	r      *bytes.Reader
	sealed bool
}

// Read meets io.Reader.
func (w *wholly) Read(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sealed {
		return 0, errSealed
	}
	return w.r.Read(p)
}

// Close meets io.Closer.
func (*wholly) Close() error { return nil }

// seal keeps what was not sent yet from being sent, and reports whether that is so.
func (w *wholly) seal() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sealed = true
	return w.r.Len() > 0
}

var errSealed = errors.New("fleet: the event is not sent any more")

// receive reads an invoke's answer. A receiver of a stream who stalls beyond the
// function's time, or is gone, misses the rest.
func receive(ctx context.Context, inv *lambda.Invocation, r io.Reader) (lambda.Result, error) {
	ctx, cancel := context.WithDeadline(ctx, inv.Deadline)
	defer cancel()
	there := inv.Sink != nil
	for {
		kind, body, err := readFrame(r)
		if err != nil {
			return lambda.Result{}, err
		}
		switch kind {
		case frameHead:
			there = there && inv.Sink.Begin(ctx, lambda.StreamHead{ContentType: string(body)}) == nil
		case frameData:
			there = there && inv.Sink.Write(ctx, body) == nil
		case frameFailure:
			return lambda.Result{}, errors.New(string(body))
		case frameResult:
			var got ran
			if err := json.Unmarshal(body, &got); err != nil {
				return lambda.Result{}, fmt.Errorf("read a result: %w", err)
			}
			if got.Payload, err = readFrameOf(r, framePayload); err != nil {
				return lambda.Result{}, err
			}
			if len(got.Payload) == 0 {
				got.Payload = nil
			}
			inv.Start = time.Now().Add(-got.Took) // what was on the way is not the function's
			return got.Result, nil
		default:
			return lambda.Result{}, fmt.Errorf("%w: a %q", errFrame, kind)
		}
	}
}

// readEvent reads what Invoke sends.
func readEvent(r io.Reader) (*lambda.Invocation, bool, error) {
	head, err := readFrameOf(r, frameHead)
	if err != nil {
		return nil, false, err
	}
	var in event
	if err := json.Unmarshal(head, &in); err != nil {
		return nil, false, fmt.Errorf("%w: the event's head is not readable", errFrame)
	}
	payload, err := readFrameOf(r, framePayload)
	if err != nil {
		return nil, false, err
	}
	return &lambda.Invocation{
		RequestID: in.RequestID, InvokedFunctionARN: in.InvokedFunctionARN, TraceID: in.TraceID,
		ClientContext: in.ClientContext, TenantID: in.TenantID, Payload: payload, Tail: in.Tail,
	}, in.Stream, nil
}

// wireSink sends a streamed answer as it comes. The other side reads on until the
// function's time is over, whatever its own receiver does.
type wireSink struct {
	w     io.Writer
	flush *http.ResponseController
}

// Begin meets lambda.Sink.
func (s *wireSink) Begin(_ context.Context, head lambda.StreamHead) error {
	s.hurry()
	return errors.Join(writeFrame(s.w, frameHead, []byte(head.ContentType)), s.flush.Flush())
}

// Write meets lambda.Sink.
func (s *wireSink) Write(_ context.Context, p []byte) error {
	s.hurry()
	for len(p) > 0 {
		n := min(len(p), dataMax)
		if err := writeFrame(s.w, frameData, p[:n]); err != nil {
			return err
		}
		p = p[n:]
	}
	return s.flush.Flush()
}

// hurry bounds the next write: who asked reads on unless it is gone.
func (s *wireSink) hurry() {
	_ = s.flush.SetWriteDeadline(time.Now().Add(answerSlack)) // a connection that is closed says so on writing
}

// writeRan writes how an invoke ended.
func writeRan(w http.ResponseWriter, inv *lambda.Invocation, result lambda.Result) error {
	out := ran{Result: result, Took: time.Since(inv.Start)}
	out.Payload = nil
	var head bytes.Buffer
	if err := writeJSONFrame(&head, frameResult, out); err != nil {
		return err
	}
	if inv.Sink == nil {
		// One piece: its length is known, so nothing is chunked.
		w.Header().Set("Content-Length", fmt.Sprint(head.Len()+frameStart+len(result.Payload)))
	}
	if _, err := w.Write(head.Bytes()); err != nil {
		return err
	}
	return writeFrame(w, framePayload, result.Payload)
}
