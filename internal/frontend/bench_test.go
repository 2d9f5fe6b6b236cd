package frontend

import (
	"context"
	"testing"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// BenchmarkInvoke is what the front door itself costs: its peers do nothing.
func BenchmarkInvoke(b *testing.B) {
	h := &house{run: func(context.Context, *lambda.Invocation) (lambda.Result, error) {
		return lambda.Result{Payload: []byte("{}")}, nil
	}}
	f, in := h.frontend(), request()
	in.Caller = lambda.Caller{Account: "1", Region: "r"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Invoke(b.Context(), in); err != nil {
			b.Fatal(err)
		}
	}
}
