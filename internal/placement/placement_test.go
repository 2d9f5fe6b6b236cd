package placement

import "testing"

func TestPick(t *testing.T) {
	roomy := Candidate{FreeMB: 4096}
	with := func(c Candidate, change func(*Candidate)) Candidate { change(&c); return c }
	tests := []struct {
		name       string
		need       Need
		candidates []Candidate
		want       string // empty: none
	}{
		{"nobody to ask", Need{MemoryMB: 128}, nil, ""},
		{"a worker with the code cached goes first", Need{MemoryMB: 128}, []Candidate{
			with(roomy, func(c *Candidate) { c.WorkerID = "a"; c.Environments = 9 }),
			with(roomy, func(c *Candidate) { c.WorkerID = "b"; c.CodeCached = true }),
		}, "b"},
		{"among equals the fuller one, for density", Need{MemoryMB: 128}, []Candidate{
			with(roomy, func(c *Candidate) { c.WorkerID = "a"; c.Environments = 1 }),
			with(roomy, func(c *Candidate) { c.WorkerID = "b"; c.Environments = 7 }),
		}, "b"},
		{"a draining worker is none", Need{MemoryMB: 128}, []Candidate{
			with(roomy, func(c *Candidate) { c.WorkerID = "a"; c.Draining = true }),
		}, ""},
		{"the headroom stays free", Need{MemoryMB: 128}, []Candidate{
			{WorkerID: "a", FreeMB: HeadroomMB + usualUseMB - 1},
		}, ""},
		{"sizes may add up to more than the host has", Need{MemoryMB: 10240}, []Candidate{
			{WorkerID: "a", FreeMB: 2048, CommittedMB: 100_000},
		}, "a"},
		{"a commit limit holds to the sizes", Need{MemoryMB: 256}, []Candidate{
			{WorkerID: "a", FreeMB: 2048, CommittedMB: 900, CommitMaxMB: 1024},
		}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := pick(tt.need, tt.candidates)
			if ok != (tt.want != "") || got.WorkerID != tt.want {
				t.Errorf("got %q (found: %v), want %q", got.WorkerID, ok, tt.want)
			}
		})
	}
}
