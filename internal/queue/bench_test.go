package queue

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hearthfaas/hearth/internal/store"
	"github.com/hearthfaas/hearth/internal/store/sqlite"
)

func readDir(dir string) (int, error) {
	entries, err := os.ReadDir(dir)
	return len(entries), err
}

// spread runs fn n times, from so many goroutines.
func spread(b *testing.B, clients int, fn func(i int) error) {
	b.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				if err := fn(int(i)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// BenchmarkQueue measures messages of 1 KiB, durable at each step, beside the group
// commit of the store's records on the same disk.
func BenchmarkQueue(b *testing.B) {
	value := make([]byte, 1024)
	for _, clients := range []int{1, 64} {
		b.Run(fmt.Sprintf("store apply/%d clients", clients), func(b *testing.B) {
			s, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "meta.db"), slog.New(slog.DiscardHandler))
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			b.ResetTimer()
			spread(b, clients, func(i int) error {
				_, err := s.Apply(b.Context(), store.Change{Kind: "k", Key: fmt.Sprintf("%09d", i), Value: value})
				return err
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
		})
		for _, behind := range []int{0, 200_000} {
			b.Run(fmt.Sprintf("send/%d clients/%d delayed behind", clients, behind), func(b *testing.B) {
				e := loaded(b, behind)
				spread(b, clients, func(int) error {
					_, err := e.Send(b.Context(), q1, Outgoing{Body: value})
					return err
				})
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
			})
			b.Run(fmt.Sprintf("receive and delete/%d clients/%d delayed behind", clients, behind), func(b *testing.B) {
				e := loaded(b, behind)
				fill(b, e, b.N*ReceiveMax, 0)
				b.ResetTimer()
				spread(b, clients, func(int) error {
					hide := time.Hour
					got, err := e.Receive(b.Context(), q1, Request{Max: ReceiveMax, Visibility: &hide})
					if err != nil {
						return err
					}
					receipts := make([]string, len(got))
					for i := range got {
						receipts[i] = got[i].Receipt
					}
					_, err = e.Remove(b.Context(), q1, receipts...)
					return err
				})
				b.ReportMetric(float64(b.N*ReceiveMax)/b.Elapsed().Seconds(), "msg/s")
			})
		}
	}
}

// BenchmarkOpen measures the start with 200,000 messages in a queue.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	e := open(b, dir, time.Now)
	if err := e.Create(b.Context(), q1, Settings{}); err != nil {
		b.Fatal(err)
	}
	fill(b, e, 200_000, time.Hour)
	if err := e.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		e, err := Open(b.Context(), Config{Dir: dir})
		if err != nil {
			b.Fatal(err)
		}
		if err := e.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func loaded(b *testing.B, behind int) *Engine {
	b.Helper()
	e := open(b, b.TempDir(), time.Now)
	if err := e.Create(b.Context(), q1, Settings{}); err != nil {
		b.Fatal(err)
	}
	fill(b, e, behind, 10*time.Hour)
	b.ResetTimer()
	return e
}

func fill(b *testing.B, e *Engine, n int, delay time.Duration) {
	b.Helper()
	for n > 0 {
		batch := make([]Outgoing, min(n, 1000))
		for i := range batch {
			batch[i] = Outgoing{Body: make([]byte, 1024), Delay: &delay}
		}
		if _, err := e.Send(b.Context(), q1, batch...); err != nil {
			b.Fatal(err)
		}
		n -= len(batch)
	}
}
