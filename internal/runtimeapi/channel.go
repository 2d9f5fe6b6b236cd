package runtimeapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

const (
	// copyMax is the largest payload that is copied behind its frame's head to
	// leave in one write; larger ones leave in a write of their own.
	copyMax = 32 << 10
	// goneGrace is how long bytes that a dead runtime left behind are waited for.
	// They are in the socket already; only a child that inherited the channel can
	// keep it open.
	goneGrace = 100 * time.Millisecond
)

var writeBuffers = sync.Pool{New: func() any { return new(make([]byte, 0, 4<<10)) }}

// past is a deadline that ends every read and write at once.
var past = time.Unix(1, 0)

// Conn is Hearth's end of a private channel; Pair makes one.
type Conn interface {
	io.ReadWriteCloser
	SetDeadline(t time.Time) error
}

// channel is the private channel to one runtime process. One goroutine at a time
// uses it, the one that waits for the runtime or invokes it; only gone and close
// may be called beside it.
type channel struct {
	conn  Conn
	in    reader
	state state

	// mu guards what follows, which decides who may set the connection's deadline.
	mu          sync.Mutex
	use         uint64 // counts arm, so that a late cancellation cannot hit the next use
	interrupted bool   // a cancellation has set the deadline
	dead        bool   // the process has ended
}

func newChannel(conn Conn) *channel {
	return &channel{conn: conn, in: reader{src: conn}, state: started}
}

// arm makes ctx's end interrupt reads and writes. The caller calls the returned
// function when it is done. A dead process's channel keeps the short deadline that
// gone gave it: what the process left behind can still be read.
func (c *channel) arm(ctx context.Context) (disarm func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.use++
	use := c.use
	if c.interrupted && !c.dead {
		c.interrupted = false
		c.interrupt(time.Time{})
	}
	return context.AfterFunc(ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.use == use {
			c.interrupted = true
			c.interrupt(past)
		}
	})
}

// interrupt ends reads and writes at t, the zero time meaning never. It cannot fail in
// a way that matters: a closed connection needs no deadline.
func (c *channel) interrupt(t time.Time) { _ = c.conn.SetDeadline(t) }

// gone tells the channel that the process has ended.
func (c *channel) gone() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.dead {
		c.dead = true
		c.interrupt(time.Now().Add(goneGrace))
	}
}

func (c *channel) isDead() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dead
}

func (c *channel) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dead = true
	return c.conn.Close()
}

// awaitReady waits for the runtime's first "next" or its init failure.
func (c *channel) awaitReady(ctx context.Context) (*Failure, error) {
	defer c.arm(ctx)()
	defer c.in.release()
	failure, err := c.readNext()
	if err != nil {
		return nil, c.fault(ctx, "wait for the runtime to initialise", err)
	}
	return failure, nil
}

func (c *channel) readNext() (*Failure, error) {
	if c.state == ready {
		return nil, nil
	}
	h, err := c.in.head()
	if err != nil {
		return nil, err
	}
	switch {
	case c.state == started && h.kind == frameInitFail:
		errorType, payload, fits, err := c.in.typed(h.body)
		if err != nil {
			return nil, err
		}
		if !fits {
			payload = tooLarge(lambda.ResponseMax).Payload
		}
		c.state = initError
		return &Failure{Type: loggedType(errorType), Payload: payload}, nil
	case h.kind == frameNext && (c.state == started || c.state == responseSent):
		c.state = ready
		return nil, nil
	}
	return nil, fmt.Errorf("%w: %q in state %s", errFrame, h.kind, c.state)
}

