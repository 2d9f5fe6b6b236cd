package runtimeapi

import (
	"context"
	"sync"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// guest is one runtime process with the extensions beside it, from start to end.
// A guest with a channel is one of Hearth's own bootstraps; without, it speaks
// HTTP, and every call moves the state below and wakes whoever waits for it.
type guest struct {
	// mu guards everything below.
	mu      sync.Mutex
	channel *channel
	ended   bool
	// changed is closed and replaced whenever something below or ended changes.
	changed chan struct{}

	state   state
	failure *Failure
	inv     *lambda.Invocation // while state is running or responding
	stream  *pouring           // where inv's streamed answer goes; nil when it has no sink
	// outcome is the answer to the last event, from when it was posted until the next
	// event: the runtime may have asked for that before the answer was picked up.
	outcome *Outcome

	extensions extensions
}

func newGuest() *guest { return &guest{changed: make(chan struct{})} }

func (g *guest) attach(c *channel) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.channel = c
}

// private returns the guest's channel, or nil for one that speaks HTTP.
func (g *guest) private() *channel {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.channel
}

// wake lets every await look again. The caller holds mu.
func (g *guest) wake() {
	close(g.changed)
	g.changed = make(chan struct{})
}

// await waits until done, which runs under mu, answers true. It returns with mu
// held when it returns nil, and without it otherwise: ErrGone or ctx's error.
func (g *guest) await(ctx context.Context, done func() bool) error {
	g.mu.Lock()
	for !done() {
		// An answer whose body is being read is waited for: the process may have ended
		// right after it was sent.
		if g.ended && g.state != responding {
			g.mu.Unlock()
			return ErrGone
		}
		changed := g.changed
		g.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
		g.mu.Lock()
	}
	return nil
}

// end marks the process as ended.
func (g *guest) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ended {
		return
	}
	g.ended = true
	g.wake()
	if g.channel != nil {
		g.channel.gone()
	}
}

func (g *guest) close() error {
	if c := g.private(); c != nil {
		return c.close()
	}
	return nil
}

func (g *guest) awaitReady(ctx context.Context) (*Failure, error) {
	if c := g.private(); c != nil {
		failure, err := c.awaitReady(ctx)
		if failure != nil || err != nil {
			return failure, err
		}
		return nil, g.settle(ctx, true)
	}
	err := g.await(ctx, func() bool { return g.state == ready || g.state == initError })
	if err != nil {
		return nil, err
	}
	failure := g.failure
	g.mu.Unlock()
	if failure != nil {
		return failure, nil
	}
	return nil, g.settle(ctx, true)
}

// settle waits until no extension works on its initialisation or the last event.
// At the end of the Init phase it also closes registration.
func (g *guest) settle(ctx context.Context, initialised bool) error {
	g.mu.Lock()
	if initialised {
		g.extensions.closed = true
	}
	quiet := g.extensions.quiet()
	g.mu.Unlock()
	if quiet {
		return nil
	}
	if err := g.await(ctx, g.extensions.quiet); err != nil {
		return err
	}
	g.mu.Unlock()
	return nil
}

func (g *guest) invoke(ctx context.Context, inv *lambda.Invocation) (Outcome, error) {
	if err := g.settle(ctx, false); err != nil {
		return Outcome{}, undelivered(err)
	}
	if c := g.private(); c != nil {
		g.announce(inv)
		return c.invoke(ctx, inv)
	}
	if err := g.await(ctx, func() bool { return g.state == ready && !g.ended }); err != nil {
		return Outcome{}, undelivered(err)
	}
	g.state, g.inv, g.outcome, g.stream = running, inv, nil, newPouring(ctx, inv)
	g.extensions.post(inv)
	g.wake()
	g.mu.Unlock()
	if err := g.await(ctx, func() bool { return g.outcome != nil }); err != nil {
		g.abandon()
		return Outcome{}, err
	}
	defer g.mu.Unlock()
	return *g.outcome, nil
}

// announce posts the event to the extensions beside a private runtime.
func (g *guest) announce(inv *lambda.Invocation) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.extensions.post(inv) {
		g.wake()
	}
}

// abandon forgets an invocation that was given up: answers to it get 400, and its
// sink gets no more.
func (g *guest) abandon() {
	g.mu.Lock()
	stream := g.stream
	g.inv, g.stream = nil, nil
	g.mu.Unlock()
	if stream != nil {
		stream.close()
	}
}
