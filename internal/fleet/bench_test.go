package fleet

import "testing"

// One warm invoke from the control process to a worker and back, both in this process:
// the allocations are those of both sides.
func BenchmarkInvoke(b *testing.B) {
	s := control(b)
	s.worker("w")
	e := s.open(s.one(), version("f"))
	inv := event1(`{"a":1}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.Invoke(b.Context(), inv); err != nil {
			b.Fatal(err)
		}
	}
}
