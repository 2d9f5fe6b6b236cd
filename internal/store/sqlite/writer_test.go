package sqlite

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/hearthfaas/hearth/internal/store"
)

func newApply(key string, size int, cond store.Precondition) *apply {
	return &apply{
		changes: []store.Change{{Kind: "k", Key: key, Value: make([]byte, size), If: cond}},
		done:    make(chan struct{}),
	}
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
	w.writeGroup(group)
	for i, wantErr := range []bool{false, true, false, true} {
		<-group[i].done
		if got := group[i].err != nil; got != wantErr {
			t.Errorf("member %d: got %v, want an error: %v", i, group[i].err, wantErr)
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

func TestAGroupIsBounded(t *testing.T) {
	waiting := make(chan *apply, waitingMax+10)
	for range waitingMax + 10 {
		waiting <- newApply("a", 1, 0)
	}
	if got := len(gather(newApply("a", 1, 0), waiting)); got != waitingMax {
		t.Errorf("got %d members, want %d", got, waitingMax)
	}
	waiting = make(chan *apply, 10)
	for range 10 {
		waiting <- newApply("a", groupBytesMax/4, 0)
	}
	if got := len(gather(newApply("a", 1, 0), waiting)); got != 5 {
		t.Errorf("got %d large members, want 5", got)
	}
}

func TestAnApplyThatWasGivenUpIsNotWritten(t *testing.T) {
	w := testWriter(t)
	a, b := newApply("a", 1, 0), newApply("b", 1, 0)
	a.state.Store(applyGivenUp)
	w.writeGroup([]*apply{a, b})
	<-b.done
	if got := w.keys(t); got != "b" {
		t.Errorf("got the keys %q, want b", got)
	}
}

func TestABrokenWriterSaysSoToEverybody(t *testing.T) {
	w := testWriter(t)
	w.broken = errors.New("the disk is gone")
	a, b := newApply("a", 1, 0), newApply("b", 1, 0)
	w.writeGroup([]*apply{a, b})
	<-a.done
	<-b.done
	if !errors.Is(a.err, w.broken) || !errors.Is(b.err, w.broken) || w.keys(t) != "" {
		t.Errorf("got %v and %v", a.err, b.err)
	}
}

func TestAContextThatEndsWhileWaitingGivesUp(t *testing.T) {
	s := &Store{waiting: make(chan *apply, 1)} // nobody writes
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := s.Apply(ctx, store.Change{Kind: "k", Key: "a", Value: []byte("v")})
		done <- err
	}()
	a := <-s.waiting
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if a.state.Load() != applyGivenUp {
		t.Error("the apply can still be taken")
	}
}
