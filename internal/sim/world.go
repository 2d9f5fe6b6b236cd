package sim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"sort"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthfaas/hearth/internal/counter"
	"github.com/hearthfaas/hearth/internal/frontend"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/placement"
	"github.com/hearthfaas/hearth/internal/workermanager"
)

const (
	account = "000000000000"
	region  = "us-east-1"
	// idleTimeout and ageMax are short enough for environments to end of both in a run.
	idleTimeout = 30 * time.Second
	ageMax      = 5 * time.Minute
)

// world is one run.
type world struct {
	scenario Scenario
	random   *rand.Rand // the driver's
	clock    *clock
	check    *check
	fleet    *fleet
	limits   limits
	manager  *workermanager.Manager
	front    *frontend.Frontend[slot, workermanager.Environment]
	invokes  sync.WaitGroup
	faults   sync.WaitGroup
	faultsN  int

	mu        sync.Mutex // guards what follows
	functions []*lambda.Version
	weights   []float64 // cumulative
	report    Report
}

// Run runs a scenario. A violation is in the report, not yet a failed test.
func Run(t *testing.T, s Scenario) Report {
	t.Helper()
	var r Report
	synctest.Test(t, func(t *testing.T) { r = newWorld(s).run(t.Context()) })
	return r
}

func newWorld(s Scenario) *world {
	c := &clock{born: time.Now()}
	//nolint:gosec // a seed has to give the same run again
	w := &world{scenario: s, random: rand.New(rand.NewPCG(s.Seed, 1)), clock: c}
	w.check = newCheck(func() time.Duration { return time.Since(c.born) })
	w.fleet = newFleet(s, c, w.check)
	w.limits = limits{counter.New(counter.Config{AccountConcurrency: s.Concurrency}), w.check, s}
	keep := workermanager.Fixed
	if s.Adaptive {
		keep = workermanager.Adaptive
	}
	log := slog.New(slog.DiscardHandler)
	w.manager = workermanager.New(workermanager.Config{IdleTimeout: idleTimeout, KeepAlive: keep, AgeMax: ageMax}, w.fleet, w.fleet, log)
	w.front = frontend.New[slot, workermanager.Environment](w, anyone{}, w.limits, handOut{w.manager, w.fleet}, nil, observer{w.check}, log)
	sum := 0.0
	for n := range s.Functions {
		v := &lambda.Version{
			Function: lambda.FunctionID{Account: account, Region: region, Name: fmt.Sprintf("f%d", n)},
			Version:  "1", RevisionID: "0", MemoryMB: min(128<<w.random.IntN(4), s.WorkerMB),
		}
		w.functions = append(w.functions, v)
		w.fleet.index[v.Function] = n
		sum += math.Pow(float64(n+1), -s.Skew)
		w.weights = append(w.weights, sum)
	}
	return w
}

// run is the driver: it lets invokes and faults come, heals everything, asks whether
// all works again, and stops.
func (w *world) run(ctx context.Context) Report {
	ctx, stop := context.WithCancel(ctx)
	stopped := make(chan error, 1)
	go func() { stopped <- w.manager.Run(ctx) }()
	function := 0
	faultAt := w.faultMoments()
	for n := range w.scenario.Invokes {
		w.clock.step(time.Duration(w.random.ExpFloat64() * float64(w.scenario.Pace)))
		for faultAt[n] > 0 {
			faultAt[n]--
			w.fault()
			w.clock.step(0)
		}
		if n%w.scenario.Burst == 0 {
			function = w.draw()
		}
		of := function
		w.invokes.Go(func() { w.invoke(ctx, n, of) })
	}
	w.faults.Wait()
	w.invokes.Wait()
	w.probe(ctx)
	stop()
	if err := <-stopped; err != nil {
		w.check.that(false, "the manager ends with %v", err)
	}
	w.fleet.messages.Wait()
	return w.conclude()
}

func (w *world) faultMoments() map[int]int {
	at := make(map[int]int)
	for range w.scenario.Faults {
		at[w.random.IntN(w.scenario.Invokes)]++
	}
	return at
}

// draw picks the function that is invoked next.
func (w *world) draw() int {
	x := w.random.Float64() * w.weights[len(w.weights)-1]
	return sort.SearchFloat64s(w.weights, x)
}

