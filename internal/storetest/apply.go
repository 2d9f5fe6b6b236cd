package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hearthfaas/hearth/internal/store"
)

func preconditions(t *testing.T, s store.Store) {
	rev := func() store.Precondition {
		out := apply(t, s, store.Change{Kind: "k", Key: "there", Value: []byte("v")})
		return store.Precondition(out[0].Revision)
	}
	for _, c := range []struct {
		name  string
		key   string
		cond  func() store.Precondition
		holds bool
	}{
		{"no precondition on a record that exists", "there", func() store.Precondition { rev(); return 0 }, true},
		{"no precondition on a record that does not", "none", func() store.Precondition { return 0 }, true},
		{"the current revision", "there", rev, true},
		{"an older revision", "there", func() store.Precondition { old := rev(); rev(); return old }, false},
		{"a revision of the future", "there", func() store.Precondition { return rev() + 1000 }, false},
		{"a revision of a record that does not exist", "gone", func() store.Precondition { return 1 }, false},
		{"absent on a record that exists", "there", func() store.Precondition { rev(); return store.Absent }, false},
		{"absent on a record that does not", "new", func() store.Precondition { return store.Absent }, true},
	} {
		for _, value := range [][]byte{[]byte("changed"), nil} {
			cond := c.cond()
			_, err := s.Apply(t.Context(), store.Change{Kind: "k", Key: c.key, Value: value, If: cond})
			if got := err == nil; got != c.holds {
				t.Errorf("%s, value %q: got %v, want it to hold: %v", c.name, value, err, c.holds)
			}
			if err != nil && !errors.Is(err, store.ErrConflict) {
				t.Errorf("%s: got %v, want ErrConflict", c.name, err)
			}
			apply(t, s, store.Change{Kind: "k", Key: c.key})
		}
	}
}

func allOrNothing(t *testing.T, s store.Store) {
	apply(t, s, store.Change{Kind: "k", Key: "b", Value: []byte("old")})
	_, err := s.Apply(t.Context(),
		store.Change{Kind: "k", Key: "a", Value: []byte("new")},
		store.Change{Kind: "k", Key: "b"},
		store.Change{Kind: "k", Key: "c", Value: []byte("new"), If: 999},
	)
	if !errors.Is(err, store.ErrConflict) {
		t.Fatalf("got %v, want ErrConflict", err)
	}
	list, err := s.List(t.Context(), "k", "", "", 10)
	if err != nil || len(list) != 1 || string(list[0].Value) != "old" {
		t.Errorf("got %+v, %v, want only what was there before", list, err)
	}
}

func preconditionsBefore(t *testing.T, s store.Store) {
	apply(t, s,
		store.Change{Kind: "k", Key: "a", Value: []byte("1"), If: store.Absent},
		store.Change{Kind: "k", Key: "a", Value: []byte("2"), If: store.Absent},
	)
	got, err := s.Get(t.Context(), "k", "a")
	if err != nil || string(got.Value) != "2" {
		t.Errorf("got %q, %v, want the later change", got.Value, err)
	}
}

// contention: many writers try to replace the same revision at the same time.
func contention(t *testing.T, s store.Store) {
	for round := range 10 {
		out := apply(t, s, store.Change{Kind: "k", Key: "a", Value: []byte("base")})
		var won atomic.Int32
		together(16, func(i int) {
			_, err := s.Apply(t.Context(), store.Change{
				Kind: "k", Key: "a", Value: []byte(strconv.Itoa(i)), If: store.Precondition(out[0].Revision),
			})
			switch {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, store.ErrConflict):
				t.Errorf("got %v, want ErrConflict", err)
			}
		})
		if won.Load() != 1 {
			t.Fatalf("round %d: %d writers won, want 1", round, won.Load())
		}
	}
}

// counters: every writer adds to one number by compare and swap; with each step
// goes a record of its own, which must exist exactly as often as steps succeeded.
func counters(t *testing.T, s store.Store) {
	const writers, steps = 8, 20
	together(writers, func(w int) {
		for step := range steps {
			for {
				cond, n := store.Absent, 0
				rec, err := s.Get(t.Context(), "n", "counter")
				if err == nil {
					cond = store.Precondition(rec.Revision)
					n, _ = strconv.Atoi(string(rec.Value))
				} else if !errors.Is(err, store.ErrNotFound) {
					t.Error(err)
					return
				}
				_, err = s.Apply(t.Context(),
					store.Change{Kind: "steps", Key: fmt.Sprintf("%d-%d", w, step), Value: []byte("x"), If: store.Absent},
					store.Change{Kind: "n", Key: "counter", Value: []byte(strconv.Itoa(n + 1)), If: cond},
				)
				if err == nil {
					break
				}
				if !errors.Is(err, store.ErrConflict) {
					t.Error(err)
					return
				}
			}
		}
	})
	rec, err := s.Get(t.Context(), "n", "counter")
	if err != nil || string(rec.Value) != strconv.Itoa(writers*steps) {
		t.Errorf("got %q, %v, want %d", rec.Value, err, writers*steps)
	}
	list, err := s.List(t.Context(), "steps", "", "", 1000)
	if err != nil || len(list) != writers*steps {
		t.Errorf("got %d steps, %v, want %d", len(list), err, writers*steps)
	}
}

