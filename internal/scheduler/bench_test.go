package scheduler

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hearthfaas/hearth/internal/store"
	"github.com/hearthfaas/hearth/internal/store/sqlite"
)

// countingTargets take everything at once.
type countingTargets struct {
	world
	calls atomic.Int64
	all   int64
	done  chan struct{}
}

func (c *countingTargets) Deliver(context.Context, Delivery) error {
	if c.calls.Add(1) == c.all {
		close(c.done)
	}
	return nil
}

// BenchmarkDueAtOnce runs schedules that are all due at the same moment, durably: a
// million invocations a day are twelve a second, and what is due on the hour is more.
func BenchmarkDueAtOnce(b *testing.B) {
	const schedules = 2000
	for b.Loop() {
		b.StopTimer()
		st, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "scheduler.db"), slog.New(slog.DiscardHandler))
		if err != nil {
			b.Fatal(err)
		}
		targets := &countingTargets{all: schedules, done: make(chan struct{})}
		s, err := Open(b.Context(), Config{Store: st, Roles: targets, Targets: targets})
		if err != nil {
			b.Fatal(err)
		}
		var all []store.Change
		for i := range schedules {
			change, err := s.schedules.PutChange(place{"1", "r"}.scheduleKey("g", fmt.Sprint(i)), scheduleRecord{
				ID: "i", Expression: "rate(1 hour)", Timezone: "UTC", Anchor: time.Now(), Next: time.Now(),
				Target: targetRecord{ARN: queue, RoleARN: goodRole, AgeSec: ageDefault, Retries: retriesDefault},
			}, 0)
			if err != nil {
				b.Fatal(err)
			}
			all = append(all, change)
		}
		if _, err := st.Apply(b.Context(), all...); err != nil {
			b.Fatal(err)
		}
		ctx, cancel := context.WithCancel(b.Context())
		ended := make(chan error, 1)
		b.StartTimer()
		go func() { ended <- s.Run(ctx) }()
		<-targets.done
		b.StopTimer()
		cancel()
		if err := <-ended; err != nil {
			b.Fatal(err)
		}
		s.Close()
		if err := st.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(b.N*schedules)/b.Elapsed().Seconds(), "invocations/s")
}
