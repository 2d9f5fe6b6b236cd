package frontend

import (
	"context"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// Async takes events that run later (asyncinvoke meets it).
type Async interface {
	// Accept returns nil once the event is on disk.
	Accept(ctx context.Context, ev Event) error
}

// Event is an asynchronous invoke that was admitted.
type Event struct {
	RequestID lambda.RequestID
	Function  lambda.FunctionID
	Qualifier string // as the caller gave it; empty for none
	TraceID   string
	TenantID  string
	// Looping says that the event is one too many of a loop: it is not to run, but
	// whoever hears of failures hears of it.
	Looping bool
	Payload []byte // JSON
}

// accept hands an event over. Neither the function's state nor its concurrency
// matter yet, and a client context does not go with it (Lambda API, Invoke).
func (f *Frontend[Slot, E]) accept(ctx context.Context, in Input, inv *lambda.Invocation, looping bool) (Output, error) {
	id, qualifier, err := resolve(in)
	if err != nil {
		return Output{}, err
	}
	err = f.async.Accept(ctx, Event{
		RequestID: inv.RequestID, Function: id, Qualifier: qualifier,
		TraceID: inv.TraceID, TenantID: inv.TenantID, Looping: looping, Payload: inv.Payload,
	})
	if err != nil {
		return Output{}, err
	}
	return Output{Status: 202, TraceID: inv.TraceID}, nil
}

// RunEvent runs one attempt of an event that was accepted before. Permissions were
// asked for then.
func (f *Frontend[Slot, E]) RunEvent(ctx context.Context, t Target, inv *lambda.Invocation) (lambda.Result, error) {
	if t.Refusal != nil {
		return lambda.Result{}, t.Refusal
	}
	v, err := tenanted(t.Version, inv.TenantID)
	if err != nil {
		return lambda.Result{}, err
	}
	return f.run(ctx, v, inv)
}