// watchOrder: the events that a watcher has heard by the time an Apply returns
// hold that Apply, and their revisions only grow.
func watchOrder(t *testing.T, s store.Store) {
	var mu sync.Mutex
	var heard []store.Event
	stop := s.Watch("k", func(e store.Event) {
		mu.Lock()
		heard = append(heard, e)
		mu.Unlock()
	})
	defer stop()
	together(8, func(i int) {
		for j := range 10 {
			key := fmt.Sprintf("%d-%d", i, j)
			out, err := s.Apply(t.Context(),
				store.Change{Kind: "k", Key: key, Value: []byte(key)},
				store.Change{Kind: "other", Key: key, Value: []byte(key)},
			)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			known := slices.ContainsFunc(heard, func(e store.Event) bool { return equal(e.Record, out[0]) && !e.Deleted })
			mu.Unlock()
			if !known {
				t.Errorf("apply of %s returned before the watcher heard of it", key)
			}
			if _, err := s.Apply(t.Context(), store.Change{Kind: "k", Key: key}); err != nil {
				t.Error(err)
			}
		}
	})
	if len(heard) != 160 {
		t.Fatalf("heard %d events, want 160", len(heard))
	}
	last, deleted := int64(0), 0
	for _, e := range heard {
		if e.Record.Kind != "k" || e.Record.Revision <= last {
			t.Fatalf("heard %+v after revision %d", e, last)
		}
		last = e.Record.Revision
		if e.Deleted {
			deleted++
			if e.Record.Value != nil {
				t.Errorf("deletion with a value: %+v", e)
			}
		}
	}
	if deleted != 80 {
		t.Errorf("heard %d deletions, want 80", deleted)
	}
}

func watchFailure(t *testing.T, s store.Store) {
	heard := 0
	defer s.Watch("k", func(store.Event) { heard++ })()
	if _, err := s.Apply(t.Context(),
		store.Change{Kind: "k", Key: "a", Value: []byte("v")},
		store.Change{Kind: "k", Key: "b", Value: []byte("v"), If: 7},
	); !errors.Is(err, store.ErrConflict) {
		t.Fatalf("got %v, want ErrConflict", err)
	}
	apply(t, s, store.Change{Kind: "k", Key: "missing"})
	if heard != 0 {
		t.Errorf("heard %d events of changes that were not made", heard)
	}
}

func watchStop(t *testing.T, s store.Store) {
	var first, second int
	stop := s.Watch("k", func(store.Event) { first++ })
	defer s.Watch("k", func(store.Event) { second++ })()
	apply(t, s, store.Change{Kind: "k", Key: "a", Value: []byte("v")})
	stop()
	stop()
	apply(t, s, store.Change{Kind: "k", Key: "a", Value: []byte("w")})
	if first != 1 || second != 2 {
		t.Errorf("heard %d and %d events, want 1 and 2", first, second)
	}
}

func endedContext(t *testing.T, s store.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Apply(ctx, store.Change{Kind: "k", Key: "a", Value: []byte("v")}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if _, err := s.Get(t.Context(), "k", "a"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
}

func closedStore(t *testing.T, s store.Store) {
	apply(t, s, store.Change{Kind: "k", Key: "a", Value: []byte("v")})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, getErr := s.Get(t.Context(), "k", "a")
	_, listErr := s.List(t.Context(), "k", "", "", 1)
	_, applyErr := s.Apply(t.Context(), store.Change{Kind: "k", Key: "b", Value: []byte("v")})
	for _, err := range []error{getErr, listErr, applyErr} {
		if !errors.Is(err, store.ErrClosed) {
			t.Errorf("got %v, want ErrClosed", err)
		}
	}
}

// closeWaits: an Apply beside a Close either succeeds or says that the store is
// closed; it never hangs.
func closeWaits(t *testing.T, s store.Store) {
	started := make(chan struct{}, 32)
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			for j := 0; ; j++ {
				_, err := s.Apply(t.Context(), store.Change{Kind: "k", Key: fmt.Sprintf("%d-%d", i, j), Value: []byte("v")})
				if j == 0 {
					started <- struct{}{}
				}
				if err != nil {
					if !errors.Is(err, store.ErrClosed) {
						t.Errorf("got %v, want ErrClosed", err)
					}
					return
				}
			}
		})
	}
	for range 32 {
		<-started
	}
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	wg.Wait()
}
