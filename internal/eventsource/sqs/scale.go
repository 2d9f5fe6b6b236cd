package sqs

import (
	"time"

	"github.com/hearthfaas/hearth/internal/eventsource"
)

// The rates of scaling (Lambda developer guide, "Configuring scaling behavior for
// SQS event source mappings").
const (
	startBatches     = 5    // concurrent batches that a mapping begins with
	growthPerMinute  = 300  // and how many it may add
	batchesMax       = 1250 // of one mapping outside provisioned mode
	batchesPerPoller = 10   // of a provisioned poller
	provisionedPerM  = 1000 // batches that provisioned pollers add in a minute
	pollersMinUnset  = 2
	pollersMaxUnset  = 200
)

// bounds are what scaling of a mapping moves between.
type bounds struct {
	start, max int     // batches at a time
	perMinute  float64 // growth of batches
	polls      int     // that an idle mapping holds
}

// boundsOf are a mapping's bounds; concurrency is how many invocations of its
// function may run at the same time.
func boundsOf(s eventsource.Settings, concurrency int) bounds {
	b := bounds{start: startBatches, max: batchesMax, perMinute: growthPerMinute, polls: 1}
	if s.Pollers != nil {
		b.polls = orElse(s.Pollers.Min, pollersMinUnset)
		b.start = b.polls * batchesPerPoller
		b.max = orElse(s.Pollers.Max, pollersMaxUnset) * batchesPerPoller
		b.perMinute = provisionedPerM
	}
	if s.ConcurrencyMax > 0 {
		b.max = min(b.max, s.ConcurrencyMax)
	}
	b.max = max(1, min(b.max, concurrency)) // of a function that may not run one is tried, and throttled
	b.start = min(b.start, b.max)
	b.polls = min(b.polls, b.max)
	return b
}

func orElse(n, unset int) int {
	if n == 0 {
		return unset
	}
	return n
}

// scale is where a mapping's scaling stands.
type scale struct {
	allowed float64 // batches at a time, gathered or run
	polls   int     // batches that may be gathered at a time
	at      time.Time
	hold    time.Time // until when it does not grow
}

func newScale(b bounds, now time.Time) scale {
	return scale{allowed: float64(b.start), polls: b.polls, at: now}
}

// found is what a gathering found.
type found int

const (
	nothing found = iota
	some
	plenty // as many as it asked for: there may be more
)

// grown is the scale after the time since it was last looked at. It grows only while
// every batch that is allowed is under way.
func (s scale) grown(b bounds, now time.Time, saturated bool) scale {
	if saturated && now.After(s.hold) {
		s.allowed += b.perMinute * now.Sub(s.at).Minutes()
	}
	s.allowed = min(max(s.allowed, 1), float64(b.max))
	s.polls = min(max(s.polls, b.polls), int(s.allowed))
	s.at = now
	return s
}

// polled is the scale after a gathering. While there is plenty, twice as many gather
// as before; once there is nothing, as few as possible do.
func (s scale) polled(b bounds, f found, busy int) scale {
	switch f {
	case nothing:
		s.polls = b.polls
		if float64(busy) < s.allowed/2 {
			s.allowed = max(float64(b.start), s.allowed/2)
		}
	case some:
	case plenty:
		s.polls = min(2*s.polls, int(s.allowed))
	}
	return s
}

// throttled is the scale after a function refused a batch: half as many at a time,
// from which it grows again once it was not refused for a while.
func (s scale) throttled(now time.Time, busy int) scale {
	s.hold = now.Add(throttleHold)
	s.allowed = max(1, min(s.allowed, float64(busy))/2)
	s.polls = min(s.polls, int(s.allowed))
	return s
}

// start is how many gatherings may begin.
func (s scale) start(gathering, running int) int {
	return max(0, min(s.polls-gathering, int(s.allowed)-gathering-running))
}

const (
	// throttleHold is how long nothing grows after a throttle.
	throttleHold = 5 * time.Second
	// retryMin and retryMax bound the pauses between tries of a batch that the
	// function's concurrency has no room for.
	retryMin = 500 * time.Millisecond
	retryMax = 15 * time.Second
	// troubleMin and troubleMax bound the pauses of a mapping whose queue cannot be
	// read.
	troubleMin = time.Second
	troubleMax = 30 * time.Second
)

// backOff is the n-th pause, from 0.
func backOff(n int, least, most time.Duration) time.Duration {
	if n > 16 { // beyond any bound here, before the shift overflows
		return most
	}
	return min(least<<n, most)
}

// hidden is how long received messages are kept from others: the queue's own time,
// unless gathering a batch and running it may take longer. override is 0 for the
// queue's own (Lambda developer guide, "Batching behavior").
func hidden(queue, window, timeout time.Duration) (total, override time.Duration) {
	const spare = 30 * time.Second
	if window > 0 && window+timeout > queue {
		d := min(window+timeout+spare, visibilityMax)
		return d, d
	}
	return queue, 0
}

// visibilityMax is the longest visibility timeout (SQS API).
const visibilityMax = 12 * time.Hour

// again says whether a batch that was throttled is tried once more after a pause:
// it is while the function could end before the messages are anybody's again.
func again(now time.Time, pause, timeout time.Duration, visible time.Time) bool {
	return !now.Add(pause + timeout).After(visible)
}
