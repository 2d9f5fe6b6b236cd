// Package trace replays a trace of invokes against the policies of the worker manager
// and of placement, and says what they cost: cold starts, memory that waits, how full
// the workers in use are. The policies are the ones that a node runs; everything else
// is arithmetic on the times of the trace.
//
// It does not model limits, faults or contention: package sim does.
package trace

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Invoke is one line of a trace.
type Invoke struct {
	Function string
	Start    time.Duration // since the trace began
	Duration time.Duration
}

const (
	// invokesMax bounds the memory of a trace to about 1 GB.
	invokesMax = 20_000_000
	// lineMax is the longest line: a function's ARN and two numbers.
	lineMax = 1 << 10
	// millisMax is ten years: what lies beyond is no time of a trace, and does not fit.
	millisMax = 10 * 365 * 24 * 3600 * 1000
)

// Read reads a CSV of function,start_ms,duration_ms, with or without that header, in
// any order.
func Read(r io.Reader) ([]Invoke, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, lineMax), lineMax)
	var out []Invoke
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || n == 1 && text == "function,start_ms,duration_ms" {
			continue
		}
		fields := strings.Split(text, ",")
		if len(fields) != 3 || fields[0] == "" {
			return nil, fmt.Errorf("line %d: want function,start_ms,duration_ms", n)
		}
		start, err := millis(fields[1])
		if err != nil {
			return nil, fmt.Errorf("line %d: start_ms: %w", n, err)
		}
		duration, err := millis(fields[2])
		if err != nil {
			return nil, fmt.Errorf("line %d: duration_ms: %w", n, err)
		}
		if len(out) == invokesMax {
			return nil, fmt.Errorf("line %d: a trace has %d invokes at most", n, invokesMax)
		}
		out = append(out, Invoke{fields[0], start, duration})
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read the trace: %w", err)
	}
	order(out)
	return out, nil
}

func millis(s string) (time.Duration, error) {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(n) || n < 0 || n > millisMax {
		return 0, fmt.Errorf("%q is not a number of milliseconds from 0 to %d", s, int64(millisMax))
	}
	return time.Duration(n * float64(time.Millisecond)), nil
}

func order(t []Invoke) {
	slices.SortStableFunc(t, func(a, b Invoke) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.Function, b.Function))
	})
}

// Synthetic describes a made-up trace.
type Synthetic struct {
	Seed      uint64
	Functions int
	Length    time.Duration
	// Rate is the mean number of invokes a second of all functions but timers.
	Rate float64
}

// Generate makes a trace up: functions as unequal as Zipf has it; three in ten are
// timers of 1 to 60 minutes, the others come at random, more by day than by night, and
// one in ten of those in bursts. The durations of a function are log-normal.
func Generate(s Synthetic) []Invoke {
	r := rand.New(rand.NewPCG(s.Seed, 0x7ace)) //nolint:gosec // a seed has to give the same trace again
	var out []Invoke
	weights := 0.0
	for n := range s.Functions {
		weights += 1 / float64(n+1)
	}
	for n := range s.Functions {
		name := fmt.Sprintf("f%05d", n)
		median := math.Exp(r.NormFloat64()) * 0.3 // seconds
		lasts := func() time.Duration {
			return time.Duration(min(900, median*math.Exp(0.5*r.NormFloat64())) * float64(time.Second))
		}
		if r.IntN(10) < 3 {
			period := []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, 20 * time.Minute, 30 * time.Minute, time.Hour}[r.IntN(6)]
			for at := time.Duration(r.Float64() * float64(period)); at < s.Length; at += period {
				out = append(out, Invoke{name, at, lasts()})
			}
			continue
		}
		rate, burst := s.Rate/float64(n+1)/weights, 1
		if r.IntN(10) == 0 {
			burst = 2 + r.IntN(30)
			rate /= float64(burst)
		}
		// Thinning: as many as at the busiest hour, of which the others keep a part.
		for at := 0.0; ; {
			at += r.ExpFloat64() / (2 * rate)
			start := time.Duration(at * float64(time.Second))
			if at >= s.Length.Seconds() || len(out) >= invokesMax-burst {
				break
			}
			if r.Float64() > 0.5+0.45*math.Sin(2*math.Pi*start.Hours()/24) {
				continue
			}
			for range burst {
				out = append(out, Invoke{name, start + time.Duration(r.Float64()*float64(time.Second)), lasts()})
			}
		}
	}
	order(out)
	return out
}
