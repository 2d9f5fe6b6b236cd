package sim

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// environment is one simulated execution environment; the fleet's mutex guards it. It
// meets workermanager.Environment.
type environment struct {
	fleet      *fleet
	machine    *machine
	generation int // of the machine when it was made
	n          int
	key        lambda.EnvironmentKey
	memoryMB   int

	ready, held, closed bool
	invokes             int
	// running is the request that it runs.
	running lambda.RequestID
}

// dead says that its worker was lost since it was made. The mutex is held.
func (e *environment) dead() bool { return e.machine.generation != e.generation || e.machine.lost }

// ID meets workermanager.Environment.
func (e *environment) ID() lambda.SandboxID { return lambda.SandboxID(fmt.Sprint(e.n)) }

// Idle meets workermanager.Environment.
func (e *environment) Idle() {
	e.fleet.mu.Lock()
	defer e.fleet.mu.Unlock()
	e.fleet.check.that(e.running == "" || e.dead(), "environment %d is idle while it runs %s", e.n, e.running)
}

// Initialised meets workermanager.Environment.
func (e *environment) Initialised() bool { return true }

// Invoke meets workermanager.Environment: the event goes to the worker, perhaps twice,
// runs, and its answer comes back, perhaps twice.
func (e *environment) Invoke(_ context.Context, inv *lambda.Invocation) (lambda.Result, error) {
	f := e.fleet
	f.mu.Lock()
	e.invokes++
	nth := e.invokes
	f.mu.Unlock()
	f.clock.wait(anEnvironment.actor(e.n), f.way(e.machine, 3, e.n, nth))
	if err := e.deliver(inv); err != nil {
		return lambda.Result{}, fmt.Errorf("%w: %w", lambda.ErrNotDelivered, err)
	}
	if chance(f.scenario.Seed, 4, e.n, nth) < 1.0/repeatOneIn {
		f.messages.Go(func() {
			f.clock.wait(aRepeat.actor(e.n), f.way(e.machine, 5, e.n, nth))
			if err := e.deliver(inv); errors.Is(err, errBusy) {
				f.check.that(false, "a repeated message of %s ran in environment %d", inv.RequestID, e.n)
			}
		})
	}
	work := time.Duration(2 * chance(f.scenario.Seed, 6, e.n, nth) * float64(f.scenario.Work))
	f.clock.wait(anEnvironment.actor(e.n), f.paced(e.machine, work)+f.way(e.machine, 7, e.n, nth))

	f.mu.Lock()
	defer f.mu.Unlock()
	if e.dead() {
		f.clock.note("broken", e.n)
		return lambda.Result{}, errLost
	}
	f.check.that(e.running == inv.RequestID, "environment %d answers %q to %s", e.n, e.running, inv.RequestID)
	e.running = ""
	f.check.ended(e.key.Function)
	return lambda.Result{Payload: []byte(inv.RequestID)}, nil
}

// deliver is a message's arrival at the worker.
func (e *environment) deliver(inv *lambda.Invocation) error {
	f := e.fleet
	f.mu.Lock()
	defer f.mu.Unlock()
	m := e.machine
	if e.dead() {
		return errLost
	}
	if m.seen[inv.RequestID] {
		f.repeated++
		return nil
	}
	if e.running != "" {
		f.check.that(false, "environment %d gets %s while it runs %s", e.n, inv.RequestID, e.running)
		return errBusy
	}
	f.check.that(!e.closed, "environment %d gets %s after it was closed", e.n, inv.RequestID)
	f.check.that(inv.InvokedFunctionARN == e.key.Function.ARN(), "environment %d of %s gets an invoke of %s", e.n, e.key.Function.Name, inv.InvokedFunctionARN)
	m.seen[inv.RequestID] = true
	f.ran[inv.RequestID]++
	f.check.that(f.ran[inv.RequestID] == 1, "%s ran %d times", inv.RequestID, f.ran[inv.RequestID])
	f.check.started(e.key.Function)
	e.running = inv.RequestID
	f.clock.note("run", e.n)
	return nil
}

// Close meets workermanager.Environment.
func (e *environment) Close(context.Context) error {
	f := e.fleet
	f.clock.wait(anEnvironment.actor(e.n), f.way(e.machine, 8, e.n))
	f.mu.Lock()
	defer f.mu.Unlock()
	f.check.that(!e.closed, "environment %d is closed twice", e.n)
	e.closed = true
	if e.dead() {
		return errLost
	}
	f.check.that(e.running == "", "environment %d is closed while it runs %s", e.n, e.running)
	e.machine.leave(f, e)
	f.clock.note("close", e.n)
	return nil
}
