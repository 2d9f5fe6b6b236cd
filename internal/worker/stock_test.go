package worker

import (
	"testing"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/runtimes"
	"github.com/hearthfaas/hearth/internal/sandbox"
)

func TestDemandIsWhatWasAskedForOfLate(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	tests := []struct {
		name  string
		taken []time.Duration // after start
		at    time.Duration
		want  int
	}{
		{"nobody ever asked", nil, 0, 0},
		{"one asked just now", []time.Duration{0}, time.Second, 1},
		{"three asked within the window", []time.Duration{0, time.Second, 2 * time.Second}, 3 * time.Second, 3},
		{"a burst counts for so long", []time.Duration{0, time.Second, 2 * time.Second}, 11500 * time.Millisecond, 1},
		{"one is kept in case somebody comes back", []time.Duration{0}, 9 * time.Minute, 1},
		{"and is not kept for ever", []time.Duration{0}, 11 * time.Minute, 0},
		{"a burst is bounded", make([]time.Duration, 50), 0, demandMost},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var d demand
			for _, after := range tt.taken {
				d.take(start.Add(after))
			}
			if got := d.target(start.Add(tt.at)); got != tt.want {
				t.Errorf("target %d, want %d", got, tt.want)
			}
		})
	}
}

func TestWhatTheStockDoesNext(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	blanks := func(n int) []*blank { return make([]*blank, n) }
	asked := func(ago time.Duration, times int) demand {
		var d demand
		for range times {
			d.take(now.Add(-ago))
		}
		return d
	}
	tests := []struct {
		name    string
		shelves map[string]*shelf
		most    int
		todo    string // the shelf to make for, or empty
		dropped int
		left    int // shelves
	}{
		{"nothing is wanted", map[string]*shelf{}, 8, "", 0, 0},
		{"one that was asked for", map[string]*shelf{"a": {demand: asked(0, 1)}}, 8, "a", 0, 1},
		{"enough are there", map[string]*shelf{"a": {demand: asked(0, 1), ready: blanks(1)}}, 8, "", 0, 1},
		{"the latest comes first", map[string]*shelf{"a": {demand: asked(time.Second, 1)}, "b": {demand: asked(0, 1)}}, 8, "b", 0, 2},
		{"one that could not be made rests", map[string]*shelf{"a": {demand: asked(0, 1), again: now.Add(time.Second)}}, 8, "", 0, 1},
		{"a burst that is over is given up", map[string]*shelf{"a": {demand: asked(time.Minute, 4), ready: blanks(4)}}, 8, "", 3, 1},
		{"what nobody asks for is ended", map[string]*shelf{"a": {demand: asked(time.Hour, 1), ready: blanks(1)}}, 8, "", 1, 0},
		{"what nobody asks for is forgotten", map[string]*shelf{"a": {demand: asked(time.Hour, 1)}}, 8, "", 0, 0},
		{"all places are taken", map[string]*shelf{"a": {demand: asked(0, 4), ready: blanks(2)}}, 2, "", 0, 1},
		{"what is ahead makes way while memory is short", map[string]*shelf{"a": {demand: asked(0, 2), ready: blanks(2)}}, 0, "", 2, 1},
		{"and is not made then", map[string]*shelf{"a": {demand: asked(0, 2)}}, 0, "", 0, 1},
		{"a newcomer gets the place of an old one", map[string]*shelf{
			"a": {demand: asked(5*time.Second, 2), ready: blanks(2)}, "b": {demand: asked(0, 1)},
		}, 2, "", 1, 2},
		{"but not an old one that of a newcomer", map[string]*shelf{
			"a": {demand: asked(0, 2), ready: blanks(2)}, "b": {demand: asked(5*time.Second, 1)},
		}, 2, "", 0, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			todo, drop := next(tt.shelves, tt.most, now)
			if todo != tt.shelves[tt.todo] || len(drop) != tt.dropped || len(tt.shelves) != tt.left {
				t.Errorf("make for %v, end %d, %d shelves left; want %q, %d, %d", todo, len(drop), len(tt.shelves), tt.todo, tt.dropped, tt.left)
			}
		})
	}
}

// TestWhoIsServedFromTheStock holds which versions may share what is made ahead.
func TestWhoIsServedFromTheStock(t *testing.T) {
	w := &Worker{cfg: Config{BootAhead: 8}, caps: sandbox.Capabilities{Assign: true}}
	node := runtimes.Plan{
		Private: true, Path: "/var/lang/bin/node", Args: []string{"boot"}, Env: []string{"TZ=:UTC"},
		Mounts: []sandbox.Mount{{Source: "/code", Target: "/var/task"}, {Source: "/node", Target: "/var/lang/bin/node"}, {Source: "/layers", Target: "/opt"}},
	}
	other := node
	other.Args = []string{"boot", "with more memory"}
	elsewhere := node
	elsewhere.Mounts = append([]sandbox.Mount{{Source: "/code-of-b", Target: "/var/task"}}, node.Mounts[1:]...)
	version := func(edit func(*lambda.Version)) *lambda.Version {
		v := &lambda.Version{MemoryMB: 128, EphemeralMB: 512, Environment: map[string]string{"TABLE": "x"}}
		if edit != nil {
			edit(v)
		}
		return v
	}
	base, own, ok := w.recipeFor(version(nil), node)
	if !ok || !base.boots() || len(own) != 2 || len(base.plan.Mounts) != 1 {
		t.Fatalf("a plain function: %+v, %v, %v", base, own, ok)
	}
	tests := []struct {
		name        string
		v           *lambda.Version
		plan        runtimes.Plan
		same, boots bool
	}{
		{"another function's code", version(nil), elsewhere, true, true},
		{"another variable of its own", version(func(v *lambda.Version) { v.Environment = map[string]string{"QUEUE": "y"} }), node, true, true},
		{"other arguments", version(nil), other, false, true},
		{"other memory", version(func(v *lambda.Version) { v.MemoryMB = 256 }), node, false, true},
		{"a variable that counts at boot", version(func(v *lambda.Version) { v.Environment = map[string]string{"NODE_OPTIONS": "--x"} }), node, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, _, ok := w.recipeFor(tt.v, tt.plan)
			if !ok || (r.key() == base.key()) != tt.same || r.boots() != tt.boots {
				t.Errorf("ok %v, same recipe %v, boots %v; want %v, %v", ok, r.key() == base.key(), r.boots(), tt.same, tt.boots)
			}
		})
	}
	if _, _, ok := w.recipeFor(version(func(v *lambda.Version) { v.EphemeralMB = 1024 }), node); ok {
		t.Error("a larger /tmp is made ahead")
	}
	w.cfg.BootAhead = 0
	if _, _, ok := w.recipeFor(version(nil), node); ok {
		t.Error("made ahead although that is off")
	}
}
