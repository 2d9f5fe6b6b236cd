package loadbalancer

import (
	"slices"
	"testing"
	"time"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func TestChecksDecideByTheirNumberInARow(t *testing.T) {
	c := Default()
	var h health
	for i, step := range []struct{ ok, changed, down bool }{
		{true, false, false},
		{false, false, false}, // one may be chance
		{true, false, false},
		{false, false, false},
		{false, true, true},
		{false, false, true},
		{true, false, true},
		{false, false, true},
		{true, false, true},
		{true, true, false},
	} {
		if changed := h.checked(step.ok, &c); changed != step.changed || h.down != step.down {
			t.Fatalf("check %d (%v): changed %v, down %v; want %v, %v", i, step.ok, changed, h.down, step.changed, step.down)
		}
	}
}

func TestAFrontendThatBreaksRequestsIsOutLongerEachTime(t *testing.T) {
	c := Default()
	c.EjectAfter, c.EjectFor, c.EjectMax = 2, time.Second, 3*time.Second
	var h health
	now := noon
	for i, want := range []time.Duration{time.Second, 2 * time.Second, 3 * time.Second, 3 * time.Second} {
		if h.broke(now, &c) {
			t.Fatalf("round %d: out after one", i)
		}
		if !h.broke(now, &c) || !h.out(now) || h.out(now.Add(want)) || !h.out(now.Add(want-1)) {
			t.Fatalf("round %d: out until %s after now, want %s", i, h.outUntil.Sub(now), want)
		}
		now = now.Add(want)
	}
	h.broke(now, &c)
	h.answered(now)
	if h.broke(now, &c) {
		t.Error("an answer between two breaks does not count")
	}
	now = now.Add(10 * time.Minute)
	h.answered(now)
	h.broke(now, &c)
	h.broke(now, &c)
	if h.out(now.Add(time.Second)) {
		t.Error("an old offence is not forgiven")
	}
}

func TestWhoMayGetARequest(t *testing.T) {
	a, b := candidate{zone: "a"}, candidate{zone: "b"}
	out := func(c candidate) candidate { c.out = true; return c }
	tried := func(c candidate) candidate { c.tried = true; return c }
	tests := []struct {
		name string
		all  []candidate
		want []int
	}{
		{"all are well", []candidate{a, a, b}, []int{0, 1, 2}},
		{"one is out", []candidate{a, out(a), b}, []int{0, 2}},
		{"half a zone is no sick zone", []candidate{out(a), a, b, b}, []int{1, 2, 3}},
		{"most of a zone is", []candidate{out(a), out(a), a, b}, []int{3}},
		{"a zone comes back with its frontends", []candidate{out(a), a, a, b}, []int{1, 2, 3}},
		{"the last well one of a sick zone, when the others were tried", []candidate{out(a), out(a), a, tried(b)}, []int{2}},
		{"all are out", []candidate{out(a), out(b)}, []int{0, 1}},
		{"all zones are sick", []candidate{out(a), out(a), a, out(b)}, []int{2}},
		{"out ones come last", []candidate{tried(a), out(b)}, []int{1}},
		{"all were tried", []candidate{tried(a), tried(b)}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := usable(tt.all); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestTheLessBusyOfTwoIsChosen(t *testing.T) {
	all := []candidate{{inFlight: 5}, {inFlight: 1}, {inFlight: 9}}
	places := []int{0, 1, 2}
	for first := range 3 {
		for second := range 2 {
			draws := []int{first, second}
			got := choose(all, places, func(int) int { n := draws[0]; draws = draws[1:]; return n })
			other := second
			if other >= first {
				other++
			}
			want := first
			if all[other].inFlight < all[first].inFlight {
				want = other
			}
			if got != want || first == other {
				t.Errorf("of %d and %d: %d, want %d", first, other, got, want)
			}
		}
	}
	if choose(all, nil, nil) != -1 || choose(all, []int{2}, nil) != 2 {
		t.Error("of none and of one")
	}
}
