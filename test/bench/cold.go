package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/hearthfaas/hearth/internal/bundle"
	"github.com/hearthfaas/hearth/internal/harness"
	"github.com/hearthfaas/hearth/internal/reportline"
)

// coldRounds is how many new functions each runtime gets: every one is a package
// that Hearth has not seen and an environment that it has to make.
const coldRounds = 12

// goFunction is the Go example's package, or nil where it cannot be built.
func (b *bench) goFunction(ctx context.Context) []byte {
	plan, err := bundle.Inspect("examples/hello-go")
	if err != nil {
		return nil
	}
	zip, err := plan.Zip(ctx)
	if err != nil {
		return nil
	}
	return zip
}

// coldCase is one runtime's cold start and the bare start beside it.
type coldCase struct {
	name           string
	ahead, scratch string                           // the goals
	f              func(round int) harness.Function // a new function
	bare           []string                         // the command of a bare start
}

func (b *bench) coldCases(ctx context.Context) ([]coldCase, error) {
	var cases []coldCase
	unique := func(i int) map[string]string { return map[string]string{"SALT": fmt.Sprint(i)} }
	if b.node != "" {
		path, err := b.interpreter(ctx, b.node)
		if err != nil {
			return nil, err
		}
		empty := filepath.Join(b.scratch, "empty.js")
		if err := os.WriteFile(empty, nil, 0o644); err != nil {
			return nil, fmt.Errorf("write an empty program: %w", err)
		}
		cases = append(cases, coldCase{"Node", "≤ 15", "≤ 1.4 × bare", func(i int) harness.Function {
			return harness.Function{
				Name: fmt.Sprintf("cold-node-%d", i), Runtime: b.node, Memory: 1769, Env: unique(i),
				Files: map[string]string{"index.js": fmt.Sprintf("// %d\n%s", i, handlerSource)},
			}
		}, []string{path, empty}})
	}
	if b.python != "" {
		path, err := b.interpreter(ctx, b.python)
		if err != nil {
			return nil, err
		}
		cases = append(cases, coldCase{"Python", "≤ 12", "≤ 1.4 × bare", func(i int) harness.Function {
			return harness.Function{
				Name: fmt.Sprintf("cold-python-%d", i), Runtime: b.python, Handler: "app.handler", Memory: 1769, Env: unique(i),
				Files: map[string]string{"app.py": fmt.Sprintf("# %d\ndef handler(event, context):\n    return event\n", i)},
			}
		}, []string{path, "-c", "0"}})
	}
	if zip := b.goFunction(ctx); zip != nil {
		hello, err := b.bareGo(ctx)
		if err != nil {
			return nil, err
		}
		cases = append(cases, coldCase{"Go, provided.al2023", "≤ 6", "", func(i int) harness.Function {
			return harness.Function{Name: fmt.Sprintf("cold-go-%d", i), Runtime: "provided.al2023", Handler: "bootstrap", Memory: 1769, Env: unique(i), Zip: zip}
		}, []string{hello}})
	}
	return cases, nil
}

// bareGo builds a static Go program that does nothing.
func (b *bench) bareGo(ctx context.Context) (string, error) {
	source := filepath.Join(b.scratch, "hello.go")
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() {}\n"), 0o644); err != nil {
		return "", fmt.Errorf("write the bare program: %w", err)
	}
	path := filepath.Join(b.scratch, "hello")
	cmd := exec.CommandContext(ctx, "go", "build", "-ldflags=-s -w", "-o", path, source)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the bare program: %w\n%s", err, out)
	}
	return path, nil
}

// cold measures the first call of functions that are new.
func (b *bench) cold(ctx context.Context) error {
	cases, err := b.coldCases(ctx)
	if err != nil {
		return err
	}
	for _, way := range []struct{ name, setting string }{{"made ahead", ""}, {"from scratch", "boot_ahead: 0"}} {
		h, err := b.up(ctx, "cold, "+way.name, way.setting)
		if err != nil {
			return err
		}
		for _, c := range cases {
			goal := c.ahead
			if way.setting != "" {
				goal = c.scratch
			}
			if err := b.coldCase(ctx, h, c, c.name+", "+way.name, goal); err != nil {
				b.rep.fail(c.name, err)
			}
		}
		if err := h.Stop(); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (b *bench) coldCase(ctx context.Context, h *hearth, c coldCase, name, goal string) error {
	var calls, bares []time.Duration
	parts := map[string][]time.Duration{}
	var order []string
	for i := range b.count(coldRounds) {
		bare, err := bareStart(ctx, c.bare)
		if err != nil {
			return err
		}
		bares = append(bares, bare)
		call, told, err := b.coldCall(ctx, h, c.f(i))
		if err != nil {
			return err
		}
		calls = append(calls, call)
		for _, p := range told {
			if !slices.Contains(order, p.Name) {
				order = append(order, p.Name)
			}
			parts[p.Name] = append(parts[p.Name], p.Duration)
		}
	}
	figures := []figure{
		millis("bare start", median(bares)), millis("cold call", median(calls)), millis("p90", quantile(sorted(calls), 0.9)),
		{"× bare", float64(median(calls)) / float64(median(bares)), ""},
	}
	for _, name := range order {
		figures = append(figures, millis(name, median(parts[name])))
	}
	b.rep.add(name, goal, figures...)
	return nil
}

// coldCall makes a new function and times its first call.
func (b *bench) coldCall(ctx context.Context, h *hearth, f harness.Function) (time.Duration, []reportline.Part, error) {
	if err := h.create(ctx, f); err != nil {
		return 0, nil, err
	}
	t, err := signedInvoke(ctx, h, f.Name, warmEvent)
	if err != nil {
		return 0, nil, err
	}
	c, err := t.dial(ctx)
	if err != nil {
		return 0, nil, err
	}
	defer c.Close()
	times, err := c.inRow(ctx, 1)
	if err != nil {
		return 0, nil, err
	}
	return times[0], reportline.ColdStart(c.coldStart, ""), nil
}

// bareStart runs a program that does nothing and times it from fork to exit.
func bareStart(ctx context.Context, argv []string) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = cleanEnv
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("run %s: %w", argv[0], err)
	}
	return time.Since(start), nil
}