// invoke is one caller.
func (w *world) invoke(ctx context.Context, n, function int) bool {
	id := lambda.RequestID(fmt.Sprintf("r%d", n))
	out, err := w.front.Invoke(ctx, frontend.Input{
		Caller:       lambda.Caller{Account: account, Region: region, RequestID: id},
		FunctionName: fmt.Sprintf("f%d", function), Type: lambda.RequestResponse,
	})
	w.fleet.mu.Lock()
	ran, lost := w.fleet.ran[id], w.fleet.losses
	w.fleet.mu.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	refused, _ := errors.AsType[*lambda.Error](err)
	switch {
	case err == nil:
		w.report.Succeeded++
		w.check.that(string(out.Result.Payload) == string(id), "%s gets the answer %q", id, out.Result.Payload)
		w.check.that(ran == 1, "%s is answered and ran %d times", id, ran)
	case refused != nil && refused.Code == lambda.CodeTooManyRequests:
		w.report.Throttled++
		w.check.that(ran == 0, "%s is throttled and ran %d times", id, ran)
	case errors.Is(err, workermanager.ErrNoCapacity):
		w.report.NoRoom++
		w.check.that(ran == 0, "%s finds no room and ran %d times", id, ran)
	default:
		w.report.Failed++
		w.check.that(errors.Is(err, errLost) && lost > 0, "%s fails: %v", id, err)
		w.check.that(!errors.Is(err, lambda.ErrNotDelivered) || ran == 0, "%s is said not to be delivered and ran %d times", id, ran)
	}
	w.clock.note("answer", n, ran)
	return err == nil
}

// probe checks that every function can be invoked once all is well again.
func (w *world) probe(ctx context.Context) {
	for _, v := range w.functions {
		w.clock.step(0)
		w.limits.reserve(v.Function, nil)
		w.provision(v, 0)
	}
	for n, v := range w.functions[:min(len(w.functions), 100)] {
		w.clock.step(time.Minute)
		w.check.that(w.invoke(ctx, w.scenario.Invokes+n, n), "%s does not work though no fault is left", v.Function.Name)
	}
}

// conclude checks that nothing is left.
func (w *world) conclude() Report {
	for _, v := range w.functions {
		n := w.limits.InFlight(v.Function)
		w.check.that(n == 0, "%d slots of %s leaked", n, v.Function.Name)
	}
	totals := w.manager.Totals()
	w.check.that(totals == workermanager.Stats{}, "the manager still has %+v", totals)
	f, r := w.fleet, &w.report
	w.check.that(f.alive == 0, "%d environments are left on the workers", f.alive)
	for _, c := range f.candidates {
		w.check.that(c.CommittedMB == 0, "%d MB are left on %s", c.CommittedMB, c.WorkerID)
	}
	w.check.that(w.check.began == 0, "%d invokes were never said to have ended", w.check.began)
	answered := r.Succeeded + r.Throttled + r.NoRoom + r.Failed
	asked := w.scenario.Invokes + min(len(w.functions), 100)
	w.check.that(answered == asked, "%d invokes of %d are answered", answered, asked)
	r.Digest, r.Took = w.clock.digest.Load(), time.Since(w.clock.born)
	r.Cold, r.Environments, r.MostAtOnce, r.Repeated = f.cold, f.environments, f.most, f.repeated
	r.Violations = w.check.violations
	return *r
}

// Lookup meets frontend.Functions.
func (w *world) Lookup(id lambda.FunctionID, _ string) (frontend.Target, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return frontend.Target{Version: w.functions[w.fleet.index[id]], State: lambda.StateActive}, nil
}

// anyone may invoke. It meets frontend.Authorizer.
type anyone struct{}

func (anyone) Authorize(context.Context, lambda.Caller, string, string) error { return nil }

// observer checks that each invoke that began ends once. It meets frontend.Observer.
type observer struct{ check *check }

func (o observer) Began(*lambda.Version, *lambda.Invocation) frontend.Running {
	o.check.mu.Lock()
	defer o.check.mu.Unlock()
	o.check.began++
	return &running{check: o.check}
}

func (o observer) Throttled(*lambda.Version, *lambda.Invocation) {}

type running struct {
	check *check
	over  bool
}

func (r *running) end() {
	r.check.mu.Lock()
	defer r.check.mu.Unlock()
	if r.over {
		r.check.violated("an invoke ended twice")
	}
	r.over = true
	r.check.began--
}

func (r *running) Ended(*lambda.Invocation, bool) { r.end() }
func (r *running) Abandoned()                     { r.end() }

