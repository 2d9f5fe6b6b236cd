package sqs

import (
	"context"
	"sync"
	"time"
)

// polls are the requests that wait for messages.
type polls struct {
	mu    sync.Mutex // guards what follows
	ended bool
	next  int
	stop  map[int]context.CancelFunc
}

// begin gives a request the context that it waits with; done is called once it has
// waited. A request that does not wait keeps its own.
func (p *polls) begin(ctx context.Context, wait time.Duration) (poll context.Context, done func()) {
	if wait == 0 {
		return ctx, func() {}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	poll, stop := context.WithCancel(ctx)
	if p.ended {
		stop()
		return poll, stop
	}
	p.next++
	id := p.next
	p.stop[id] = stop
	return poll, func() {
		stop()
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.stop, id)
	}
}

func (p *polls) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	for _, stop := range p.stop {
		stop()
	}
}
