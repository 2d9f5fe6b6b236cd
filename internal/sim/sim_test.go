package sim

import (
	"flag"
	"fmt"
	"testing"
	"time"
)

var (
	seed  = flag.Uint64("seed", 0, "run this seed alone and say how it went")
	seeds = flag.Int("seeds", 1000, "how many seeds to run")
)

// Goal: no order of events breaks what is promised. Method: a fleet made up from each
// seed, with faults; the invariants are checked while it runs and when it is over.
func TestInvariantsHoldWhateverHappens(t *testing.T) {
	first, n := uint64(1), *seeds
	if *seed != 0 {
		first, n = *seed, 1
	}
	var all Report
	started := time.Now()
	for s := first; s < first+uint64(n); s++ {
		t.Run(fmt.Sprintf("seed=%d", s), func(t *testing.T) {
			r := Run(t, Draw(s))
			for _, v := range r.Violations {
				t.Error(v)
			}
			if t.Failed() {
				t.Errorf("make sim SEED=%d runs this again", s)
			}
			if *seed != 0 {
				t.Logf("%+v\n%+v", Draw(s), r)
			}
			all.add(r)
		})
	}
	t.Logf("%d seeds in %s: %+v", n, time.Since(started).Round(time.Millisecond), all)
}

func (r *Report) add(o Report) {
	r.Took += o.Took
	r.Succeeded += o.Succeeded
	r.Throttled += o.Throttled
	r.NoRoom += o.NoRoom
	r.Failed += o.Failed
	r.Cold += o.Cold
	r.Environments += o.Environments
	r.MostAtOnce = max(r.MostAtOnce, o.MostAtOnce)
	r.Repeated += o.Repeated
	r.Lost += o.Lost
	r.Slow += o.Slow
	r.Drained += o.Drained
	r.Zones += o.Zones
}

func TestASeedGivesTheSameRun(t *testing.T) {
	for s := range uint64(*seeds / 4) {
		if a, b := Run(t, Draw(s)), Run(t, Draw(s)); fmt.Sprint(a) != fmt.Sprint(b) {
			t.Errorf("seed %d gives\n%+v and\n%+v", s, a, b)
		}
	}
}

var fleetScale = flag.Bool("scale", false, "run 10,000 workers and a million sandboxes, which takes minutes")

func TestALargeFleet(t *testing.T) {
	s := Scenario{
		Seed: 1, Workers: 500, Zones: 3, Functions: 500, Invokes: 10_000, WorkerMB: 16 << 10, Concurrency: 50_000,
		Pace: 2 * time.Millisecond, Work: 100 * time.Millisecond, Faults: 10, Burst: 20, Skew: 0.5,
	}
	if *fleetScale {
		s.Workers, s.Functions, s.Invokes, s.Concurrency, s.Skew = 10_000, 100_000, 1_200_000, 2_000_000, 0
		s.WorkerMB, s.Faults, s.Pace = 128<<10, 0, 10*time.Microsecond
	}
	started := time.Now()
	r := Run(t, s)
	for _, v := range r.Violations {
		t.Error(v)
	}
	took := time.Since(started)
	t.Logf("%d workers, %d environments at once, %d invokes in %s: %.0f invokes a second; %+v",
		s.Workers, r.MostAtOnce, s.Invokes, took.Round(time.Millisecond), float64(s.Invokes)/took.Seconds(), r)
}
