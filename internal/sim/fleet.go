package sim

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/placement"
	"github.com/hearthfaas/hearth/internal/workermanager"
)

const (
	// delayUsual and delayMax bound the way of a message; one in delayedOneIn takes up to
	// the latter.
	delayUsual   = time.Millisecond
	delayMax     = 2 * time.Second
	delayedOneIn = 50
	repeatOneIn  = 20
	bootMin      = 5 * time.Millisecond
	bootMax      = 400 * time.Millisecond
	slowdown     = 20
	// freeMB of each worker is beyond what limits it: its commit limit does.
	freeMB = 1 << 20
)

var (
	errLost = errors.New("sim: the worker is lost")
	errBusy = errors.New("sim: the environment runs another invoke")
)

// machine is one simulated worker; the fleet's mutex guards it.
type machine struct {
	n          int
	generation int  // how often it was lost and came back empty
	faulty     bool // it has its fault; the driver's
	lost, slow bool
	lostAt     time.Time
	committed  int
	hosted     map[*environment]bool
	same       map[lambda.FunctionID]int
	seen       map[lambda.RequestID]bool // what was delivered, so that a repetition is known
}

// fleet is the simulated workers and the network to them. It meets
// workermanager.Placer, workermanager.Workers and placement.Fleet.
type fleet struct {
	scenario Scenario
	clock    *clock
	check    *check
	placer   *placement.Placer
	messages sync.WaitGroup // repetitions under way

	mu           sync.Mutex // guards what follows
	machines     []*machine
	candidates   []placement.Candidate
	of           map[lambda.FunctionID]map[*machine]bool // where each function is or its code is
	marked       []int                                   // candidates that are filled in for the function asked for last
	starts       map[start]int
	index        map[lambda.FunctionID]int
	environments int
	alive, most  int
	cold         int
	losses       int
	repeated     int
	ran          map[lambda.RequestID]int
}

// start is what a start of an environment is for.
type start struct {
	key         lambda.EnvironmentKey
	provisioned bool
}

func newFleet(s Scenario, c *clock, check *check) *fleet {
	f := &fleet{
		scenario: s, clock: c, check: check,
		of:     make(map[lambda.FunctionID]map[*machine]bool),
		starts: make(map[start]int),
		index:  make(map[lambda.FunctionID]int),
		ran:    make(map[lambda.RequestID]int),
	}
	f.placer = placement.New(f)
	for n := range s.Workers {
		f.machines = append(f.machines, &machine{n: n})
		f.candidates = append(f.candidates, placement.Candidate{
			WorkerID: fmt.Sprintf("w%05d", n), Zone: fmt.Sprint(n % s.Zones), FreeMB: freeMB, CommitMaxMB: s.WorkerMB,
		})
		f.machines[n].reset()
	}
	return f
}

func (m *machine) reset() {
	m.committed = 0
	m.hosted = make(map[*environment]bool)
	m.same = make(map[lambda.FunctionID]int)
	m.seen = make(map[lambda.RequestID]bool)
}

// Candidates meets placement.Fleet. The mutex is held.
func (f *fleet) Candidates(_ context.Context, need placement.Need) ([]placement.Candidate, error) {
	for _, n := range f.marked {
		f.candidates[n].Same, f.candidates[n].CodeCached = 0, false
	}
	f.marked = f.marked[:0]
	for m := range f.of[need.Function.Function] {
		f.candidates[m.n].Same, f.candidates[m.n].CodeCached = m.same[need.Function.Function], true
		f.marked = append(f.marked, m.n)
	}
	return f.candidates, nil
}

// Place meets workermanager.Placer.
func (f *fleet) Place(ctx context.Context, v *lambda.Version) (string, error) {
	f.mu.Lock()
	// Starts of one version are alike, so that it does not matter which comes first;
	// those made ahead are others.
	like := start{v.Key(), v.Provisioned}
	nth := f.starts[like]
	f.starts[like]++
	made := 0
	if v.Provisioned {
		made = 1
	}
	a := aStart.actor((2*f.index[v.Function]+made)<<12 | revision(v.Key())%8<<9 | nth%(1<<9))
	f.mu.Unlock()
	f.clock.wait(a, 0)

	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	for n, m := range f.machines {
		if m.lost {
			f.candidates[n].Silent = now.Sub(m.lostAt)
		}
	}
	id, err := f.placer.Place(ctx, placement.Need{Function: v.Key(), MemoryMB: v.MemoryMB})
	if errors.Is(err, placement.ErrFull) {
		return "", workermanager.ErrNoCapacity
	}
	return id, err
}

