package asyncinvoke

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/queue"
)

// Functions knows what an event runs (the control plane meets it).
type Functions interface {
	// Find resolves a function and qualifier; a ResourceNotFoundException says that
	// they are gone.
	Find(id lambda.FunctionID, qualifier string) (Target, error)
}

// Target is what an event runs.
type Target struct {
	Version *lambda.Version
	// Refusal is why it cannot run in the function's present state; nil when it can.
	Refusal  error
	Reserved *int // reserved concurrency
	Limits   Limits
	// OnSuccess, OnFailure and DeadLetter are ARNs, or empty.
	OnSuccess, OnFailure, DeadLetter string
}

// Runner runs one attempt (frontend meets it): it takes a concurrency slot and an
// environment. A failed function is a result; a refusal is a *lambda.Error.
type Runner interface {
	RunEvent(ctx context.Context, t Target, inv *lambda.Invocation) (lambda.Result, error)
}

// Config is what a Dispatcher works with; all but Now, TimeScale and Log are
// required.
type Config struct {
	Queue     *queue.Engine
	Functions Functions
	Runner    Runner
	Targets   Targets
	// Concurrency is how many attempts run at the same time over all functions; one
	// function alone uses half. 0 takes ConcurrencyDefault.
	Concurrency int
	// Aged hears how old an event is when an attempt at it begins. May be nil.
	Aged func(id lambda.FunctionID, age time.Duration)
	// TimeScale makes all waits and ages pass so many times faster; 0 is 1.
	TimeScale float64
	Now       func() time.Time // nil takes time.Now
	Log       *slog.Logger
}

// ConcurrencyDefault lets one function with a backlog run 64 attempts at the same
// time: enough for functions that wait for others, and few enough that one backlog
// does not fill a machine's memory with environments.
const ConcurrencyDefault = 128

// heldMax is how long an event may be in this process's hands: longer than an
// attempt can take, as a restart releases what was held.
const heldMax = queue.VisibilityMax

// Dispatcher accepts events and runs them.
type Dispatcher struct {
	cfg   Config
	share *share
	tally tally

	mu      sync.Mutex // guards what follows
	known   map[queue.Name]bool
	pending []queue.Name // queues that have no lane yet
	wake    chan struct{}
}

// New prepares a dispatcher; events are run once Run is called.
func New(cfg Config) *Dispatcher {
	if cfg.Concurrency == 0 {
		cfg.Concurrency = ConcurrencyDefault
	}
	if cfg.TimeScale == 0 {
		cfg.TimeScale = 1
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Dispatcher{
		cfg: cfg, share: newShare(cfg.Concurrency), tally: newTally(),
		known: map[queue.Name]bool{}, wake: make(chan struct{}, 1),
	}
}

// Accept stores an event; once it returns nil, the event is on disk and will run at
// least once or end at its destinations. The caller has checked existence,
// permission, size and syntax. No concurrency is asked for.
func (d *Dispatcher) Accept(ctx context.Context, ev Event) error {
	name := queueOf(ev.Function)
	v := envelope{RequestID: ev.RequestID, Qualifier: ev.Qualifier, TraceID: ev.TraceID, TenantID: ev.TenantID, Looping: ev.Looping}
	attributes, err := v.attributes()
	if err != nil {
		return err
	}
	message := queue.Outgoing{Body: ev.Payload, Attributes: attributes}
	_, err = d.cfg.Queue.Send(ctx, name, message)
	if errors.Is(err, queue.ErrNoQueue) {
		if err = d.cfg.Queue.Create(ctx, name, queue.Settings{Retention: retention}); err == nil {
			_, err = d.cfg.Queue.Send(ctx, name, message)
		}
	}
	if err != nil {
		return fmt.Errorf("accept event %s: %w", ev.RequestID, err)
	}
	d.tally.add(ev.Function, func(c *Counts) { c.Received++ })
	d.note(name)
	return nil
}

// note has a lane started for a queue that has none.
func (d *Dispatcher) note(name queue.Name) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.known[name] {
		return
	}
	d.known[name] = true
	d.pending = append(d.pending, name)
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// Run runs events until ctx ends, then waits for those that are running. Events
// that are then left stay for the next start.
func (d *Dispatcher) Run(ctx context.Context) error {
	for _, name := range d.cfg.Queue.List("", "", Kind) {
		if err := d.cfg.Queue.Release(ctx, name); err != nil { // held by a process that is gone
			return fmt.Errorf("take up the events of %s: %w", name.Name, err)
		}
		d.note(name)
	}
	var lanes sync.WaitGroup
	defer lanes.Wait()
	for {
		d.mu.Lock()
		names := d.pending
		d.pending = nil
		d.mu.Unlock()
		for _, name := range names {
			lanes.Go(func() { d.lane(ctx, name) })
		}
		select {
		case <-d.wake:
		case <-ctx.Done():
			return nil
		}
	}
}

// scaled is a wait as it passes here.
func (d *Dispatcher) scaled(wait time.Duration) time.Duration {
	return time.Duration(float64(wait) / d.cfg.TimeScale)
}

// age is how old an event is, in the time that waits and limits are stated in.
func (d *Dispatcher) age(sent time.Time) time.Duration {
	return time.Duration(float64(d.cfg.Now().Sub(sent)) * d.cfg.TimeScale)
}
