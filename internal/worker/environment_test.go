package worker

import (
	"testing"
	"time"
)

func TestASteadyMemoryPeakIsReadLessOften(t *testing.T) {
	const ms = time.Millisecond
	rests := time.Duration(0)
	for i, step := range []struct {
		rose bool
		want time.Duration
	}{
		{true, 100 * ms},
		{false, 200 * ms},
		{false, 400 * ms},
		{true, 100 * ms},
		{false, 200 * ms},
		{false, 400 * ms},
		{false, 800 * ms},
		{false, 1600 * ms},
		{false, 1600 * ms},
	} {
		if rests = peakRest(rests, step.rose); rests != step.want {
			t.Errorf("reading %d: got %s, want %s", i, rests, step.want)
		}
	}
	if got := peakRest(0, false); got != peakRestMin {
		t.Errorf("the first reading rests %s, want %s", got, peakRestMin)
	}
}
