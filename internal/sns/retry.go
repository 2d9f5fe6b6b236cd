package sns

import (
	"math"
	"time"
)

// retryPolicy is how often and how fast a delivery is tried again: phases one after
// the other, each of so many retries (SNS developer guide, "Amazon SNS message
// delivery retries").
type retryPolicy struct {
	noDelay  int // at once
	minDelay int // after min each
	backoff  int // after waits that grow from min to max
	maxDelay int // after max each
	min, max time.Duration
	curve    string
}

// managedRetries are those of queues and functions: 100,015 over 23 days.
var managedRetries = retryPolicy{
	noDelay: 3, minDelay: 2, backoff: 10, maxDelay: 100_000, min: time.Second, max: 20 * time.Second, curve: curveExponential,
}

// The functions by which waits grow.
const (
	curveArithmetic  = "arithmetic"
	curveExponential = "exponential"
	curveGeometric   = "geometric"
	curveLinear      = "linear"
)

// delay is the wait before the n-th retry, counted from 1; false when there are no
// more.
func (p retryPolicy) delay(n int) (time.Duration, bool) {
	if n <= p.noDelay {
		return 0, true
	}
	n -= p.noDelay
	if n <= p.minDelay {
		return p.min, true
	}
	n -= p.minDelay
	if n <= p.backoff {
		return p.min + time.Duration(growth(p.curve, n, p.backoff, p.ratio())*float64(p.max-p.min)), true
	}
	n -= p.backoff
	return p.max, n <= p.maxDelay
}

func (p retryPolicy) ratio() float64 { return float64(p.max) / float64(p.min) }

// growth is how far the i-th of n waits has come from the shortest, 0, to the
// longest, 1. AWS names the functions and does not define them: linear grows by
// the same amount each time, arithmetic by an amount that grows, geometric by the
// same factor, exponential doubles its steps.
func growth(curve string, i, n int, ratio float64) float64 {
	if n == 1 {
		return 0
	}
	at, last := float64(i-1), float64(n-1)
	switch curve {
	case curveArithmetic:
		return at * (at + 1) / (last * (last + 1))
	case curveGeometric:
		if ratio == 1 {
			return 0
		}
		return (math.Pow(ratio, at/last) - 1) / (ratio - 1)
	case curveExponential:
		return (math.Exp2(at) - 1) / (math.Exp2(last) - 1)
	default:
		return at / last
	}
}

// retries is how many there are.
func (p retryPolicy) retries() int { return p.noDelay + p.minDelay + p.backoff + p.maxDelay }

// total is how long they take together.
func (p retryPolicy) total() time.Duration {
	var sum time.Duration
	for n := 1; n <= p.retries(); n++ {
		d, _ := p.delay(n)
		sum += d
	}
	return sum
}
