package scheduler

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/hearthfaas/hearth/internal/store"
)

const (
	// momentsAtOnce is how many schedules that are due are moved on in one transaction.
	momentsAtOnce = 128
	// faultWait is how long what could not be written waits for another try.
	faultWait = time.Second
)

// Run runs what is scheduled until ctx ends. Targets that are being called then are
// waited for.
func (s *Service) Run(ctx context.Context) error {
	var calls sync.WaitGroup
	defer calls.Wait()
	calls.Go(func() { s.clear(ctx) })
	for _, key := range s.agenda.ran() { // a crash may have come between the last invocation and this
		s.complete(ctx, key)
	}
	slots := make(chan struct{}, s.cfg.Concurrency)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		now := s.cfg.Now()
		if due := s.agenda.takeMoments(now, momentsAtOnce); len(due) > 0 {
			s.turn(ctx, now, due)
			continue
		}
		room := cap(slots) - len(slots)
		for _, row := range s.agenda.takeCalls(now, room) {
			slots <- struct{}{}
			calls.Go(func() {
				s.attempt(ctx, row)
				<-slots
				signal(s.agenda.wake)
			})
		}
		wait, planned := s.agenda.wait(now, len(slots) < cap(slots))
		var due <-chan time.Time
		if planned {
			timer.Reset(max(wait, 0))
			due = timer.C
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.agenda.wake:
		case <-due:
		}
	}
}

// turn makes invocations of schedules whose moment has come, and moves them on.
func (s *Service) turn(ctx context.Context, now time.Time, due []store.Row[scheduleRecord]) {
	alive := context.WithoutCancel(ctx) // what was begun is written down
	var all []store.Change
	for _, row := range due {
		changes, err := s.step(row, now)
		if err != nil {
			s.cfg.Log.ErrorContext(ctx, "a schedule cannot be run", "key", row.Key, "error", err)
			continue
		}
		all = append(all, changes...)
	}
	if len(all) == 0 {
		return
	}
	_, err := s.cfg.Store.Apply(alive, all...)
	if err == nil {
		return
	}
	if len(due) > 1 && errors.Is(err, store.ErrConflict) { // one of them was changed
		for _, row := range due {
			s.turn(ctx, now, []store.Row[scheduleRecord]{row})
		}
		return
	}
	if errors.Is(err, store.ErrConflict) {
		return // its change is on the agenda
	}
	s.cfg.Log.ErrorContext(ctx, "due schedules are not written", "error", err)
	for _, row := range due {
		s.agenda.momentAgain(item{now.Add(faultWait), row.Key, row.Revision})
	}
}

// step is what a due moment changes: the schedule waits for its next one, and there
// is one invocation more.
func (s *Service) step(row store.Row[scheduleRecord], now time.Time) ([]store.Change, error) {
	r := row.Value
	plan, err := r.plan()
	if err != nil {
		return nil, err
	}
	p := pace(s.cfg.TimeScale)
	run, next := r.come(plan, now, time.Duration(r.Target.AgeSec)*time.Second, p)
	r.Next, r.Ran = next, next.IsZero()
	var changes []store.Change
	if !run.IsZero() {
		due := run
		if r.WindowMin > 0 {
			window := p.real(time.Duration(r.WindowMin) * time.Minute)
			due = due.Add(time.Duration(rand.Float64() * float64(window))) //nolint:gosec // it spreads load
		}
		execution := newExecution()
		call := pendingRecord{
			Schedule: row.Key, ScheduleID: r.ID, Execution: execution, Scheduled: run, Begun: due, Due: due, Target: r.Target,
		}
		change, err := s.pending.PutChange(row.Key+"/"+execution, call, store.Absent)
		if err != nil {
			return nil, err
		}
		changes = append(changes, change)
	}
	if next.IsZero() && run.IsZero() && r.DeleteDone {
		return append(changes, s.schedules.DeleteChange(row.Key, store.Precondition(row.Revision))), nil
	}
	change, err := s.schedules.PutChange(row.Key, r, store.Precondition(row.Revision))
	if err != nil {
		return nil, err
	}
	return append(changes, change), nil
}

// newExecution is the id of one invocation: 16 hexadecimal digits, as AWS's are.
func newExecution() string {
	id := uuid.New()
	const digits = "0123456789abcdef"
	out := make([]byte, 0, 16)
	for _, b := range id[8:] {
		out = append(out, digits[b>>4], digits[b&15])
	}
	return string(out)
}
