package metrics

import (
	"encoding/binary"
	"errors"
	"maps"
	"math"
	"math/bits"
	"slices"
)

// stat is what is kept of the values of one minute, or of any other span: enough for
// every statistic without the values themselves.
type stat struct {
	count, sum, min, max float64
	// sketch counts the values by size; nil when only the figures above are known, as
	// of a StatisticSet.
	sketch sketch
}

// sketch is a histogram with buckets whose bounds grow by sketchGrowth, so that a
// percentile is off by at most half of that. Its keys are in the order of the values.
type sketch map[int32]float64

const (
	// sketchGrowth makes percentiles exact to one part in a hundred, with at most some
	// 700 buckets for everything from a microsecond to a quarter of an hour.
	sketchGrowth = 1.02
	// sketchZero keeps the keys of positive values above zero: the smallest float64 is
	// sketchGrowth to the power of -37,600.
	sketchZero = 50_000
)

var logGrowth = math.Log(sketchGrowth)

func bucketOf(v float64) int32 {
	switch {
	case v > 0:
		return int32(math.Ceil(math.Log(v)/logGrowth)) + sketchZero
	case v < 0:
		return -(int32(math.Ceil(math.Log(-v)/logGrowth)) + sketchZero)
	default:
		return 0
	}
}

// valueOf is the middle of a bucket.
func valueOf(key int32) float64 {
	switch {
	case key > 0:
		return 2 * math.Exp(float64(key-sketchZero)*logGrowth) / (1 + sketchGrowth)
	case key < 0:
		return -valueOf(-key)
	default:
		return 0
	}
}

// single is the stat of a value that came n times. Only values of which percentiles
// make sense are sketched.
func single(v, n float64, sketched bool) stat {
	s := stat{count: n, sum: v * n, min: v, max: v}
	if sketched {
		s.sketch = sketch{bucketOf(v): n}
	}
	return s
}

// add adds a value that came n times.
func (s *stat) add(v, n float64) {
	if s.count == 0 {
		s.min, s.max = v, v
	}
	s.count += n
	s.sum += v * n
	s.min, s.max = min(s.min, v), max(s.max, v)
	if s.sketch == nil {
		s.sketch = sketch{}
	}
	s.sketch[bucketOf(v)] += n
}

// merge adds what another stat has. A sketch that does not know all values is of no
// use and goes.
func (s *stat) merge(o stat) {
	switch {
	case o.count == 0:
		return
	case s.count == 0:
		*s = o
		s.sketch = maps.Clone(o.sketch)
		return
	}
	s.count += o.count
	s.sum += o.sum
	s.min, s.max = min(s.min, o.min), max(s.max, o.max)
	if s.sketch == nil || o.sketch == nil {
		s.sketch = nil
		return
	}
	for key, n := range o.sketch {
		s.sketch[key] += n
	}
}

// raise makes the stat that of the largest value seen: gauges are kept so.
func (s *stat) raise(o stat) {
	if s.count == 0 || o.max > s.max {
		*s = single(o.max, 1, false)
	}
}

// percentile returns the value below which p percent of the values are. It is not
// known when the values are not, unless they are all the same.
func (s *stat) percentile(p float64) (float64, bool) {
	if s.count == 0 {
		return 0, false
	}
	if s.min == s.max {
		return s.min, true
	}
	if s.sketch == nil {
		return 0, false
	}
	want, seen := s.count*p/100, 0.0
	for _, key := range slices.Sorted(maps.Keys(s.sketch)) {
		if seen += s.sketch[key]; seen >= want-1e-9 && seen > 0 {
			return min(max(valueOf(key), s.min), s.max), true
		}
	}
	return s.max, true
}

// trimmedMean is the mean of the values between two percentiles.
func (s *stat) trimmedMean(low, high float64) (float64, bool) {
	if s.count == 0 {
		return 0, false
	}
	if s.min == s.max {
		return s.min, true
	}
	if s.sketch == nil {
		return 0, false
	}
	from, to := s.count*low/100, s.count*high/100
	var seen, sum, count float64
	for _, key := range slices.Sorted(maps.Keys(s.sketch)) {
		n := s.sketch[key]
		inside := min(seen+n, to) - max(seen, from)
		seen += n
		if inside > 0 {
			sum += inside * min(max(valueOf(key), s.min), s.max)
			count += inside
		}
	}
	if count == 0 {
		return 0, false
	}
	return sum / count, true
}

// encode prints a sketch: pairs of a key, as the distance from the one before, and its
// count. Whole counts are short.
func (k sketch) encode() []byte {
	if k == nil {
		return nil
	}
	b := []byte{}
	last := int32(0)
	for _, key := range slices.Sorted(maps.Keys(k)) {
		b = binary.AppendVarint(b, int64(key)-int64(last))
		b = binary.AppendUvarint(b, bits.ReverseBytes64(math.Float64bits(k[key])))
		last = key
	}
	return b
}

var errSketch = errors.New("metrics: a damaged sketch")

// decodeSketch reads what encode printed.
func decodeSketch(b []byte) (sketch, error) {
	if b == nil {
		return nil, nil
	}
	k := sketch{}
	key := int64(0)
	for len(b) > 0 {
		step, n := binary.Varint(b)
		if n <= 0 {
			return nil, errSketch
		}
		b = b[n:]
		count, n := binary.Uvarint(b)
		if n <= 0 {
			return nil, errSketch
		}
		b = b[n:]
		if key += step; key != int64(int32(key)) {
			return nil, errSketch
		}
		k[int32(key)] = math.Float64frombits(bits.ReverseBytes64(count))
	}
	return k, nil
}
