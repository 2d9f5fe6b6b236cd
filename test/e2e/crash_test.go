package e2e

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/hearthfaas/hearth/internal/harness"
)

// Goal: Hearth that is killed with SIGKILL while functions run leaves nothing of
// theirs behind once it has started again, and every function works then.
// Method: kill in the middle of calls, look for what was held before, start on the
// same data directory, call everything.
func TestRootKillNineUnderLoadLosesNothingThatWasAcknowledged(t *testing.T) {
	needRoot(t)
	dir := dataDir(t)
	h := start(t, harness.Options{DataDir: dir})
	h.example(t, "slow", node, "index.handler", timeout(30))
	h.example(t, "hello", node, "index.handler")
	h.answers(t, "hello", `{}`)

	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			for ctx.Err() == nil {
				if _, err := harness.Invoke(ctx, h.lambda, "slow", `{"sleep_ms":100}`); err != nil {
					return // it is being killed
				}
			}
		})
	}
	eventually(t, 20*time.Second, "functions run", func() bool { return h.Functions() >= 10 })
	held := h.Footprint()
	if err := h.Kill(); err != nil {
		t.Fatal(err)
	}
	cancel()
	wg.Wait()
	// Sandboxes die with their parent, at once and by themselves.
	processes := harness.Footprint{Processes: held.Processes}
	eventually(t, 5*time.Second, "functions died with their Hearth", func() bool {
		return len(processes.Left("")) == 0
	})

	again := start(t, harness.Options{DataDir: dir})
	defer func() {
		now := again.Footprint()
		if err := again.Stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
		for _, left := range now.Left(dir) {
			t.Errorf("left behind after the clean stop: %s", left)
		}
	}()
	if again.ReadyAfter > time.Second {
		t.Errorf("ready only %s after the restart, want at most 1s", again.ReadyAfter)
	}
	held.Processes = nil
	eventually(t, 10*time.Second, "what the killed one held is gone", func() bool {
		return len(held.Left("")) == 0
	})
	for _, name := range []string{"hello", "slow"} {
		again.answers(t, name, `{"sleep_ms":1}`)
	}
}

func TestRootAStopEndsCallsAndLeavesNothing(t *testing.T) {
	h := up(t, "")
	h.example(t, "slow", node, "index.handler", timeout(30))
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() { _, _ = harness.Invoke(t.Context(), h.lambda, "slow", `{"sleep_ms":20000}`) })
	}
	eventually(t, 20*time.Second, "functions run", func() bool { return h.Functions() >= 5 })
	held := h.Footprint()
	start := time.Now()
	if err := h.Stop(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("stopping took %s", took)
	}
	wg.Wait()
	for _, left := range held.Left(h.DataDir) {
		t.Errorf("left behind: %s", left)
	}
}
