package main

import (
	"context"
	"time"

	"github.com/hearthfaas/hearth/internal/harness"
)

// burn is a handler that uses five milliseconds of CPU time, whatever else runs.
const burn = `
exports.handler = async () => {
  const start = process.cpuUsage();
  for (;;) {
    for (let i = 0, x = 0; i < 20000; i++) x = (x * 31 + i) >>> 0;
    const used = process.cpuUsage(start);
    if (used.user + used.system >= 5000) return used.user + used.system;
  }
};`

// cpu measures a handler that works, with more calls than cores.
func (b *bench) cpu(ctx context.Context) error {
	if b.node == "" {
		return nil
	}
	h, err := b.up(ctx, "cpu")
	if err != nil {
		return err
	}
	defer func() { _ = h.Stop() }()
	if err := h.create(ctx, harness.Function{Name: "burn", Runtime: b.node, Files: map[string]string{"index.js": burn}, Memory: 1769, Timeout: 30}); err != nil {
		return err
	}
	t, err := signedInvoke(ctx, h, "burn", `{}`)
	if err != nil {
		return err
	}
	o, err := t.together(ctx, 16, b.span(3*time.Second), b.span(6*time.Second))
	if err != nil {
		return err
	}
	b.addOutcome("hearth, 5 ms of CPU, 16 at a time", "≥ 380/s on 2 cores, p50 ≤ 42, p99 ≤ 60", o)
	return nil
}
