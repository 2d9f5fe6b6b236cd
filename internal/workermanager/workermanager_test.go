package workermanager

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// fleet is a scriptable fleet: starts take startTime, fail with failWith, and no
// more than room environments fit.
type fleet struct {
	startTime time.Duration
	room      int
	// turns bounds the starts that have begun; nil sets no bound.
	turns chan struct{}

	mu       sync.Mutex
	failWith error
	broken   bool // Init fails
	opened   int
	open     map[*environment]bool
	most     int
}

type environment struct {
	fleet *fleet
	id    lambda.SandboxID
	idles int
}

func (f *fleet) Place(context.Context, *lambda.Version) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.room > 0 && len(f.open) >= f.room {
		return "", ErrNoCapacity
	}
	return "w", nil
}

func (f *fleet) Open(ctx context.Context, _ string, _ *lambda.Version) (Environment, error) {
	if f.turns != nil {
		select {
		case f.turns <- struct{}{}:
			defer func() { <-f.turns }()
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	begun := time.After(f.startTime)
	select {
	case <-begun:
	case <-ctx.Done():
		if cause := context.Cause(ctx); !errors.Is(cause, lambda.ErrNotNeeded) {
			return nil, cause
		}
		<-begun
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failWith != nil {
		return nil, f.failWith
	}
	f.opened++
	e := &environment{fleet: f, id: lambda.SandboxID(fmt.Sprint(f.opened))}
	if f.open == nil {
		f.open = map[*environment]bool{}
	}
	f.open[e] = true
	f.most = max(f.most, len(f.open))
	return e, nil
}

// made is how many environments were ever opened.
func (f *fleet) made() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.opened
}

func (f *fleet) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.open)
}

func (e *environment) ID() lambda.SandboxID { return e.id }
func (e *environment) Invoke(context.Context, *lambda.Invocation) (lambda.Result, error) {
	return lambda.Result{}, nil
}

func (e *environment) Initialised() bool {
	e.fleet.mu.Lock()
	defer e.fleet.mu.Unlock()
	return !e.fleet.broken
}

func (e *environment) Idle() { e.idles++ }
func (e *environment) Close(context.Context) error {
	e.fleet.mu.Lock()
	defer e.fleet.mu.Unlock()
	if !e.fleet.open[e] {
		return errors.New("closed twice")
	}
	delete(e.fleet.open, e)
	return nil
}

func version(name string) *lambda.Version {
	return &lambda.Version{
		Function: lambda.FunctionID{Account: "000000000000", Region: "us-east-1", Name: name},
		Version:  lambda.Latest, RevisionID: "1", MemoryMB: 128,
	}
}

// run gives fn a running manager inside a synctest bubble and stops it afterwards.
func run(t *testing.T, f *fleet, fn func(t *testing.T, m *Manager)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m := New(Config{IdleTimeout: time.Minute, AgeMax: time.Hour}, f, f, slog.New(slog.DiscardHandler))
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- m.Run(ctx) }()
		fn(t, m)
		stop()
		if err := <-done; err != nil {
			t.Errorf("Run returned %v", err)
		}
		if n := f.count(); n != 0 {
			t.Errorf("%d environments are left after the manager stopped, want 0", n)
		}
	})
}

func acquire(t *testing.T, m *Manager, v *lambda.Version) Environment {
	t.Helper()
	env, _, err := m.Acquire(t.Context(), v)
	if err != nil {
		t.Fatalf("acquire: %v", err)
	}
	return env
}

func TestOneEnvironmentServesInvokesThatComeOneAfterTheOther(t *testing.T) {
	f := &fleet{startTime: time.Second}
	run(t, f, func(t *testing.T, m *Manager) {
		for range 10 {
			m.Return(acquire(t, m, version("f")), true)
		}
		if f.opened != 1 {
			t.Errorf("%d environments were opened, want 1", f.opened)
		}
	})
}

