package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/hearthfaas/hearth/internal/harness"
)

// What the curves are measured at.
var (
	curveInFlight  = []int{1, 2, 4, 8, 16, 32, 64, 128, 256}
	curveFunctions = []int{1, 10, 100, 500, 1000, 2000}
	curveSandboxes = []int{1, 4, 16, 64, 256, 500, 1000}
	curveWorkers   = []int{1, 2, 4, 8}
)

// curve is one measured line after another: a column of what was varied, and columns of
// what was measured.
type curve struct {
	name    string // of the file
	columns []string
	rows    [][]float64
}

func (c *curve) add(row ...float64) { c.rows = append(c.rows, row) }

// column is the points of one column over the first.
func (c *curve) column(i int) (points []point) {
	for _, r := range c.rows {
		points = append(points, point{r[0], r[i]})
	}
	return points
}

// curves measures how Hearth scales in what it is given more of, and writes a table and
// a picture of each.
func (b *bench) curves(ctx context.Context) error {
	if b.node == "" {
		return errors.New("this machine has no Node")
	}
	var panels []panel
	for _, measure := range []func(context.Context) (*curve, []panel, error){b.curveInFlight, b.curveFunctions, b.curveSandboxes, b.curveWorkers} {
		c, drawn, err := measure(ctx)
		if err != nil {
			return err
		}
		if err := c.write(b.figures); err != nil {
			return err
		}
		panels = append(panels, drawn...)
		for _, row := range c.rows {
			var figures []figure
			for i, v := range row[1:] {
				figures = append(figures, figure{c.columns[i+1], v, ""})
			}
			b.rep.add(fmt.Sprintf("%s: %.0f", c.columns[0], row[0]), "", figures...)
		}
	}
	if err := os.WriteFile(filepath.Join(b.figures, "curves.svg"), drawPanels(panels), 0o644); err != nil {
		return fmt.Errorf("write the picture: %w", err)
	}
	return nil
}

// write puts the curve into a file of its name.
func (c *curve) write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the folder of the figures: %w", err)
	}
	f, err := os.Create(filepath.Join(dir, c.name+".csv"))
	if err != nil {
		return fmt.Errorf("write a curve: %w", err)
	}
	w := csv.NewWriter(f)
	_ = w.Write(c.columns) // Flush has the error
	for _, row := range c.rows {
		var cells []string
		for _, v := range row {
			cells = append(cells, strconv.FormatFloat(v, 'f', -1, 64))
		}
		_ = w.Write(cells)
	}
	w.Flush()
	return errors.Join(w.Error(), f.Close())
}

// round keeps three figures of what is not a whole number: more would be noise.
func round(v float64) float64 {
	if v >= 100 {
		return float64(int64(v + 0.5))
	}
	return float64(int64(v*100+0.5)) / 100
}

func inMicros(d time.Duration) float64 { return round(float64(d) / float64(time.Microsecond)) }

// curveInFlight calls one function from more and more callers.
func (b *bench) curveInFlight(ctx context.Context) (*curve, []panel, error) {
	h, err := b.up(ctx, "curve-in-flight")
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = h.Stop() }()
	if err := h.create(ctx, harness.Function{Name: "warm", Runtime: b.node, Files: map[string]string{"index.js": handlerSource}, Memory: 1769, Timeout: 30}); err != nil {
		return nil, nil, err
	}
	c := &curve{name: "in-flight", columns: []string{"in flight", "answers a second", "p50 µs", "p99 µs", "errors"}}
	for _, n := range curveInFlight {
		t, err := signedInvoke(ctx, h, "warm", warmEvent)
		if err != nil {
			return nil, nil, err
		}
		o, err := t.together(ctx, n, b.span(2*time.Second+time.Duration(n)*40*time.Millisecond), b.span(3*time.Second)) // each caller may get an environment first
		if err != nil {
			return nil, nil, err
		}
		if o.first != nil {
			b.rep.fail(fmt.Sprintf("%d in flight", n), o.first)
		}
		c.add(float64(n), round(o.rate()), inMicros(quantile(o.times, 0.5)), inMicros(quantile(o.times, 0.99)), float64(o.errors))
	}
	return c, []panel{
		{title: "Answers a second, by invokes in flight", x: "in flight", lines: []line{{"answers a second", c.column(1)}}},
		{title: "Time of an invoke, by invokes in flight", x: "in flight", y: "µs", logarithmic: true, lines: []line{{"p50", c.column(2)}, {"p99", c.column(3)}}},
	}, nil
}

