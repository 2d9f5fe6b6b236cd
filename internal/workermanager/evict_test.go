package workermanager

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// start gives a running manager and what stops it.
func start(t *testing.T, cfg Config, w interface {
	Placer
	Workers
},
) (*Manager, func()) {
	t.Helper()
	m := New(cfg, w, w, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	return m, func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run returned %v", err)
		}
	}
}

// racks is a fleet of workers that each hold so much memory.
type racks struct {
	sizeMB int

	mu     sync.Mutex
	names  []string
	usedMB map[string]int
	opens  map[string]int
}

func newRacks(sizeMB int, names ...string) *racks {
	return &racks{sizeMB: sizeMB, names: names, usedMB: map[string]int{}, opens: map[string]int{}}
}

type racked struct {
	*environment
	racks    *racks
	on       string
	memoryMB int
}

func (r *racks) Place(_ context.Context, v *lambda.Version) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range r.names {
		if r.usedMB[n]+v.MemoryMB <= r.sizeMB {
			return n, nil
		}
	}
	return "", ErrNoCapacity
}

func (r *racks) Open(_ context.Context, workerID string, v *lambda.Version) (Environment, error) {
	r.mu.Lock()
	r.usedMB[workerID] += v.MemoryMB
	r.opens[workerID]++
	r.mu.Unlock()
	if v.Function.Name == "slow" {
		elapse(time.Second)
	}
	return &racked{&environment{fleet: &fleet{}}, r, workerID, v.MemoryMB}, nil
}

func (e *racked) Close(context.Context) error {
	e.racks.mu.Lock()
	defer e.racks.mu.Unlock()
	e.racks.usedMB[e.on] -= e.memoryMB
	return nil
}

func (r *racks) move(names ...string) {
	r.mu.Lock()
	r.names = names
	r.mu.Unlock()
}

func sized(name string, memoryMB int) *lambda.Version {
	v := version(name)
	v.MemoryMB = memoryMB
	return v
}

// Goal: a large environment does not empty the fleet. Method: two workers full of small
// idle environments, used in turn; the large one needs four of them on one worker.
func TestRoomIsMadeOnOneWorker(t *testing.T) {
	r := newRacks(1024, "a", "b")
	synctest.Test(t, func(t *testing.T) {
		m, stop := start(t, Config{IdleTimeout: time.Hour, AgeMax: time.Hour}, r)
		var held []Environment
		for range 16 {
			held = append(held, acquire(t, m, sized("small", 128)))
			elapse(time.Millisecond)
		}
		for i := range 8 {
			m.Return(held[i], true)
			elapse(time.Millisecond)
			m.Return(held[8+i], true)
			elapse(time.Millisecond)
		}
		large := acquire(t, m, sized("large", 512))
		if s := m.Stats(version("small").Key()); s.Idle != 12 {
			t.Errorf("%d small environments are left, want 12", s.Idle)
		}
		m.Return(large, true)
		stop()
	})
}

func TestAWorkerThatIsGivenUpHoldsNothing(t *testing.T) {
	r := newRacks(1<<20, "a")
	synctest.Test(t, func(t *testing.T) {
		m, stop := start(t, Config{IdleTimeout: time.Hour, AgeMax: time.Hour}, r)
		m.Provision(sized("ahead", 128), 2)
		busy, idle := acquire(t, m, version("f")), acquire(t, m, version("f"))
		m.Return(idle, true)
		late := make(chan Environment)
		go func() { late <- acquire(t, m, version("slow")) }()
		synctest.Wait()

		r.move("b")
		m.Vacate("a")
		synctest.Wait()
		if s := m.Stats(version("f").Key()); s != (Stats{Busy: 1}) {
			t.Errorf("got %+v, want the busy one alone", s)
		}
		if ready, _ := m.Provisioned(version("ahead").Key()); ready != 2 || r.opens["b"] != 2 {
			t.Errorf("%d provisioned, %d of them on the other worker, want 2", ready, r.opens["b"])
		}
		m.Return(busy, true)
		m.Return(<-late, true) // its start was under way on the worker
		synctest.Wait()
		if got := r.usedMB["a"]; got != 0 {
			t.Errorf("%d MB are in use on the worker that was given up, want none", got)
		}
		m.Return(acquire(t, m, version("f")), true)
		if got := r.opens["b"]; got != 3 {
			t.Errorf("%d environments were made on the other worker, want 3", got)
		}
		stop()
	})
}

// An invoke waits for the one environment that there is room for; when that one is not
// fit to be used again, the invoke gets another.
func TestAnInvokeIsServedThoughTheEnvironmentItCountedOnIsGone(t *testing.T) {
	r := newRacks(128, "a")
	synctest.Test(t, func(t *testing.T) {
		m, stop := start(t, Config{IdleTimeout: time.Hour, AgeMax: time.Hour}, r)
		held := acquire(t, m, version("f"))
		got := make(chan Environment)
		go func() {
			env, _, err := m.Acquire(t.Context(), version("f"))
			if err != nil {
				t.Errorf("acquire: %v", err)
			}
			got <- env
		}()
		synctest.Wait()
		m.Return(held, false)
		if env := <-got; env != nil {
			m.Return(env, true)
		}
		stop()
	})
}
