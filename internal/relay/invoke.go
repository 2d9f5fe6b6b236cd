package relay

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// looksCarriable says whether a request is likely an invoke that is answered when its
// function has run. The control process knows for sure: the address may be a function's
// own, or a bucket's.
func looksCarriable(r *http.Request) bool {
	if r.Method != http.MethodPost || !strings.HasPrefix(r.URL.Path, "/2015-03-31/functions/") ||
		!strings.HasSuffix(strings.TrimSuffix(r.URL.Path, "/"), "/invocations") {
		return false
	}
	kind := r.Header.Get("X-Amz-Invocation-Type")
	return kind == "" || kind == string(lambda.RequestResponse)
}

// exactMax is the largest payload that is allocated on the client's word; what is
// announced as larger grows as it arrives.
const exactMax = 1 << 20

// receive reads the payload and describes the request. What is read of a payload that is
// too large is returned too: the request may turn out to be none of ours.
func (f *Frontend) receive(r *http.Request) (head, []byte) {
	h := head{
		Method: r.Method, URI: r.RequestURI, Host: r.Host, Remote: r.RemoteAddr,
		Header: r.Header, ContentLength: r.ContentLength,
	}
	limit := f.cfg.PayloadMax
	var payload []byte
	switch {
	case r.ContentLength > limit:
		h.TooLarge = true
		return h, nil
	case r.ContentLength >= 0 && r.ContentLength <= exactMax:
		payload = make([]byte, r.ContentLength)
		n, err := io.ReadFull(r.Body, payload)
		payload, h.Incomplete = payload[:n], err != nil
	default:
		var buf bytes.Buffer
		_, err := buf.ReadFrom(io.LimitReader(r.Body, limit+1))
		payload, h.Incomplete, h.TooLarge = buf.Bytes(), err != nil, int64(buf.Len()) > limit
	}
	h.Size = len(payload)
	if h.TooLarge || h.Incomplete {
		return h, payload
	}
	h.SHA256 = sha256.Sum256(payload)
	if h.Size > 0 && h.Size <= lambda.PayloadMax { // of a larger one the size is told
		h.Fault = f.cfg.Fault(payload)
	}
	return h, payload
}

// The errors that clients see when the control process cannot answer.
var (
	errAway = errors.New("The control process cannot be reached at the moment.")           //nolint:staticcheck // a client reads it
	errBusy = errors.New("This frontend has too many requests under way.")                 //nolint:staticcheck // the same
	errLost = errors.New("The control process was lost while it carried out the request.") //nolint:staticcheck // the same
)

// errBeforeAnything says that a channel broke before anything can have happened.
var errBeforeAnything = errors.New("nothing had happened yet")

// invoke answers an invoke. A client that goes away does not end it.
func (f *Frontend) invoke(w http.ResponseWriter, r *http.Request) {
	h, payload := f.receive(r)
	ctx := context.WithoutCancel(r.Context())
	c, fresh, err := f.pool.get(ctx)
	for err == nil {
		x := carrying{frontend: f, channel: c, head: &h, payload: payload}
		var out *answer
		out, err = x.carry(ctx)
		switch {
		case err == nil && out == nil:
			f.pool.put(c)
			f.passWhole(w, r, &h, payload)
			return
		case err == nil:
			f.pool.put(c)
			if h.TooLarge {
				// The client gets to see the refusal rather than a broken connection.
				_, _ = io.CopyN(io.Discard, r.Body, drainMax) // how it ends changes nothing
			}
			x.write(w, out)
			return
		}
		c.close()
		if fresh || !errors.Is(err, errBeforeAnything) {
			break
		}
		// It had been idle, and its other end is gone.
		fresh = true
		c, err = f.pool.dial(ctx)
	}
	if c == nil || errors.Is(err, errBeforeAnything) {
		f.cfg.Log.WarnContext(ctx, "an invoke found no control process", "error", err)
		refuse(w, http.StatusServiceUnavailable, errAway)
		return
	}
	f.cfg.Log.ErrorContext(ctx, "an invoke was lost", "error", err)
	refuse(w, http.StatusInternalServerError, errLost)
}

// drainMax is how much of a refused payload is still read, as the edge does.
const drainMax = 80 << 20