// fault lets something go wrong or change.
func (w *world) fault() {
	at := w.fleet.machines[w.random.IntN(len(w.fleet.machines))]
	v := w.functions[w.random.IntN(len(w.functions))]
	lasts := time.Duration((1 + 29*w.random.Float64()) * float64(time.Second))
	switch w.random.IntN(8) {
	case 0, 1:
		w.report.Lost++
		w.lose(at, lasts)
	case 2:
		w.report.Zones++
		for _, m := range w.fleet.machines {
			if m.n%w.scenario.Zones == at.n%w.scenario.Zones {
				w.lose(m, lasts)
			}
		}
	case 3:
		w.report.Slow++
		w.slow(at, lasts)
	case 4:
		w.report.Drained++
		w.drain(at, lasts)
	case 5:
		w.update(v)
	case 6:
		w.reserve(v)
	case 7:
		if w.scenario.Provisioned && !w.reserves(v) {
			w.provision(v, w.random.IntN(min(3, w.scenario.Concurrency)+1))
		}
	}
}

// provision gives a function provisioned concurrency, or takes it away.
func (w *world) provision(v *lambda.Version, n int) {
	if !w.scenario.Provisioned {
		return
	}
	w.limits.SetProvisioned(v.Function, v.Version, n)
	w.manager.Provision(v, n)
}

// afflict gives a worker a fault that ends after a while; the parts of it happen at
// moments of their own.
func (w *world) afflict(m *machine, parts ...func() time.Duration) {
	if w.fleet.afflicted(m) {
		return
	}
	a := aFault.actor(w.faultsN)
	w.faultsN++
	w.faults.Go(func() {
		for _, part := range parts {
			w.clock.wait(a, part())
		}
		w.fleet.change(m, func(m *machine, _ *placement.Candidate) { m.faulty = false })
	})
}

// lose has a worker gone; it takes up to three seconds until that is known, and a
// worker that comes back comes empty.
func (w *world) lose(m *machine, lasts time.Duration) {
	known := time.Duration(w.random.Float64() * float64(placement.SilentMax))
	w.afflict(m, func() time.Duration {
		w.fleet.lose(m)
		return known
	}, func() time.Duration {
		w.vacate(m)
		return lasts
	}, func() time.Duration {
		w.fleet.revive(m)
		return 0
	})
}

func (w *world) drain(m *machine, lasts time.Duration) {
	w.afflict(m, func() time.Duration {
		w.vacate(m)
		return lasts
	}, func() time.Duration {
		w.fleet.change(m, func(_ *machine, c *placement.Candidate) { c.Draining = false })
		return 0
	})
}

func (w *world) slow(m *machine, lasts time.Duration) {
	w.afflict(m, func() time.Duration {
		w.fleet.change(m, func(m *machine, _ *placement.Candidate) { m.slow = true })
		return lasts
	}, func() time.Duration {
		w.fleet.change(m, func(m *machine, _ *placement.Candidate) { m.slow = false })
		return 0
	})
}

func (w *world) vacate(m *machine) {
	var id string
	w.fleet.change(m, func(_ *machine, c *placement.Candidate) { id, c.Draining = c.WorkerID, true })
	w.manager.Vacate(id)
}

// update gives a function a new revision.
func (w *world) update(v *lambda.Version) {
	next := *v
	next.RevisionID = fmt.Sprint(revision(v.Key()) + 1)
	w.mu.Lock()
	n := w.fleet.index[v.Function]
	w.functions[n] = &next
	w.mu.Unlock()
	w.manager.Retire(v.Key())
}

// revision is the number of a function's revision.
func revision(k lambda.EnvironmentKey) (n int) {
	if _, err := fmt.Sscan(k.RevisionID, &n); err != nil {
		panic("sim: a revision is no number")
	}
	return n
}

// reserves says that a function may get a reserve; others may have provisioned
// concurrency.
func (w *world) reserves(v *lambda.Version) bool { return w.fleet.index[v.Function]%2 == 0 }

func (w *world) reserve(v *lambda.Version) {
	if !w.reserves(v) {
		return
	}
	w.limits.mu.Lock()
	room := w.scenario.Concurrency - w.limits.sum - 3*len(w.functions)
	w.limits.mu.Unlock()
	if room <= 1 || w.random.IntN(3) == 0 {
		w.limits.reserve(v.Function, nil)
		return
	}
	n := w.random.IntN(room)
	w.limits.reserve(v.Function, &n)
}
