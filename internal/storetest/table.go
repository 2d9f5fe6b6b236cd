package storetest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/hearthfaas/hearth/internal/store"
)

type row struct {
	Name string
	Tags map[string]string `json:",omitempty"`
}

func table(t *testing.T, s store.Store) {
	rows := store.NewTable[row](s, "row")
	rev, err := rows.Put(t.Context(), "a", row{Name: "one", Tags: map[string]string{"k": "v"}}, store.Absent)
	if err != nil {
		t.Fatal(err)
	}
	got, gotRev, err := rows.Get(t.Context(), "a")
	if err != nil || got.Name != "one" || got.Tags["k"] != "v" || gotRev != rev {
		t.Errorf("got %+v at %d, %v", got, gotRev, err)
	}
	if _, err := rows.Put(t.Context(), "a", row{}, store.Absent); !errors.Is(err, store.ErrConflict) {
		t.Errorf("got %v, want ErrConflict", err)
	}
	if err := rows.Delete(t.Context(), "a", store.Precondition(rev+1)); !errors.Is(err, store.ErrConflict) {
		t.Errorf("got %v, want ErrConflict", err)
	}
	if err := rows.Delete(t.Context(), "a", store.Precondition(rev)); err != nil {
		t.Errorf("got %v", err)
	}
	if _, _, err := rows.Get(t.Context(), "a"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	if _, err := store.NewTable[func()](s, "f").PutChange("a", nil, 0); err == nil {
		t.Error("a function has no JSON form, yet PutChange made a change of it")
	}
}

func tableHTML(t *testing.T, s store.Store) {
	rows := store.NewTable[row](s, "row")
	if _, err := rows.Put(t.Context(), "a", row{Name: "<a & b>"}, 0); err != nil {
		t.Fatal(err)
	}
	rec, err := s.Get(t.Context(), "row", "a")
	if want := `{"Name":"<a & b>"}`; err != nil || string(rec.Value) != want {
		t.Errorf("got %s, %v, want %s", rec.Value, err, want)
	}
}

func tableAll(t *testing.T, s store.Store) {
	rows := store.NewTable[int](s, "n")
	const n = 600 // more than two pages
	var changes []store.Change
	for i := range n {
		c, err := rows.PutChange(fmt.Sprintf("p/%04d", i), i, 0)
		if err != nil {
			t.Fatal(err)
		}
		changes = append(changes, c)
	}
	changes = append(changes, store.Change{Kind: "n", Key: "q", Value: []byte("-1")})
	apply(t, s, changes...)
	want := 0
	for row, err := range rows.All(t.Context(), "p/") {
		if err != nil || row.Value != want {
			t.Fatalf("got %+v, %v, want %d", row, err, want)
		}
		want++
	}
	if want != n {
		t.Errorf("got %d rows, want %d", want, n)
	}
	for range rows.All(t.Context(), "p/") {
		break // ending early must be possible
	}
}

func tableWatch(t *testing.T, s store.Store) {
	rows := store.NewTable[row](s, "row")
	var heard []store.RowEvent[row]
	defer rows.Watch(func(e store.RowEvent[row]) { heard = append(heard, e) })()
	if _, err := rows.Put(t.Context(), "a", row{Name: "one"}, 0); err != nil {
		t.Fatal(err)
	}
	if err := rows.Delete(t.Context(), "a", 0); err != nil {
		t.Fatal(err)
	}
	apply(t, s, store.Change{Kind: "row", Key: "b", Value: []byte("{")})
	if len(heard) != 3 || heard[0].Value.Name != "one" || !heard[1].Deleted || heard[1].Key != "a" || heard[2].Err == nil {
		t.Errorf("heard %+v", heard)
	}
}

func tableCorrupt(t *testing.T, s store.Store) {
	rows := store.NewTable[row](s, "row")
	apply(t, s, store.Change{Kind: "row", Key: "bad", Value: []byte(`{"Name":7}`)})
	_, _, err := rows.Get(t.Context(), "bad")
	if err == nil || !strings.Contains(err.Error(), `row "bad"`) {
		t.Errorf("got %v, want an error that names the record", err)
	}
	if _, err := rows.List(t.Context(), "", "", 10); err == nil {
		t.Error("list decoded a record that is no row")
	}
}
