package frontend

import (
	"context"
	"slices"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// InvokeStream runs one event and passes the answer to sink as it comes: the bytes
// that a streaming function writes, or the whole of an answer that is no stream.
// When the function fails, before its first byte or after some, the output has the
// error and the sink has what came before. Refusals are errors, as Invoke's, and
// leave the sink untouched.
//
// The slot and the environment are given back when the function is done, also while
// a slow caller still takes the last bytes.
func (f *Frontend[Slot, E]) InvokeStream(ctx context.Context, in Input, sink lambda.Sink) (Output, error) {
	if types := []lambda.InvocationType{lambda.RequestResponse, lambda.DryRun}; !slices.Contains(types, in.Type) {
		return Output{}, lambda.Errorf(lambda.CodeValidation,
			"1 validation error detected: Value '%s' at 'invocationType' failed to satisfy constraint: Member must satisfy enum value set: [RequestResponse, DryRun]", in.Type)
	}
	target, inv, err := f.admit(ctx, in)
	if err != nil {
		return Output{}, err
	}
	out := Output{Status: 200, ExecutedVersion: target.Version.Version, TraceID: inv.TraceID}
	if in.Type == lambda.DryRun {
		return Output{Status: 204, ExecutedVersion: out.ExecutedVersion}, nil
	}
	if target.Refusal != nil {
		return Output{}, target.Refusal
	}
	head := lambda.StreamHead{ExecutedVersion: out.ExecutedVersion, TraceID: out.TraceID}
	// The sink itself knows whether its caller is still there.
	ctx = context.WithoutCancel(ctx)
	result, began, err := f.stream(ctx, target.Version, inv, head, sink)
	if err != nil {
		return Output{}, err
	}
	out.Result = result
	if !began && out.Result.FunctionError == "" {
		// The answer came in one piece.
		head.ContentType = lambda.ContentTypeJSON
		if sink.Begin(ctx, head) == nil {
			_ = sink.Write(ctx, out.Result.Payload) // a caller that is gone misses it
		}
		out.Result.Payload = nil
	}
	return out, nil
}

// stream runs the invocation while another goroutine passes its answer on, and
// returns when both have ended. It reports whether the sink was told to begin.
func (f *Frontend[Slot, E]) stream(ctx context.Context, v *lambda.Version, inv *lambda.Invocation, head lambda.StreamHead, sink lambda.Sink) (lambda.Result, bool, error) {
	r := newRelay(head)
	inv.Sink = r
	began := make(chan bool, 1)
	go func() { began <- r.pump(ctx, sink) }()
	result, err := func() (lambda.Result, error) {
		defer r.close()
		return f.run(ctx, v, inv)
	}()
	return result, <-began, err
}
