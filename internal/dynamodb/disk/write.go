package disk

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"

	"modernc.org/sqlite" // the driver "sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/hearthfaas/hearth/internal/store/groupcommit"
	"github.com/hearthfaas/hearth/internal/store/newfile"
)

// Write is one change.
type Write struct {
	// Do reads and writes through the transaction. When it returns an error nothing
	// of it happens. It may be called again, after everything of the first time was
	// undone; it runs on the writer's goroutine.
	Do func(*Tx) error
	// Then runs on the writer's goroutine once the change is on disk, before any
	// other write of which Alone is not shared.
	Then func()
	// Alone says that no other write may share the transaction: what Then does must be
	// seen by all that follow.
	Alone bool
	// Size is how many bytes it is about to write, roughly.
	Size int
}

// op is a write on its way.
type op struct {
	Write
	err error // its own; an error of the whole group is the line's
}

// Write carries a change out and returns once it is on disk. When ctx ends before
// the writer has taken it up nothing is done; afterwards ctx no longer matters.
func (s *Store) Write(ctx context.Context, w Write) error {
	o := &op{Write: w}
	err := s.line.Do(ctx, o)
	switch {
	case errors.Is(err, groupcommit.ErrClosed):
		return ErrClosed
	case err != nil:
		return err
	}
	return o.err
}

// writer owns the one connection that writes. Its methods run on one goroutine.
type writer struct {
	db     *sql.DB
	conn   *sql.Conn
	log    *slog.Logger
	shown  func(Space, Stats)
	broken error

	begin, commit, rollback, get, put, remove, list, count, newSpace *sql.Stmt
}

