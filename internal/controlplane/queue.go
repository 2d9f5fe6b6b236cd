package controlplane

import (
	"context"
	"sync"
)

// queue holds what is to be done, each item at most once. It is bounded by the
// number of distinct items, which are functions and their environments.
type queue[T comparable] struct {
	mu    sync.Mutex
	items []T
	in    map[T]bool
	wake  chan struct{} // holds a token while items may be there
}

func newQueue[T comparable]() *queue[T] {
	return &queue[T]{in: make(map[T]bool), wake: make(chan struct{}, 1)}
}

func (q *queue[T]) add(item T) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.in[item] {
		return
	}
	q.in[item] = true
	q.items = append(q.items, item)
	q.signal()
}

func (q *queue[T]) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// next waits for an item; it reports false when ctx has ended.
func (q *queue[T]) next(ctx context.Context) (T, bool) {
	for {
		if item, ok := q.take(); ok {
			return item, true
		}
		select {
		case <-q.wake:
		case <-ctx.Done():
			var zero T
			return zero, false
		}
	}
}

func (q *queue[T]) take() (T, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) == 0 {
		var zero T
		return zero, false
	}
	item := q.items[0]
	q.items = q.items[1:]
	delete(q.in, item)
	if len(q.items) > 0 {
		q.signal() // for the next one who waits
	}
	return item, true
}
