package runtimeapi

import (
	"context"
	"sync"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// spout is where the bytes of one streamed answer go: to the invocation's sink, or
// together for a caller who gets the answer as a whole. What is over the limit, or
// comes after the caller has gone, is dropped; the runtime does not notice.
//
// A runtime on HTTP writes from its call's goroutine, so the spout outlasts the
// invocation; close makes it dry.
type spout struct {
	sink lambda.Sink // nil: collect
	max  int64

	mu          sync.Mutex // guards what follows; held while the sink waits
	contentType string
	begun       bool // the sink's Begin was called
	dry         bool // nobody takes the bytes any more
	taken       int64
	body        []byte
}

func newSpout(sink lambda.Sink, contentType string) *spout {
	s := &spout{sink: sink, max: lambda.StreamMax, contentType: contentType}
	if sink == nil {
		s.max = lambda.ResponseMax
	}
	return s
}

// declare sets what the sink is told before the first byte.
func (s *spout) declare(contentType string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.contentType = contentType
}

// write passes p on. The error is ctx's.
func (s *spout) write(ctx context.Context, p []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken += int64(len(p))
	if s.taken > s.max {
		s.body = nil
		return nil
	}
	if s.sink == nil {
		s.body = append(s.body, p...)
		return nil
	}
	if err := s.begin(ctx); err != nil || s.dry {
		return err
	}
	return s.passed(ctx, s.sink.Write(ctx, p))
}

// begin tells the sink that an answer comes, once.
func (s *spout) begin(ctx context.Context) error {
	if s.begun || s.dry {
		return nil
	}
	s.begun = true
	return s.passed(ctx, s.sink.Begin(ctx, lambda.StreamHead{ContentType: s.contentType}))
}

// passed tells a sink that waited too long from one that is gone.
func (s *spout) passed(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	s.dry = true
	return ctx.Err()
}

// finish is the outcome of an answer that came to its end without an error. Its
// payload is what was collected, nil when a sink took it.
func (s *spout) finish(ctx context.Context) (Outcome, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken > s.max {
		return tooLarge(s.max), nil
	}
	if s.sink == nil {
		return Outcome{Payload: s.body}, nil
	}
	return Outcome{}, s.begin(ctx)
}

// close makes the spout dry. It waits for a write under way.
func (s *spout) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dry = true
}
