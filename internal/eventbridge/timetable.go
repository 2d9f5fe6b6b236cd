package eventbridge

import (
	"context"
	"time"

	"github.com/hearthfaas/hearth/internal/schedule"
)

// firing is a rule whose schedule is due at a moment.
type firing struct {
	rule *rule
	at   time.Time
}

// idleMax bounds one wait for the next schedule, so that a clock which was set is
// noticed.
const idleMax = time.Minute

// runSchedules fires the rules that have a schedule until ctx ends. Moments that
// passed while the process was down are not made up for.
func (s *Service) runSchedules(ctx context.Context) {
	last := s.cfg.Now()
	for {
		now := s.cfg.Now()
		due, wait := s.dueBetween(last, now)
		s.fire(ctx, due)
		last = now
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-s.due:
		case <-ctx.Done():
		}
		t.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// dueBetween is the rules that are due after one moment and not after another, each
// once, and how long it is from there to the next.
func (s *Service) dueBetween(after, now time.Time) (due []firing, wait time.Duration) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	wait = idleMax
	for _, b := range s.index.buses {
		for _, r := range b.rules {
			if r.schedule == nil {
				continue
			}
			at, ok := s.moment(r, after)
			if ok && !at.After(now) {
				due = append(due, firing{r, at})
				at, ok = s.moment(r, now)
			}
			if ok {
				wait = min(wait, at.Sub(now))
			}
		}
	}
	return due, wait
}

// moment is when a rule is due next after a moment.
func (s *Service) moment(r *rule, after time.Time) (time.Time, bool) {
	return nextFiring(r.schedule, r.record.Anchor, after, s.cfg.TimeScale)
}

// nextFiring is the first moment of a schedule after another. A rate counts from the
// rule's making, and its first moment is one interval later. Rates pass as fast as
// all waits do; the moments of a cron are the clock's.
func nextFiring(sc *schedule.Schedule, anchor, after time.Time, scale float64) (time.Time, bool) {
	every := time.Duration(float64(sc.Every()) / scale)
	if every <= 0 {
		return sc.Next(after, anchor)
	}
	if after.Before(anchor) {
		return anchor.Add(every), true
	}
	since := after.Sub(anchor)
	return after.Add(every - since%every), true
}

// fire puts the events of schedules on the way to their rules' targets: all that are
// due at a moment together, so that their writes share syncs to disk.
func (s *Service) fire(ctx context.Context, due []firing) {
	var p plan
	for _, f := range due {
		k := f.rule.bus
		h := header{
			ID: newID(), DetailType: "Scheduled Event", Source: "aws.events", Account: k.account, Time: f.at.UTC(), Region: k.region,
			Resources: []string{f.rule.arn()}, Ingested: s.cfg.Now().UTC(),
		}
		s.trigger(&p, f.rule, &h, []byte("{}"))
	}
	if err := s.carry(context.WithoutCancel(ctx), &p); err != nil {
		s.cfg.Log.ErrorContext(ctx, "scheduled events are lost", "rules", len(due), "error", err)
	}
}
