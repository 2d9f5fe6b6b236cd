package runtimeapi

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

const (
	// contentTypeMax bounds the content type of a streamed answer.
	contentTypeMax = 1 << 10
	// pourSize is one read of a streamed answer's bytes. Large writes of a function
	// then cost few system calls, and small ones are passed on as they come.
	pourSize = 64 << 10
)

// pourBuffers are in use only while bytes flow.
var pourBuffers = sync.Pool{New: func() any { return new([pourSize]byte) }}

// streamed reads the rest of an answer that began with a frame 'B' of which rest
// bytes are left: the content type, then frames of bytes, then the end.
func (c *channel) streamed(ctx context.Context, inv *lambda.Invocation, rest int64) (Outcome, error) {
	contentType, err := c.in.take(int(rest))
	if err != nil {
		return Outcome{}, err
	}
	s := newSpout(inv.Sink, string(contentType))
	defer s.close()
	for {
		h, err := c.in.head()
		if err != nil {
			return Outcome{}, err
		}
		if h.kind != frameChunk && h.kind != frameDone {
			return Outcome{}, fmt.Errorf("%w: %q in a streamed answer", errFrame, h.kind)
		}
		id, err := c.in.take(requestIDLen)
		if err != nil {
			return Outcome{}, err
		}
		if string(id) != string(inv.RequestID) {
			return Outcome{}, fmt.Errorf("%w: %q for another invocation in a streamed answer", errFrame, h.kind)
		}
		rest := h.body - requestIDLen
		switch {
		case h.kind == frameChunk:
			if err := c.pour(ctx, s, rest); err != nil {
				return Outcome{}, err
			}
		case rest == 0:
			return s.finish(ctx)
		default:
			errorType, payload, fits, err := c.in.typed(rest)
			if err == nil && !fits {
				return tooLarge(lambda.ResponseMax), nil
			}
			return failed(loggedType(errorType), payload), err
		}
	}
}

// pour passes the next n bytes on as they come.
func (c *channel) pour(ctx context.Context, s *spout, n int64) error {
	if at := min(n, int64(c.in.buffered())); at > 0 {
		b, err := c.in.take(int(at))
		if err == nil {
			err = s.write(ctx, b)
		}
		if err != nil {
			return err
		}
		c.linger()
		n -= at
	}
	if n == 0 {
		return nil
	}
	buf := pourBuffers.Get().(*[pourSize]byte)
	defer pourBuffers.Put(buf)
	for n > 0 {
		m, err := c.in.src.Read(buf[:min(n, pourSize)])
		if m == 0 && err != nil {
			return err
		}
		if err := s.write(ctx, buf[:m]); err != nil {
			return err
		}
		c.linger()
		n -= int64(m)
	}
	return nil
}

// linger gives what a dead process left behind its grace again, after the time that
// the receiver took for the bytes before.
func (c *channel) linger() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead {
		c.interrupt(time.Now().Add(goneGrace))
	}
}
