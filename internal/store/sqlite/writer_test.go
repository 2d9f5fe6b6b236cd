package sqlite

import (
	"errors"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/hearthfaas/hearth/internal/store"
)

func newApply(key string, size int, cond store.Precondition) *apply {
	return &apply{changes: []store.Change{{Kind: "k", Key: key, Value: make([]byte, size), If: cond}}}
}

func testWriter(t *testing.T) *writer {
	t.Helper()
	w, err := openWriter(t.Context(), filepath.Join(t.TempDir(), "meta.db"), &store.Watchers{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *writer) keys(t *testing.T) string {
	t.Helper()
	rows, err := w.conn.QueryContext(t.Context(), `SELECT key FROM records ORDER BY key`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	out := ""
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			t.Fatal(err)
		}
		out += key
	}
	return out
}

// The file may not grow beyond a few pages, which one member of the group does not
// fit into.
func TestAMemberThatDoesNotFitTheDiskFailsAlone(t *testing.T) {
	w := testWriter(t)
	if _, err := w.conn.ExecContext(t.Context(), `PRAGMA max_page_count = 40`); err != nil {
		t.Fatal(err)
	}
	group := []*apply{newApply("a", 10, 0), newApply("b", 1<<20, 0), newApply("c", 10, 0), newApply("d", 10, 7)}
	if w.transact(group) == nil {
		t.Error("together they fit")
	}
	for i, wantErr := range []bool{false, true, false, true} {
		err := w.transact(group[i : i+1])
		if got := errors.Join(err, group[i].err); (got != nil) != wantErr {
			t.Errorf("member %d: got %v, want an error: %v", i, got, wantErr)
		}
	}
	if !errors.Is(group[3].err, store.ErrConflict) {
		t.Errorf("got %v, want ErrConflict", group[3].err)
	}
	if got := w.keys(t); got != "ac" {
		t.Errorf("got the keys %q, want ac", got)
	}
	if group[2].records[0].Revision <= group[0].records[0].Revision {
		t.Errorf("revisions %d and %d", group[0].records[0].Revision, group[2].records[0].Revision)
	}
}

func TestABrokenWriterSaysSoToEverybody(t *testing.T) {
	w := testWriter(t)
	w.broken = errors.New("the disk is gone")
	a, b := newApply("a", 1, 0), newApply("b", 1, 0)
	if err := w.transact([]*apply{a, b}); !errors.Is(err, w.broken) || w.keys(t) != "" {
		t.Errorf("got %v", err)
	}
}
