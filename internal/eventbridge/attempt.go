package eventbridge

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/hearthfaas/hearth/internal/queue"
)

// attemptMax bounds one attempt: a hand-over to another service of this machine.
const attemptMax = 10 * time.Second

// The reasons of failed deliveries (EventBridge user guide, "Using dead-letter
// queues", ERROR_CODE); those of other services come from Targets.
const (
	codeInternal   = "INTERNAL_ERROR"
	codeNoResource = "NO_RESOURCE"
	codeThirdHop   = "THIRD_ACCOUNT_HOP_DETECTED"
	codeTimeout    = "TIMEOUT"
)

// attempt tries a delivery once and carries out what follows from it. ctx ends when
// the process is leaving.
func (s *Service) attempt(ctx context.Context, name queue.Name, m *queue.Message) {
	alive := context.WithoutCancel(ctx) // what was begun is written down
	v, err := readLetter(m)
	if err != nil {
		s.cfg.Log.ErrorContext(alive, "an event cannot be read and is dropped", "target", name.Name, "error", err)
		s.remove(alive, name, m)
		return
	}
	r, i := s.targetOf(name)
	if r == nil {
		s.remove(alive, name, m)
		return
	}
	t := &r.record.Targets[i]
	if v.Ended {
		s.bury(alive, name, m, r, t, &v)
		return
	}
	err = s.deliver(alive, r, i, &v, m.Body)
	if err == nil {
		s.counts.add(r.arn(), func(c *Counts) { c.Invocations++ })
		s.remove(alive, name, m)
		return
	}
	if ctx.Err() != nil {
		s.putBack(alive, name, m, &v, 0) // perhaps it failed because all is ending: it does not count
		return
	}
	f := failureOf(err)
	v.Attempts++
	v.Code, v.Message = f.Code, f.Message
	s.cfg.Log.DebugContext(alive, "an event could not be delivered", "event_id", v.ID, "target", t.ARN, "error", err)
	//nolint:gosec // it spreads retries and is no secret
	next := decide(s.age(m.Sent), v.Attempts, f.Final, t.limits(), rand.Float64())
	if next.again {
		s.counts.add(r.arn(), func(c *Counts) { c.RetryAttempts++ })
		s.putBack(alive, name, m, &v, s.scaled(next.delay))
		return
	}
	v.Ended, v.Condition = true, next.condition
	s.counts.add(r.arn(), func(c *Counts) { c.Invocations++; c.FailedInvocations++ })
	s.bury(alive, name, m, r, t, &v)
}

// targetOf is the rule and the index of its target that a queue is of; nil when they
// are gone.
func (s *Service) targetOf(name queue.Name) (*rule, int) {
	f := strings.SplitN(name.Name, "/", 3)
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, err := s.index.rule(busKey{name.Account, name.Region, f[0]}, f[1])
	if err != nil {
		return nil, 0
	}
	for i := range r.record.Targets {
		if r.record.Targets[i].ID == f[2] {
			return r, i
		}
	}
	return nil, 0
}

// deliver hands an event to a target, once.
func (s *Service) deliver(ctx context.Context, r *rule, target int, v *letter, detail []byte) error {
	ctx, cancel := context.WithTimeout(ctx, attemptMax)
	defer cancel()
	t := &r.record.Targets[target]
	d := Delivery{RuleARN: r.arn(), RoleARN: t.RoleARN, ARN: t.ARN, GroupID: t.GroupID, TraceID: v.TraceID}
	if a, _ := parseARN(t.ARN); a.service == "events" {
		return s.forward(ctx, d, v, detail)
	}
	d.Body = r.inputs[target].apply(r, &v.header, detail)
	return s.cfg.Targets.Deliver(ctx, d)
}

