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
)

// TuneCollector lets garbageMin gather between two collections while the heap is
// small, until ctx ends. A process whose GOGC is set does not call it.
func TuneCollector(ctx context.Context) {
	tick := time.NewTicker(collectorTick)
	defer tick.Stop()
	for now := 0; ; {
		if want := collectorPercent(liveHeap()); want != now {
			now = want
			debug.SetGCPercent(now)
		}
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

// liveHeap is what the last collection found alive.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
