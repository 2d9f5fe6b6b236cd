package newfile

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"
)

const script = `CREATE TABLE t (k INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'one'); PRAGMA user_version = 7;`

func open(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=synchronous(FULL)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func one[T any](t *testing.T, db *sql.DB, query string) T {
	t.Helper()
	var v T
	if err := db.QueryRowContext(t.Context(), query).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

func TestAFileIsMadeWithItsLogAndItsTables(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	if err := Make(t.Context(), path, script); err != nil {
		t.Fatal(err)
	}
	db := open(t, path)
	if got := one[string](t, db, "PRAGMA journal_mode"); got != "wal" {
		t.Errorf("journal mode %q, want wal", got)
	}
	if got := one[string](t, db, "PRAGMA integrity_check"); got != "ok" {
		t.Errorf("integrity: %s", got)
	}
	if got := one[int](t, db, "PRAGMA user_version"); got != 7 {
		t.Errorf("version %d, want 7", got)
	}
	if _, err := db.ExecContext(t.Context(), "INSERT INTO t VALUES (2, 'two')"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + "-wal"); err != nil {
		t.Errorf("a write went past the log: %v", err)
	}
	if err := Make(t.Context(), path, script); err != nil {
		t.Fatal(err)
	}
	if got := one[int](t, db, "SELECT count(*) FROM t"); got != 2 {
		t.Errorf("%d rows after it was made again, want the 2 that were there", got)
	}
}

// Goal: whenever a process dies while it makes a file, the next makes it anew. Method:
// the unfinished file is left there in several lengths.
func TestAFileThatWasNotFinishedIsMadeAnew(t *testing.T) {
	image, err := build(t.Context(), script)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, 100, len(image) - 1, len(image)} {
		path := filepath.Join(t.TempDir(), "a.db")
		if err := os.WriteFile(path+unfinished, append(image[:n:n], make([]byte, 9000)...), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := Make(t.Context(), path, script); err != nil {
			t.Fatal(err)
		}
		if got := one[string](t, open(t, path), "SELECT v FROM t"); got != "one" {
			t.Errorf("with %d bytes there: %q", n, got)
		}
		if _, err := os.Stat(path + unfinished); err == nil {
			t.Error("the unfinished file is still there")
		}
	}
}

// Goal: the log of a file that somebody removed does not come into the new one. Method: a
// log as a killed process leaves it.
func TestTheLogOfAnEarlierFileIsNotPlayed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	if err := Make(t.Context(), path, script); err != nil {
		t.Fatal(err)
	}
	db := open(t, path)
	if _, err := db.ExecContext(t.Context(), "UPDATE t SET v = 'of the earlier file'"); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadFile(path + "-wal")
	if err == nil {
		err = db.Close()
	}
	if err == nil {
		err = os.Remove(path)
	}
	if err == nil {
		err = os.WriteFile(path+"-wal", left, 0o600)
	}
	if err == nil {
		err = Make(t.Context(), path, script)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := one[string](t, open(t, path), "SELECT v FROM t"); got != "one" {
		t.Errorf("the new file has %q", got)
	}
}

func TestAScriptThatFailsLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	if err := Make(t.Context(), filepath.Join(dir, "a.db"), "CREATE TABLE t (k); nonsense"); err == nil {
		t.Fatal("no error")
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}
