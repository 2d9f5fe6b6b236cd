package sim

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hearthfaas/hearth/internal/counter"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/workermanager"
)

// violationsMax is how many are kept: the first ones tell what went wrong.
const violationsMax = 10

// check notes what did not hold.
type check struct {
	now func() time.Duration

	mu         sync.Mutex // guards what follows
	violations []string
	running    map[lambda.FunctionID]int // on the workers
	held       map[lambda.FunctionID]int // slots
	total      int
	unreserved int
	reserved   map[lambda.FunctionID]int
	sum        int // of the reserves
	began      int // told to the observer and not ended
}

func newCheck(now func() time.Duration) *check {
	return &check{
		now: now, running: make(map[lambda.FunctionID]int),
		held: make(map[lambda.FunctionID]int), reserved: make(map[lambda.FunctionID]int),
	}
}

// that notes a violation unless it holds.
func (c *check) that(holds bool, format string, args ...any) {
	if holds {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.violated(format, args...)
}

// violated notes a violation. The mutex is held.
func (c *check) violated(format string, args ...any) {
	if len(c.violations) < violationsMax {
		c.violations = append(c.violations, fmt.Sprintf("%s: ", c.now())+fmt.Sprintf(format, args...))
	}
}

// started and ended say that an invoke runs on a worker, and that it does no more.
func (c *check) started(id lambda.FunctionID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running[id]++
	if c.running[id] > c.held[id] {
		c.violated("%d invokes of %s run on %d slots", c.running[id], id.Name, c.held[id])
	}
}

func (c *check) ended(id lambda.FunctionID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running[id]--
}

// limits is the counter with its invariants. It meets frontend.Counter.
type limits struct {
	*counter.Counter
	*check
	scenario Scenario
}

// Reserve meets frontend.Counter.
func (l limits) Reserve(id lambda.FunctionID, version string) (slot, error) {
	s, err := l.Counter.Reserve(id, version)
	l.mu.Lock()
	defer l.mu.Unlock()
	reserve, reserved := l.reserved[id]
	if err != nil {
		l.refused(id, err)
		return slot{}, err
	}
	l.held[id]++
	l.total++
	if !reserved {
		l.unreserved++
	}
	if l.total > l.scenario.Concurrency {
		l.violated("%d slots of %d are taken", l.total, l.scenario.Concurrency)
	}
	if reserved && l.held[id] > reserve {
		l.violated("%d slots of %s's %d are taken", l.held[id], id.Name, reserve)
	}
	if !l.scenario.Provisioned && !reserved && l.unreserved > l.scenario.Concurrency-l.sum {
		l.violated("%d slots without a reserve are taken, %d of %d are reserved", l.unreserved, l.sum, l.scenario.Concurrency)
	}
	return slot{s, id}, nil
}

// refused checks that the limit that a refusal names is used up. Provisioned
// concurrency has rules of its own, which the counter's tests check. The mutex is held.
func (l limits) refused(id lambda.FunctionID, err error) {
	e, ok := errors.AsType[*lambda.Error](err)
	if !ok || e.Code != lambda.CodeTooManyRequests {
		l.violated("the counter answers %v", err)
		return
	}
	reserve, reserved := l.reserved[id]
	switch {
	case l.scenario.Provisioned || l.total >= l.scenario.Concurrency:
	case reserved && (e.Reason != lambda.ReasonReservedConcurrentInvocationLimit || l.held[id] < reserve):
		l.violated("%s is refused with %s at %d of its %d", id.Name, e.Reason, l.held[id], reserve)
	case !reserved && (e.Reason != lambda.ReasonConcurrentInvocationLimit || l.unreserved < l.scenario.Concurrency-l.sum):
		l.violated("%s is refused with %s at %d of %d", id.Name, e.Reason, l.unreserved, l.scenario.Concurrency-l.sum)
	}
}

// slot is a counter's slot and whose it is.
type slot struct {
	counter.Slot
	id lambda.FunctionID
}

// Release meets frontend.Counter.
func (l limits) Release(s slot) {
	l.mu.Lock()
	l.held[s.id]--
	l.total--
	if _, reserved := l.reserved[s.id]; !reserved {
		l.unreserved--
	}
	if l.held[s.id] < l.running[s.id] {
		l.violated("a slot of %s is given back while its invoke runs", s.id.Name)
	}
	l.mu.Unlock()
	l.Counter.Release(s.Slot)
}

// reserve sets or takes away a reserve.
func (l limits) reserve(id lambda.FunctionID, n *int) {
	l.mu.Lock()
	old, was := l.reserved[id]
	if was {
		l.sum -= old
		delete(l.reserved, id)
		l.unreserved += l.held[id]
	}
	if n != nil {
		l.sum += *n
		l.reserved[id] = *n
		l.unreserved -= l.held[id]
	}
	l.mu.Unlock()
	l.SetReserved(id, n)
}

// handOut is the worker manager with its invariants. It meets frontend.Environments.
type handOut struct {
	*workermanager.Manager
	fleet *fleet
}

// Acquire meets frontend.Environments.
func (h handOut) Acquire(ctx context.Context, v *lambda.Version) (workermanager.Environment, bool, error) {
	got, cold, err := h.Manager.Acquire(ctx, v)
	if err != nil {
		return nil, false, err
	}
	e := got.(*environment)
	h.fleet.mu.Lock()
	defer h.fleet.mu.Unlock()
	if cold {
		h.fleet.cold++
	}
	h.fleet.check.that(e.key == v.Key(), "an environment of %v is handed out for %v", e.key, v.Key())
	h.fleet.check.that(!e.held, "environment %d is handed out twice", e.n)
	h.fleet.check.that(e.ready && !e.closed, "environment %d is handed out before it is ready or after its end", e.n)
	e.held = true
	return got, cold, nil
}

// Return meets frontend.Environments.
func (h handOut) Return(got workermanager.Environment, healthy bool) {
	e := got.(*environment)
	h.fleet.mu.Lock()
	h.fleet.check.that(e.held, "environment %d is given back by nobody", e.n)
	e.held = false
	h.fleet.mu.Unlock()
	h.Manager.Return(got, healthy)
}
