package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/hearthfaas/hearth/internal/harness"
)

const (
	warmRounds = 4    // of every candidate in turn, so that a drift of the machine meets all
	warmCalls  = 1500 // in each round
	warmUp     = 300  // calls that are not counted
)

// candidate is one way to get an event to a handler and its answer back.
type candidate struct {
	name  string
	goal  string
	calls func(ctx context.Context, n int) ([]time.Duration, error)
	times []time.Duration
	err   error // why it is not measured
}

// warm measures one call at a time.
func (b *bench) warm(ctx context.Context) error {
	if b.node == "" {
		return nil
	}
	h, err := b.up(ctx, "warm")
	if err != nil {
		return err
	}
	defer func() { _ = h.Stop() }()
	dir := filepath.Join(b.scratch, "bare")

	plainAddr, stopPlain, err := b.startPlainNode(ctx)
	if err != nil {
		return err
	}
	defer stopPlain()
	bare, err := b.startBareSession(ctx, dir)
	if err != nil {
		return err
	}
	defer bare.stop()
	frontAddr, stopFront, err := bare.frontend(ctx)
	if err != nil {
		return err
	}
	defer stopFront()
	ownAddr, stopOwn, err := b.startBareFrontend(ctx, filepath.Join(b.scratch, "bare-own"))
	if err != nil {
		return err
	}
	defer stopOwn()

	all := []*candidate{
		{name: "floor: a plain Node HTTP server", calls: overHTTP(plainPost, plainAddr)},
		{name: "floor: our bootstrap, driven directly", calls: func(ctx context.Context, n int) ([]time.Duration, error) {
			times := make([]time.Duration, 0, n)
			for range n {
				start := time.Now()
				if _, err := bare.invoke(ctx, []byte(warmEvent)); err != nil {
					return nil, err
				}
				times = append(times, time.Since(start))
			}
			return times, nil
		}},
		{name: "floor: our bootstrap behind a bare frontend in the client's own process", calls: overHTTP(plainPost, frontAddr)},
		{name: "floor: our bootstrap behind a bare frontend", calls: overHTTP(plainPost, ownAddr)},
	}
	functions, err := b.warmFunctions(ctx, h)
	if err != nil {
		return err
	}
	all = append(all, functions...)
	for i := range warmRounds {
		for _, c := range all {
			if c.err == nil && i == 0 {
				_, c.err = c.calls(ctx, b.count(warmUp))
			}
			if c.err != nil {
				continue // one that fails is told, and the others are measured
			}
			var times []time.Duration
			times, c.err = c.calls(ctx, b.count(warmCalls))
			c.times = append(c.times, times...)
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	inClient, floor := median(all[2].times), median(all[3].times)
	for _, c := range all {
		if c.err != nil {
			b.rep.fail(c.name, c.err)
			continue
		}
		t := sorted(c.times)
		b.rep.add(c.name, c.goal, micros("p50", quantile(t, 0.5)), micros("p99", quantile(t, 0.99)),
			figure{"× bare frontend", float64(quantile(t, 0.5)) / float64(floor), ""},
			figure{"× in the client's process", float64(quantile(t, 0.5)) / float64(inClient), ""})
	}
	return nil
}

// overHTTP is a candidate that is called over one connection, opened anew for each
// round.
func overHTTP(request func(ctx context.Context, addr, payload string) (target, error), addr string) func(context.Context, int) ([]time.Duration, error) {
	return func(ctx context.Context, n int) ([]time.Duration, error) {
		t, err := request(ctx, addr, warmEvent)
		if err != nil {
			return nil, err
		}
		c, err := t.dial(ctx)
		if err != nil {
			return nil, err
		}
		defer c.Close()
		return c.inRow(ctx, n)
	}
}

// warmFunctions makes the functions of the warm measurements in Hearth.
func (b *bench) warmFunctions(ctx context.Context, h *hearth) ([]*candidate, error) {
	invoke := func(ctx context.Context, function, payload string) (target, error) {
		return signedInvoke(ctx, h, function, payload)
	}
	const goal = "p50 ≤ 140, p99 ≤ 280, ≤ 1.4 × bare frontend"
	client, _ := harness.NodeClient(handlerSource) // none where the machine lacks it
	functions := []struct {
		name, goal string
		f          harness.Function
	}{
		{"hearth, Node, signed and authorised", goal, harness.Function{
			Name: "node", Runtime: b.node, Files: map[string]string{"index.js": handlerSource}, Memory: 1769,
		}},
		{"hearth, Go with aws-lambda-go", "p50 ≤ 300, p99 ≤ 600", harness.Function{
			Name: "go", Runtime: "provided.al2023", Handler: "bootstrap", Zip: b.goFunction(ctx), Memory: 1769,
		}},
		{"hearth, Node with AWS's aws-lambda-ric", "", harness.Function{
			Name: "client", Runtime: "provided.al2023", Files: client, Memory: 1769,
		}},
		{"hearth, Python", "", harness.Function{
			Name: "python", Runtime: b.python, Handler: "app.handler", Memory: 1769,
			Files: map[string]string{"app.py": "def handler(event, context):\n    return {'n': event['n'] + 1}\n"},
		}},
	}
	var all []*candidate
	for _, f := range functions {
		if f.f.Runtime == "" || f.f.Name == "go" && f.f.Zip == nil || f.f.Name == "client" && client == nil {
			continue
		}
		if err := h.create(ctx, f.f); err != nil {
			return nil, err
		}
		all = append(all, &candidate{name: f.name, goal: f.goal, calls: overHTTP(invoke, f.f.Name)})
	}
	return all, nil
}

// load measures many calls at a time.
func (b *bench) load(ctx context.Context) error {
	if b.node == "" {
		return nil
	}
	h, err := b.up(ctx, "load")
	if err != nil {
		return err
	}
	defer func() { _ = h.Stop() }()
	if err := h.create(ctx, harness.Function{Name: "node", Runtime: b.node, Files: map[string]string{"index.js": handlerSource}, Memory: 1769}); err != nil {
		return err
	}
	t, err := signedInvoke(ctx, h, "node", warmEvent)
	if err != nil {
		return err
	}
	for _, l := range []struct {
		n    int
		goal string
	}{{16, "≥ 13,000/s, p99 ≤ 8"}, {64, "no error"}} {
		o, err := t.together(ctx, l.n, b.span(2*time.Second), b.span(4*time.Second))
		if err != nil {
			return err
		}
		b.addOutcome(fmt.Sprintf("hearth, Node, %d at a time", l.n), l.goal, o)
	}
	plainAddr, stop, err := b.startPlainNode(ctx)
	if err != nil {
		return err
	}
	defer stop()
	if t, err = plainPost(ctx, plainAddr, warmEvent); err != nil {
		return err
	}
	o, err := t.together(ctx, 16, b.span(500*time.Millisecond), b.span(2*time.Second))
	if err != nil {
		return err
	}
	b.addOutcome("floor: one plain Node HTTP server, 16 at a time", "", o)
	return nil
}

func (b *bench) addOutcome(name, goal string, o outcome) {
	b.rep.add(name, goal, figure{"calls", o.rate(), "/s"}, millis("p50", quantile(o.times, 0.5)), millis("p99", quantile(o.times, 0.99)),
		figure{"errors", float64(o.errors), ""})
	if o.first != nil {
		b.rep.fail(name, o.first)
	}
}
