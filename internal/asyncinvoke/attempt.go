package asyncinvoke

import (
	"context"
	"errors"
	"net/http"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/queue"
)

// attempt runs an event once and carries out what follows from it. ctx ends when
// the process is leaving. It reports false when the function did not run because
// something stood in its way.
func (d *Dispatcher) attempt(ctx context.Context, name queue.Name, m *queue.Message) (ran bool) {
	alive := context.WithoutCancel(ctx) // what was begun is written down
	id := functionOf(name)
	v, err := readEnvelope(m)
	if err != nil {
		d.cfg.Log.ErrorContext(alive, "an event cannot be read and is dropped", "function", id.Name, "error", err)
		d.drop(alive, name, m)
		return true
	}
	target, err := d.cfg.Functions.Find(id, v.Qualifier)
	if gone(err) {
		d.drop(alive, name, m) // as on AWS, a deleted function's events go with it
		return true
	}
	age := d.age(m.Sent)
	end := ending{function: id, envelope: v, payload: m.Body}
	if err == nil && v.Looping {
		end.condition = RetriesExhausted
		end.envelope.Code, end.envelope.Message = http.StatusBadRequest, "The event was dropped to end a recursive loop."
		d.tally.add(id, func(c *Counts) { c.RecursiveDropped++ })
		d.end(alive, name, m, &target, &end)
		return true
	}
	if err == nil {
		if condition, ok := before(age, target.Reserved, target.Limits); !ok {
			end.condition = condition
			if v.Code == 0 { // it was never tried
				end.envelope.Code, end.envelope.Message = http.StatusTooManyRequests, "Rate Exceeded."
			}
			d.end(alive, name, m, &target, &end)
			return true
		}
		err = target.Refusal
	}
	o := pushedBack
	if err == nil {
		if d.cfg.Aged != nil {
			d.cfg.Aged(id, age)
		}
		var result lambda.Result
		result, err = d.cfg.Runner.RunEvent(alive, target, v.invocation(id, m.Body))
		if err == nil {
			o = judge(&result)
			end.result, end.version = &result, target.Version.Version
		}
	}
	if ctx.Err() != nil && o != succeeded {
		// The process is leaving and may have ended the attempt itself: it does not
		// count.
		d.putBack(alive, name, m, &v, 0)
		return true
	}
	end.envelope.progress = v.after(o)
	end.envelope.note(o, end.result, err)
	if err != nil {
		d.cfg.Log.DebugContext(alive, "an event was pushed back", "request_id", v.RequestID, "function", id.Name, "error", err)
	}
	next := decide(d.age(m.Sent), end.envelope.progress, o, limits(&target))
	if next.again {
		d.putBack(alive, name, m, &end.envelope, d.scaled(next.delay))
		return o != pushedBack
	}
	end.condition = next.condition
	d.end(alive, name, m, &target, &end)
	return o != pushedBack
}

// limits are a target's; those of one that could not be found are AWS's defaults.
func limits(t *Target) Limits {
	if t.Limits.Age == 0 {
		return Limits{Retries: AttemptsDefault, Age: AgeDefault}
	}
	return t.Limits
}

func judge(r *lambda.Result) outcome {
	if r.FunctionError != "" {
		return failed
	}
	return succeeded
}

// note keeps what a dead letter says of the attempt.
func (v *envelope) note(o outcome, r *lambda.Result, err error) {
	switch o {
	case succeeded:
	case failed:
		v.Code, v.Message = http.StatusOK, errorMessage(r.Payload)
	case pushedBack:
		v.Code, v.Message = http.StatusInternalServerError, "Service error."
		if e, ok := errors.AsType[*lambda.Error](err); ok {
			v.Message = cut(e.Message)
			if e.Code == lambda.CodeTooManyRequests {
				v.Code = http.StatusTooManyRequests
			}
		}
	}
}

// gone says that the function or the qualifier does not exist any more.
func gone(err error) bool {
	e, ok := errors.AsType[*lambda.Error](err)
	return ok && e.Code == lambda.CodeResourceNotFound
}
