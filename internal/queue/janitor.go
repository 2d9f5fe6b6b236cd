package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"
)

const (
	// sweepEvery is how often messages that are too old are looked for. Receivers
	// never get one whatever the janitor does; it only gives back their room.
	sweepEvery = time.Minute
	// sweepRows bounds one of the janitor's transactions, for which all others wait:
	// some 10 ms.
	sweepRows = 500
)

// Run removes messages that are too old, what purges and deletions left behind, and
// deduplication ids that no longer count, until ctx ends.
func (e *Engine) Run(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := e.sweep(ctx); err != nil && ctx.Err() == nil {
			if errors.Is(err, ErrClosed) {
				return err
			}
			e.cfg.Log.ErrorContext(ctx, "sweeping the queues", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (e *Engine) sweep(ctx context.Context) error {
	for _, part := range []struct {
		doing string
		do    func(context.Context) error
	}{
		{"empty the trash", e.emptyTrash},
		{"remove old messages", e.removeOld},
		{"forget deduplication ids", e.pruneDedup},
	} {
		if err := part.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", part.doing, err)
		}
	}
	return nil
}

// emptyTrash removes the messages of lanes that no queue has any more.
func (e *Engine) emptyTrash(ctx context.Context) error {
	for {
		var files []string
		var more bool
		err := e.submit(ctx, &op{do: func(t *tx) error {
			files, more = nil, false
			var lane int64
			err := t.conn.QueryRowContext(t.ctx, `SELECT lane FROM trash LIMIT 1`).Scan(&lane)
			if noRows(err) {
				return nil
			} else if err != nil {
				return err
			}
			more = true
			n, err := t.trash(lane, &files)
			if err != nil || n > 0 {
				return err
			}
			if _, err := t.conn.ExecContext(t.ctx, `DELETE FROM fifo_groups WHERE lane = ?`, lane); err != nil {
				return err
			}
			if _, err := t.s.trashDedup.ExecContext(t.ctx, lane); err != nil {
				return err
			}
			_, err = t.s.trashDone.ExecContext(t.ctx, lane)
			return err
		}})
		e.bodies.remove(files)
		if err != nil || !more {
			return err
		}
	}
}

// trash removes some messages of a lane and says how many.
func (t *tx) trash(lane int64, files *[]string) (int, error) {
	n := 0
	for _, stmt := range []*sql.Stmt{t.s.trash, t.s.trashGroups} {
		found, err := scanFiles(stmt.QueryContext(t.ctx, lane, sweepRows))
		if err != nil {
			return n, err
		}
		n += len(found)
		for _, f := range found {
			if f.Valid {
				*files = append(*files, f.String)
			}
		}
	}
	return n, nil
}

func scanFiles(rows *sql.Rows, err error) ([]sql.NullString, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []sql.NullString
	for rows.Next() {
		var f sql.NullString
		if err := rows.Scan(&f); err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, rows.Err()
}

// removeOld removes what is older than its queue keeps messages. For each time that
// queues keep theirs it walks over the messages once, oldest first, and goes on the
// next time where it stopped: a short time in one queue does not have those of others
// looked at again and again.
func (e *Engine) removeOld(ctx context.Context) error {
	unswept := e.unswept.Swap(never)
	swept := map[time.Duration]int64{}
	for _, retention := range e.retentions() {
		swept[retention] = min(e.swept[retention], unswept-1)
	}
	e.swept = swept
	for retention := range swept {
		if err := e.removeOlder(ctx, retention); err != nil {
			return err
		}
	}
	return nil
}

// sweepAgain has the janitor look again at messages from a sequence number on: they
// have come to a queue that keeps messages for another time.
func (e *Engine) sweepAgain(seq int64) {
	for {
		was := e.unswept.Load()
		if seq >= was || e.unswept.CompareAndSwap(was, seq) {
			return
		}
	}
}

func (e *Engine) removeOlder(ctx context.Context, retention time.Duration) error {
	for {
		var files []string
		var more bool
		last := e.swept[retention]
		err := e.submit(ctx, &op{do: func(t *tx) error {
			files, more = nil, false
			now := e.now()
			found, err := scanOld(t, e.swept[retention])
			if err != nil {
				return err
			}
			for _, r := range found {
				if r.sent > now-retention.Milliseconds() {
					return nil
				}
				last = r.seq
				if err := e.removeIfOld(t, r, now, &files); err != nil {
					return err
				}
			}
			more = len(found) == sweepRows
			return nil
		}})
		if err != nil {
			return err
		}
		e.swept[retention] = last
		e.bodies.remove(files)
		if !more {
			return nil
		}
	}
}

type oldRow struct {
	row

	lane int64
}

func scanOld(t *tx, after int64) ([]oldRow, error) {
	rows, err := t.s.old.QueryContext(t.ctx, after, sweepRows)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []oldRow
	for rows.Next() {
		var r oldRow
		if err := rows.Scan(&r.seq, &r.lane, &r.sent, &r.due, &r.leased, &r.receives, &r.group, &r.file); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

func (e *Engine) removeIfOld(t *tx, r oldRow, now int64, files *[]string) error {
	e.qmu.RLock()
	q, ok := e.lanes[r.lane]
	e.qmu.RUnlock()
	if !ok {
		return nil // trash
	}
	lane, s, gone := q.now()
	if gone || lane != r.lane || r.sent+s.retention().Milliseconds() > now {
		return nil
	}
	if _, err := t.conn.ExecContext(t.ctx, `DELETE FROM messages WHERE seq = ?`, r.seq); err != nil {
		return err
	}
	if r.file.Valid {
		*files = append(*files, r.file.String)
	}
	t.shift(q, r.place(), place{})
	return t.refreshIf(q, lane, r.group)
}

// retentions are the times for which queues keep messages.
func (e *Engine) retentions() []time.Duration {
	e.qmu.RLock()
	defer e.qmu.RUnlock()
	var out []time.Duration
	for _, q := range e.queues {
		_, s, _ := q.now()
		if r := s.retention(); !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return out
}

func (e *Engine) pruneDedup(ctx context.Context) error {
	for {
		var n int64
		err := e.submit(ctx, &op{do: func(t *tx) error {
			res, err := t.s.dedupPrune.ExecContext(t.ctx, e.now(), sweepRows)
			if err != nil {
				return err
			}
			n, err = res.RowsAffected()
			return err
		}})
		if err != nil || n < sweepRows {
			return err
		}
	}
}
