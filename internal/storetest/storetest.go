// Package storetest is the contract of package store as tests. Every engine runs
// it; what is not tested here is not promised.
package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hearthfaas/hearth/internal/store"
)

// Run checks an engine. open makes an empty store for one test; the suite closes
// it.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, s store.Store)
	}{
		{"a record that was put can be read", putThenGet},
		{"a record that does not exist is not found", getMissing},
		{"values come back byte for byte", values},
		{"callers own their values", ownership},
		{"an empty value is a record and nil deletes", emptyValue},
		{"deleting what does not exist is no error", deleteMissing},
		{"revisions grow and are never used twice", revisions},
		{"records are returned in the order of the changes", order},
		{"preconditions", preconditions},
		{"a failed precondition undoes the whole apply", allOrNothing},
		{"preconditions look at the state before the apply", preconditionsBefore},
		{"a list is in byte order and pages by key", listPages},
		{"a prefix is bytes, not a pattern", listPrefix},
		{"kinds do not see each other", kinds},
		{"only one of many writers wins a revision", contention},
		{"concurrent counters lose no step", counters},
		{"a watch hears its kind in commit order before apply returns", watchOrder},
		{"a watch does not hear of what failed", watchFailure},
		{"a stopped watch hears nothing more", watchStop},
		{"an apply whose context has ended does nothing", endedContext},
		{"a closed store says so", closedStore},
		{"close waits for what was handed over", closeWaits},
		{"a table stores any type", table},
		{"a table keeps HTML characters as they are", tableHTML},
		{"a table yields every row", tableAll},
		{"a table watch decodes", tableWatch},
		{"a table names the record that does not decode", tableCorrupt},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			t.Cleanup(func() {
				if err := s.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			})
			c.test(t, s)
		})
	}
}

func putThenGet(t *testing.T, s store.Store) {
	put := apply(t, s, store.Change{Kind: "k", Key: "a", Value: []byte("one")})
	got, err := s.Get(t.Context(), "k", "a")
	if err != nil {
		t.Fatal(err)
	}
	if !equal(got, put[0]) {
		t.Errorf("got %v, want %v", got, put[0])
	}
	if got.Kind != "k" || got.Key != "a" || string(got.Value) != "one" || got.Revision < 1 {
		t.Errorf("got %+v", got)
	}
}

func getMissing(t *testing.T, s store.Store) {
	apply(t, s, store.Change{Kind: "k", Key: "a", Value: []byte("one")})
	for _, at := range [][2]string{{"k", "b"}, {"k", ""}, {"l", "a"}, {"k", "A"}} {
		if _, err := s.Get(t.Context(), at[0], at[1]); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("get %q %q: got %v, want ErrNotFound", at[0], at[1], err)
		}
	}
}

// awkward are keys and values with bytes that engines like to trip over.
var awkward = []string{"\x00", "a\x00b", "'", "%", "_", "*", "\xff", "\xff\xfe", "\xf0\x28\x8c\x28", "ü", "\n", "a/b:c"}

func values(t *testing.T, s store.Store) {
	for i, v := range append(awkward, strings.Repeat("x", 3<<20)) {
		key := fmt.Sprint(i)
		apply(t, s, store.Change{Kind: "k", Key: key, Value: []byte(v)})
		got, err := s.Get(t.Context(), "k", key)
		if err != nil || string(got.Value) != v {
			t.Errorf("value %.20q: got %.20q, %v", v, got.Value, err)
		}
	}
	for _, key := range awkward {
		apply(t, s, store.Change{Kind: "keys", Key: key, Value: []byte(key)})
	}
	for _, key := range awkward {
		got, err := s.Get(t.Context(), "keys", key)
		if err != nil || string(got.Value) != key || got.Key != key {
			t.Errorf("key %q: got %q, %v", key, got.Value, err)
		}
	}
	list, err := s.List(t.Context(), "keys", "", "", 100)
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Sorted(slices.Values(awkward))
	if got := keysOf(list); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func ownership(t *testing.T, s store.Store) {
	mine := []byte("one")
	out := apply(t, s, store.Change{Kind: "k", Key: "a", Value: mine})
	mine[0] = 'X'
	out[0].Value[1] = 'X'
	first, err := s.Get(t.Context(), "k", "a")
	if err != nil {
		t.Fatal(err)
	}
	first.Value[2] = 'X'
	list, err := s.List(t.Context(), "k", "", "", 1)
	if err != nil || string(list[0].Value) != "one" {
		t.Errorf("got %q, %v, want the value as it was put", list[0].Value, err)
	}
}

func emptyValue(t *testing.T, s store.Store) {
	out := apply(t, s, store.Change{Kind: "k", Key: "a", Value: []byte{}})
	if out[0].Value == nil || out[0].Revision == 0 {
		t.Errorf("got %+v, want an empty value that is not nil", out[0])
	}
	got, err := s.Get(t.Context(), "k", "a")
	if err != nil || got.Value == nil || len(got.Value) != 0 {
		t.Errorf("got %v, %v, want an empty value that is not nil", got.Value, err)
	}
	out = apply(t, s, store.Change{Kind: "k", Key: "a"})
	if !equal(out[0], store.Record{}) {
		t.Errorf("got %+v, want a zero record for a deletion", out[0])
	}
	if _, err := s.Get(t.Context(), "k", "a"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
}

func deleteMissing(t *testing.T, s store.Store) {
	out := apply(t, s, store.Change{Kind: "k", Key: "a"}, store.Change{Kind: "k", Key: "b", Value: []byte("b")})
	if !equal(out[0], store.Record{}) || string(out[1].Value) != "b" {
		t.Errorf("got %+v", out)
	}
}

func revisions(t *testing.T, s store.Store) {
	last := int64(0)
	for i := range 5 {
		for _, key := range []string{"a", "b"} {
			out := apply(t, s, store.Change{Kind: fmt.Sprint("k", i%2), Key: key, Value: []byte("v")})
			if out[0].Revision <= last {
				t.Fatalf("revision %d after %d", out[0].Revision, last)
			}
			last = out[0].Revision
			apply(t, s, store.Change{Kind: fmt.Sprint("k", i%2), Key: key})
		}
	}
}

func order(t *testing.T, s store.Store) {
	out := apply(t, s,
		store.Change{Kind: "k", Key: "z", Value: []byte("1")},
		store.Change{Kind: "k", Key: "missing"},
		store.Change{Kind: "j", Key: "a", Value: []byte("2")},
	)
	if len(out) != 3 || out[0].Key != "z" || out[1].Revision != 0 || out[2].Kind != "j" || out[2].Revision <= out[0].Revision {
		t.Errorf("got %+v", out)
	}
}

func keysOf(recs []store.Record) []string {
	var keys []string
	for _, r := range recs {
		keys = append(keys, r.Key)
	}
	return keys
}

func apply(t testing.TB, s store.Store, changes ...store.Change) []store.Record {
	t.Helper()
	out, err := s.Apply(t.Context(), changes...)
	if err != nil {
		t.Fatalf("apply: %v", err)
	}
	return out
}

func equal(a, b store.Record) bool {
	return a.Kind == b.Kind && a.Key == b.Key && a.Revision == b.Revision && string(a.Value) == string(b.Value)
}

// together runs f in n goroutines and waits for all.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}
