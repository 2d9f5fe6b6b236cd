package asyncinvoke

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hearthfaas/hearth/internal/queue"
)

const (
	// lanePauseMin and lanePauseMax bound how long a function's lane rests while its
	// attempts are throttled one after the other: without it a backlog would be
	// written to disk again and again for nothing.
	lanePauseMin = 100 * time.Millisecond
	lanePauseMax = 5 * time.Second
	// troublePause is the rest after a fault of the queue.
	troublePause = time.Second
)

// lane takes one function's events from its queue as long as slots allow, and waits
// for the attempts that it started.
func (d *Dispatcher) lane(ctx context.Context, name queue.Name) {
	var attempts sync.WaitGroup
	defer attempts.Wait()
	var stuck atomic.Int32 // throttles in a row with nothing else running
	for ctx.Err() == nil {
		messages, err := d.next(ctx, name)
		switch {
		case errors.Is(err, queue.ErrNoQueue), errors.Is(err, queue.ErrClosed), ctx.Err() != nil:
			d.share.release(name, len(messages))
			return
		case err != nil:
			d.cfg.Log.ErrorContext(ctx, "taking events from their queue", "function", name.Name, "error", err)
			rest(ctx, troublePause)
		}
		for i := range messages {
			m := &messages[i]
			attempts.Go(func() {
				defer d.share.release(name, 1)
				ran := d.attempt(ctx, name, m)
				if d.share.tell(name, !ran) {
					stuck.Add(1)
				} else {
					stuck.Store(0)
				}
			})
		}
		if n := stuck.Load(); n > 0 {
			rest(ctx, d.scaled(min(lanePauseMax, lanePauseMin<<min(n-1, 6))))
		}
	}
}

// next takes a function's next events, each with a slot.
func (d *Dispatcher) next(ctx context.Context, name queue.Name) ([]queue.Message, error) {
	if err := d.cfg.Queue.AwaitDue(ctx, name); err != nil {
		return nil, err
	}
	slots, err := d.share.acquire(ctx, name, queue.ReceiveMax)
	if err != nil {
		return nil, err
	}
	hold := heldMax
	messages, err := d.cfg.Queue.Receive(ctx, name, queue.Request{Max: slots, Visibility: &hold})
	d.share.release(name, slots-len(messages))
	return messages, err
}

// rest waits, or for the end of ctx.
func rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
