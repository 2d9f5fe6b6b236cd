package frontend

import (
	"context"
	"sync"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// relayMax is how many bytes of a streamed answer wait for a slow caller before the
// function waits too. It is a few of the largest writes of the usual runtimes: the
// function is not held up by a caller that takes a moment, and a thousand stalled
// streams hold 128 MiB at most.
const relayMax = 64 << 10

// relay stands between an environment and the caller of one streamed answer, so that
// a caller who stalls does not hold the environment beyond its invocation, and one
// who goes away does not end it. The environment writes; pump, on another goroutine,
// passes on.
type relay struct {
	// filled and room say that there is something new for the one side or the other;
	// one signal stands for any number.
	filled, room chan struct{}

	mu      sync.Mutex // guards what follows
	head    lambda.StreamHead
	begun   bool
	closed  bool
	gone    bool // the caller is; bytes are dropped
	pending []byte
}

func newRelay(head lambda.StreamHead) *relay {
	return &relay{head: head, filled: make(chan struct{}, 1), room: make(chan struct{}, 1)}
}

// Begin meets lambda.Sink.
func (r *relay) Begin(_ context.Context, head lambda.StreamHead) error {
	r.mu.Lock()
	r.begun, r.head.ContentType = true, head.ContentType
	r.mu.Unlock()
	signal(r.filled)
	return nil
}

// Write meets lambda.Sink. It waits while relayMax bytes are waiting already.
func (r *relay) Write(ctx context.Context, p []byte) error {
	for {
		n := r.put(p)
		if n > 0 {
			signal(r.filled)
		}
		if p = p[n:]; len(p) == 0 {
			return nil
		}
		select {
		case <-r.room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// put takes as much of p as there is room for.
func (r *relay) put(p []byte) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gone {
		return len(p)
	}
	n := min(len(p), relayMax-len(r.pending))
	r.pending = append(r.pending, p[:n]...)
	return n
}

// close says that nothing more will be written.
func (r *relay) close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	signal(r.filled)
}

// leave says that the caller takes no more.
func (r *relay) leave() {
	r.mu.Lock()
	r.gone, r.pending = true, nil
	r.mu.Unlock()
	signal(r.room)
}

// take returns what waits, and leaves last's memory to what comes next.
func (r *relay) take(last []byte) (head lambda.StreamHead, begun bool, p []byte, closed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p, r.pending = r.pending, last[:0]
	return r.head, r.begun, p, r.closed
}

// pump passes everything on until the relay is closed and empty. It reports whether
// the sink was told to begin.
func (r *relay) pump(ctx context.Context, sink lambda.Sink) (began bool) {
	there := true
	var last []byte
	for range r.filled {
		head, begun, p, closed := r.take(last)
		if there && begun && !began {
			began = true
			there = sink.Begin(ctx, head) == nil
		}
		if there && len(p) > 0 {
			signal(r.room)
			there = sink.Write(ctx, p) == nil
		}
		if !there {
			r.leave()
		}
		if closed {
			break
		}
		last = p
	}
	return began
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
