package workermanager

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestKeep(t *testing.T) {
	const fixed = 10 * time.Minute
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	every := func(gaps ...time.Duration) *History {
		h, now := &History{}, start
		for range 40 {
			for _, g := range gaps {
				h.Reused(now, now.Add(g))
				now = now.Add(g)
			}
		}
		return h
	}
	spread := func(n int) *History { // every length equally often
		h := &History{}
		for i := range n {
			h.Reused(start, start.Add(time.Duration(i%bins)*binWidth))
		}
		return h
	}
	early := func() *History { // each time ended before it was needed again
		h, now := &History{}, start
		for range 20 {
			h.Ended(now)
			now = now.Add(30 * time.Minute)
			h.Missed(now)
		}
		return h
	}
	tests := []struct {
		name   string
		policy KeepAlive
		of     *History
		want   time.Duration
	}{
		{"no history", Adaptive, nil, fixed},
		{"too few idle times", Adaptive, &History{total: samplesMin - 1}, fixed},
		{"fixed looks at no history", Fixed, every(time.Second), fixed},
		{"no policy is the fixed one", "", every(time.Second), fixed},
		{"seconds between invokes", Adaptive, every(time.Second), 66 * time.Second},
		{"a timer of 20 minutes", Adaptive, every(20 * time.Minute), 21 * 66 * time.Second},
		{"the tail counts, not the mean", Adaptive, every(time.Second, time.Second, time.Second, 5*time.Minute), 6 * 66 * time.Second},
		{"longer than all bins", Adaptive, every(6 * time.Hour), fixed},
		{"mostly longer than all bins", Adaptive, every(6*time.Hour, 6*time.Hour, time.Second), fixed},
		{"no pattern", Adaptive, spread(10 * bins), fixed},
		{"what was ended too early counts", Adaptive, early(), 31 * 66 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.policy.Keep(fixed, tt.of); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestAHistoryFollowsANewHabit(t *testing.T) {
	h, now := &History{}, time.Time{}
	use := func(gap time.Duration, n int) {
		for range n {
			h.Reused(now, now.Add(gap))
			now = now.Add(gap)
		}
	}
	use(time.Hour, 10_000)
	use(time.Second, 40_000)
	if got := Adaptive.Keep(0, h); got > 2*time.Minute {
		t.Errorf("kept for %s after 40,000 short idle times, want the new habit's", got)
	}
	if n := h.total + h.beyond; n >= samplesMax {
		t.Errorf("%d idle times are kept, want fewer than %d", n, samplesMax)
	}
}

func TestAnAdaptiveManagerKeepsAFunctionForItsTimer(t *testing.T) {
	for _, tt := range []struct {
		policy KeepAlive
		want   int // environments made in 40 invokes
	}{{Fixed, 40}, {Adaptive, 11}} { // the first has no idle time, ten make a pattern
		t.Run(string(tt.policy), func(t *testing.T) {
			f := &fleet{}
			synctest.Test(t, func(t *testing.T) {
				m, stop := start(t, Config{IdleTimeout: time.Minute, KeepAlive: tt.policy, AgeMax: 24 * time.Hour}, f)
				for range 40 {
					m.Return(acquire(t, m, version("f")), true)
					elapse(20 * time.Minute)
				}
				stop()
			})
			if f.opened != tt.want {
				t.Errorf("%d environments were made, want %d", f.opened, tt.want)
			}
		})
	}
}

func TestHistoriesOfFunctionsThatAreGoneAreForgotten(t *testing.T) {
	f := &fleet{}
	synctest.Test(t, func(t *testing.T) {
		m, stop := start(t, Config{IdleTimeout: time.Minute, KeepAlive: Adaptive, AgeMax: time.Hour}, f)
		m.Return(acquire(t, m, version("f")), true)
		elapse(historyAge + 2*time.Hour)
		m.mu.Lock()
		if n := len(m.histories); n != 0 {
			t.Errorf("%d histories are kept, want none", n)
		}
		m.mu.Unlock()
		stop()
	})
}
