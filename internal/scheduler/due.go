package scheduler

import (
	"time"

	"github.com/hearthfaas/hearth/internal/schedule"
)

// pace is how fast time passes for rates, windows, retries and ages.
type pace float64

func (p pace) real(d time.Duration) time.Duration { return time.Duration(float64(d) / float64(p)) }
func (p pace) told(d time.Duration) time.Duration { return time.Duration(float64(d) * float64(p)) }

// follow is the first moment of a schedule after another, within its start and end;
// zero when there is none. The dates do not bound schedules that run once.
func (r *scheduleRecord) follow(plan *schedule.Schedule, after time.Time, p pace) time.Time {
	if !plan.Once() && after.Before(r.Start) {
		after = r.Start.Add(-time.Nanosecond) // a moment at the start counts
	}
	var next time.Time
	var ok bool
	if plan.Every() > 0 {
		next, ok = plan.Next(r.Anchor.Add(p.told(after.Sub(r.Anchor))), r.Anchor)
		if ok {
			next = r.Anchor.Add(p.real(next.Sub(r.Anchor)))
		}
		if ok && !next.After(after) { // rounded down
			next = after.Add(max(1, p.real(plan.Every())))
		}
	} else {
		next, ok = plan.Next(after, r.Anchor)
	}
	if !ok || !plan.Once() && !r.End.IsZero() && next.After(r.End) {
		return time.Time{}
	}
	return next.UTC()
}

// come says what is to be done about a schedule whose next moment has come: run is
// the moment to run, zero for none, and next the one to wait for. Of moments that
// were missed the last is run, and none that is older than ageMax.
func (r *scheduleRecord) come(plan *schedule.Schedule, now time.Time, ageMax time.Duration, p pace) (run, next time.Time) {
	run = r.Next
	if oldest := now.Add(-p.real(ageMax)); run.Before(oldest) {
		run = r.follow(plan, oldest.Add(-time.Nanosecond), p)
		if run.IsZero() || run.After(now) {
			return time.Time{}, run
		}
	}
	for {
		next = r.follow(plan, run, p)
		if next.IsZero() || next.After(now) {
			return run, next
		}
		run = next
	}
}

const (
	// retryFirst and retryMost bound the waits between attempts, which double: 185 of
	// them, the most that AWS has, take longer than the 24 hours that it tries.
	retryFirst = time.Second
	retryMost  = 10 * time.Minute
)

// exhausted is why an invocation is given up, as dead letters say it.
type exhausted string

const (
	exhaustedNot     exhausted = ""
	exhaustedRetries exhausted = "MaximumRetryAttempts"
	exhaustedAge     exhausted = "MaximumEventAgeInSeconds"
)

// again says when an invocation that failed is tried again. It reports false when it
// is given up, with the limit that was reached. attempts counts the one that failed;
// shake is from 0 to 1 and spreads those that failed together.
func again(now time.Time, begun time.Time, attempts int, t *targetRecord, shake float64, p pace) (time.Time, exhausted, bool) {
	if attempts > int(t.Retries) {
		return time.Time{}, exhaustedRetries, false
	}
	wait := retryMost
	if attempts < 11 { // 2^10 s are more than the longest
		wait = min(retryFirst<<(max(attempts, 1)-1), retryMost)
	}
	wait -= time.Duration(float64(wait) / 2 * shake)
	due := now.Add(p.real(wait))
	if due.Sub(begun) > p.real(time.Duration(t.AgeSec)*time.Second) {
		return time.Time{}, exhaustedAge, false
	}
	return due, exhaustedNot, true
}