// passWhole passes a request through of which the payload was read already.
func (f *Frontend) passWhole(w http.ResponseWriter, r *http.Request, h *head, payload []byte) {
	if h.Incomplete {
		refuse(w, http.StatusBadRequest, io.ErrUnexpectedEOF)
		return
	}
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(payload), r.Body), r.Body}
	f.whole.ServeHTTP(w, r)
}

// carrying is one invoke on one channel.
type carrying struct {
	frontend *Frontend
	channel  *channel
	head     *head
	payload  []byte

	begun bool   // the function may have seen the event
	held  []byte // the last answer of an environment
	body  []byte // the answer's, when it is not held
}

// carry sends the head and does what it is told to until there is an answer; nil says
// that the request is to be passed through whole.
func (x *carrying) carry(ctx context.Context) (*answer, error) {
	out, err := x.rounds(ctx)
	if err != nil && !x.begun {
		return nil, fmt.Errorf("%w: %w", errBeforeAnything, err)
	}
	return out, err
}

func (x *carrying) rounds(ctx context.Context) (*answer, error) {
	c := x.channel
	if err := c.send(frameHead, x.head, nil, false); err != nil {
		return nil, err
	}
	for {
		got, err := c.next()
		if err != nil {
			return nil, err
		}
		switch got.kind {
		case frameRun:
			err = x.run(ctx, got.b)
		case frameFetch:
			x.begun = true
			err = c.sendData(x.payload)
		case frameWhole:
			return nil, nil
		case frameAnswer:
			return x.answered(got.b)
		default:
			err = fmt.Errorf("%w: a %q in place of an order", errFrame, got.kind)
		}
		if err != nil {
			return nil, err
		}
	}
}

// runSlack is what a run may take beyond the function's deadline before it is given up;
// less than the control process waits.
const runSlack = carrySlack - 5*time.Second

// run has the event run at a worker and tells how that went.
func (x *carrying) run(ctx context.Context, b []byte) error {
	m, err := decodeRun(b)
	if err != nil {
		return err
	}
	x.begun = true
	inv := &m.Invocation
	if len(inv.Payload) == 0 {
		inv.Payload = x.payload
	}
	inv.Start = time.Now()
	inv.Deadline = inv.Start.Add(m.Left)
	ctx, cancel := context.WithDeadline(ctx, inv.Deadline.Add(runSlack))
	defer cancel()
	ctx, done := x.channel.interruptible(ctx)
	result, err := x.frontend.cfg.Run(ctx, m.To, inv)
	done()
	if err != nil {
		return x.channel.send(frameFailed, &failed{m.Round, errors.Is(err, lambda.ErrNotDelivered), err.Error()}, nil, false)
	}
	x.held, result.Payload = result.Payload, nil
	return x.channel.send(frameRan, &ran{m.Round, time.Since(inv.Start), result}, nil, false)
}

func (x *carrying) answered(b []byte) (*answer, error) {
	out, err := decodeAnswer(b)
	if err != nil {
		return nil, err
	}
	x.body = x.held
	if !out.Held {
		got, err := x.channel.next()
		if err != nil {
			return nil, err
		}
		if got.kind != frameData {
			return nil, fmt.Errorf("%w: a %q in place of an answer's payload", errFrame, got.kind)
		}
		x.body = got.b
	}
	return &out, nil
}

// write gives the client the answer as the edge wrote it.
func (x *carrying) write(w http.ResponseWriter, out *answer) {
	h := w.Header()
	maps.Copy(h, out.Header)
	if out.Held {
		h["Content-Length"] = []string{strconv.Itoa(len(x.body))}
	}
	w.WriteHeader(out.Status)
	_, _ = w.Write(x.body) // a client that is gone misses it
}

// refuse answers for a control process that does not, in the form of Lambda's errors,
// and of the other services' as far as these read it.
func refuse(w http.ResponseWriter, status int, why error) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Amzn-Errortype", lambda.CodeService)
	h.Set("X-Amzn-Requestid", string(lambda.NewRequestID()))
	if status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "1")
	}
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"__type":%q,"Type":"Service","Message":%q,"message":%q}`, lambda.CodeService, why, why) // the client may have gone
}