// curveFunctions calls one function while more and more others exist, and asks of random
// ones whether they could be called.
func (b *bench) curveFunctions(ctx context.Context) (*curve, []panel, error) {
	h, err := b.up(ctx, "curve-functions")
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = h.Stop() }()
	if err := h.create(ctx, harness.Function{Name: "warm", Runtime: b.node, Files: map[string]string{"index.js": handlerSource}, Memory: 1769, Timeout: 30}); err != nil {
		return nil, nil, err
	}
	shared, err := sharedFunction(ctx, h)
	if err != nil {
		return nil, nil, err
	}
	c := &curve{name: "functions", columns: []string{"functions", "warm invoke p50 µs", "warm invoke p99 µs", "dry run of a random one p50 µs", "Hearth's memory MB"}}
	have := 0
	for _, n := range curveFunctions {
		n = max(1, int(float64(n)*b.scale))
		if err := createFunctions(ctx, h, shared, have, n); err != nil {
			return nil, nil, err
		}
		have = n
		t, err := signedInvoke(ctx, h, "warm", warmEvent)
		if err != nil {
			return nil, nil, err
		}
		o, err := t.together(ctx, 1, b.span(time.Second/2), b.span(2*time.Second))
		if err != nil {
			return nil, nil, err
		}
		dry, err := timed(have, func(i int) (*http.Request, error) {
			return h.signed(ctx, http.MethodPost, "/2015-03-31/functions/"+numbered(i)+"/invocations", http.Header{"X-Amz-Invocation-Type": {"DryRun"}})
		})
		if err != nil {
			return nil, nil, err
		}
		rss, err := resident(h.PID())
		if err != nil {
			return nil, nil, err
		}
		c.add(float64(n), inMicros(quantile(o.times, 0.5)), inMicros(quantile(o.times, 0.99)), inMicros(quantile(dry, 0.5)), round(float64(rss)/(1<<20)))
	}
	return c, []panel{{title: "Time of an invoke, by functions that exist", x: "functions", y: "µs", fromZero: true, lines: []line{
		{"warm invoke, p50", c.column(1)}, {"dry run of a random one, p50", c.column(3)},
	}}}, nil
}

// curveSandboxes calls at random more and more environments, which all stay warm.
func (b *bench) curveSandboxes(ctx context.Context) (*curve, []panel, error) {
	h, err := b.up(ctx, "curve-sandboxes")
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = h.Stop() }()
	last := max(1, int(float64(curveSandboxes[len(curveSandboxes)-1])*b.scale))
	p, err := b.populate(ctx, h, last)
	if err != nil {
		return nil, nil, err
	}
	free, err := availableMemory()
	if err != nil {
		return nil, nil, err
	}
	c := &curve{name: "sandboxes", columns: []string{"sandboxes", "made a second", "answers a second", "p50 µs", "p99 µs", "memory of the host's each MB", "lost or made anew"}}
	for _, n := range curveSandboxes {
		n = max(1, int(float64(n)*b.scale))
		more := n - len(p.born)
		began := time.Now()
		if err := p.grow(ctx, n); err != nil {
			return nil, nil, err
		}
		made := float64(more) / time.Since(began).Seconds()
		rand.Shuffle(len(p.born), func(i, j int) {
			p.born[i], p.born[j] = p.born[j], p.born[i]
			p.targets[i], p.targets[j] = p.targets[j], p.targets[i]
		})
		span := b.span(4 * time.Second)
		calls, err := p.roam(ctx, min(densityCallers, n), span)
		if err != nil {
			return nil, nil, err
		}
		if calls.first != nil {
			b.rep.fail(fmt.Sprintf("%d sandboxes", n), calls.first)
		}
		now, err := availableMemory()
		if err != nil {
			return nil, nil, err
		}
		times := sorted(calls.times)
		c.add(float64(n), round(made), round(float64(calls.answered)/span.Seconds()), inMicros(quantile(times, 0.5)), inMicros(quantile(times, 0.99)),
			round(float64(free-now)/(1<<20)/float64(n)), float64(calls.lost+calls.anew))
	}
	return c, []panel{
		{title: "Answers a second, 16 callers at random", x: "warm sandboxes", fromZero: true, lines: []line{{"answers a second", c.column(2)}}},
		{title: "Time of an invoke, 16 callers at random", x: "warm sandboxes", y: "µs", logarithmic: true, lines: []line{{"p50", c.column(3)}, {"p99", c.column(4)}}},
		{title: "Sandboxes made a second", x: "warm sandboxes", fromZero: true, lines: []line{{"made a second", c.column(1)}}},
	}, nil
}