// forward puts an event on another bus. It stays the same event, and goes no
// further from there (EventBridge user guide, "Sending and receiving events between
// event buses").
func (s *Service) forward(ctx context.Context, d Delivery, v *letter, detail []byte) error {
	if v.Forwarded {
		return &Failure{Code: codeThirdHop, Message: "The event came from another event bus already.", Final: true}
	}
	if err := s.cfg.Targets.MayPut(ctx, d); err != nil {
		return err
	}
	a, _ := parseARN(d.ARN)
	k := busKey{a.account, a.region, strings.TrimPrefix(a.resource, "event-bus/")}
	h := v.header
	h.Forwarded, h.Ingested = true, s.cfg.Now().UTC()
	var p plan
	if !s.route(&p, k, h, detail, nil) {
		return &Failure{Code: codeNoResource, Message: "Event bus " + k.name + " does not exist.", Final: true}
	}
	return s.carry(ctx, &p)
}

// failureOf is why an attempt failed.
func failureOf(err error) *Failure {
	if f, ok := errors.AsType[*Failure](err); ok {
		return f
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &Failure{Code: codeTimeout, Message: "The target did not answer in time."}
	}
	return &Failure{Code: codeInternal, Message: "The service had a fault of its own."}
}

// bury takes a delivery that is given up to its dead-letter queue, if it has one, and
// removes it.
func (s *Service) bury(ctx context.Context, name queue.Name, m *queue.Message, r *rule, t *targetRecord, v *letter) {
	if t.DeadLetter == "" {
		s.cfg.Log.WarnContext(ctx, "an event is given up", "event_id", v.ID, "rule", r.arn(), "target", t.ARN, "code", v.Code)
		s.remove(ctx, name, m)
		return
	}
	err := s.cfg.Targets.Deliver(ctx, Delivery{
		RuleARN: r.arn(), ARN: t.DeadLetter, Body: v.encode(m.Body), TraceID: v.TraceID,
		DeadLetter: true, Attributes: v.deadLetter(r, t),
	})
	if err == nil {
		s.counts.add(r.arn(), func(c *Counts) { c.SentToDeadLetter++ })
		s.remove(ctx, name, m)
		return
	}
	if v.DeadTries++; failureOf(err).Final || v.DeadTries >= deadTriesMax {
		s.cfg.Log.WarnContext(ctx, "a dead letter could not be delivered and is dropped",
			"event_id", v.ID, "rule", r.arn(), "queue", t.DeadLetter, "error", err)
		s.counts.add(r.arn(), func(c *Counts) { c.FailedDeadLetter++ })
		s.remove(ctx, name, m)
		return
	}
	s.putBack(ctx, name, m, v, s.scaled(backOff(v.DeadTries, 0)))
}

// deadLetter is what a dead letter says beside the event (EventBridge user guide,
// "Using dead-letter queues").
func (v *letter) deadLetter(r *rule, t *targetRecord) map[string]string {
	out := map[string]string{
		"RULE_ARN": r.arn(), "TARGET_ARN": t.ARN, "ERROR_CODE": v.Code, "ERROR_MESSAGE": v.Message,
		"RETRY_ATTEMPTS": strconv.Itoa(max(0, v.Attempts-1)),
	}
	if v.Condition != "" {
		out["EXHAUSTED_RETRY_CONDITION"] = v.Condition
	}
	return out
}

func (s *Service) remove(ctx context.Context, name queue.Name, m *queue.Message) {
	errs, err := s.cfg.Queue.Remove(ctx, name, m.Receipt)
	if err == nil {
		err = errs[0]
	}
	if err != nil && !errors.Is(err, queue.ErrNoQueue) { // it is delivered again after the next start
		s.cfg.Log.ErrorContext(ctx, "removing an event that has ended", "target", name.Name, "error", err)
	}
}

func (s *Service) putBack(ctx context.Context, name queue.Name, m *queue.Message, v *letter, delay time.Duration) {
	err := s.cfg.Queue.Return(ctx, name, m.Receipt, delay, v.attributes())
	if err != nil && !errors.Is(err, queue.ErrNoQueue) {
		s.cfg.Log.ErrorContext(ctx, "putting an event back", "event_id", v.ID, "target", name.Name, "error", err)
	}
}
