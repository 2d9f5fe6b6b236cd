package disk

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/hearthfaas/hearth/internal/store/filelock"
)

func open(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func put(t *testing.T, s *Store, space Space, keys ...string) {
	t.Helper()
	err := s.Write(t.Context(), Write{Do: func(tx *Tx) error {
		for _, k := range keys {
			tx.Put(space, []byte(k), []byte("of "+k))
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
}

func keys(t *testing.T, s *Store, space Space, from, to string, down bool) string {
	t.Helper()
	var end []byte
	if to != "" {
		end = []byte(to)
	}
	var out []string
	err := s.Range(t.Context(), space, []byte(from), end, down, func(key, value []byte) (bool, error) {
		if string(value) != "of "+string(key) {
			t.Errorf("%s has %s", key, value)
		}
		out = append(out, string(key))
		return len(out) < 4, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(out, " ")
}

func TestRangesGoBothWays(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "x.db"))
	put(t, s, 1, "b", "a", "d", "c", "\xff\xff", "e")
	put(t, s, 2, "bb")
	for _, c := range []struct {
		from, to string
		down     bool
		want     string
	}{
		{"", "", false, "a b c d"}, {"", "", true, "\xff\xff e d c"}, {"b", "d", false, "b c"}, {"b", "d", true, "c b"}, {"f", "", false, "\xff\xff"}, {"x", "y", false, ""},
	} {
		if got := keys(t, s, 1, c.from, c.to, c.down); got != c.want {
			t.Errorf("%q to %q: got %q, want %q", c.from, c.to, got, c.want)
		}
	}
}

// TestAFailedWriteLeavesNothing holds that one write of a group that fails takes
// nothing of itself and nobody else along.
func TestAFailedWriteLeavesNothing(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "x.db"))
	refused := errors.New("refused")
	var wg sync.WaitGroup
	for n := range 50 {
		wg.Go(func() {
			key := []byte(fmt.Sprintf("%02d", n))
			err := s.Write(t.Context(), Write{Do: func(tx *Tx) error {
				tx.Put(1, key, []byte("of "+string(key)))
				tx.Count(1, Stats{Items: 1, Bytes: 2})
				if v, err := tx.Get(1, key); err != nil || v == nil {
					return fmt.Errorf("it does not see what it has put: %w", err)
				}
				tx.Remove(1, []byte("other"))
				if n%2 == 1 {
					return refused
				}
				return nil
			}})
			if n%2 == 1 && !errors.Is(err, refused) || n%2 == 0 && err != nil {
				t.Errorf("%d: got %v", n, err)
			}
		})
	}
	wg.Wait()
	n := 0
	err := s.Range(t.Context(), 1, nil, nil, false, func(_, _ []byte) (bool, error) { n++; return true, nil })
	if err != nil || n != 25 {
		t.Errorf("got %d keys, %v", n, err)
	}
	if got := s.Stats(1); got != (Stats{25, 50}) {
		t.Errorf("got %v", got)
	}
}

func TestWhatWasWrittenIsThereAfterwards(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	s := open(t, path)
	put(t, s, 1, "a")
	var space Space
	shown := ""
	err := s.Write(t.Context(), Write{
		Alone: true,
		Do: func(tx *Tx) (err error) {
			space, err = tx.NewSpace()
			tx.Put(space, []byte("k"), nil)
			tx.Count(space, Stats{Items: 1})
			return err
		},
		Then: func() { shown = "yes" },
	})
	if err != nil || space <= firstSpace || shown != "yes" {
		t.Errorf("got %d, %q, %v", space, shown, err)
	}
	if _, err := Open(t.Context(), path, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("opened twice")
	} else if _, held := errors.AsType[*filelock.HeldError](err); !held {
		t.Errorf("got %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Write(t.Context(), Write{Do: func(*Tx) error { return nil }}); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
	s = open(t, path)
	all, err := s.GetAll(t.Context(), []Key{{1, []byte("a")}, {space, []byte("k")}, {1, []byte("none")}})
	if err != nil || string(all[0]) != "of a" || all[1] == nil || all[2] != nil {
		t.Errorf("got %q, %v", all, err)
	}
	if got := s.Stats(space); got.Items != 1 {
		t.Errorf("got %v", got)
	}
	err = s.Write(t.Context(), Write{Do: func(tx *Tx) error {
		next, err := tx.NewSpace()
		if next <= space {
			t.Errorf("space %d after %d", next, space)
		}
		return err
	}})
	if err != nil {
		t.Error(err)
	}
}