// invoke hands inv over and reads the answer on the calling goroutine.
func (c *channel) invoke(ctx context.Context, inv *lambda.Invocation) (Outcome, error) {
	if c.isDead() {
		return Outcome{}, ErrNotDelivered
	}
	defer c.arm(ctx)()
	defer c.in.release()
	if c.state == responseSent {
		if _, err := c.readNext(); err != nil {
			return Outcome{}, undelivered(c.fault(ctx, "wait for the runtime to ask for the next event", err))
		}
	}
	if c.state != ready {
		return Outcome{}, ErrNotDelivered
	}
	c.state = running
	if err := c.send(inv); err != nil {
		return Outcome{}, undelivered(c.fault(ctx, "hand over the event", err))
	}
	out, err := c.answer(ctx, inv)
	if err != nil {
		return Outcome{}, c.fault(ctx, "wait for the answer", err)
	}
	c.state = responseSent
	if c.in.buffered() >= frameHead {
		if _, err := c.readNext(); err != nil {
			_ = c.close() // the answer is good; the next invocation finds the channel closed
		}
	}
	return out, nil
}

// send writes the invocation's frame.
func (c *channel) send(inv *lambda.Invocation) error {
	pooled := writeBuffers.Get().(*[]byte)
	defer writeBuffers.Put(pooled)
	b := appendInvoke((*pooled)[:0], inv)
	if len(inv.Payload) <= copyMax {
		b = append(b, inv.Payload...)
		*pooled = b
		_, err := c.conn.Write(b)
		return err
	}
	*pooled = b
	if _, err := c.conn.Write(b); err != nil {
		return err
	}
	_, err := c.conn.Write(inv.Payload)
	return err
}

// answer reads frames until the response or the error for inv. An answer for
// another id is skipped, as the Runtime API refuses it with 400.
func (c *channel) answer(ctx context.Context, inv *lambda.Invocation) (Outcome, error) {
	for {
		h, err := c.in.head()
		if err != nil {
			return Outcome{}, err
		}
		switch h.kind {
		case frameNext:
			return Outcome{}, fmt.Errorf("%w: %q before the answer", errFrame, h.kind)
		case frameInitFail:
			return Outcome{}, fmt.Errorf("%w: %q after the first next", errFrame, h.kind)
		}
		got, err := c.in.take(requestIDLen)
		if err != nil {
			return Outcome{}, err
		}
		rest := h.body - requestIDLen
		if string(got) != string(inv.RequestID) {
			if err := c.in.discard(rest); err != nil {
				return Outcome{}, err
			}
			continue
		}
		switch h.kind {
		case frameBegin:
			return c.streamed(ctx, inv, rest)
		case frameChunk, frameDone:
			return Outcome{}, fmt.Errorf("%w: %q before a streamed answer", errFrame, h.kind)
		}
		return c.outcome(h.kind, rest)
	}
}

// outcome reads the rest of an answer's frame.
func (c *channel) outcome(kind byte, rest int64) (Outcome, error) {
	if kind == frameError {
		errorType, payload, fits, err := c.in.typed(rest)
		if err == nil && !fits {
			return tooLarge(lambda.ResponseMax), nil
		}
		return failed(loggedType(errorType), payload), err
	}
	if rest > lambda.ResponseMax {
		return tooLarge(lambda.ResponseMax), c.in.discard(rest)
	}
	payload, err := c.in.payload(rest)
	return Outcome{Payload: payload}, err
}

// fault says what an error of the connection means, and closes the channel: what
// was half read or half written cannot be gone on with.
func (c *channel) fault(ctx context.Context, doing string, err error) error {
	dead := c.isDead()
	_ = c.close() // nothing more is expected of it
	if errors.Is(err, os.ErrDeadlineExceeded) && !dead {
		return ctx.Err() // whose end it was that interrupted
	}
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return ctx.Err() // a sink waited too long
	}
	return fmt.Errorf("%s: %w: %w", doing, ErrGone, err)
}

// undelivered turns ErrGone into ErrNotDelivered and leaves other errors alone.
func undelivered(err error) error {
	if errors.Is(err, ErrGone) {
		return fmt.Errorf("%w: %w", ErrNotDelivered, err)
	}
	return err
}
