package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/hearthfaas/hearth/internal/store"
	"github.com/hearthfaas/hearth/internal/store/mem"
)

// failing fails every List after the first few.
type failing struct {
	store.Store
	good int
}

var errDisk = errors.New("the disk is gone")

func (f *failing) List(ctx context.Context, kind, prefix, after string, limit int) ([]store.Record, error) {
	if f.good--; f.good < 0 {
		return nil, errDisk
	}
	return f.Store.List(ctx, kind, prefix, after, limit)
}

// filled is a store with n records of a number each.
func filled(t *testing.T, n int) store.Store {
	t.Helper()
	s := mem.New()
	rows := store.NewTable[int](s, "k")
	for i := range n {
		if _, err := rows.Put(t.Context(), fmt.Sprintf("%06d", i), i, 0); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// Goal: what All read ahead ends with it, whenever its caller stops. Method: a bubble,
// which fails when a goroutine is left.
func TestAllEndsWithItsCaller(t *testing.T) {
	for _, stop := range []int{1, 255, 256, 257, 1000, 3000} {
		synctest.Test(t, func(t *testing.T) {
			rows := store.NewTable[int](filled(t, 3000), "k")
			n := 0
			for row, err := range rows.All(t.Context(), "") {
				if err != nil || row.Value != n {
					t.Fatalf("row %d is %d, %v", n, row.Value, err)
				}
				if n++; n == stop {
					break
				}
			}
			if n != stop {
				t.Errorf("%d rows, want %d", n, stop)
			}
		})
	}
}

func TestAllYieldsWhatComesBeforeAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := filled(t, 3000)
		if _, err := s.Apply(t.Context(), store.Change{Kind: "k", Key: "000700", Value: []byte("no number")}); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			name  string
			store store.Store
			want  int
			is    error
		}{
			{"the first page cannot be read", &failing{s, 0}, 0, errDisk},
			{"a later page cannot be read", &failing{s, 2}, 512, errDisk},
			{"a record is no number", s, 700, nil},
		} {
			n := 0
			var last error
			for row, err := range store.NewTable[int](c.store, "k").All(t.Context(), "") {
				if last = err; err == nil {
					if row.Value != n {
						t.Errorf("%s: row %d is %d", c.name, n, row.Value)
					}
					n++
				}
			}
			if n != c.want || last == nil || c.is != nil && !errors.Is(last, c.is) {
				t.Errorf("%s: %d rows and %v, want %d and an error", c.name, n, last, c.want)
			}
		}
	})
}

// Goal: who reads a table while its context ends does not take a part for the whole.
// Method: more pages than are read ahead.
func TestAllSaysThatItsContextEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		rows := store.NewTable[int](filled(t, 20_000), "k")
		n := 0
		var last error
		for _, err := range rows.All(ctx, "") {
			if last = err; err == nil {
				n++
			}
			if n == 300 {
				cancel()
			}
		}
		if !errors.Is(last, context.Canceled) || n == 20_000 {
			t.Errorf("%d rows and %v, want a part and that the context was canceled", n, last)
		}
	})
}
