package asyncinvoke

import "time"

const (
	// AttemptsDefault is MaximumRetryAttempts when nothing is configured.
	AttemptsDefault = 2
	// AgeDefault is MaximumEventAgeInSeconds when nothing is configured.
	AgeDefault = 6 * time.Hour

	// pushBackMin and pushBackMax bound the back-off after throttles and system
	// errors, which doubles from one to the other (Lambda developer guide, "Error
	// handling for asynchronous invocation").
	pushBackMin = time.Second
	pushBackMax = 5 * time.Minute
)

// retryDelays are the waits before the second and the third attempt.
var retryDelays = [...]time.Duration{time.Minute, 2 * time.Minute}

// Limits are how long and how often an event is tried.
type Limits struct {
	Retries int           // MaximumRetryAttempts, 0 to 2
	Age     time.Duration // MaximumEventAgeInSeconds
}

// Condition is why an event ended, as destinations read it.
type Condition string

// The conditions that AWS documents.
const (
	Success                 Condition = "Success"
	RetriesExhausted        Condition = "RetriesExhausted"
	EventAgeExceeded        Condition = "EventAgeExceeded"
	ZeroReservedConcurrency Condition = "ZeroReservedConcurrency"
)

// outcome is how one attempt ended.
type outcome int

const (
	succeeded outcome = iota
	// failed: the function ran and failed, timed out or crashed.
	failed
	// pushedBack: it was not run, for a throttle or a fault of the platform.
	pushedBack
)

// progress is what an event has been through.
type progress struct {
	// Attempts counts those in which the function ran.
	Attempts int `json:"attempts,omitempty"`
	// PushedBack counts those in a row in which it did not.
	PushedBack int `json:"pushed_back,omitempty"`
	// Code and Message are of the last attempt that failed: 200 for a function's
	// error, otherwise the status of the refusal.
	Code    int    `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
}

// after is the progress once an attempt has ended so.
func (p progress) after(o outcome) progress {
	if o == pushedBack {
		p.PushedBack++
		return p
	}
	p.Attempts++
	p.PushedBack = 0
	return p
}

// verdict is what to do with an event: try again after a delay, or end it.
type verdict struct {
	again     bool
	delay     time.Duration
	condition Condition // when it ends
}

// before says whether an event of an age may be tried at all. It returns false with
// the condition under which it ends.
func before(age time.Duration, reserved *int, l Limits) (Condition, bool) {
	switch {
	case reserved != nil && *reserved == 0:
		return ZeroReservedConcurrency, false
	case age >= l.Age:
		return EventAgeExceeded, false
	}
	return "", true
}

// decide says what becomes of an event of an age after an attempt; p counts that
// attempt. The age is checked ahead: what would be too old by its next attempt ends
// now.
func decide(age time.Duration, p progress, o outcome, l Limits) verdict {
	var delay time.Duration
	switch o {
	case succeeded:
		return verdict{condition: Success}
	case failed:
		if p.Attempts > l.Retries {
			return verdict{condition: RetriesExhausted}
		}
		delay = retryDelays[min(max(p.Attempts, 1), len(retryDelays))-1]
	case pushedBack:
		delay = pushBack(p.PushedBack)
	}
	if age+delay >= l.Age {
		return verdict{condition: EventAgeExceeded}
	}
	return verdict{again: true, delay: delay}
}

// pushBack is the wait after the n-th throttle in a row, from 1.
func pushBack(n int) time.Duration {
	if n > 9 { // 2^9 s are more than the longest
		return pushBackMax
	}
	return min(pushBackMin<<max(n-1, 0), pushBackMax)
}
