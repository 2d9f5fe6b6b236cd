package counter

import "github.com/hearthfaas/hearth/internal/lambda"

// pool is the provisioned concurrency of one version; its account's mutex guards it.
type pool struct {
	size     int
	inFlight int // drawn from it; more than size for a while after it was made smaller
	requests bucket
	// peak, drawn and spilled are since usage was last asked for: the most in flight, the
	// invokes drawn from it, and those of its version that found it used up.
	peak, drawn, spilled int
}

// over is how many in flight the pool no longer covers.
func (p *pool) over() int { return max(0, p.inFlight-p.size) }

// release gives one back and reports whether it was one that the pool no longer
// covered.
func (p *pool) release() (wasOver bool) {
	before := p.over()
	p.inFlight--
	return p.over() < before
}

// SetProvisioned sets the provisioned concurrency of a version of a function; 0
// takes it away. What is in flight goes on: what the smaller pool does not cover
// counts in the function's.
func (c *Counter) SetProvisioned(id lambda.FunctionID, version string, n int) {
	now := c.now()
	a := c.account(id)
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.function(id.Name, now)
	a.leave(f)
	p := f.pools[version]
	if p == nil {
		p = &pool{}
		if f.pools == nil {
			f.pools = make(map[string]*pool)
		}
		f.pools[version] = p
	}
	before := p.over()
	f.provisioned += n - p.size
	p.size = n
	f.onDemand += p.over() - before
	if n == 0 {
		// Slots in flight still hold the pool; all of them are over.
		delete(f.pools, version)
	}
	a.join(f)
	a.forgetIfUnused(f, now)
}
