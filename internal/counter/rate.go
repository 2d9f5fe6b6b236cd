package counter

import "time"

// Growth is how fast a function's concurrency may grow (Lambda developer guide,
// "Concurrency scaling rate": 1,000 environments every 10 seconds for each
// function, refilled continuously).
type Growth struct {
	// Burst is how many environments a function may add at once; 0 sets no bound.
	Burst int
	// Refill is how long it takes until a whole burst is allowed again.
	Refill time.Duration
	// Warm is how long an environment stays without an invoke: using it again is no
	// growth.
	Warm time.Duration
}

// AWSGrowth is AWS's rate, for environments that stay warm for that long.
func AWSGrowth(warm time.Duration) Growth {
	return Growth{Burst: 1000, Refill: 10 * time.Second, Warm: warm}
}

// AWSRequestsPerConcurrency is how many requests a second AWS allows for each unit
// of concurrency.
const AWSRequestsPerConcurrency = 10

// rated says whether any rate is bounded.
func (c *Config) rated() bool { return c.Growth.Burst > 0 || c.RequestsPerConcurrency > 0 }

func (c *Counter) rated() bool { return c.cfg.rated() }

// now is the time since the counter was made; it is not asked when nothing depends
// on it.
func (c *Counter) now() time.Duration {
	if !c.rated() {
		return 0
	}
	return time.Since(c.born)
}

// bucket holds what may be taken at once, and fills again with time. It begins full.
type bucket struct {
	spent float64 // what is missing to the full size
	at    time.Duration
}

// settle fills the bucket up to now.
func (b *bucket) settle(now time.Duration, size float64, refill time.Duration) {
	b.spent = max(0, b.spent-size*float64(now-b.at)/float64(refill))
	b.at = now
}

// has says whether one can be taken.
func (b *bucket) has(size float64) bool { return b.spent+1 <= size }

// growth is how many environments a function is thought to have: as many as ran at
// once within the time that they stay warm.
type growth struct {
	bucket
	window         time.Duration // when the present window began
	most, mostPrev int           // at once in flight in this window and the one before
}

// roll begins a new window when the present one is over.
func (g *growth) roll(now, warm time.Duration, inFlight int) {
	switch past := now - g.window; {
	case past >= 2*warm:
		g.window, g.most, g.mostPrev = now, inFlight, inFlight
	case past >= warm:
		g.window, g.most, g.mostPrev = now, inFlight, g.most
	}
}

// charge takes one request, and one environment when the function grows, from the
// rates, or nothing when either is used up.
func (a *account) charge(s Slot, now time.Duration) bool {
	f, grow, per := s.function, a.cfg.Growth, a.cfg.RequestsPerConcurrency
	grows := false
	if grow.Burst > 0 && s.pool == nil {
		g := &f.growth
		g.roll(now, grow.Warm, f.onDemand)
		if grows = f.onDemand >= max(g.most, g.mostPrev); grows {
			g.settle(now, float64(grow.Burst), grow.Refill)
			if !g.has(float64(grow.Burst)) {
				return false
			}
		}
	}
	if per > 0 {
		b, concurrency := &a.requests, a.limit-a.reserved-a.provisioned
		switch {
		case s.pool != nil:
			b, concurrency = &s.pool.requests, s.pool.size
		case f.reserved >= 0:
			b, concurrency = &f.requests, f.reserved-f.provisioned
		}
		size := float64(per * concurrency)
		b.settle(now, size, time.Second)
		if !b.has(size) {
			return false
		}
		b.spent++
	}
	if grows {
		f.growth.spent++
	}
	f.growth.most = max(f.growth.most, f.onDemand+1)
	return true
}

// rested says that forgetting the function would change nothing: its rates are full
// and its environments are gone.
func (f *function) rested(cfg *Config, now time.Duration) bool {
	if !cfg.rated() {
		return true
	}
	return now-f.growth.window >= 2*cfg.Growth.Warm && now-f.growth.at >= cfg.Growth.Refill && now-f.requests.at >= time.Second
}
