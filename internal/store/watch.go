package store

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// Watchers keeps the functions that Watch registered and tells them of changes.
// It is the part of Watch that is the same in every engine; the engine says when,
// by calling Tell from one goroutine at a time.
type Watchers struct {
	mu sync.Mutex
	// by is copied on every change, so that Tell walks it without the lock.
	by atomic.Pointer[map[string][]*watcher]
}

type watcher struct {
	fn      func(Event)
	stopped atomic.Bool
}

// Add registers fn for a kind until the returned stop is called.
func (w *Watchers) Add(kind string, fn func(Event)) (stop func()) {
	one := &watcher{fn: fn}
	w.change(kind, func(all []*watcher) []*watcher { return append(slices.Clip(all), one) })
	return sync.OnceFunc(func() {
		one.stopped.Store(true)
		w.change(kind, func(all []*watcher) []*watcher {
			return slices.DeleteFunc(slices.Clone(all), func(x *watcher) bool { return x == one })
		})
	})
}

// Tell calls every function that watches the event's kind.
func (w *Watchers) Tell(e Event) {
	by := w.by.Load()
	if by == nil {
		return
	}
	for _, one := range (*by)[e.Record.Kind] {
		if !one.stopped.Load() {
			one.fn(e)
		}
	}
}

func (w *Watchers) change(kind string, f func([]*watcher) []*watcher) {
	w.mu.Lock()
	defer w.mu.Unlock()
	next := map[string][]*watcher{}
	if by := w.by.Load(); by != nil {
		maps.Copy(next, *by)
	}
	next[kind] = f(next[kind])
	w.by.Store(&next)
}
