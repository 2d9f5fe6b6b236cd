package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// outcome is how a time of parallel calls went.
type outcome struct {
	times  []time.Duration // sorted
	span   time.Duration
	errors int
	first  error // the first of them, to show
}

func (o outcome) rate() float64 { return float64(len(o.times)) / o.span.Seconds() }

// together sends the request over n connections at once: for a time that is not
// counted, so that environments are there, then for a time that is.
func (t target) together(ctx context.Context, n int, before, counted time.Duration) (outcome, error) {
	conns := make([]*conn, n)
	for i := range conns {
		c, err := t.dial(ctx)
		if err != nil {
			return outcome{}, err
		}
		defer c.Close()
		conns[i] = c
	}
	start := time.Now()
	from, until := start.Add(before), start.Add(before+counted)
	all := make([]outcome, n)
	var wg sync.WaitGroup
	for i, c := range conns {
		wg.Go(func() { all[i] = c.between(ctx, from, until) })
	}
	wg.Wait()
	sum := outcome{span: counted}
	for _, o := range all {
		sum.times = append(sum.times, o.times...)
		sum.errors += o.errors
		if sum.first == nil {
			sum.first = o.first
		}
	}
	slices.Sort(sum.times)
	return sum, ctx.Err()
}

// between sends requests until a time, and keeps those that begin after another.
func (c *conn) between(ctx context.Context, from, until time.Time) outcome {
	var o outcome
	for ctx.Err() == nil {
		start := time.Now()
		if start.After(until) {
			return o
		}
		err := c.do()
		if start.Before(from) {
			continue
		}
		var bad *badAnswer
		switch {
		case err == nil:
			o.times = append(o.times, time.Since(start))
		case errors.As(err, &bad):
			o.errors++
			o.first = err
		default: // the connection is of no more use
			o.errors++
			o.first = err
			return o
		}
	}
	return o
}