// Open meets workermanager.Workers. It is called at the moment of Place.
func (f *fleet) Open(_ context.Context, workerID string, v *lambda.Version) (workermanager.Environment, error) {
	f.mu.Lock()
	var n int
	if _, err := fmt.Sscanf(workerID, "w%d", &n); err != nil {
		f.mu.Unlock()
		return nil, err
	}
	m, c := f.machines[n], &f.candidates[n]
	f.check.that(!c.Draining && c.Silent <= placement.SilentMax, "an environment is placed on %s, which drains or is silent", workerID)
	f.environments++
	e := &environment{fleet: f, machine: m, generation: m.generation, n: f.environments, key: v.Key(), memoryMB: v.MemoryMB}
	if !m.lost {
		m.host(f, e)
	}
	f.check.that(c.CommittedMB <= c.CommitMaxMB, "%s holds %d MB of %d", workerID, c.CommittedMB, c.CommitMaxMB)
	f.clock.note("open", e.n, n)
	boot := bootMin + time.Duration(chance(f.scenario.Seed, 1, e.n)*float64(bootMax-bootMin))
	f.mu.Unlock()

	f.clock.wait(anEnvironment.actor(e.n), f.way(m, 2, e.n)+f.paced(m, boot))
	f.mu.Lock()
	defer f.mu.Unlock()
	if e.dead() {
		f.clock.note("lost", e.n)
		return nil, errLost
	}
	e.ready = true
	return e, nil
}

// host and leave keep the sums of a worker. The mutex is held.
func (m *machine) host(f *fleet, e *environment) {
	c := &f.candidates[m.n]
	m.hosted[e] = true
	m.same[e.key.Function]++
	c.CommittedMB += e.memoryMB
	c.Environments++
	at := f.of[e.key.Function]
	if at == nil {
		at = make(map[*machine]bool)
		f.of[e.key.Function] = at
	}
	at[m] = true
	f.alive++
	f.most = max(f.most, f.alive)
}

func (m *machine) leave(f *fleet, e *environment) {
	c := &f.candidates[m.n]
	delete(m.hosted, e)
	m.same[e.key.Function]--
	c.CommittedMB -= e.memoryMB
	c.Environments--
	f.alive--
}

// way is how long one message to or from a worker takes.
func (f *fleet) way(m *machine, about ...int) time.Duration {
	about = append(about, m.n)
	d := time.Duration(chance(f.scenario.Seed, about...) * float64(delayUsual))
	if chance(f.scenario.Seed+1, about...) < 1.0/delayedOneIn {
		d = time.Duration(chance(f.scenario.Seed+2, about...) * float64(delayMax))
	}
	return f.paced(m, d)
}

func (f *fleet) paced(m *machine, d time.Duration) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	if m.slow {
		d *= slowdown
	}
	return d
}

// lose takes a worker away with all that it holds.
func (f *fleet) lose(m *machine) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.losses++
	m.lost, m.lostAt = true, time.Now()
	m.generation++
	for e := range m.hosted {
		if e.running != "" {
			f.check.ended(e.key.Function)
		}
		m.leave(f, e)
	}
	for function := range m.same {
		delete(f.of[function], m)
	}
	m.reset()
}

// revive brings a lost worker back, empty.
func (f *fleet) revive(m *machine) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m.lost = false
	m.generation++
	f.candidates[m.n].Draining, f.candidates[m.n].Silent = false, 0
}

// afflicted gives a worker a fault and says whether it had one already.
func (f *fleet) afflicted(m *machine) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	had := m.faulty
	m.faulty = true
	return had
}

// change sets what is the matter with a worker.
func (f *fleet) change(m *machine, with func(*machine, *placement.Candidate)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	with(m, &f.candidates[m.n])
}
