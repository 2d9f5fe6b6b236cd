package sqlite_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/hearthfaas/hearth/internal/store"
)

// BenchmarkApply measures durable writes of 1 KiB beside the floor of the same
// disk: appending as many bytes to a file and syncing it.
func BenchmarkApply(b *testing.B) {
	value := make([]byte, 1024)
	b.Run("raw write and fsync", func(b *testing.B) {
		f, err := os.Create(filepath.Join(b.TempDir(), "raw"))
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		for b.Loop() {
			if _, err := f.Write(value); err != nil {
				b.Fatal(err)
			}
			if err := f.Sync(); err != nil {
				b.Fatal(err)
			}
		}
		perSecond(b)
	})
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprintf("%d writers", writers), func(b *testing.B) {
			s := open(b, filepath.Join(b.TempDir(), "meta.db"))
			var n atomic.Int64
			next := func() (int64, bool) { i := n.Add(1); return i, i <= int64(b.N) }
			b.ResetTimer()
			done := make(chan error, writers)
			for range writers {
				go func() {
					for {
						i, ok := next()
						if !ok {
							done <- nil
							return
						}
						if _, err := s.Apply(b.Context(), store.Change{Kind: "k", Key: fmt.Sprintf("%09d", i), Value: value}); err != nil {
							done <- err
							return
						}
					}
				}()
			}
			for range writers {
				if err := <-done; err != nil {
					b.Fatal(err)
				}
			}
			perSecond(b)
		})
	}
}

// BenchmarkGet measures a read of one record of 1 KiB.
func BenchmarkGet(b *testing.B) {
	s := open(b, filepath.Join(b.TempDir(), "meta.db"))
	if _, err := s.Apply(b.Context(), store.Change{Kind: "k", Key: "a", Value: make([]byte, 1024)}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := s.Get(b.Context(), "k", "a"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpen measures opening and closing: first an empty directory each time,
// then a file that exists.
func BenchmarkOpen(b *testing.B) {
	b.Run("new file", func(b *testing.B) {
		dir := b.TempDir()
		for i := range b.N {
			open(b, filepath.Join(dir, fmt.Sprint(i))).Close()
		}
	})
	b.Run("existing file", func(b *testing.B) {
		path := filepath.Join(b.TempDir(), "meta.db")
		open(b, path).Close()
		for b.Loop() {
			open(b, path).Close()
		}
	})
}

// BenchmarkAll measures reading 10,000 records of the size of a function's, as a start
// does.
func BenchmarkAll(b *testing.B) {
	type record struct {
		Name, Role, Runtime string
		Variables           map[string]string
		Layers              []struct{ ARN, Digest string }
	}
	s := open(b, filepath.Join(b.TempDir(), "meta.db"))
	t := store.NewTable[record](s, "function")
	v := record{Role: "arn:aws:iam::000000000000:role/r", Runtime: "nodejs20.x", Variables: map[string]string{}}
	for i := range 12 {
		v.Variables[fmt.Sprint("NAME", i)] = "a value of some forty characters or so"
		v.Layers = append(v.Layers, struct{ ARN, Digest string }{"arn:aws:lambda:us-east-1:000000000000:layer:l:1", "digest"})
	}
	const n = 10_000
	for i := 0; i < n; i += 100 {
		var changes []store.Change
		for k := range 100 {
			v.Name = fmt.Sprintf("%06d", i+k)
			c, err := t.PutChange(v.Name, v, 0)
			if err != nil {
				b.Fatal(err)
			}
			changes = append(changes, c)
		}
		if _, err := s.Apply(b.Context(), changes...); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		got := 0
		for _, err := range t.All(b.Context(), "") {
			if err != nil {
				b.Fatal(err)
			}
			got++
		}
		if got != n {
			b.Fatalf("%d records, want %d", got, n)
		}
	}
}

func perSecond(b *testing.B) {
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
}
