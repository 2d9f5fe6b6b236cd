package eventbridge

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/hearthfaas/hearth/internal/queue"
)

const (
	// laneMax is how many deliveries of one target are under way at a time: a quarter of
	// all, so that three slow targets leave room for the others.
	laneMax = deliveriesMax / 4
	// heldMax is how long a delivery may be in this process's hands: longer than an
	// attempt can take, as a restart releases what was held.
	heldMax = queue.VisibilityMax
	// troublePause is the rest after a fault of the queue.
	troublePause = time.Second
)

// lanes knows which targets' queues are being emptied.
type lanes struct {
	mu      sync.Mutex // guards what follows
	known   map[queue.Name]bool
	pending []queue.Name
	wake    chan struct{}
}

func newLanes() lanes {
	return lanes{known: map[queue.Name]bool{}, wake: make(chan struct{}, 1)}
}

// note has a lane started for a queue that has none.
func (l *lanes) note(name queue.Name) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known[name] {
		return
	}
	l.known[name] = true
	l.pending = append(l.pending, name)
	nudge(l.wake)
}

func (l *lanes) take() []queue.Name {
	l.mu.Lock()
	defer l.mu.Unlock()
	names := l.pending
	l.pending = nil
	return names
}

func (l *lanes) forget(name queue.Name) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.known, name)
}

// takeUp has lanes started for what an earlier process left, and removes the queues
// whose target is gone.
func (s *Service) takeUp(ctx context.Context) error {
	wanted := map[queue.Name]bool{}
	s.mu.RLock()
	for k, b := range s.index.buses {
		for name, r := range b.rules {
			for i := range r.record.Targets {
				wanted[queueOf(k, name, r.record.Targets[i].ID)] = true
			}
		}
	}
	s.mu.RUnlock()
	for _, name := range s.cfg.Queue.List("", "", Kind) {
		var err error
		if wanted[name] {
			err = s.cfg.Queue.Release(ctx, name) // held by a process that is gone
			s.lanes.note(name)
		} else {
			err = s.cfg.Queue.Delete(ctx, name)
		}
		if err != nil && !errors.Is(err, queue.ErrNoQueue) {
			return fmt.Errorf("take up the events of %s: %w", name.Name, err)
		}
	}
	return nil
}

// runLanes empties the queues of all targets until ctx ends.
func (s *Service) runLanes(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	for {
		for _, name := range s.lanes.take() {
			running.Go(func() {
				s.lane(ctx, name)
				s.lanes.forget(name)
				if _, err := s.cfg.Queue.Settings(name); err == nil && ctx.Err() == nil {
					s.lanes.note(name) // it was made again while its lane ended
				}
			})
		}
		select {
		case <-s.lanes.wake:
		case <-ctx.Done():
			return
		}
	}
}

// lane delivers one target's events, and waits for the attempts that it started.
func (s *Service) lane(ctx context.Context, name queue.Name) {
	var attempts sync.WaitGroup
	defer attempts.Wait()
	own := semaphore.NewWeighted(laneMax)
	for ctx.Err() == nil {
		messages, err := s.take(ctx, name, own)
		for i := range messages {
			m := &messages[i]
			attempts.Go(func() {
				defer s.release(own, 1)
				s.attempt(ctx, name, m)
			})
		}
		switch {
		case errors.Is(err, queue.ErrNoQueue), errors.Is(err, queue.ErrClosed):
			return
		case err != nil && ctx.Err() == nil:
			s.cfg.Log.ErrorContext(ctx, "taking events from their queue", "target", name.Name, "error", err)
			rest(ctx, troublePause)
		}
	}
}

// take receives a target's next events, each with a slot of its own and of all.
func (s *Service) take(ctx context.Context, name queue.Name, own *semaphore.Weighted) ([]queue.Message, error) {
	if err := s.cfg.Queue.AwaitDue(ctx, name); err != nil {
		return nil, err
	}
	if err := own.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	if err := s.slots.Acquire(ctx, 1); err != nil {
		own.Release(1)
		return nil, err
	}
	slots := 1
	for slots < queue.ReceiveMax && own.TryAcquire(1) {
		if !s.slots.TryAcquire(1) {
			own.Release(1)
			break
		}
		slots++
	}
	hold := heldMax
	messages, err := s.cfg.Queue.Receive(ctx, name, queue.Request{Max: slots, Visibility: &hold})
	if surplus := slots - len(messages); surplus > 0 {
		s.release(own, surplus)
	}
	return messages, err
}

func (s *Service) release(own *semaphore.Weighted, n int) {
	own.Release(int64(n))
	s.slots.Release(int64(n))
}
