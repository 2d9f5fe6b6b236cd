package queue

import (
	"context"
	"math"
	"sync"
	"time"
)

// never is the due time of nothing.
const never = math.MaxInt64

// queue is one queue in memory.
type queue struct {
	name Name
	id   int64

	mu       sync.Mutex // guards what follows
	gone     bool       // it was deleted
	lane     int64
	settings Settings
	tally    tally
	// next is a time, in milliseconds, before which no message is due; mostly the
	// exact one. It spares an empty queue's receivers the way to the file.
	next    int64
	waiters []*waiter
}

// waiter is a receiver that waits for a message to be due.
type waiter struct{ wake chan struct{} }

// lane and settings as an operation sees them.
func (q *queue) now() (lane int64, s Settings, gone bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.lane, q.settings, q.gone
}

// show makes an effect true in memory and wakes who waited for it.
func (e *effect) show(now int64) {
	if e.then != nil {
		e.then()
		return
	}
	q := e.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	q.tally.add(e.from, -1)
	q.tally.add(e.to, 1)
	if e.next != 0 {
		q.next = e.next
	}
	fifo := q.settings.FIFO
	if !e.group && (fifo || !e.to.exists) {
		return // in a FIFO queue the groups say what is due
	}
	switch {
	case e.to.due <= now:
		q.next = min(q.next, e.to.due)
		q.wake(1)
	case e.to.due < q.next:
		q.next = e.to.due
		q.wake(len(q.waiters)) // each sleeps until a later time
	}
}

// wake lets n waiters look again, those first that have waited longest. The mutex is
// held.
func (q *queue) wake(n int) {
	n = min(n, len(q.waiters))
	for _, w := range q.waiters[:n] {
		w.wake <- struct{}{}
	}
	q.waiters = append(q.waiters[:0], q.waiters[n:]...)
}

// leave takes a waiter out that stops waiting by itself; one that was woken in the
// same moment passes that on when it will not use it.
func (q *queue) leave(w *waiter, pass bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, other := range q.waiters {
		if other == w {
			q.waiters = append(q.waiters[:i], q.waiters[i+1:]...)
			return
		}
	}
	if pass {
		q.wake(1)
	}
}

// sleepMax bounds one sleep, so that a clock which was set forward is noticed.
const sleepMax = time.Minute

// forever is a deadline that does not come.
var forever = time.Unix(1<<40, 0)

// awaitDue waits until a message may be due. It reports false when the deadline came
// first; that one is measured by the clock that is not set, where there is one.
func (e *Engine) awaitDue(ctx context.Context, q *queue, deadline time.Time) (bool, error) {
	for {
		present := e.cfg.Now()
		now := present.UnixMilli()
		left := deadline.Sub(present)
		q.mu.Lock()
		switch {
		case q.gone:
			q.mu.Unlock()
			return false, ErrNoQueue
		case q.next <= now:
			q.mu.Unlock()
			return true, nil
		case left <= 0:
			q.mu.Unlock()
			return false, nil
		}
		w := &waiter{wake: make(chan struct{}, 1)}
		q.waiters = append(q.waiters, w)
		sleep := min(left, sleepMax, time.Duration(min(q.next-now, sleepMax.Milliseconds()))*time.Millisecond)
		q.mu.Unlock()

		timer := time.NewTimer(sleep)
		var err error
		select {
		case <-w.wake:
		case <-timer.C:
			q.leave(w, false)
		case <-ctx.Done():
			q.leave(w, true)
			err = ctx.Err()
		case <-e.closing:
			q.leave(w, false)
			err = ErrClosed
		}
		timer.Stop()
		if err != nil {
			return false, err
		}
	}
}

// AwaitDue waits, for as long as ctx lasts, until the queue may have a message to
// receive. The error is the context's, ErrNoQueue or ErrClosed.
func (e *Engine) AwaitDue(ctx context.Context, name Name) error {
	q, err := e.queue(name)
	if err != nil {
		return err
	}
	_, err = e.awaitDue(ctx, q, forever)
	return err
}

// pause rests, unless ctx or the engine ends.
func (e *Engine) pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-e.closing:
		return ErrClosed
	}
}
