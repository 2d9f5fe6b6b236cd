package storetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/hearthfaas/hearth/internal/store"
)

func listPages(t *testing.T, s store.Store) {
	var want []string
	for i := range 25 {
		key := fmt.Sprintf("key-%02d", i)
		want = append(want, key)
	}
	for _, i := range []int{13, 2, 24, 0, 7} {
		apply(t, s, store.Change{Kind: "k", Key: want[i], Value: []byte("v")})
	}
	for _, key := range want {
		apply(t, s, store.Change{Kind: "k", Key: key, Value: []byte(key)})
	}
	for _, limit := range []int{1, 4, 25, 26} {
		var got []string
		after := ""
		for {
			page, err := s.List(t.Context(), "k", "key-", after, limit)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) > limit {
				t.Fatalf("a page of %d, limit %d", len(page), limit)
			}
			if len(page) == 0 {
				break
			}
			got = append(got, keysOf(page)...)
			after = got[len(got)-1]
		}
		if !slices.Equal(got, want) {
			t.Errorf("limit %d: got %q", limit, got)
		}
	}
	page, err := s.List(t.Context(), "k", "", "key-10x", 2)
	if got := keysOf(page); err != nil || !slices.Equal(got, []string{"key-11", "key-12"}) {
		t.Errorf("after a key that does not exist: got %q, %v", got, err)
	}
}

func listPrefix(t *testing.T, s store.Store) {
	keys := []string{"", "%", "%a", "_", "a", "a%", "a%b", "a_b", "aXb", "a\x00", "a\xff", "a\xff\xffz", "b", "\xff", "\xff\xff", "\xff\xffa", "[ab]", "A"}
	for _, key := range keys {
		apply(t, s, store.Change{Kind: "k", Key: key, Value: []byte("v")})
	}
	for _, prefix := range []string{"", "%", "_", "a", "a%", "a_", "a\x00", "a\xff", "a\xff\xff", "\xff", "\xff\xff", "[", "zz"} {
		for _, after := range []string{"", "a", "a%", "\xff"} {
			var want []string
			for _, key := range slices.Sorted(slices.Values(keys)) {
				if len(key) >= len(prefix) && key[:len(prefix)] == prefix && (after == "" || key > after) {
					want = append(want, key)
				}
			}
			list, err := s.List(t.Context(), "k", prefix, after, 100)
			if err != nil {
				t.Fatal(err)
			}
			if got := keysOf(list); !slices.Equal(got, want) {
				t.Errorf("prefix %q after %q: got %q, want %q", prefix, after, got, want)
			}
		}
	}
}

func kinds(t *testing.T, s store.Store) {
	apply(t, s,
		store.Change{Kind: "a", Key: "x", Value: []byte("1")},
		store.Change{Kind: "ab", Key: "x", Value: []byte("2")},
		store.Change{Kind: "a\x00", Key: "x", Value: []byte("3")},
	)
	for kind, want := range map[string]string{"a": "1", "ab": "2", "a\x00": "3"} {
		list, err := s.List(t.Context(), kind, "", "", 10)
		if err != nil || len(list) != 1 || string(list[0].Value) != want {
			t.Errorf("kind %q: got %+v, %v", kind, list, err)
		}
	}
}
