package streams

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/hearthfaas/hearth/internal/eventsource"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// process tries a batch until nothing is left of it or ctx ends. With final it ends
// the window, without records.
func (r *reader) process(ctx context.Context, lane int, records []Record, w *window, final bool) {
	left := work{{records: records}}
	pauses := 0
	for len(left) > 0 && ctx.Err() == nil {
		if s := left.expire(time.Now(), ageMax(r.m.Settings, r.cfg.Streams.Format().Retention)); len(s.dropped) > 0 {
			r.giveUp(ctx, &s, nil)
			left = s.work
			r.told <- news{lane: lane, settled: s.dropped, window: w}
			continue
		}
		t := r.attempt(ctx, left[0].records, w, final)
		if ctx.Err() != nil && (t.pushedBack || t.failed) {
			break // the process may be leaving and have ended the attempt itself
		}
		s := left.after(t.outcome, r.m.Settings)
		if s.why != "" {
			r.giveUp(ctx, &s, &t)
		}
		left = s.work
		switch {
		case w == nil:
		case final && len(left) == 0:
			w = nil
		case !t.failed && !t.pushedBack:
			w = w.after(t.result.Payload)
		}
		r.told <- news{lane: lane, settled: append(s.done, s.dropped...), window: w}
		if pauses++; !s.pause {
			pauses = 0
			continue
		}
		rest(ctx, backOff(pauses-1, retryMin, retryMax))
	}
	r.told <- news{lane: lane, window: w, finished: true}
}

// attempted is one attempt.
type attempted struct {
	outcome
	requestID lambda.RequestID
	version   string
	result    lambda.Result
}

// attempt runs the function once.
func (r *reader) attempt(ctx context.Context, records []Record, w *window, final bool) attempted {
	alive := context.WithoutCancel(ctx)
	t := attempted{requestID: lambda.NewRequestID()}
	payload, err := r.event(records, w, final)
	f := eventsource.Function{}
	if err == nil {
		f, err = r.cfg.Functions.Find(r.m.Function, r.m.Qualifier)
	}
	if err == nil {
		err = f.Refusal
	}
	if err == nil {
		trace, _ := r.cfg.Runner.Trace("", r.m.Function)
		if n := len(records); n > 0 {
			r.cfg.Metrics.IteratorAge(r.m, max(0, time.Since(records[n-1].Arrived)))
		}
		r.count(eventsource.MetricInvoked, len(records))
		t.version = f.Version.Version
		t.result, err = r.cfg.Runner.RunEvent(alive, f, &lambda.Invocation{
			RequestID: t.requestID, InvokedFunctionARN: r.m.Function.QualifiedARN(r.m.Qualifier), TraceID: trace, Payload: payload,
		})
	}
	if err != nil {
		r.cfg.Log.DebugContext(alive, "a batch was pushed back", "mapping", r.m.UUID, "request_id", t.requestID, "error", err)
		r.reporter.tell(r.m.UUID, resultFailed)
		t.pushedBack = true
		return t
	}
	t.outcome = judge(&t.result, r.m.Settings, records)
	if t.failed {
		r.count(eventsource.MetricFailed, len(records)-t.from)
		r.reporter.tell(r.m.UUID, resultFailed)
	} else {
		r.reporter.tell(r.m.UUID, resultOK)
	}
	return t
}

// judge reads a function's answer: the lowest record that it reports is where it
// stopped.
func judge(result *lambda.Result, s eventsource.Settings, records []Record) outcome {
	at := make(map[string]int, len(records))
	for i := range records {
		at[records[i].Sequence] = i
	}
	a := eventsource.Judge(result, s.PartialResponses, func(id string) bool { _, ok := at[id]; return ok })
	o := outcome{failed: a.Failed || len(a.Items) > 0}
	if len(a.Items) > 0 {
		o.from = len(records)
		for id := range a.Items {
			o.from = min(o.from, at[id])
		}
	}
	return o
}

// emptyState is a window's first.
var emptyState = json.RawMessage("{}")

// after is the window after an answer such as {"state":{…}}. A state that is too
// large ends the window with the one before it.
func (w *window) after(answer []byte) *window {
	next := &window{Start: w.Start, State: emptyState}
	var given struct {
		State json.RawMessage `json:"state"`
	}
	if json.Unmarshal(answer, &given) == nil && len(given.State) > 0 && !bytes.Equal(given.State, []byte("null")) {
		next.State = given.State
	}
	if len(next.State) > stateMax {
		next.State, next.Early = w.State, true
	}
	return next
}

// event is what the function gets.
func (r *reader) event(records []Record, w *window, final bool) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(`{"Records":[`)
	for i := range records {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(records[i].text)
	}
	b.WriteByte(']')
	if w != nil {
		state := w.State
		if len(state) == 0 {
			state = emptyState
		}
		rest, err := json.Marshal(struct {
			Window struct {
				Start string `json:"start"`
				End   string `json:"end"`
			} `json:"window"`
			State     json.RawMessage `json:"state"`
			ShardID   string          `json:"shardId"`
			SourceARN string          `json:"eventSourceARN"`
			Final     bool            `json:"isFinalInvokeForWindow"`
			Early     bool            `json:"isWindowTerminatedEarly"`
		}{
			Window: struct {
				Start string `json:"start"`
				End   string `json:"end"`
			}{w.Start.Format(time.RFC3339), w.Start.Add(r.m.Settings.Tumbling).Format(time.RFC3339)},
			State: state, ShardID: r.shard, SourceARN: r.m.SourceARN, Final: final, Early: w.Early,
		})
		if err != nil {
			return nil, err
		}
		b.WriteByte(',')
		b.Write(rest[1:])
		return b.Bytes(), nil
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
