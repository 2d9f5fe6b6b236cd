package main

import (
	"context"
	"fmt"
	"time"
)

// starts is how often the start is measured.
const starts = 10

// startUp measures from the start of the process to its ready line, with a new data
// directory and with one that is there already, and the memory once it is idle.
func (b *bench) startUp(ctx context.Context) error {
	var fresh, again []time.Duration
	for i := range b.count(starts) {
		for _, times := range []*[]time.Duration{&fresh, &again} {
			h, err := b.up(ctx, fmt.Sprintf("start-%d", i))
			if err != nil {
				return err
			}
			*times = append(*times, h.ReadyAfter)
			if err := h.Stop(); err != nil {
				return err
			}
		}
	}
	b.rep.add("hearth up, until it listens, new data directory", "≤ 50", millis("median", median(fresh)), millis("most", quantile(sorted(fresh), 1)))
	b.rep.add("hearth up, until it listens, known data directory", "≤ 50", millis("median", median(again)), millis("most", quantile(sorted(again), 1)))
	h, err := b.up(ctx, "idle")
	if err != nil {
		return err
	}
	defer func() { _ = h.Stop() }()
	if err := wait(ctx, 2*time.Second); err != nil {
		return err
	}
	rss, err := resident(h.PID())
	if err != nil {
		return err
	}
	var pss int64
	for _, p := range h.Footprint().Processes {
		if n, err := proportional(p.PID); err == nil {
			pss += n
		}
	}
	b.rep.add("hearth up, idle, resident", "≤ 35", megabytes("resident", float64(rss)), megabytes("its children's", float64(pss)))
	return nil
}
