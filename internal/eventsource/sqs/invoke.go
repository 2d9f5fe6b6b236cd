package sqs

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/hearthfaas/hearth/internal/eventsource"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// batch gathers one batch and runs it. What was gathered is run although ctx has
// ended meanwhile.
func (p *poller) batch(ctx context.Context, m *eventsource.Mapping) {
	h, err := p.gather(ctx, m)
	items := p.claim(h.items)
	p.told <- news{kind: gathered, found: h.found, runs: len(items) > 0, err: err}
	if len(items) == 0 {
		return
	}
	// Messages that do not fit one event follow one another, so that those of a group
	// stay in order.
	failed := map[string]bool{} // groups
	for _, part := range cut(items, m.Settings.BatchSize, eventMax) {
		p.runPart(ctx, m, part, h.visible, failed)
	}
	p.unclaim(items)
	p.told <- news{kind: settled}
}

// claim keeps the groups of a FIFO queue to one batch. Messages of a group that
// another batch still has are left alone: they come again.
func (p *poller) claim(items []item) []item {
	p.mu.Lock()
	defer p.mu.Unlock()
	mine := map[string]bool{}
	var out []item
	for i := range items {
		group := items[i].group
		switch {
		case group == "" || mine[group]:
		case p.groups[group]:
			continue
		default:
			mine[group], p.groups[group] = true, true
		}
		out = append(out, items[i])
	}
	return out
}

func (p *poller) unclaim(items []item) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range items {
		delete(p.groups, items[i].group)
	}
}

// runPart runs one event and deletes what the function is done with. failed are the
// groups of which messages stay in the queue, before and after.
func (p *poller) runPart(ctx context.Context, m *eventsource.Mapping, items []item, visible time.Time, failed map[string]bool) {
	alive := context.WithoutCancel(ctx)
	run, trace := p.admit(m, items, failed)
	if len(run) == 0 {
		return
	}
	p.count(m, eventsource.MetricInvoked, len(run))
	result, ok := p.invoke(ctx, m, &lambda.Invocation{
		RequestID: lambda.NewRequestID(), InvokedFunctionARN: m.Function.QualifiedARN(m.Qualifier),
		TraceID: trace, Payload: event(run),
	}, visible)
	answer := eventsource.Answer{Failed: true}
	if ok {
		answer = eventsource.Judge(&result, m.Settings.PartialResponses, func(id string) bool { return knows(run, id) })
	}
	var done []types.Message
	for i := range run {
		if answer.Failed || answer.Items[value(run[i].message.MessageId)] {
			failed[run[i].group] = true
			continue
		}
		done = append(done, run[i].message)
	}
	p.count(m, eventsource.MetricFailed, len(run)-len(done))
	if len(done) == 0 {
		return
	}
	_, as, err := p.target(alive, m)
	if err != nil { // the function is gone: its messages come to somebody else again
		p.cfg.Log.WarnContext(alive, "a batch was run and cannot be deleted", "mapping", m.UUID, "error", err)
		return
	}
	p.remove(alive, m, as, done)
}

// admit leaves out messages of groups of which an earlier one failed, and those that
// would continue a loop: they stay until the queue gives them up. trace is the header
// that the batch continues, if possible one by which loops are followed.
func (p *poller) admit(m *eventsource.Mapping, items []item, failed map[string]bool) (run []item, trace string) {
	f, err := p.cfg.Functions.Find(m.Function, m.Qualifier)
	allowed := err == nil && f.RecursionAllowed
	header := ""
	for i := range items {
		if g := items[i].group; g != "" && failed[g] {
			continue
		}
		own := items[i].message.Attributes[string(types.MessageSystemAttributeNameAWSTraceHeader)]
		if own != "" {
			if _, looping := p.cfg.Runner.Trace(own, m.Function); looping && !allowed {
				failed[items[i].group] = true
				continue
			}
			if header == "" || !strings.Contains(header, "Lineage=") && strings.Contains(own, "Lineage=") {
				header = own
			}
		}
		run = append(run, items[i])
	}
	trace, _ = p.cfg.Runner.Trace(header, m.Function)
	return run, trace
}

// invoke runs a batch, and again while the function has no room for it and time is
// left. It reports false when the function did not run.
func (p *poller) invoke(ctx context.Context, m *eventsource.Mapping, inv *lambda.Invocation, visible time.Time) (lambda.Result, bool) {
	alive := context.WithoutCancel(ctx)
	for try := 0; ; try++ {
		f, err := p.cfg.Functions.Find(m.Function, m.Qualifier)
		if err == nil {
			err = f.Refusal
		}
		if err == nil {
			var result lambda.Result
			if result, err = p.cfg.Runner.RunEvent(alive, f, inv); err == nil {
				return result, true
			}
		}
		p.cfg.Log.DebugContext(alive, "a batch was pushed back", "mapping", m.UUID, "request_id", inv.RequestID, "error", err)
		p.told <- news{kind: refused}
		pause := backOff(try, retryMin, retryMax)
		if f.Version == nil || !again(time.Now(), pause, f.Version.Timeout, visible) {
			return lambda.Result{}, false
		}
		if rest(ctx, pause); ctx.Err() != nil {
			return lambda.Result{}, false
		}
	}
}

func knows(items []item, id string) bool {
	for i := range items {
		if value(items[i].message.MessageId) == id {
			return true
		}
	}
	return false
}