// workerCallers are the callers of the curve of workers.
const workerCallers = 16

// curveWorkers calls a function whose environments are spread over more and more worker
// processes. They share this machine's processors, so that what is seen is what a worker
// more costs, not what it adds.
func (b *bench) curveWorkers(ctx context.Context) (*curve, []panel, error) {
	join, err := freeAddress(ctx)
	if err != nil {
		return nil, nil, err
	}
	h, err := b.up(ctx, "curve-workers", "local_worker: false", "cluster_listen: "+join)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = h.Stop() }()
	var workers []*harness.Hearth
	defer func() {
		for _, w := range workers {
			_ = w.Stop()
		}
	}()
	c := &curve{name: "workers", columns: []string{"workers", "answers a second", "p50 µs", "p99 µs", "errors"}}
	for _, n := range curveWorkers {
		for len(workers) < n {
			w, err := b.joinWorker(ctx, h, join, len(workers))
			if err != nil {
				return nil, nil, err
			}
			workers = append(workers, w)
		}
		name := fmt.Sprintf("over-%d", n)
		if err := h.create(ctx, harness.Function{Name: name, Runtime: b.node, Files: map[string]string{"index.js": handlerSource}, Memory: 1769, Timeout: 30}); err != nil {
			return nil, nil, err
		}
		t, err := signedInvoke(ctx, h, name, warmEvent)
		if err != nil {
			return nil, nil, err
		}
		o, err := t.together(ctx, workerCallers, b.span(3*time.Second), b.span(4*time.Second))
		if err != nil {
			return nil, nil, err
		}
		if o.first != nil {
			b.rep.fail(fmt.Sprintf("%d workers", n), o.first)
		}
		c.add(float64(n), round(o.rate()), inMicros(quantile(o.times, 0.5)), inMicros(quantile(o.times, 0.99)), float64(o.errors))
	}
	return c, []panel{{title: "Answers a second, over workers that share the processors", x: "worker processes", fromZero: true, lines: []line{{"answers a second", c.column(1)}}}}, nil
}

// joinWorker starts one more worker, in a zone of its own.
func (b *bench) joinWorker(ctx context.Context, h *hearth, join string, i int) (*harness.Hearth, error) {
	token, err := harness.Token(ctx, b.binary, h.DataDir, "worker")
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(b.scratch, fmt.Sprintf("worker-%d", i))
	if err := os.MkdirAll(dir, 0o755); err != nil { // functions run as another user
		return nil, fmt.Errorf("make a directory: %w", err)
	}
	return harness.StartWorker(ctx, harness.WorkerOptions{
		Options: harness.Options{Binary: b.binary, DataDir: filepath.Join(dir, "data"), Isolation: b.isolation, LogLevel: "error"},
		Join:    join, Token: token, Zone: fmt.Sprintf("zone-%d", i),
	})
}

// freeAddress is an address of the loopback that nobody listens on.
func freeAddress(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}
