package sqlite_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/hearthfaas/hearth/internal/store"
	"github.com/hearthfaas/hearth/internal/store/filelock"
	"github.com/hearthfaas/hearth/internal/store/sqlite"
	"github.com/hearthfaas/hearth/internal/storetest"
)

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, filepath.Join(t.TempDir(), "meta.db")) })
}

func TestDurable(t *testing.T) {
	storetest.RunDurable(t, func(dir string) (store.Store, error) {
		return sqlite.Open(t.Context(), filepath.Join(dir, "meta.db"), slog.New(slog.DiscardHandler))
	})
}

func TestASecondOpenNamesTheProcessThatHasTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "meta.db")
	s := open(t, path)
	_, err := sqlite.Open(t.Context(), path, slog.New(slog.DiscardHandler))
	held, ok := errors.AsType[*filelock.HeldError](err)
	if !ok || held.PID != os.Getpid() {
		t.Fatalf("got %v, want a HeldError with pid %d", err, os.Getpid())
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, path)
}

func TestAnUnusualPathIsOpenedAsItIs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a b?c#d%41&e")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "m;e+ta.db")
	s := open(t, path)
	if _, err := s.Apply(t.Context(), store.Change{Kind: "k", Key: "a", Value: []byte("v")}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestAFileOfALaterSchemaIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "meta.db")
	// An SQLite header with user_version 99 at offset 60, page size 512, one page.
	if err := os.WriteFile(path, laterSchema(), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := sqlite.Open(t.Context(), path, slog.New(slog.DiscardHandler))
	if err == nil {
		s.Close()
		t.Fatal("opened a file of schema version 99")
	}
	t.Log(err)
	lock, err := filelock.Acquire(path + ".lock")
	if err != nil {
		t.Fatalf("the failed open kept its lock: %v", err)
	}
	lock.Release()
}

func laterSchema() []byte {
	b := make([]byte, 512)
	copy(b, "SQLite format 3\x00")
	b[16], b[17] = 2, 0              // page size 512
	b[18], b[19] = 1, 1              // rollback journal
	b[21], b[22], b[23] = 64, 32, 32 // payload fractions
	b[27], b[31] = 1, 1              // change counter, pages
	b[47], b[59], b[63] = 4, 1, 99   // schema format, UTF-8, user_version
	b[95] = 1                        // version-valid-for
	b[100] = 13                      // an empty leaf table page
	b[105], b[106] = 2, 0            // cell content area at 512
	return b
}

func open(t testing.TB, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}
