package host

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"testing/synctest"
	"time"
)

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

var kept []byte

func TestGarbageGoesBackWhenTheWorkIsOver(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go TuneCollector(ctx)
		synctest.Wait()
		kept = make([]byte, 16<<20)
		kept = nil
		before := collections()
		time.Sleep(collectorTick + time.Second) // a tick of work
		time.Sleep(collectorTick)               // a quiet one
		synctest.Wait()
		after := collections()
		if after == before {
			t.Error("nothing was collected in a quiet time after work")
		}
		time.Sleep(3 * collectorTick)
		synctest.Wait()
		if again := collections(); again != after {
			t.Errorf("%d collections more while nothing happened", again-after)
		}
	})
}

// collections is how many were asked for.
func collections() uint64 {
	sample := []metrics.Sample{{Name: "/gc/cycles/forced:gc-cycles"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