func openWriter(ctx context.Context, path string, log *slog.Logger) (*writer, error) {
	if err := newfile.Make(ctx, path, script()); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", dsn(path, fmt.Sprintf("page_size(%d)", pageSize), fmt.Sprintf("wal_autocheckpoint(%d)", checkpointPages)))
	if err != nil {
		return nil, err
	}
	w := &writer{db: db, log: log}
	if err := w.prepare(ctx); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

func (w *writer) prepare(ctx context.Context) (err error) {
	if w.conn, err = w.db.Conn(ctx); err != nil {
		return err
	}
	if err := migrate(ctx, w.conn); err != nil {
		return err
	}
	// Spaces that were emptied leave their counts behind.
	if _, err := w.conn.ExecContext(ctx, `DELETE FROM stats WHERE items = 0 AND bytes = 0`); err != nil {
		return err
	}
	for _, p := range []struct {
		stmt **sql.Stmt
		text string
	}{
		{&w.begin, `BEGIN IMMEDIATE`},
		{&w.commit, `COMMIT`},
		{&w.rollback, `ROLLBACK`},
		{&w.get, `SELECT value FROM kv WHERE space = ? AND key = ?`},
		{&w.put, `INSERT OR REPLACE INTO kv (space, key, value) VALUES (?, ?, ?)`},
		{&w.remove, `DELETE FROM kv WHERE space = ? AND key = ?`},
		{&w.list, selectRange + ` ORDER BY key LIMIT ?`},
		{&w.count, `INSERT INTO stats (space, items, bytes) VALUES (?, ?, ?)
			ON CONFLICT (space) DO UPDATE SET items = items + excluded.items, bytes = bytes + excluded.bytes`},
		{&w.newSpace, `UPDATE counter SET next = next + 1 RETURNING next`},
	} {
		if *p.stmt, err = w.conn.PrepareContext(ctx, p.text); err != nil {
			return fmt.Errorf("prepare %s: %w", p.text, err)
		}
	}
	return nil
}

func (w *writer) close() error {
	var errs []error
	if w.conn != nil {
		errs = append(errs, w.conn.Close())
	}
	return errors.Join(append(errs, w.db.Close())...)
}

// transact carries the group out in one transaction. Errors of single members stay
// with them.
func (w *writer) transact(group []*op) error {
	if w.broken != nil {
		return w.broken
	}
	ctx := context.Background() // it runs to its end whatever becomes of the callers
	if _, err := w.begin.ExecContext(ctx); err != nil {
		return w.fail(ctx, "begin", err)
	}
	t := &Tx{ctx: ctx, w: w, stats: map[Space]Stats{}}
	for _, o := range group {
		o.err = o.Do(t)
		if o.err == nil {
			t.flush()
		}
		t.forget()
		if t.broken != nil {
			return w.fail(ctx, "write", t.broken)
		}
	}
	for space, st := range t.stats {
		if _, err := w.count.ExecContext(ctx, int64(space), st.Items, st.Bytes); err != nil {
			return w.fail(ctx, "count", err)
		}
	}
	if _, err := w.commit.ExecContext(ctx); err != nil {
		return w.fail(ctx, "commit", err)
	}
	for space, st := range t.stats {
		w.shown(space, st)
	}
	for _, o := range group {
		if o.err == nil && o.Then != nil {
			o.Then()
		}
	}
	return nil
}

// fail undoes the transaction and says what was being done.
func (w *writer) fail(ctx context.Context, doing string, err error) error {
	err = fmt.Errorf("%s: %w", doing, err)
	if _, rerr := w.rollback.ExecContext(ctx); rerr != nil {
		w.log.DebugContext(ctx, "dynamodb rollback", "error", rerr) // SQLite has mostly rolled back by itself
	}
	// Once a sync has failed, what the system still holds of earlier writes is
	// unknown, and a later sync that succeeds says nothing of them.
	if e, ok := errors.AsType[*sqlite.Error](err); ok && e.Code()&0xff == sqlite3.SQLITE_IOERR {
		w.broken = fmt.Errorf("the tables stopped writing after an input or output error: %w", err)
		w.log.ErrorContext(ctx, "tables stopped writing", "error", err)
		return w.broken
	}
	return err
}

// Tx is a transaction as one write sees it. What the write puts is seen by its own
// reads at once, and by others only if its Do returns no error.
type Tx struct {
	//nolint:containedctx // the transaction's own, alive for its length only
	ctx     context.Context
	w       *writer
	pending map[pendingKey]int // into changes, of all but the first few
	changes []entry
	counted map[Space]Stats
	stats   map[Space]Stats
	broken  error
}

type pendingKey struct {
	space Space
	key   string
}

// entry is a change of one key; a nil value removes it.
type entry struct {
	space      Space
	key, value []byte
}

// Entry is a key and its value.
type Entry struct{ Key, Value []byte }

// Get returns the value of a key; nil when there is none.
func (t *Tx) Get(space Space, key []byte) ([]byte, error) {
	if i, ok := t.changed(space, key); ok {
		return t.changes[i].value, nil
	}
	value, err := get(t.ctx, t.w.get, space, key)
	if err != nil {
		t.broken = err
	}
	return value, err
}

// Put sets the value of a key.
func (t *Tx) Put(space Space, key, value []byte) {
	if value == nil {
		value = []byte{}
	}
	t.change(entry{space, key, value})
}

// Remove removes a key; it need not exist.
func (t *Tx) Remove(space Space, key []byte) { t.change(entry{space, key, nil}) }

// lookedThrough is how many changes are looked through one by one; most writes have no
// more, and need no map.
const lookedThrough = 8

// changed finds the change of a key.
func (t *Tx) changed(space Space, key []byte) (int, bool) {
	for i := range t.changes[:min(len(t.changes), lookedThrough)] {
		if e := &t.changes[i]; e.space == space && bytes.Equal(e.key, key) {
			return i, true
		}
	}
	i, ok := t.pending[pendingKey{space, string(key)}]
	return i, ok
}

func (t *Tx) change(e entry) {
	i, ok := t.changed(e.space, e.key)
	if ok {
		t.changes[i] = e
		return
	}
	if n := len(t.changes); n >= lookedThrough {
		if t.pending == nil {
			t.pending = map[pendingKey]int{}
		}
		t.pending[pendingKey{e.space, string(e.key)}] = n
	}
	t.changes = append(t.changes, e)
}

// List returns at most limit entries of a space from a key on. It does not see what
// the same write has put.
func (t *Tx) List(space Space, from []byte, limit int) ([]Entry, error) {
	if from == nil {
		from = []byte{}
	}
	rows, err := t.w.list.QueryContext(t.ctx, int64(space), from, limit)
	if err != nil {
		t.broken = err
		return nil, err
	}
	defer rows.Close()
	var out []Entry
	for rows.Next() {
		var e Entry
		if err := rows.Scan(&e.Key, &e.Value); err != nil {
			t.broken = err
			return nil, err
		}
		out = append(out, e)
	}
	if err := rows.Err(); err != nil {
		t.broken = err
		return nil, err
	}
	return out, nil
}

// Count adds to what Stats tells of a space.
func (t *Tx) Count(space Space, by Stats) {
	if t.counted == nil {
		t.counted = map[Space]Stats{}
	}
	st := t.counted[space]
	t.counted[space] = Stats{st.Items + by.Items, st.Bytes + by.Bytes}
}

// NewSpace gives out a space that was never used. It is lost when the write fails.
func (t *Tx) NewSpace() (Space, error) {
	var n int64
	if err := t.w.newSpace.QueryRowContext(t.ctx).Scan(&n); err != nil {
		t.broken = err
		return 0, err
	}
	return Space(n), nil
}

// flush carries out what one write has put.
func (t *Tx) flush() {
	for i := range t.changes {
		e := &t.changes[i]
		var err error
		if e.value == nil {
			_, err = t.w.remove.ExecContext(t.ctx, int64(e.space), e.key)
		} else {
			_, err = t.w.put.ExecContext(t.ctx, int64(e.space), e.key, e.value)
		}
		if err != nil {
			t.broken = err
			return
		}
	}
	for space, by := range t.counted {
		st := t.stats[space]
		t.stats[space] = Stats{st.Items + by.Items, st.Bytes + by.Bytes}
	}
}

// forget drops what the last write has put.
func (t *Tx) forget() {
	clear(t.pending)
	clear(t.changes)
	t.changes = t.changes[:0]
	clear(t.counted)
}
