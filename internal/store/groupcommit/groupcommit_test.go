package groupcommit

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

type work struct {
	size  int
	alone bool
	bad   bool // a group with it is refused
}

func config(commit func([]work) error) Config[work] {
	return Config[work]{Commit: commit, Size: func(w work) int { return w.size }, Alone: func(w work) bool { return w.alone }}
}

func line(works ...work) *Line[work] {
	l := newLine(config(nil))
	for _, w := range works {
		l.waiting <- &op[work]{what: w, done: make(chan struct{})}
	}
	return l
}

func TestAGroupIsBounded(t *testing.T) {
	for name, c := range map[string]struct {
		first   work
		waiting []work
		want    int
		ahead   bool
	}{
		"many small":     {work{size: 1}, slices.Repeat([]work{{size: 1}}, WaitingMax), WaitingMax, false},
		"large":          {work{size: 1}, slices.Repeat([]work{{size: BytesMax / 4}}, 10), 5, false},
		"nobody":         {work{}, nil, 1, false},
		"one alone":      {work{alone: true}, make([]work, 3), 1, false},
		"one alone next": {work{}, []work{{}, {alone: true}, {}}, 2, true},
	} {
		l := line(c.waiting...)
		got := l.gather(&op[work]{what: c.first})
		if len(got) != c.want || (l.ahead != nil) != c.ahead {
			t.Errorf("%s: got %d together, one ahead %v", name, len(got), l.ahead != nil)
		}
	}
}

func TestWhatWaitsTogetherIsCommittedTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var groups []int
		l := Start(config(func(g []work) error {
			time.Sleep(time.Second) // of the bubble's clock
			groups = append(groups, len(g))
			return nil
		}))
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				if err := l.Do(t.Context(), work{}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if !l.Close() || l.Close() || !l.Closed() {
			t.Error("closed twice, or never")
		}
		if len(groups) > 3 || groups[len(groups)-1] < 5 {
			t.Errorf("got groups of %v", groups)
		}
		if err := l.Do(t.Context(), work{}); !errors.Is(err, ErrClosed) {
			t.Errorf("after the end: %v", err)
		}
	})
}

func TestOneThatIsRefusedFailsAlone(t *testing.T) {
	refused := errors.New("refused")
	broken := false
	calls := 0
	cfg := config(func(g []work) error {
		calls++
		if slices.ContainsFunc(g, func(w work) bool { return w.bad }) {
			return refused
		}
		return nil
	})
	cfg.Broken = func() bool { return broken }
	for _, c := range []struct {
		broken bool
		calls  int
		failed []bool
	}{{false, 4, []bool{false, true, false}}, {true, 1, []bool{true, true, true}}} {
		broken, calls = c.broken, 0
		l := newLine(cfg)
		var group []*op[work]
		for _, w := range []work{{}, {bad: true}, {}} {
			group = append(group, &op[work]{what: w, done: make(chan struct{})})
		}
		l.commit(group)
		for i, o := range group {
			<-o.done
			if (o.err != nil) != c.failed[i] {
				t.Errorf("broken %v, member %d: %v", c.broken, i, o.err)
			}
		}
		if calls != c.calls {
			t.Errorf("broken %v: %d transactions", c.broken, calls)
		}
	}
}

func TestAContextThatEndsWhileWaitingGivesUp(t *testing.T) {
	l := newLine(config(func([]work) error { t.Error("committed"); return nil })) // nobody writes yet
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- l.Do(ctx, work{}) }()
	o := <-l.waiting
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	l.commit([]*op[work]{o})
	if err := l.Do(ctx, work{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
