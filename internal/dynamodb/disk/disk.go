// Package disk keeps ordered keys and values in one SQLite file: spaces of keys, of
// which each table, index and shard of a stream has one.
//
// It decides how writes become durable and in which order they happen: one goroutine
// carries out all that change something, one after the other, and those that wait
// together share one transaction and one sync. So every write reads what the one
// before it left, and what was answered is on disk. Reads do not wait for it: each
// sees the file as of one commit. What keys and values mean is the caller's.
package disk

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/hearthfaas/hearth/internal/store/filelock"
	"github.com/hearthfaas/hearth/internal/store/groupcommit"
)

// Space is a set of keys that are ordered among themselves.
type Space int64

// Stats are what a space holds, as its users counted it.
type Stats struct{ Items, Bytes int64 }

// ErrClosed is what operations give after Close.
var ErrClosed = errors.New("disk: closed")

// Store is the file. Its methods may be called from many goroutines.
type Store struct {
	lock    *filelock.Lock
	readers *sql.DB
	reads   reads
	writer  *writer
	line    *groupcommit.Line[*op] // nil until the writer is there

	stats sync.Map // Space → *counts
}

type counts struct{ items, bytes atomic.Int64 }

// Open opens the file at path, making it when there is none, and starts the one
// goroutine that writes to it; Close stops it. When another process has the file
// open the error is a *filelock.HeldError.
func Open(ctx context.Context, path string, log *slog.Logger) (*Store, error) {
	lock, err := filelock.Acquire(path + ".lock")
	if err != nil {
		return nil, err
	}
	s := &Store{lock: lock}
	if s.writer, err = openWriter(ctx, path, log); err != nil {
		return nil, errors.Join(err, s.release())
	}
	if err = s.openReaders(ctx, path); err != nil {
		return nil, errors.Join(err, s.release())
	}
	s.writer.shown = s.show
	s.line = groupcommit.Start(groupcommit.Config[*op]{
		Commit: s.writer.transact,
		Broken: func() bool { return s.writer.broken != nil },
		Size:   func(o *op) int { return o.Size },
		Alone:  func(o *op) bool { return o.Alone },
	})
	return s, nil
}

// readersMin is how many reads run at the same time on the smallest machine: enough
// that one large page does not hold up a small read.
const readersMin = 4

func (s *Store) openReaders(ctx context.Context, path string) (err error) {
	if s.readers, err = sql.Open("sqlite", dsn(path, "query_only(1)")); err != nil {
		return err
	}
	n := max(readersMin, 2*runtime.GOMAXPROCS(0))
	s.readers.SetMaxOpenConns(n)
	s.readers.SetMaxIdleConns(n)
	if err = s.reads.prepare(ctx, s.readers); err != nil {
		return err
	}
	rows, err := s.readers.QueryContext(ctx, `SELECT space, items, bytes FROM stats`)
	if err != nil {
		return fmt.Errorf("read the counts: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var space Space
		var st Stats
		if err := rows.Scan(&space, &st.Items, &st.Bytes); err != nil {
			return fmt.Errorf("read the counts: %w", err)
		}
		s.show(space, st)
	}
	return rows.Err()
}

// show adds to what Stats tells of a space.
func (s *Store) show(space Space, by Stats) {
	v, _ := s.stats.LoadOrStore(space, &counts{})
	c, _ := v.(*counts)
	c.items.Add(by.Items)
	c.bytes.Add(by.Bytes)
}

// Stats is what the space holds.
func (s *Store) Stats(space Space) Stats {
	v, ok := s.stats.Load(space)
	if !ok {
		return Stats{}
	}
	c, _ := v.(*counts)
	return Stats{c.items.Load(), c.bytes.Load()}
}

// Close waits until every write that was handed over is on disk and has been
// answered, then closes the file. Closing again does nothing.
func (s *Store) Close() error {
	if !s.line.Close() {
		return nil
	}
	return s.release()
}

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

// schemaVersion is what user_version says of a file with this schema.
const schemaVersion = 1

const schema = `
CREATE TABLE kv (space INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, PRIMARY KEY (space, key)) WITHOUT ROWID;
CREATE TABLE stats (space INTEGER PRIMARY KEY, items INTEGER NOT NULL, bytes INTEGER NOT NULL);
CREATE TABLE counter (id INTEGER PRIMARY KEY CHECK (id = 1), next INTEGER NOT NULL);
`

const (
	// pageSize is what a changed key costs to write, as keys are spread over the file:
	// SQLite's usual. Values above 1 KB spill to pages of their own.
	pageSize = 4096
	// checkpointPages is how much may wait in the log before it is moved to the file:
	// 16 MB. SQLite's usual 4 MB moves the pages of indexes, which change often, again
	// and again; much more would be felt at the start after a kill.
	checkpointPages = 4000
)

func dsn(path string, pragmas ...string) string {
	// The size of pages is said before the log is turned on, which makes the file.
	all := append(pragmas, "busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "cache_size(-8192)")
	q := url.Values{"_pragma": all}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String()
}

// script makes the schema.
func script() string {
	return fmt.Sprintf("%sINSERT INTO counter VALUES (1, %d);PRAGMA user_version = %d;", schema, firstSpace, schemaVersion)
}

func migrate(ctx context.Context, conn *sql.Conn) error {
	var version int
	if err := conn.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&version); err != nil {
		return err
	}
	switch version {
	case schemaVersion:
		return nil
	case 0:
		_, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE;"+script()+"COMMIT")
		return err
	default:
		return fmt.Errorf("the file has schema version %d, this program knows %d", version, schemaVersion)
	}
}

// firstSpace is the first that NewSpace gives out; those below are the caller's to
// use as it likes.
const firstSpace = 100
