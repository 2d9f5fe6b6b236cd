package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/hearthfaas/hearth/internal/harness"
)

// The memory of one more idle environment is the difference between few and many,
// by the proportional set size: shared pages are counted once, over all.
const (
	fewEnvironments  = 5
	manyEnvironments = 25
)

// memory measures what one more idle environment costs.
func (b *bench) memory(ctx context.Context) error {
	type lang struct{ name, runtime, handler, file, source, goal string }
	for _, l := range []lang{
		{"Node", b.node, "index.handler", "index.js", `exports.handler = async (e) => { await new Promise((r) => setTimeout(r, e.ms)); return 1; };`, "≤ 8, the bare runtime's + ≤ 1"},
		{"Python", b.python, "app.handler", "app.py", "import time\n\ndef handler(event, context):\n    time.sleep(event['ms'] / 1000)\n    return 1\n", "≤ 3"},
	} {
		if l.runtime == "" {
			continue
		}
		path, err := b.interpreter(ctx, l.runtime)
		if err != nil {
			return err
		}
		bare, err := bareMemory(ctx, path, l.name)
		if err != nil {
			return err
		}
		here, own, err := b.environmentMemory(ctx, harness.Function{
			Name: strings.ToLower(l.name), Runtime: l.runtime, Handler: l.handler, Files: map[string]string{l.file: l.source}, Timeout: 60,
		})
		if err != nil {
			b.rep.fail(l.name, err)
			continue
		}
		b.rep.add(l.name+", each idle environment", l.goal, megabytes("bare runtime", bare), megabytes("environment", here), megabytes("in Hearth's own process", own))
	}
	return ctx.Err()
}

func megabytes(name string, bytes float64) figure { return figure{name, bytes / (1 << 20), "MB"} }

// environmentMemory is the bytes that one more idle environment of a function has
// in its processes, and in Hearth's.
func (b *bench) environmentMemory(ctx context.Context, f harness.Function) (environment, own float64, err error) {
	h, err := b.up(ctx, "memory-"+f.Name)
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = h.Stop() }()
	if err := h.create(ctx, f); err != nil {
		return 0, 0, err
	}
	measure := func(n int) (inside, outside int64, err error) {
		// As many calls at once as there are to be environments; long enough that no
		// environment serves two of them.
		if err := h.hold(ctx, f.Name, n, 1500*time.Millisecond); err != nil {
			return 0, 0, err
		}
		if err := wait(ctx, time.Second); err != nil { // until it is idle, and frozen
			return 0, 0, err
		}
		for _, p := range h.Footprint().Processes {
			pss, err := proportional(p.PID)
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				return 0, 0, err
			}
			inside += pss
		}
		outside, err = proportional(h.PID())
		return inside, outside, err
	}
	few, ownFew, err := measure(fewEnvironments)
	if err != nil {
		return 0, 0, err
	}
	many, ownMany, err := measure(manyEnvironments)
	if err != nil {
		return 0, 0, err
	}
	const more = manyEnvironments - fewEnvironments
	return float64(many-few) / more, float64(ownMany-ownFew) / more, nil
}

// hold calls a function n times at once, each for a time.
func (h *hearth) hold(ctx context.Context, name string, n int, d time.Duration) error {
	c := lambda.NewFromConfig(h.aws)
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			a, err := harness.Invoke(ctx, c, name, fmt.Sprintf(`{"ms":%d}`, d.Milliseconds()))
			if err == nil && a.Error != "" {
				err = errors.New(a.Payload)
			}
			errs[i] = err
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// bareMemory is the bytes of one more process of an interpreter that waits.
func bareMemory(ctx context.Context, path, lang string) (float64, error) {
	args := []string{"-e", "setInterval(() => {}, 1e6); console.log(1)"}
	if lang == "Python" {
		args = []string{"-c", "import sys; print(1, flush=True); sys.stdin.read()"}
	}
	var all []*exec.Cmd
	defer func() {
		for _, c := range all {
			_ = c.Process.Kill()
			_ = c.Wait() // it says that it was killed
		}
	}()
	grow := func(n int) (int64, error) {
		for len(all) < n {
			c := exec.CommandContext(ctx, path, args...)
			c.Env = cleanEnv
			if _, err := c.StdinPipe(); err != nil {
				return 0, fmt.Errorf("start the bare runtime: %w", err)
			}
			out, err := c.StdoutPipe()
			if err != nil {
				return 0, fmt.Errorf("start the bare runtime: %w", err)
			}
			if err := c.Start(); err != nil {
				return 0, fmt.Errorf("start the bare runtime: %w", err)
			}
			all = append(all, c)
			if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
				return 0, fmt.Errorf("wait for the bare runtime: %w", err)
			}
		}
		var sum int64
		for _, c := range all {
			pss, err := proportional(c.Process.Pid)
			if err != nil {
				return 0, err
			}
			sum += pss
		}
		return sum, nil
	}
	few, err := grow(fewEnvironments)
	if err != nil {
		return 0, err
	}
	many, err := grow(manyEnvironments)
	return float64(many-few) / (manyEnvironments - fewEnvironments), err
}

// proportional is a process's proportional set size in bytes (proc(5), smaps_rollup).
func proportional(pid int) (int64, error) { return procField(pid, "smaps_rollup", "Pss:") }

// resident is a process's resident set size in bytes.
func resident(pid int) (int64, error) { return procField(pid, "status", "VmRSS:") }

func procField(pid int, file, field string) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	if err != nil {
		return 0, fmt.Errorf("read the memory of a process: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, field); ok {
			kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kb << 10, err
		}
	}
	return 0, fmt.Errorf("%s of process %d has no %s", file, pid, field)
}
