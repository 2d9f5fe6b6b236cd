package door

import (
	"sync"
	"time"
)

// bucketsMax bounds the buckets: past it all start full again, which lets a burst
// through.
const bucketsMax = 16384

// Buckets hold the token buckets of throttled routes, methods and keys (API Gateway
// developer guide, "Throttle requests").
type Buckets struct {
	mu   sync.Mutex // guards open
	open map[string]*bucket
}

type bucket struct {
	tokens float64
	at     time.Time
}

func newBuckets() *Buckets { return &Buckets{open: map[string]*bucket{}} }

// Limit is a rate in requests a second and how many may come at once.
type Limit struct {
	Rate  float64
	Burst int
}

// Take takes a token of the bucket with a name; false when it is empty.
func (b *Buckets) Take(name string, l Limit, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	k, ok := b.open[name]
	if !ok {
		if len(b.open) >= bucketsMax {
			clear(b.open)
		}
		k = &bucket{tokens: float64(l.Burst), at: now}
		b.open[name] = k
	}
	k.tokens = fill(k.tokens, l, now.Sub(k.at))
	k.at = now
	if k.tokens < 1 {
		return false
	}
	k.tokens--
	return true
}

// fill is what a bucket has after a while.
func fill(tokens float64, l Limit, passed time.Duration) float64 {
	return min(float64(l.Burst), tokens+l.Rate*max(0, passed.Seconds()))
}
