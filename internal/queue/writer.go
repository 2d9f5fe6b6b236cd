package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"

	"modernc.org/sqlite" // the driver "sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/hearthfaas/hearth/internal/store/newfile"
)

// op is one operation on its way through the writer.
type op struct {
	// do reads and writes the file. It may be called a second time, after everything
	// of the first was undone. An error is the engine's and undoes the operation;
	// what the caller did wrong is kept by do itself.
	do func(*tx) error
	// alone says that the operation changes what others read from memory (a queue's
	// lane or settings), so that none may share its transaction.
	alone bool
	size  int // bytes that it brings
}

// tx is one transaction as its operations see it.
type tx struct {
	//nolint:containedctx // the transaction's own, alive for its length only
	ctx     context.Context
	conn    *sql.Conn
	s       *statements
	writer  *writer
	effects []effect
}

// effect is what becomes true in memory once a transaction is on disk.
type effect struct {
	queue    *queue
	from, to place
	// group says that to is when a group may be handed out, which no message shows.
	group bool
	// next is the queue's earliest due time after the operation; 0 leaves it.
	next int64
	then func() // for operations that run alone
}

// shift notes that a message goes from one place to another.
func (t *tx) shift(q *queue, from, to place) {
	t.effects = append(t.effects, effect{queue: q, from: from, to: to})
}

// writer owns the one connection to the file. Its methods run on one goroutine.
type writer struct {
	db     *sql.DB
	conn   *sql.Conn
	stmts  statements
	log    *slog.Logger
	now    func() int64
	seq    int64 // the last one given out
	tx     tx
	broken error
}

func openWriter(ctx context.Context, path string, now func() int64, log *slog.Logger) (*writer, error) {
	if err := newfile.Make(ctx, path, script()); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		return nil, err
	}
	w := &writer{db: db, now: now, log: log}
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
	for _, p := range w.stmts.texts() {
		if *p.stmt, err = w.conn.PrepareContext(ctx, p.text); err != nil {
			return fmt.Errorf("prepare %s: %w", p.text, err)
		}
	}
	// Sequence numbers go on from what is there and do not come again after a
	// restart: they begin at the time, in microseconds.
	var last sql.NullInt64
	if err := w.conn.QueryRowContext(ctx, `SELECT max(seq) FROM messages`).Scan(&last); err != nil {
		return err
	}
	w.seq = max(last.Int64, w.now()*1000)
	var lane sql.NullInt64
	if err := w.conn.QueryRowContext(ctx, `SELECT max(lane) FROM (SELECT lane FROM queues UNION SELECT lane FROM trash)`).Scan(&lane); err != nil {
		return err
	}
	w.seq = max(w.seq, lane.Int64)
	return nil
}

// nextSeq gives out a sequence number; lanes are numbered from the same source.
func (t *tx) nextSeq() int64 {
	t.writer.seq++
	return t.writer.seq
}

func (w *writer) close() error {
	var errs []error
	if w.conn != nil {
		errs = append(errs, w.conn.Close())
	}
	return errors.Join(append(errs, w.db.Close())...)
}

// transact carries the group out in one transaction and shows its effects once they
// are on disk.
func (w *writer) transact(group []*op) error {
	if w.broken != nil {
		return w.broken
	}
	ctx := context.Background() // it runs to its end whatever becomes of the callers
	w.tx = tx{ctx: ctx, conn: w.conn, s: &w.stmts, writer: w, effects: w.tx.effects[:0]}
	if _, err := w.stmts.begin.ExecContext(ctx); err != nil {
		return w.fail(ctx, "begin", err)
	}
	for _, o := range group {
		if err := o.do(&w.tx); err != nil {
			return w.fail(ctx, "write", err)
		}
	}
	if _, err := w.stmts.commit.ExecContext(ctx); err != nil {
		return w.fail(ctx, "commit", err)
	}
	now := w.now()
	for i := range w.tx.effects {
		w.tx.effects[i].show(now)
	}
	clear(w.tx.effects)
	return nil
}

// fail undoes the transaction and says what was being done.
func (w *writer) fail(ctx context.Context, doing string, err error) error {
	err = fmt.Errorf("%s: %w", doing, err)
	if _, rerr := w.stmts.rollback.ExecContext(ctx); rerr != nil {
		w.log.DebugContext(ctx, "queue rollback", "error", rerr) // SQLite has mostly rolled back by itself
	}
	// Once a sync has failed, what the system still holds of earlier writes is
	// unknown, and a later sync that succeeds says nothing of them.
	if e, ok := errors.AsType[*sqlite.Error](err); ok && e.Code()&0xff == sqlite3.SQLITE_IOERR {
		w.broken = fmt.Errorf("the queues stopped writing after an input or output error: %w", err)
		w.log.ErrorContext(ctx, "queues stopped writing", "error", err)
		return w.broken
	}
	return err
}

// text binds a string that may be absent.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}
