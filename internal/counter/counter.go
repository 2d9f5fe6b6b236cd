// Package counter tracks how many invocations of each function run at this moment
// and says whether one more may start. It holds the account's concurrency limit
// and the functions' reserved concurrency.
//
// It does not know environments or workers (workermanager, placement) and keeps
// nothing on disk: its state is the invocations in flight, which die with the
// process that runs them.
//
// Rules (Lambda developer guide, "Understanding Lambda function scaling"): a
// function with reserved concurrency R draws from a pool of its own of size R,
// which is taken out of the account's; all other functions of the account and
// region share what is left. A limit is never exceeded, not for a moment.
package counter

import (
	"sync"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// Config is the counter's configuration.
type Config struct {
	// AccountConcurrency is the limit of each account in each region.
	AccountConcurrency int
}

// Counter counts the invocations in flight.
type Counter struct {
	cfg Config

	mu       sync.RWMutex // guards accounts
	accounts map[accountKey]*account
}

type accountKey struct{ account, region string }

// account is one account's concurrency in one region.
type account struct {
	mu         sync.Mutex // guards what follows
	limit      int
	reserved   int // the sum of all functions' reserved concurrency
	unreserved int // invocations in flight of functions without a reserve
	functions  map[string]*function
}

// function is one function's part of its account; its account's mutex guards it.
type function struct {
	account  *account
	name     string
	inFlight int
	reserved int // -1 when the function has no reserved concurrency
}

// New returns a counter with nothing in flight.
func New(cfg Config) *Counter {
	return &Counter{cfg: cfg, accounts: make(map[accountKey]*account)}
}

// Slot is the right to run one invocation. It must be released exactly once.
type Slot struct{ function *function }

// Reserve takes a slot for one invocation of a function, or answers with the 429
// whose Reason says which limit stands in the way.
func (c *Counter) Reserve(id lambda.FunctionID) (Slot, error) {
	a := c.account(id)
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.function(id.Name)
	if reason := a.refusal(f); reason != "" {
		a.forgetIfUnused(f)
		return Slot{}, lambda.Throttled(reason)
	}
	f.inFlight++
	if f.reserved < 0 {
		a.unreserved++
	}
	return Slot{function: f}, nil
}

// Release gives a slot back.
func (c *Counter) Release(s Slot) {
	f := s.function
	f.account.mu.Lock()
	defer f.account.mu.Unlock()
	if f.inFlight == 0 {
		panic("counter: a slot was released twice")
	}
	f.inFlight--
	if f.reserved < 0 {
		f.account.unreserved--
	}
	f.account.forgetIfUnused(f)
}

// SetReserved sets a function's reserved concurrency; nil takes it away. What is in
// flight goes on and counts in the function's new pool.
func (c *Counter) SetReserved(id lambda.FunctionID, n *int) {
	a := c.account(id)
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.function(id.Name)
	if f.reserved < 0 {
		a.unreserved -= f.inFlight
	} else {
		a.reserved -= f.reserved
	}
	if n == nil {
		f.reserved = -1
		a.unreserved += f.inFlight
	} else {
		f.reserved = *n
		a.reserved += *n
	}
	a.forgetIfUnused(f)
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

// refusal says which limit stops one more invocation of f; empty means none does.
func (a *account) refusal(f *function) lambda.ThrottleReason {
	switch {
	case f.reserved >= 0 && f.inFlight >= f.reserved:
		return lambda.ReasonReservedConcurrentInvocationLimit
	case f.reserved < 0 && a.unreserved >= a.limit-a.reserved:
		return lambda.ReasonConcurrentInvocationLimit
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
	a = &account{limit: c.cfg.AccountConcurrency, functions: make(map[string]*function)}
	c.accounts[key] = a
	return a
}

// function returns the entry of a name, made when there is none.
func (a *account) function(name string) *function {
	f, ok := a.functions[name]
	if !ok {
		f = &function{account: a, name: name, reserved: -1}
		a.functions[name] = f
	}
	return f
}

// forgetIfUnused keeps the map as small as the number of functions that run or
// have a reserve.
func (a *account) forgetIfUnused(f *function) {
	if f.inFlight == 0 && f.reserved < 0 {
		delete(a.functions, f.name)
	}
}
