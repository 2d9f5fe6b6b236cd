// Package sqlite is the store on one machine: records in one SQLite file, in WAL
// mode with every commit synced to disk.
//
// It decides what an Apply reads and writes; how waiting ones share one transaction
// and one sync is package groupcommit's. What a record means is its users' affair; what the methods promise is
// said in package store.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"time"

	"github.com/hearthfaas/hearth/internal/store"
	"github.com/hearthfaas/hearth/internal/store/filelock"
	"github.com/hearthfaas/hearth/internal/store/groupcommit"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// readersMax bounds the connections that read at the same time. Each costs a page
// cache of up to 2 MB, and more readers than cores only wait for one another.
const readersMax = 4

// readerIdle is how long an unused reading connection is kept.
const readerIdle = time.Minute

// schema is carried out on a new file. Keys are blobs because they compare byte by
// byte and hold any byte. The revision has a row of its own, so that one is not
// used again after the record that had it was deleted.
const schema = `
CREATE TABLE IF NOT EXISTS records (
	kind BLOB NOT NULL,
	key BLOB NOT NULL,
	revision INTEGER NOT NULL,
	value BLOB NOT NULL,
	PRIMARY KEY (kind, key)
);
CREATE TABLE IF NOT EXISTS counter (id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL);
INSERT OR IGNORE INTO counter VALUES (1, 0);
`

// Store is a store.Store in one SQLite file.
type Store struct {
	watchers store.Watchers
	lock     *filelock.Lock
	readers  *sql.DB
	get      *sql.Stmt
	list     *sql.Stmt
	listEnd  *sql.Stmt
	writer   *writer
	line     *groupcommit.Line[*apply] // nil until the writer is there
}

var _ store.Store = (*Store)(nil)

// Open opens the file at path, making it when it does not exist, and starts the
// one goroutine that writes to it. Close stops that goroutine and waits for it.
// The directory must exist. When another process has the file open the error is a
// *filelock.HeldError that names it.
func Open(ctx context.Context, path string, log *slog.Logger) (*Store, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	lock, err := filelock.Acquire(abs + ".lock")
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	s := &Store{lock: lock}
	if err := s.open(ctx, abs, log); err != nil {
		return nil, errors.Join(fmt.Errorf("open store %s: %w", abs, err), s.release())
	}
	s.line = groupcommit.Start(groupcommit.Config[*apply]{
		Commit: s.writer.transact,
		Broken: func() bool { return s.writer.broken != nil },
		Size:   (*apply).size,
	})
	return s, nil
}

func (s *Store) open(ctx context.Context, path string, log *slog.Logger) (err error) {
	if s.writer, err = openWriter(ctx, path, &s.watchers, log); err != nil {
		return err
	}
	if s.readers, err = sql.Open("sqlite", dsn(path, "query_only(1)")); err != nil {
		return err
	}
	s.readers.SetMaxOpenConns(readersMax)
	s.readers.SetMaxIdleConns(readersMax)
	s.readers.SetConnMaxIdleTime(readerIdle)
	for _, p := range []struct {
		stmt **sql.Stmt
		text string
	}{
		{&s.get, `SELECT revision, value FROM records WHERE kind = ? AND key = ?`},
		{&s.list, `SELECT key, revision, value FROM records WHERE kind = ? AND key >= ? ORDER BY key LIMIT ?`},
		{&s.listEnd, `SELECT key, revision, value FROM records WHERE kind = ? AND key >= ? AND key < ? ORDER BY key LIMIT ?`},
	} {
		if *p.stmt, err = s.readers.PrepareContext(ctx, p.text); err != nil {
			return err
		}
	}
	return nil
}

// dsn names the file for the driver, with what every connection is set to.
// busy_timeout is for the moments in which SQLite itself locks the file, such as
// the restart of the log by a checkpoint.
func dsn(path string, pragmas ...string) string {
	q := url.Values{}
	for _, p := range append([]string{"busy_timeout(5000)"}, pragmas...) {
		q.Add("_pragma", p)
	}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String()
}

// Get returns one record, or store.ErrNotFound.
func (s *Store) Get(ctx context.Context, kind, key string) (store.Record, error) {
	rec := store.Record{Kind: kind, Key: key}
	err := s.get.QueryRowContext(ctx, blob(kind), blob(key)).Scan(&rec.Revision, &rec.Value)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		err = store.ErrNotFound
	case err != nil && s.isClosed():
		err = store.ErrClosed
	}
	if err != nil {
		return store.Record{}, fmt.Errorf("get %s %q: %w", kind, key, err)
	}
	if rec.Value == nil {
		rec.Value = []byte{}
	}
	return rec, nil
}

// List returns up to limit records in key order.
func (s *Store) List(ctx context.Context, kind, prefix, after string, limit int) ([]store.Record, error) {
	out, err := s.page(ctx, kind, prefix, after, limit)
	if err != nil {
		if s.isClosed() {
			err = store.ErrClosed
		}
		return nil, fmt.Errorf("list %s %q: %w", kind, prefix, err)
	}
	return out, nil
}

func (s *Store) page(ctx context.Context, kind, prefix, after string, limit int) ([]store.Record, error) {
	start := blob(store.PageStart(prefix, after))
	stmt, args := s.list, []any{blob(kind), start, limit}
	if end, ok := store.PrefixEnd(prefix); ok {
		stmt, args = s.listEnd, []any{blob(kind), start, blob(end), limit}
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []store.Record
	for rows.Next() {
		var key []byte
		rec := store.Record{Kind: kind}
		if err := rows.Scan(&key, &rec.Revision, &rec.Value); err != nil {
			return nil, err
		}
		rec.Key = string(key)
		if rec.Value == nil {
			rec.Value = []byte{}
		}
		out = append(out, rec)
	}
	return out, rows.Err()
}

// Apply carries out all changes or none and returns once they are on disk. When
// ctx ends before the writer has taken the changes up, nothing is done and the
// error is the context's; afterwards ctx no longer matters.
func (s *Store) Apply(ctx context.Context, changes ...store.Change) ([]store.Record, error) {
	if len(changes) == 0 {
		return nil, ctx.Err()
	}
	a := &apply{changes: changes}
	err := s.line.Do(ctx, a)
	switch {
	case errors.Is(err, groupcommit.ErrClosed):
		return nil, store.ErrClosed
	case err != nil:
		return nil, err
	}
	return a.records, a.err
}

// Watch registers fn for the changes of a kind.
func (s *Store) Watch(kind string, fn func(store.Event)) (stop func()) {
	return s.watchers.Add(kind, fn)
}

// Close waits until every Apply that was handed over is on disk and has been
// answered, then closes the file. Closing again does nothing.
func (s *Store) Close() error {
	if !s.line.Close() {
		return nil
	}
	return s.release()
}

// release closes what is open, the reading connections before the writing one so
// that the last close can fold the log into the file.
func (s *Store) release() error {
	var errs []error
	if s.readers != nil {
		errs = append(errs, s.readers.Close())
	}
	if s.writer != nil {
		errs = append(errs, s.writer.close())
	}
	return errors.Join(append(errs, s.lock.Release())...)
}

func (s *Store) isClosed() bool { return s.line.Closed() }

// blob binds a string as a blob; the driver takes a nil slice for NULL.
func blob(s string) []byte { return append(make([]byte, 0, len(s)), s...) }