func TestTheMostRecentlyUsedEnvironmentIsReusedFirst(t *testing.T) {
	f := &fleet{}
	run(t, f, func(t *testing.T, m *Manager) {
		a, b := acquire(t, m, version("f")), acquire(t, m, version("f"))
		m.Return(a, true)
		m.Return(b, true)
		if got := acquire(t, m, version("f")); got != b {
			t.Errorf("got environment %s, want %s, which was used last", got.ID(), b.ID())
		} else {
			m.Return(got, true)
		}
	})
}

func TestAWaitingInvokeTakesWhatIsFreedFirst(t *testing.T) {
	f := &fleet{startTime: time.Second}
	run(t, f, func(t *testing.T, m *Manager) {
		a := acquire(t, m, version("f"))
		got := make(chan Environment)
		go func() { got <- acquire(t, m, version("f")) }()
		synctest.Wait() // the second invoke waits, its start takes a second
		m.Return(a, true)
		if env := <-got; env != a {
			t.Errorf("got environment %s, want the freed %s", env.ID(), a.ID())
		}
		m.Return(a, true)
		elapse(2 * time.Second) // the surplus start completes
		if s := m.Stats(version("f").Key()); s != (Stats{Idle: 2}) {
			t.Errorf("got %+v, want the surplus environment kept warm", s)
		}
	})
}

func TestABurstOpensNoMoreEnvironmentsThanItHasInvokes(t *testing.T) {
	f := &fleet{startTime: time.Second}
	run(t, f, func(t *testing.T, m *Manager) {
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				env := acquire(t, m, version("f"))
				elapse(100 * time.Millisecond)
				m.Return(env, true)
			})
		}
		wg.Wait()
		if f.most > 50 {
			t.Errorf("%d environments were open at once for 50 invokes", f.most)
		}
	})
}

func TestEnvironmentsEndAfterTheIdleTimeout(t *testing.T) {
	f := &fleet{}
	run(t, f, func(t *testing.T, m *Manager) {
		m.Return(acquire(t, m, version("f")), true)
		elapse(50 * time.Second)
		if n := f.count(); n != 1 {
			t.Errorf("%d environments before the timeout, want 1", n)
		}
		elapse(20 * time.Second)
		if n := f.count(); n != 0 {
			t.Errorf("%d environments after the timeout, want 0", n)
		}
		if pools(m) != 0 || len(m.held) != 0 {
			t.Errorf("%d pools and %d environments are remembered, want none", pools(m), len(m.held))
		}
	})
}

func TestARetiredVersionsEnvironmentsEnd(t *testing.T) {
	f := &fleet{}
	run(t, f, func(t *testing.T, m *Manager) {
		busy, idle := acquire(t, m, version("f")), acquire(t, m, version("f"))
		m.Return(idle, true)
		m.Retire(version("f").Key())
		synctest.Wait()
		if n := f.count(); n != 1 {
			t.Errorf("%d environments while one is busy, want 1", n)
		}
		m.Return(busy, true)
		synctest.Wait()
		if n := f.count(); n != 0 {
			t.Errorf("%d environments after the busy one was returned, want 0", n)
		}
	})
}

func TestAnUnhealthyEnvironmentIsNotReused(t *testing.T) {
	f := &fleet{}
	run(t, f, func(t *testing.T, m *Manager) {
		sick := acquire(t, m, version("f"))
		m.Return(sick, false)
		fresh := acquire(t, m, version("f"))
		if fresh == sick {
			t.Error("got the environment that was returned as unhealthy")
		}
		m.Return(fresh, true)
	})
}

func TestTheLeastRecentlyUsedMakesWayWhenTheFleetIsFull(t *testing.T) {
	f := &fleet{room: 2}
	run(t, f, func(t *testing.T, m *Manager) {
		old := acquire(t, m, version("old"))
		m.Return(old, true)
		elapse(time.Second)
		m.Return(acquire(t, m, version("young")), true)
		m.Return(acquire(t, m, version("new")), true)
		if f.open[old.(*environment)] {
			t.Error("the least recently used environment is still there")
		}
		if n := f.count(); n != 2 {
			t.Errorf("%d environments, want 2", n)
		}
	})
}

