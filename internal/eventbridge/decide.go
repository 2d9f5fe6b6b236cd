package eventbridge

import "time"

const (
	// retriesDefault and ageDefault are a target's RetryPolicy when it has none
	// (EventBridge user guide, "How EventBridge retries delivering events").
	retriesDefault = 185
	ageDefault     = 24 * time.Hour

	// backOffMin and backOffMax bound the wait between attempts, which doubles from one
	// to the other: with both, 185 of them take about 24 hours.
	backOffMin = time.Second
	backOffMax = 8 * time.Minute
)

// The conditions under which AWS gives a delivery up, as dead letters name them.
const (
	endedByRetries = "MaximumRetryAttempts"
	endedByAge     = "MaximumEventAgeInSeconds"
)

// limits are how long and how often a delivery is tried.
type limits struct {
	retries int
	age     time.Duration
}

func (t *targetRecord) limits() limits {
	l := limits{retries: retriesDefault, age: ageDefault}
	if t.RetriesMax != nil {
		l.retries = int(*t.RetriesMax)
	}
	if t.AgeMax != nil {
		l.age = time.Duration(*t.AgeMax) * time.Second
	}
	return l
}

// progress is what a delivery has been through.
type progress struct {
	Attempts int `json:"attempts,omitempty"`
	// Ended says that it is given up, and Condition by which limit, if by one: it is
	// then on its way to the dead-letter queue.
	Ended     bool   `json:"ended,omitempty"`
	Condition string `json:"condition,omitempty"`
	// Code and Message are of the last failure.
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
	// DeadTries counts the attempts at the dead-letter queue.
	DeadTries int `json:"dead_tries,omitempty"`
}

// verdict is what to do after a failed attempt: try again after a delay, or give up.
type verdict struct {
	again     bool
	delay     time.Duration
	condition string
}

// decide says what becomes of a delivery of an age whose attempts, this one counted,
// all failed. spread, from 0 to 1, shortens waits so that deliveries which failed
// together do not come back together.
func decide(age time.Duration, attempts int, final bool, l limits, spread float64) verdict {
	if final {
		return verdict{}
	}
	if attempts > l.retries {
		return verdict{condition: endedByRetries}
	}
	delay := backOff(attempts, spread)
	if age+delay >= l.age {
		return verdict{condition: endedByAge}
	}
	return verdict{again: true, delay: delay}
}

// backOff is the wait after the n-th failure, from 1: at least half of the whole.
func backOff(n int, spread float64) time.Duration {
	whole := backOffMax
	if n < 10 { // 2^9 s are more than the longest
		whole = min(backOffMin<<max(n-1, 0), backOffMax)
	}
	return whole - time.Duration(float64(whole/2)*spread)
}

// deadTriesMax is how often a dead letter is tried: over some twenty minutes, as the
// queue is one of this installation and its owner's to keep.
const deadTriesMax = 12
