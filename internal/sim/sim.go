// Package sim runs the invoke path of a whole fleet in one process with simulated time:
// the same frontend, counter, worker manager and placement that a node runs, over
// workers and a network that are made up here and fail as a seed says. Invariants are
// checked at each step.
//
// What is simulated and therefore not tested is what a worker does inside
// (internal/worker).
//
// A seed gives the same run each time. Time is that of testing/synctest, and no two
// things happen at the same nanosecond: whoever waits wakes at a moment whose last
// digits are its own (clock). What then runs at one moment has one cause, and where it
// fans out, the order does not matter to any of its parts.
package sim

import (
	"math/rand/v2"
	"time"
)

// Scenario is one run.
type Scenario struct {
	Seed      uint64
	Workers   int
	Zones     int
	Functions int
	Invokes   int
	// WorkerMB is what one worker may commit.
	WorkerMB int
	// Concurrency is the account's limit.
	Concurrency int
	// Pace is the mean time between two invokes, Work the mean time that one runs.
	Pace, Work time.Duration
	// Faults is how many faults there are, spread over the run.
	Faults int
	// Adaptive has environments kept by their function's habits.
	Adaptive bool
	// Provisioned lets functions have provisioned concurrency.
	Provisioned bool
	// Burst is how many invokes of one function follow each other.
	Burst int
	// Skew is how unequal functions are: the n-th is invoked in proportion to n^-Skew.
	Skew float64
}

// Draw makes up a scenario: small fleets, because what goes wrong in large ones goes
// wrong in small ones sooner, now and then too small for what is asked of them.
func Draw(seed uint64) Scenario {
	r := rand.New(rand.NewPCG(seed, 0x5ced)) //nolint:gosec // a seed has to give the same scenario again
	s := Scenario{
		Seed:        seed,
		Workers:     1 + r.IntN(24),
		Zones:       1 + r.IntN(3),
		Functions:   1 + r.IntN(12),
		Invokes:     200 + r.IntN(400),
		WorkerMB:    512 << r.IntN(5),
		Concurrency: 1 + r.IntN(60),
		Pace:        time.Duration(1+r.IntN(400)) * time.Millisecond,
		Work:        time.Duration(1+r.IntN(3000)) * time.Millisecond,
		Faults:      r.IntN(30),
		Adaptive:    r.IntN(2) == 0,
		Provisioned: r.IntN(2) == 0,
		Burst:       1 + r.IntN(1+r.IntN(20)),
		Skew:        r.Float64() * 1.5,
	}
	return s
}

// Report is how a run went.
type Report struct {
	// Digest is of all that happened and when: equal runs have equal ones.
	Digest uint64
	// Took is simulated.
	Took                                 time.Duration
	Succeeded, Throttled, NoRoom, Failed int
	Cold, Environments, MostAtOnce       int
	Repeated                             int // messages that came twice
	Lost, Slow, Drained, Zones           int // faults
	// Violations are the invariants that did not hold, the first few of them.
	Violations []string
}
