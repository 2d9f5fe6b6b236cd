package host

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// garbageMin is how much garbage may gather before Go's collector runs. A warm
	// invoke leaves some 7 KB, and a collection takes both of two cores some
	// milliseconds: with the few MB that live in a small Hearth, Go's usual measure
	// (as much garbage as lives) meets one invoke in thirty, this one less than one in
	// a hundred.
	garbageMin = 32 << 20
	// percentMin is Go's usual measure, which large heaps keep.
	percentMin = 100
	// percentMax bounds what a tiny heap would ask for.
	percentMax = 800
	// collectorTick is how often the measure follows the heap.
	collectorTick = 10 * time.Second
	// quietMax is what a process allocates in a tick that has nothing to do.
	quietMax = 1 << 20
)

// TuneCollector lets garbageMin gather between two collections while the heap is
// small, and gives what has gathered back when the work is over, until ctx ends. A
// process whose GOGC is set does not call it.
func TuneCollector(ctx context.Context) {
	tick := time.NewTicker(collectorTick)
	defer tick.Stop()
	last, released := readHeap(), true
	for percent := 0; ; {
		now := readHeap()
		if want := collectorPercent(now.live); want != percent {
			percent = want
			debug.SetGCPercent(percent)
		}
		quiet := now.allocated-last.allocated <= quietMax
		if quiet && !released {
			debug.FreeOSMemory()
		}
		last, released = now, quiet
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// collectorPercent is how much garbage may gather, in percent of what lives.
func collectorPercent(live uint64) int {
	percent := garbageMin * 100 / max(live, 1)
	return int(min(max(percent, percentMin), percentMax))
}

// heap is what the last collection found alive, and all that was ever allocated.
type heap struct{ live, allocated uint64 }

func readHeap() heap {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(samples)
	return heap{samples[0].Value.Uint64(), samples[1].Value.Uint64()}
}
