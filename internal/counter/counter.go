// Package counter tracks how many invocations of each function run at this moment
// and says whether one more may start. It holds the account's concurrency limit,
// the functions' reserved and provisioned concurrency, and how fast a function may
// grow and be called.
//
// It does not know environments or workers (workermanager, placement) and keeps
// nothing on disk: its state is the invocations in flight, which die with the
// process that runs them.
//
// Rules (Lambda developer guide, "Understanding Lambda function scaling"): a
// function with reserved concurrency R draws from a pool of its own of size R,
// which is taken out of the account's; all other functions of the account and
// region share what is left. A version with provisioned concurrency P draws from a
// pool of its own of size P first, which is a part of its function's pool, or of
// the account's when the function has no reserve. A limit is never exceeded, not
// for a moment.
package counter

import (
	"sync"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// Config is the counter's configuration.
type Config struct {
	// AccountConcurrency is the limit of each account in each region.
	AccountConcurrency int
	// Growth bounds how fast a function's concurrency grows; the zero value does not.
	Growth Growth
	// RequestsPerConcurrency is how many requests a second go with each unit of
	// concurrency; AWS allows 10. 0 sets no bound.
	RequestsPerConcurrency int
}

// Counter counts the invocations in flight.
type Counter struct {
	cfg  Config
	born time.Time // where the clock of the rates begins

	mu       sync.RWMutex // guards accounts
	accounts map[accountKey]*account
}

type accountKey struct{ account, region string }

// account is one account's concurrency in one region.
type account struct {
	cfg *Config

	mu    sync.Mutex // guards what follows
	limit int
	// reserved is the sum of all functions' reserved concurrency, provisioned that of
	// the provisioned concurrency of functions without a reserve.
	reserved, provisioned int
	inFlight              int // of all functions
	unreserved            int // those that share what is left of the limit
	requests              bucket
	functions             map[string]*function
	peak                  peaks
	sweepAt               int // how many functions there may be before unused ones are looked for
}

// function is one function's part of its account; its account's mutex guards it.
type function struct {
	account  *account
	name     string
	inFlight int
	// onDemand are those in flight that no provisioned concurrency covers.
	onDemand    int
	reserved    int // -1 when the function has no reserved concurrency
	provisioned int // the sum of its versions'
	pools       map[string]*pool
	requests    bucket
	growth      growth
}

// New returns a counter with nothing in flight.
func New(cfg Config) *Counter {
	return &Counter{cfg: cfg, born: time.Now(), accounts: make(map[accountKey]*account)}
}

// Slot is the right to run one invocation. It must be released exactly once.
type Slot struct {
	function *function
	pool     *pool // the provisioned concurrency that it is drawn from, nil for none
}

// Reserve takes a slot for one invocation of a version of a function, or answers
// with the 429 whose Reason says which limit stands in the way.
func (c *Counter) Reserve(id lambda.FunctionID, version string) (Slot, error) {
	now := c.now()
	a := c.account(id)
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.function(id.Name, now)
	s := Slot{function: f}
	if p := f.pools[version]; p != nil && p.inFlight < p.size {
		s.pool = p
	}
	if reason := a.refusal(s, now); reason != "" {
		a.forgetIfUnused(f, now)
		return Slot{}, lambda.Throttled(reason)
	}
	a.inFlight++
	f.inFlight++
	if s.pool != nil {
		s.pool.inFlight++
		s.pool.drawn++
		s.pool.peak = max(s.pool.peak, s.pool.inFlight)
	} else {
		if p := f.pools[version]; p != nil {
			p.spilled++
		}
		f.onDemand++
		if f.reserved < 0 {
			a.unreserved++
		}
	}
	a.peak.raise(a)
	return s, nil
}

// Release gives a slot back.
func (c *Counter) Release(s Slot) {
	f := s.function
	a := f.account
	a.mu.Lock()
	defer a.mu.Unlock()
	if f.inFlight == 0 {
		panic("counter: a slot was released twice")
	}
	a.inFlight--
	f.inFlight--
	if s.pool == nil || s.pool.release() {
		f.onDemand--
		if f.reserved < 0 {
			a.unreserved--
		}
	}
	if !c.rated() {
		a.forgetIfUnused(f, 0)
	}
}

// SetReserved sets a function's reserved concurrency; nil takes it away. What is in
// flight goes on and counts in the function's new pool.
func (c *Counter) SetReserved(id lambda.FunctionID, n *int) {
	now := c.now()
	a := c.account(id)
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.function(id.Name, now)
	a.leave(f)
	f.reserved = -1
	if n != nil {
		f.reserved = *n
	}
	a.join(f)
	a.forgetIfUnused(f, now)
}

// leave takes a function's share out of the account's sums, join puts it in.
func (a *account) leave(f *function) {
	if f.reserved < 0 {
		a.unreserved -= f.onDemand
		a.provisioned -= f.provisioned
	} else {
		a.reserved -= f.reserved
	}
}

func (a *account) join(f *function) {
	if f.reserved < 0 {
		a.unreserved += f.onDemand
		a.provisioned += f.provisioned
	} else {
		a.reserved += f.reserved
	}
}

// InFlight reports how many invocations of a function run now.
func (c *Counter) InFlight(id lambda.FunctionID) int {
	a := c.account(id)
	a.mu.Lock()
	defer a.mu.Unlock()
	if f, ok := a.functions[id.Name]; ok {
		return f.inFlight
	}
	return 0
}

// refusal says which limit stops one more invocation; empty means none does, and the
// rates have been charged for it.
func (a *account) refusal(s Slot, now time.Duration) lambda.ThrottleReason {
	f := s.function
	reserved := f.reserved >= 0
	switch {
	case s.pool == nil && reserved && f.onDemand >= f.reserved-f.provisioned:
		return lambda.ReasonReservedConcurrentInvocationLimit
	case s.pool == nil && !reserved && a.unreserved >= a.limit-a.reserved-a.provisioned:
		return lambda.ReasonConcurrentInvocationLimit
	case a.inFlight >= a.limit:
		// A pool was made larger while others still use what it was made from.
		return lambda.ReasonConcurrentInvocationLimit
	case a.cfg.rated() && !a.charge(s, now):
		if reserved {
			return lambda.ReasonReservedFunctionInvocationRateLimit
		}
		return lambda.ReasonFunctionInvocationRateLimit
	}
	return ""
}

func (c *Counter) account(id lambda.FunctionID) *account {
	key := accountKey{id.Account, id.Region}
	c.mu.RLock()
	a, ok := c.accounts[key]
	c.mu.RUnlock()
	if ok {
		return a
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if a, ok := c.accounts[key]; ok {
		return a
	}
	a = &account{cfg: &c.cfg, limit: c.cfg.AccountConcurrency, functions: make(map[string]*function), sweepAt: sweepLeast}
	c.accounts[key] = a
	return a
}

// sweepLeast is how many functions are kept before unused ones are looked for: a
// few kilobytes.
const sweepLeast = 64

// function returns the entry of a name, made when there is none.
func (a *account) function(name string, now time.Duration) *function {
	f, ok := a.functions[name]
	if !ok {
		if len(a.functions) >= a.sweepAt {
			for _, other := range a.functions {
				a.forgetIfUnused(other, now)
			}
			a.sweepAt = max(sweepLeast, 2*len(a.functions)) // so that it costs O(1) for each new one
		}
		f = &function{account: a, name: name, reserved: -1}
		a.functions[name] = f
	}
	return f
}

// forgetIfUnused keeps the map as small as the number of functions that run, have
// run a moment ago, or have concurrency of their own.
func (a *account) forgetIfUnused(f *function, now time.Duration) {
	if f.inFlight == 0 && f.reserved < 0 && len(f.pools) == 0 && f.rested(a.cfg, now) {
		delete(a.functions, f.name)
	}
}
