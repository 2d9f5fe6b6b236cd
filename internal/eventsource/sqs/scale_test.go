package sqs

import (
	"testing"
	"time"

	"github.com/hearthfaas/hearth/internal/eventsource"
)

func TestBoundsFollowTheSettings(t *testing.T) {
	for name, c := range map[string]struct {
		settings    eventsource.Settings
		concurrency int
		want        bounds
	}{
		"a plain mapping":                     {concurrency: 5000, want: bounds{5, 1250, 300, 1}},
		"an account with less":                {concurrency: 1000, want: bounds{5, 1000, 300, 1}},
		"a function with two":                 {concurrency: 2, want: bounds{2, 2, 300, 1}},
		"a function with none":                {concurrency: 0, want: bounds{1, 1, 300, 1}},
		"a maximum":                           {settings: eventsource.Settings{ConcurrencyMax: 3}, concurrency: 1000, want: bounds{3, 3, 300, 1}},
		"provisioned pollers":                 {settings: eventsource.Settings{Pollers: &eventsource.Pollers{Min: 4, Max: 20}}, concurrency: 1000, want: bounds{40, 200, 1000, 4}},
		"provisioned pollers by default":      {settings: eventsource.Settings{Pollers: &eventsource.Pollers{}}, concurrency: 10000, want: bounds{20, 2000, 1000, 2}},
		"more pollers than the function runs": {settings: eventsource.Settings{Pollers: &eventsource.Pollers{Min: 4}}, concurrency: 3, want: bounds{3, 3, 1000, 3}},
	} {
		if got := boundsOf(c.settings, c.concurrency); got != c.want {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
}

func TestScaleGrowsByThreeHundredAMinuteWhileItIsUsed(t *testing.T) {
	b := boundsOf(eventsource.Settings{}, 1000)
	now := time.Unix(0, 0)
	s := newScale(b, now)
	if s.start(0, 0) != 1 {
		t.Errorf("an idle mapping begins %d polls", s.start(0, 0))
	}
	for range 5 {
		s = s.polled(b, plenty, 5)
	}
	if s.polls != 5 || s.start(0, 0) != 5 || s.start(2, 3) != 0 || s.start(1, 3) != 1 {
		t.Errorf("with a backlog five batches are gathered at once, got %+v", s)
	}
	for i := range 4 {
		now = now.Add(time.Minute)
		s = s.grown(b, now, true)
		if want := min(5+300*(i+1), 1000); int(s.allowed) != want {
			t.Errorf("after %d min: %v, want %d", i+1, s.allowed, want)
		}
	}
	if idle := s.grown(b, now.Add(time.Hour), false); idle.allowed != s.allowed {
		t.Errorf("it grew without need to %v", idle.allowed)
	}
	for range 20 {
		s = s.polled(b, nothing, 0)
	}
	if s.allowed != 5 || s.polls != 1 {
		t.Errorf("idle it is %+v", s)
	}
}

func TestScaleHalvesWhenThrottled(t *testing.T) {
	b := boundsOf(eventsource.Settings{}, 1000)
	now := time.Unix(0, 0)
	s := scale{allowed: 800, polls: 400, at: now}
	s = s.throttled(now, 40)
	if s.allowed != 20 || s.polls != 20 {
		t.Errorf("got %+v", s)
	}
	for range 10 {
		s = s.throttled(now, 40)
	}
	if s.allowed != 1 || s.start(0, 0) != 1 || s.start(0, 1) != 0 {
		t.Errorf("got %+v", s)
	}
	if s = s.grown(b, now.Add(4*time.Second), true); s.allowed != 1 {
		t.Errorf("it grew at once to %v", s.allowed)
	}
	s.at = now.Add(9 * time.Second)
	s = s.grown(b, now.Add(10*time.Second), true)
	if s.allowed != 6 {
		t.Errorf("it grows again to %v", s.allowed)
	}
	if s = (scale{allowed: 100, polls: 50, at: now}).grown(boundsOf(eventsource.Settings{ConcurrencyMax: 2}, 1000), now, false); s.allowed != 2 || s.polls != 2 {
		t.Errorf("a new maximum holds at once, got %+v", s)
	}
}

func TestHiddenCoversGatheringAndRunning(t *testing.T) {
	for _, c := range []struct{ queue, window, timeout, total, override int }{
		{30, 0, 30, 30, 0},
		{30, 10, 10, 30, 0},
		{30, 20, 11, 61, 61},
		{30, 300, 900, 1230, 1230},
	} {
		seconds := func(n int) time.Duration { return time.Duration(n) * time.Second }
		total, override := hidden(seconds(c.queue), seconds(c.window), seconds(c.timeout))
		if total != seconds(c.total) || override != seconds(c.override) {
			t.Errorf("%+v: got %v, %v", c, total, override)
		}
	}
}

func TestAThrottledBatchIsTriedWhileItsMessagesAreHidden(t *testing.T) {
	now := time.Unix(1000, 0)
	visible := now.Add(30 * time.Second)
	if !again(now, time.Second, 3*time.Second, visible) || !again(now, 27*time.Second, 3*time.Second, visible) {
		t.Error("there was time")
	}
	if again(now, 28*time.Second, 3*time.Second, visible) || again(now, 0, 31*time.Second, visible) {
		t.Error("the function could run into the next receive")
	}
	if got := backOff(0, retryMin, retryMax); got != retryMin {
		t.Errorf("the first pause is %v", got)
	}
	if got := backOff(100, retryMin, retryMax); got != retryMax {
		t.Errorf("the longest pause is %v", got)
	}
}
