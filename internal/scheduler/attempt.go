package scheduler

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/hearthfaas/hearth/internal/store"
)

// attempt calls a target once and writes down what follows.
func (s *Service) attempt(ctx context.Context, row store.Row[pendingRecord]) {
	alive := context.WithoutCancel(ctx)
	call := row.Value
	of, _, ok := s.agenda.look(call.Schedule)
	if !ok || of.Value.ID != call.ScheduleID { // it was deleted, and its invocations go with it
		s.settle(alive, row, s.pending.DeleteChange(row.Key, store.Precondition(row.Revision)))
		return
	}
	d := call.delivery()
	err := s.cfg.Targets.Deliver(ctx, d)
	if err != nil && ctx.Err() != nil {
		return // the process is leaving and may have ended the attempt itself: it does not count
	}
	call.Attempts++
	if err != nil {
		s.cfg.Log.InfoContext(alive, "a schedule's target was not called", "key", call.Schedule, "target", call.Target.ARN, "attempt", call.Attempts, "error", err)
		due, limit, retry := time.Time{}, exhaustedNot, false
		failure, known := errors.AsType[*Failure](err)
		if !known || !failure.Final {
			due, limit, retry = again(s.cfg.Now(), call.Begun, call.Attempts, &call.Target, rand.Float64(), pace(s.cfg.TimeScale)) //nolint:gosec // it spreads load
		}
		if retry {
			call.Due = due.UTC()
			change, err := s.pending.PutChange(row.Key, call, store.Precondition(row.Revision))
			if err != nil {
				s.cfg.Log.ErrorContext(alive, "an invocation is not written", "key", row.Key, "error", err)
				return
			}
			s.settle(alive, row, change)
			return
		}
		if !known {
			failure = &Failure{Code: "InternalError", Message: "The service had a fault of its own."}
		}
		s.bury(alive, &call, d, failure, limit)
	}
	s.settle(alive, row, s.pending.DeleteChange(row.Key, store.Precondition(row.Revision)))
	s.complete(alive, call.Schedule)
}

// complete deletes a schedule that has made its last invocation, if it is to be
// deleted then. One that changed since is not.
func (s *Service) complete(ctx context.Context, key string) {
	row, open, ok := s.agenda.look(key)
	if !ok || open > 0 || !row.Value.Ran || !row.Value.DeleteDone {
		return
	}
	err := s.schedules.Delete(ctx, key, store.Precondition(row.Revision))
	if err != nil && !errors.Is(err, store.ErrConflict) {
		s.cfg.Log.ErrorContext(ctx, "a schedule that is complete is not deleted", "key", key, "error", err)
	}
}

// settle writes what an attempt changes; what cannot be written is tried again, and
// with it the attempt.
func (s *Service) settle(ctx context.Context, row store.Row[pendingRecord], change store.Change) {
	_, err := s.cfg.Store.Apply(ctx, change)
	if err == nil || errors.Is(err, store.ErrConflict) {
		return
	}
	s.cfg.Log.ErrorContext(ctx, "an invocation is not written", "key", row.Key, "error", err)
	s.agenda.callAgain(item{s.cfg.Now().Add(faultWait), row.Key, row.Revision})
}

// delivery is the call as the target gets it.
func (c *pendingRecord) delivery() Delivery {
	p, group, name := splitKey(c.Schedule)
	return Delivery{
		ARN: c.Target.ARN, RoleARN: c.Target.RoleARN, GroupARN: p.groupARN(group), Execution: c.Execution,
		Body:    c.body(p, p.scheduleARN(group, name)),
		GroupID: deref(c.Target.GroupID), Source: deref(c.Target.Source), DetailType: deref(c.Target.DetailType),
	}
}

// bury sends an invocation that was given up to the dead-letter queue, if there is one
// (Scheduler user guide, "Configuring a dead-letter queue").
func (s *Service) bury(ctx context.Context, c *pendingRecord, d Delivery, f *Failure, limit exhausted) {
	if c.Target.DeadLetter == nil {
		return
	}
	p, group, name := splitKey(c.Schedule)
	letter := Delivery{ARN: *c.Target.DeadLetter, RoleARN: d.RoleARN, GroupARN: d.GroupARN, Execution: d.Execution, Body: d.Body}
	letter.Attributes = map[string]string{
		"ERROR_CODE": f.Code, "ERROR_MESSAGE": f.Message, "EXECUTION_ID": c.Execution, "IS_PAYLOAD_TRUNCATED": "false",
		"RETRY_ATTEMPTS": strconv.Itoa(c.Attempts - 1), "SCHEDULED_TIME": stamp(c.Scheduled),
		"SCHEDULE_ARN": p.scheduleARN(group, name), "TARGET_ARN": c.Target.ARN,
	}
	if limit != exhaustedNot {
		letter.Attributes["EXHAUSTED_RETRY_CONDITION"] = string(limit)
	}
	if len(letter.Body) > letterMax {
		letter.Body, letter.Attributes["IS_PAYLOAD_TRUNCATED"] = bytes.ToValidUTF8(letter.Body[:letterMax], nil), "true"
	}
	for name, value := range letter.Attributes {
		if value == "" { // which no attribute may be
			delete(letter.Attributes, name)
		}
	}
	if err := s.cfg.Targets.Deliver(ctx, letter); err != nil {
		s.cfg.Log.WarnContext(ctx, "an invocation that was given up has not reached its dead-letter queue", "key", c.Schedule, "target", letter.ARN, "error", err)
	}
}

// letterMax is how much of a payload a dead letter carries: beside it a message of
// 256 KiB has room for the attributes.
const letterMax = 240 << 10

// stamp is a moment as targets read it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
