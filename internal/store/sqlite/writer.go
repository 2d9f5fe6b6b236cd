package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/hearthfaas/hearth/internal/store"
	"github.com/hearthfaas/hearth/internal/store/newfile"
)

// apply is one Apply on its way through the writer.
type apply struct {
	changes []store.Change
	records []store.Record
	err     error // of its own preconditions
}

func (a *apply) size() int {
	n := 0
	for _, c := range a.changes {
		n += len(c.Value)
	}
	return n
}

// writer owns the one connection that writes. Its methods run on one goroutine.
type writer struct {
	db       *sql.DB
	conn     *sql.Conn
	begin    *sql.Stmt
	commit   *sql.Stmt
	rollback *sql.Stmt
	revOf    *sql.Stmt
	put      *sql.Stmt
	del      *sql.Stmt
	count    *sql.Stmt
	watchers *store.Watchers
	log      *slog.Logger
	// revision is the last one given out.
	revision int64
	// broken is why nothing can be written any more: once a sync has failed, what
	// the system still holds of the earlier writes is unknown, and a later sync
	// that succeeds says nothing of them.
	broken error
}

func openWriter(ctx context.Context, path string, watchers *store.Watchers, log *slog.Logger) (*writer, error) {
	if err := newfile.Make(ctx, path, script()); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", dsn(path, "journal_mode(WAL)", "synchronous(FULL)"))
	if err != nil {
		return nil, err
	}
	w := &writer{db: db, watchers: watchers, log: log}
	if err := w.prepare(ctx); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

func (w *writer) prepare(ctx context.Context) (err error) {
	if w.conn, err = w.db.Conn(ctx); err != nil {
		return err
	}
	if err := w.migrate(ctx); err != nil {
		return err
	}
	for _, p := range []struct {
		stmt **sql.Stmt
		text string
	}{
		{&w.begin, `BEGIN IMMEDIATE`},
		{&w.commit, `COMMIT`},
		{&w.rollback, `ROLLBACK`},
		{&w.revOf, `SELECT revision FROM records WHERE kind = ? AND key = ?`},
		{&w.put, `INSERT INTO records (kind, key, revision, value) VALUES (?, ?, ?, ?)
			ON CONFLICT (kind, key) DO UPDATE SET revision = excluded.revision, value = excluded.value`},
		{&w.del, `DELETE FROM records WHERE kind = ? AND key = ?`},
		{&w.count, `UPDATE counter SET revision = ? WHERE id = 1`},
	} {
		if *p.stmt, err = w.conn.PrepareContext(ctx, p.text); err != nil {
			return err
		}
	}
	return w.conn.QueryRowContext(ctx, `SELECT revision FROM counter`).Scan(&w.revision)
}

// schemaVersion is what user_version says of a file with this schema.
const schemaVersion = 1

// script makes the schema.
func script() string { return fmt.Sprintf("%sPRAGMA user_version = %d;", schema, schemaVersion) }

func (w *writer) migrate(ctx context.Context) error {
	var version int
	if err := w.conn.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&version); err != nil {
		return err
	}
	switch version {
	case schemaVersion:
		return nil
	case 0:
		_, err := w.conn.ExecContext(ctx, "BEGIN IMMEDIATE;"+script()+"COMMIT")
		return err
	default:
		return fmt.Errorf("the file has schema version %d, this program knows %d", version, schemaVersion)
	}
}

func (w *writer) close() error {
	var errs []error
	if w.conn != nil {
		errs = append(errs, w.conn.Close())
	}
	return errors.Join(append(errs, w.db.Close())...)
}

// transact writes the group in one transaction and tells the watchers once it is on
// disk. A member whose preconditions do not hold gets its error and is left out; an
// error returned fails all.
func (w *writer) transact(group []*apply) error {
	if w.broken != nil {
		return w.broken
	}
	// The statements run to their end whatever becomes of the callers.
	ctx := context.Background()
	if _, err := w.begin.ExecContext(ctx); err != nil {
		return w.fail(ctx, "begin", err)
	}
	before := w.revision
	for _, a := range group {
		if err := w.carryOut(ctx, a); err != nil {
			return w.fail(ctx, "write", err)
		}
	}
	if w.revision != before {
		if _, err := w.count.ExecContext(ctx, w.revision); err != nil {
			return w.fail(ctx, "write", err)
		}
	}
	if _, err := w.commit.ExecContext(ctx); err != nil {
		return w.fail(ctx, "commit", err)
	}
	for _, a := range group {
		if a.err == nil {
			w.tell(a)
		}
	}
	return nil
}

// carryOut checks all of one Apply's preconditions, then writes its changes. The
// error is the engine's; a conflict is the apply's own.
func (w *writer) carryOut(ctx context.Context, a *apply) error {
	a.records, a.err = nil, nil
	for _, c := range a.changes {
		if c.If == 0 {
			continue
		}
		var revision int64
		err := w.revOf.QueryRowContext(ctx, blob(c.Kind), blob(c.Key)).Scan(&revision)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if !c.If.Holds(revision, err == nil) {
			a.err = fmt.Errorf("apply %s %q: %w", c.Kind, c.Key, store.ErrConflict)
			return nil
		}
	}
	a.records = make([]store.Record, len(a.changes))
	for i, c := range a.changes {
		if c.Value == nil {
			res, err := w.del.ExecContext(ctx, blob(c.Kind), blob(c.Key))
			if err != nil {
				return err
			}
			if n, err := res.RowsAffected(); err != nil {
				return err
			} else if n > 0 {
				w.revision++
				a.records[i].Revision = w.revision // told to the watchers, then cleared
			}
			continue
		}
		w.revision++
		if _, err := w.put.ExecContext(ctx, blob(c.Kind), blob(c.Key), w.revision, c.Value); err != nil {
			return err
		}
		a.records[i] = store.Record{Kind: c.Kind, Key: c.Key, Revision: w.revision, Value: blob(string(c.Value))}
	}
	return nil
}

// fail undoes the transaction and says what was being done.
func (w *writer) fail(ctx context.Context, doing string, err error) error {
	err = fmt.Errorf("%s: %w", doing, err)
	if _, rerr := w.rollback.ExecContext(ctx); rerr != nil {
		w.log.DebugContext(ctx, "store rollback", "error", rerr) // SQLite has mostly rolled back by itself
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok && e.Code()&0xff == sqlite3.SQLITE_IOERR {
		w.broken = fmt.Errorf("the store stopped writing after an input or output error: %w", err)
		w.log.ErrorContext(ctx, "store stopped writing", "error", err)
		return w.broken
	}
	return err
}

// tell reports one committed apply to the watchers and clears what only they see.
func (w *writer) tell(a *apply) {
	for i, c := range a.changes {
		rec := &a.records[i]
		switch {
		case c.Value != nil:
			e := store.Event{Record: *rec}
			e.Record.Value = blob(string(rec.Value))
			w.watchers.Tell(e)
		case rec.Revision != 0:
			w.watchers.Tell(store.Event{
				Record:  store.Record{Kind: c.Kind, Key: c.Key, Revision: rec.Revision},
				Deleted: true,
			})
			*rec = store.Record{}
		}
	}
}
