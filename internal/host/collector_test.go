package host

import "testing"

func TestSmallHeapsMayGatherMoreGarbage(t *testing.T) {
	for _, c := range []struct {
		live uint64
		want int
	}{
		{0, percentMax},
		{1 << 20, percentMax},
		{8 << 20, 400},
		{16 << 20, 200},
		{32 << 20, percentMin},
		{4 << 30, percentMin},
	} {
		if got := collectorPercent(c.live); got != c.want {
			t.Errorf("%d bytes alive: got %d %%, want %d %%", c.live, got, c.want)
		}
	}
}

func TestTheLiveHeapIsKnown(t *testing.T) {
	if liveHeap() > 1<<30 {
		t.Errorf("got %d bytes", liveHeap())
	}
}
