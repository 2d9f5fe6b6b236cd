package node

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hearthfaas/hearth/internal/asyncinvoke"
	"github.com/hearthfaas/hearth/internal/controlplane"
	"github.com/hearthfaas/hearth/internal/counter"
	"github.com/hearthfaas/hearth/internal/frontend"
	"github.com/hearthfaas/hearth/internal/iam"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/workermanager"
)

// asyncInvokes stands between the frontend, which hands events over and runs them,
// and the dispatcher, which keeps them and says when.
type asyncInvokes struct {
	plane      *controlplane.Service
	iam        *iam.Service
	hub        *hub
	dispatcher *asyncinvoke.Dispatcher
	frontend   *frontend.Frontend[counter.Slot, workermanager.Environment]
}

func (n *Node) dispatcher(p *parts, a *asyncInvokes) *asyncinvoke.Dispatcher {
	return asyncinvoke.New(asyncinvoke.Config{
		Queue: p.queue, Functions: a, Runner: a, Targets: a, Aged: aged(p.metrics), TimeScale: n.cfg.TimeScale, Now: time.Now, Log: n.log,
	})
}

// Accept meets frontend.Async.
func (a *asyncInvokes) Accept(ctx context.Context, ev frontend.Event) error {
	return a.dispatcher.Accept(ctx, asyncinvoke.Event(ev))
}

// Find meets asyncinvoke.Functions.
func (a *asyncInvokes) Find(id lambda.FunctionID, qualifier string) (asyncinvoke.Target, error) {
	t, err := a.plane.Lookup(id, qualifier)
	if err != nil {
		return asyncinvoke.Target{}, err
	}
	c := a.plane.EventInvoke(id, qualifier)
	limits := asyncinvoke.Limits{Retries: asyncinvoke.AttemptsDefault, Age: asyncinvoke.AgeDefault}
	if c.RetryAttempts != nil {
		limits.Retries = *c.RetryAttempts
	}
	if c.EventAge != nil {
		limits.Age = *c.EventAge
	}
	return asyncinvoke.Target{
		Version: t.Version, Refusal: t.Invocable(), Reserved: t.Reserved, Limits: limits,
		OnSuccess: c.OnSuccess, OnFailure: c.OnFailure, DeadLetter: t.DeadLetterARN,
	}, nil
}

// RunEvent meets asyncinvoke.Runner.
func (a *asyncInvokes) RunEvent(ctx context.Context, t asyncinvoke.Target, inv *lambda.Invocation) (lambda.Result, error) {
	result, err := a.frontend.RunEvent(ctx, frontend.Target{Version: t.Version, Refusal: t.Refusal}, inv)
	if err != nil {
		return lambda.Result{}, invokeError(err)
	}
	return result, nil
}

// Deliver meets asyncinvoke.Targets.
func (a *asyncInvokes) Deliver(ctx context.Context, d asyncinvoke.Delivery) error {
	c, err := a.hub.asFunction(ctx, d.RoleARN, d.Function)
	if err != nil {
		return err
	}
	return a.hub.deliverSoon(ctx, c, asyncParcel(d))
}

// asyncParcel is a delivery as the hub takes it: each kind of destination reads the
// record in its own wrapping (Lambda developer guide, "Retaining records of
// asynchronous invocations").
func asyncParcel(d asyncinvoke.Delivery) parcel {
	p := parcel{ARN: d.ARN, Body: d.Body, TraceID: d.TraceID, Key: d.ObjectKey()}
	for name, at := range d.Attributes {
		if p.Attributes == nil {
			p.Attributes = map[string]attribute{}
		}
		p.Attributes[name] = attribute(at)
	}
	how := "Failure"
	if d.Condition == asyncinvoke.Success {
		how = "Success"
	}
	p.Event = busEvent{
		Source: "lambda", DetailType: "Lambda Function Invocation Result - " + how, Resources: []string{d.ARN, d.FunctionARN},
	}
	return p
}

// eventsRun is the dispatcher and the pollers of mappings at work.
type eventsRun struct {
	stop func()
	done chan struct{}
	err  error // read after done
}

// startEvents runs accepted events and polls event sources from when functions are known.
func (n *Node) startEvents(ctx context.Context, p *parts) *eventsRun {
	ctx, cancel := context.WithCancel(ctx)
	r := &eventsRun{stop: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		select {
		case <-p.plane.Ready():
			group, ctx := errgroup.WithContext(ctx)
			group.Go(func() error { return p.events.Run(ctx) })
			group.Go(func() error { return p.mappings.Run(ctx) })
			r.err = group.Wait()
		case <-ctx.Done():
		}
	}()
	return r
}

// wait waits for the end of a stop, for as long as ctx lasts.
func (r *eventsRun) wait(ctx context.Context) error {
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
