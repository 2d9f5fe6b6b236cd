package placement

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestPick(t *testing.T) {
	roomy := Candidate{FreeMB: 4096}
	with := func(c Candidate, change func(*Candidate)) Candidate { change(&c); return c }
	tests := []struct {
		name       string
		policy     Policy // empty: balanced
		need       Need
		candidates []Candidate
		want       string // empty: none
	}{
		{name: "nobody to ask", need: Need{MemoryMB: 128}},
		{name: "a worker with the code cached goes first", need: Need{MemoryMB: 128}, candidates: []Candidate{
			with(roomy, func(c *Candidate) { c.WorkerID = "a"; c.Environments = 9 }),
			with(roomy, func(c *Candidate) { c.WorkerID = "b"; c.CodeCached = true }),
		}, want: "b"},
		{name: "among equals the fuller one, for density", need: Need{MemoryMB: 128}, candidates: []Candidate{
			with(roomy, func(c *Candidate) { c.WorkerID = "a"; c.Environments = 1 }),
			with(roomy, func(c *Candidate) { c.WorkerID = "b"; c.Environments = 7 }),
		}, want: "b"},
		{name: "among equals the lowest id, whatever the order", need: Need{MemoryMB: 128}, candidates: []Candidate{
			with(roomy, func(c *Candidate) { c.WorkerID = "b" }),
			with(roomy, func(c *Candidate) { c.WorkerID = "a" }),
		}, want: "a"},
		{name: "a draining worker is none", need: Need{MemoryMB: 128}, candidates: []Candidate{
			with(roomy, func(c *Candidate) { c.WorkerID = "a"; c.Draining = true }),
		}},
		{name: "a silent worker is none", need: Need{MemoryMB: 128}, candidates: []Candidate{
			with(roomy, func(c *Candidate) { c.WorkerID = "a"; c.Silent = SilentMax + 1; c.CodeCached = true }),
			with(roomy, func(c *Candidate) { c.WorkerID = "b"; c.Silent = SilentMax }),
		}, want: "b"},
		{name: "what is being made has its memory promised", need: Need{MemoryMB: 128}, candidates: []Candidate{
			with(roomy, func(c *Candidate) { c.WorkerID = "a"; c.Starting = 353 }),
			with(roomy, func(c *Candidate) { c.WorkerID = "b"; c.Starting = 352 }),
		}, want: "b"},
		{name: "the headroom stays free", need: Need{MemoryMB: 128}, candidates: []Candidate{
			{WorkerID: "a", FreeMB: HeadroomMB + usualUseMB - 1},
		}},
		{name: "sizes may add up to more than the host has", need: Need{MemoryMB: 10240}, candidates: []Candidate{
			{WorkerID: "a", FreeMB: 2048, CommittedMB: 100_000},
		}, want: "a"},
		{name: "a commit limit holds to the sizes", need: Need{MemoryMB: 256}, candidates: []Candidate{
			{WorkerID: "a", FreeMB: 2048, CommittedMB: 900, CommitMaxMB: 1024},
		}},
		{name: "a commit limit may be used up", need: Need{MemoryMB: 124}, candidates: []Candidate{
			{WorkerID: "a", FreeMB: 2048, CommittedMB: 900, CommitMaxMB: 1024},
		}, want: "a"},
		{name: "the zone with fewest of the function, before cached code", need: Need{MemoryMB: 128}, candidates: []Candidate{
			with(roomy, func(c *Candidate) { c.WorkerID = "a"; c.Zone = "1"; c.Same = 2; c.CodeCached = true }),
			with(roomy, func(c *Candidate) { c.WorkerID = "b"; c.Zone = "2"; c.Same = 1 }),
			with(roomy, func(c *Candidate) { c.WorkerID = "c"; c.Zone = "2"; c.Same = 1; c.CodeCached = true }),
		}, want: "a"},
		{name: "a zone without any of it goes first", need: Need{MemoryMB: 128}, candidates: []Candidate{
			with(roomy, func(c *Candidate) { c.WorkerID = "a"; c.Zone = "1"; c.Same = 1; c.CodeCached = true }),
			with(roomy, func(c *Candidate) { c.WorkerID = "b"; c.Zone = "2" }),
		}, want: "b"},
		{name: "a draining worker's environments still count for its zone", need: Need{MemoryMB: 128}, candidates: []Candidate{
			with(roomy, func(c *Candidate) { c.WorkerID = "a"; c.Zone = "1"; c.Same = 3; c.Draining = true }),
			with(roomy, func(c *Candidate) { c.WorkerID = "b"; c.Zone = "1"; c.CodeCached = true }),
			with(roomy, func(c *Candidate) { c.WorkerID = "c"; c.Zone = "2" }),
		}, want: "c"},
		{name: "a full zone does not stop a function", need: Need{MemoryMB: 128}, candidates: []Candidate{
			with(roomy, func(c *Candidate) { c.WorkerID = "a"; c.Zone = "1"; c.Same = 1 }),
			{WorkerID: "b", Zone: "2", FreeMB: HeadroomMB},
		}, want: "a"},
		{name: "a worker takes so many of one function and no more while others have room", need: Need{MemoryMB: 128}, candidates: []Candidate{
			with(roomy, func(c *Candidate) { c.WorkerID = "a"; c.Same = SpreadMax; c.CodeCached = true }),
			with(roomy, func(c *Candidate) { c.WorkerID = "b" }),
		}, want: "b"},
		{name: "and more when no other has", need: Need{MemoryMB: 128}, candidates: []Candidate{
			with(roomy, func(c *Candidate) { c.WorkerID = "a"; c.Same = SpreadMax }),
		}, want: "a"},
		{name: "busy processors go last", need: Need{MemoryMB: 128}, candidates: []Candidate{
			with(roomy, func(c *Candidate) { c.WorkerID = "a"; c.CodeCached = true; c.CPUs = 4; c.BusyCPUs = 3.9 }),
			with(roomy, func(c *Candidate) { c.WorkerID = "b"; c.CPUs = 4; c.BusyCPUs = 1 }),
		}, want: "b"},
		{name: "busy processors are no reason to refuse", need: Need{MemoryMB: 128}, candidates: []Candidate{
			with(roomy, func(c *Candidate) { c.WorkerID = "a"; c.CPUs = 4; c.BusyCPUs = 9 }),
		}, want: "a"},
		{name: "spread takes the emptiest", policy: Spread, need: Need{MemoryMB: 128}, candidates: []Candidate{
			with(roomy, func(c *Candidate) { c.WorkerID = "a"; c.Environments = 2; c.CodeCached = true }),
			with(roomy, func(c *Candidate) { c.WorkerID = "b"; c.Environments = 1 }),
		}, want: "b"},
		{name: "dense takes the fullest", policy: Dense, need: Need{MemoryMB: 128}, candidates: []Candidate{
			with(roomy, func(c *Candidate) { c.WorkerID = "a"; c.Environments = 2; c.CodeCached = true }),
			with(roomy, func(c *Candidate) { c.WorkerID = "b"; c.Environments = 3; c.Same = 100 }),
		}, want: "b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.policy == "" {
				tt.policy = Balanced
			}
			got := ""
			if at := Pick(tt.policy, tt.need, tt.candidates); at >= 0 {
				got = tt.candidates[at].WorkerID
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

type listed []Candidate

func (l listed) Candidates(context.Context, Need) ([]Candidate, error) { return l, nil }

func TestAFullFleetIsAnErrorOfItsOwn(t *testing.T) {
	if _, err := New(listed{{WorkerID: "a", Silent: time.Minute, FreeMB: 9000}}).Place(t.Context(), Need{MemoryMB: 128}); !errors.Is(err, ErrFull) {
		t.Errorf("got %v, want ErrFull", err)
	}
}

func BenchmarkPickOf10000(b *testing.B) {
	workers := make([]Candidate, 10_000)
	for i := range workers {
		workers[i] = Candidate{
			WorkerID: fmt.Sprintf("w%05d", i), Zone: string(rune('a' + i%3)), FreeMB: 4096,
			Environments: i % 100, Same: i % 1000 / 999,
		}
	}
	for b.Loop() {
		if Pick(Balanced, Need{MemoryMB: 128}, workers) < 0 {
			b.Fatal("no worker")
		}
	}
}
