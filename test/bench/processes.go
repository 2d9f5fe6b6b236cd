package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/hearthfaas/hearth/internal/harness"
)

// processes measures what it adds that frontends and workers are processes of their own,
// beside one process, in turns.
func (b *bench) processes(ctx context.Context) error {
	if b.node == "" {
		return nil
	}
	one, err := b.up(ctx, "one")
	if err != nil {
		return err
	}
	defer func() { _ = one.Stop() }()
	control, front, stop, err := b.apart(ctx)
	if err != nil {
		return err
	}
	defer stop()
	for _, h := range []*hearth{one, control} {
		if err := h.create(ctx, harness.Function{Name: "node", Runtime: b.node, Files: map[string]string{"index.js": handlerSource}, Memory: 1769}); err != nil {
			return err
		}
	}
	at := func(h *hearth) func(context.Context, string, string) (target, error) {
		return func(ctx context.Context, function, payload string) (target, error) {
			return signedInvoke(ctx, h, function, payload)
		}
	}
	all := []*candidate{
		{name: "one process", calls: overHTTP(at(one), "node")},
		{name: "control process and worker", calls: overHTTP(at(control), "node")},
		{name: "frontend, control process and worker", calls: overHTTP(at(front), "node")},
	}
	for i := range warmRounds {
		for _, c := range all {
			if i == 0 {
				if _, err := c.calls(ctx, b.count(warmUp)); err != nil {
					return fmt.Errorf("%s: %w", c.name, err)
				}
			}
			times, err := c.calls(ctx, b.count(warmCalls))
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			c.times = append(c.times, times...)
		}
	}
	base := median(all[0].times)
	for _, c := range all {
		t := sorted(c.times)
		b.rep.add(c.name, "", micros("p50", quantile(t, 0.5)), micros("p99", quantile(t, 0.99)),
			figure{"× one process", float64(quantile(t, 0.5)) / float64(base), ""})
	}
	for i, h := range []*hearth{one, control, front} {
		t, err := signedInvoke(ctx, h, "node", warmEvent)
		if err != nil {
			return err
		}
		o, err := t.together(ctx, 16, b.span(2*time.Second), b.span(3*time.Second))
		if err != nil {
			return err
		}
		b.addOutcome(all[i].name+", 16 at a time", "", o)
	}
	return nil
}

// apart starts a control process that hosts nothing, a worker and a frontend.
func (b *bench) apart(ctx context.Context) (control, front *hearth, stop func(), err error) {
	join, err := freeAddr(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	var started []*harness.Hearth
	stop = func() {
		for _, h := range slices.Backward(started) {
			_ = h.Stop()
		}
	}
	defer func() {
		if err != nil {
			stop()
		}
	}()
	if control, err = b.up(ctx, "control", "local_worker: false", "cluster_listen: "+join); err != nil {
		return nil, nil, nil, err
	}
	started = append(started, control.Hearth)
	options := func(kind string) (o harness.WorkerOptions, err error) {
		dir := filepath.Join(b.scratch, "apart-"+kind)
		if err := os.MkdirAll(dir, 0o755); err != nil { // functions run as another user
			return o, fmt.Errorf("make a directory: %w", err)
		}
		token, err := harness.Token(ctx, b.binary, control.DataDir, kind)
		return harness.WorkerOptions{
			Options: harness.Options{Binary: b.binary, DataDir: filepath.Join(dir, "data"), LogLevel: "error"},
			Join:    join, Token: token, Zone: "a",
		}, err
	}
	o, err := options("worker")
	if err != nil {
		return nil, nil, nil, err
	}
	o.Isolation = b.isolation
	w, err := harness.StartWorker(ctx, o)
	if err != nil {
		return nil, nil, nil, err
	}
	started = append(started, w)
	if o, err = options("frontend"); err != nil {
		return nil, nil, nil, err
	}
	f, err := harness.StartFrontend(ctx, o)
	if err != nil {
		return nil, nil, nil, err
	}
	started = append(started, f)
	cfg := control.AWS()
	cfg.BaseEndpoint = &f.Endpoint
	return control, &hearth{Hearth: f, aws: cfg}, stop, nil
}

// freeAddr is an address on which nobody listens.
func freeAddr(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}
