package namespace_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/hearthfaas/hearth/internal/sandbox"
	"github.com/hearthfaas/hearth/internal/sandbox/namespace"
	"github.com/hearthfaas/hearth/internal/sandboxtest"
)

func BenchmarkRootCreateStartExit(b *testing.B) {
	needRoot(b)
	sandboxtest.Benchmark(b, opener(b))
}

// The same with Run keeping network namespaces and /tmp images in store, as in a
// running Hearth.
func BenchmarkRootCreateStartExitFromStock(b *testing.B) {
	needRoot(b)
	open := opener(b)
	sandboxtest.Benchmark(b, func(t testing.TB) sandbox.Driver {
		t.Helper()
		d := open(t)
		ctx, cancel := context.WithCancel(context.Background())
		var group sync.WaitGroup
		group.Go(func() { _ = d.(*namespace.Driver).Run(ctx) })
		t.Cleanup(func() { cancel(); group.Wait() })
		return d
	})
}

// BenchmarkRootFreezeThaw measures stopping and waking an idle environment.
func BenchmarkRootFreezeThaw(b *testing.B) {
	needRoot(b)
	d := opener(b)(b)
	env, err := d.Create(b.Context(), sandboxtest.Spec(sandboxtest.Payload(b)))
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := env.Destroy(context.Background()); err != nil {
			b.Error(err)
		}
	}()
	if _, err := env.Start(b.Context(), sandbox.Command{Path: "/var/task/payload", Args: []string{"sleep"}}); err != nil {
		b.Fatal(err)
	}
	var freeze, thaw time.Duration
	for b.Loop() {
		begin := time.Now()
		if err := env.Freeze(b.Context()); err != nil {
			b.Fatal(err)
		}
		freeze += time.Since(begin)
		begin = time.Now()
		if err := env.Thaw(b.Context()); err != nil {
			b.Fatal(err)
		}
		thaw += time.Since(begin)
	}
	b.ReportMetric(float64(freeze.Microseconds())/float64(b.N), "µs-freeze")
	b.ReportMetric(float64(thaw.Microseconds())/float64(b.N), "µs-thaw")
}
