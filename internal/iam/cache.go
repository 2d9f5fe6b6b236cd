package iam

import (
	"sync"
	"sync/atomic"
)

// The bounds of the caches. All are far above what one machine's functions use at
// a time; a cache that fills up is emptied as a whole, which costs a moment of
// slower answers and no bookkeeping on the fast path.
const (
	// sessionCacheMax is one entry for each temporary access key in use, about 1.5 KiB.
	sessionCacheMax = 8192
	// decisionCacheMax is one entry for each role, action and resource; about 300 B, or
	// 1.3 KiB where resources are S3 objects with the longest keys.
	decisionCacheMax = 16384
	// narrowingCacheMax is one entry for each different session policy, up to 20 KiB.
	narrowingCacheMax = 512
)

// bounded is a map that many goroutines read without a lock.
type bounded[K comparable, V any] struct {
	max     int64
	current atomic.Pointer[generation]
}

// generation is the cache's content since it was last emptied.
type generation struct {
	entries sync.Map
	count   atomic.Int64
}

func newBounded[K comparable, V any](most int64) *bounded[K, V] {
	b := &bounded[K, V]{max: most}
	b.Clear()
	return b
}

// Current is the generation to read and, later, write: a value that was computed
// from what was true before a Clear then goes into a generation nobody reads.
func (b *bounded[K, V]) Current() *generation { return b.current.Load() }

// Get looks k up in the current generation.
func (b *bounded[K, V]) Get(k K) (V, bool) {
	return b.GetFrom(b.current.Load(), k)
}

// GetFrom looks k up in g.
func (b *bounded[K, V]) GetFrom(g *generation, k K) (V, bool) {
	v, ok := g.entries.Load(k)
	if !ok {
		var zero V
		return zero, false
	}
	return v.(V), true
}

// Put keeps v under k in g, and empties the cache first when g is full.
func (b *bounded[K, V]) Put(g *generation, k K, v V) {
	if g.count.Add(1) > b.max {
		b.current.CompareAndSwap(g, new(generation))
		return
	}
	if _, replaced := g.entries.Swap(k, v); replaced {
		g.count.Add(-1)
	}
}

// Clear forgets everything.
func (b *bounded[K, V]) Clear() { b.current.Store(new(generation)) }
