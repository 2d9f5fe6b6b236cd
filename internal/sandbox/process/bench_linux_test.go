package process_test

import (
	"testing"

	"github.com/hearthfaas/hearth/internal/sandboxtest"
)

func BenchmarkCreateStartExit(b *testing.B) { sandboxtest.Benchmark(b, open) }