func TestAFullFleetOfBusyEnvironmentsIsAnError(t *testing.T) {
	f := &fleet{room: 1}
	run(t, f, func(t *testing.T, m *Manager) {
		held := acquire(t, m, version("f"))
		if _, _, err := m.Acquire(t.Context(), version("g")); !errors.Is(err, ErrNoCapacity) {
			t.Errorf("got %v, want ErrNoCapacity", err)
		}
		m.Return(held, true)
	})
}

// Goal: a burst of short invokes to a new function makes no more environments than it
// needs. Method: five hundred at once, each of 10 ms, where two environments at a time
// can be made in 100 ms: those that are there serve the others before most starts have
// begun, and these are given up.
func TestABurstGivesUpTheStartsThatNobodyNeedsAnyMore(t *testing.T) {
	const invokes = 500
	f := &fleet{startTime: 100 * time.Millisecond}
	run(t, f, func(t *testing.T, m *Manager) {
		f.turns = make(chan struct{}, 2)
		began := time.Now()
		var all sync.WaitGroup
		for range invokes {
			all.Go(func() {
				env := acquire(t, m, version("f"))
				elapse(10 * time.Millisecond)
				m.Return(env, true)
			})
		}
		all.Wait()
		took := time.Since(began)
		elapse(time.Second)
		// After 100 ms there are 2, after 200 ms 4, after 300 ms 6 …: the sum of what they
		// serve reaches 500 after 0.8 s.
		if f.made() > 20 || took > time.Second {
			t.Errorf("%d environments in %s for %d short invokes, want some 16 in 0.8 s", f.made(), took, invokes)
		}
		if s := m.Stats(version("f").Key()); s.Idle != f.made() || s.Busy+s.Starting != 0 {
			t.Errorf("afterwards %+v of %d", s, f.made())
		}
	})
}

// Goal: an invoke that comes while a start is being given up gets another one.
func TestAStartIsMadeAnewForAnInvokeThatComesAfterItWasGivenUp(t *testing.T) {
	f := &fleet{startTime: time.Second}
	run(t, f, func(t *testing.T, m *Manager) {
		f.turns = make(chan struct{}, 1)
		a := acquire(t, m, version("f"))
		f.turns <- struct{}{} // no start begins
		var waiting sync.WaitGroup
		waiting.Go(func() {
			if got := acquire(t, m, version("f")); got != a {
				t.Error("a start began")
			}
		})
		synctest.Wait()
		m.Return(a, true) // goes to the one that waits; the start is given up
		waiting.Wait()
		waiting.Go(func() { m.Return(acquire(t, m, version("f")), true) })
		synctest.Wait()
		<-f.turns
		waiting.Wait()
		m.Return(a, true)
		if s := m.Stats(version("f").Key()); s != (Stats{Idle: 2}) {
			t.Errorf("got %+v, want two idle", s)
		}
	})
}

func TestAFailedStartReachesTheInvokeThatWaits(t *testing.T) {
	boom := errors.New("boom")
	f := &fleet{failWith: boom}
	run(t, f, func(t *testing.T, m *Manager) {
		if _, _, err := m.Acquire(t.Context(), version("f")); !errors.Is(err, boom) {
			t.Errorf("got %v, want the start's error", err)
		}
		if pools(m) != 0 {
			t.Errorf("%d pools are remembered, want none", pools(m))
		}
	})
}

func TestAnInvokeThatGivesUpWaitingLeavesItsEnvironmentToOthers(t *testing.T) {
	f := &fleet{startTime: time.Minute / 2}
	run(t, f, func(t *testing.T, m *Manager) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, err := m.Acquire(ctx, version("f")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the deadline", err)
		}
		elapse(time.Minute / 2)
		if s := m.Stats(version("f").Key()); s != (Stats{Idle: 1}) {
			t.Errorf("got %+v, want one idle environment", s)
		}
	})
}

// elapse lets virtual time pass inside a synctest bubble.
func elapse(d time.Duration) { <-time.After(d) }
