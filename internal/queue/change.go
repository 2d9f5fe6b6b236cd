package queue

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Remove deletes received messages. The errors stand one by one for the receipts:
// nil, ErrReceipt, ErrStale when the message was received again, or ErrGone. A
// receipt whose visibility timeout has passed still counts until the message is
// received again, but in a FIFO queue, where the order may be lost, it does not.
func (e *Engine) Remove(ctx context.Context, name Name, receipts ...string) ([]error, error) {
	var files []string
	errs, err := e.each(ctx, "delete from", name, receipts, func() { files = nil }, func(t *tx, q *queue, r receipt, _ int) error {
		var p place
		var group, file sql.NullString
		if _, s, _ := q.now(); s.FIFO {
			if at, _, err := t.held(r); err != nil {
				return err
			} else if at.held(e.now()) == 0 {
				return ErrStale
			}
		}
		err := t.s.remove.QueryRowContext(t.ctx, r.seq, r.lane, r.receives).Scan(&p.due, &p.leased, &group, &file)
		if noRows(err) {
			_, _, err := t.held(r)
			return cmp.Or(err, ErrGone)
		} else if err != nil {
			return &fault{err}
		}
		p.exists = true
		t.shift(q, p, place{})
		if file.Valid {
			files = append(files, file.String)
		}
		return t.refreshIf(q, r.lane, group)
	})
	e.bodies.remove(files)
	return errs, err
}

// Visibility is one change of a visibility timeout.
type Visibility struct {
	Receipt string
	// Timeout counts from now; 0 lets others receive the message at once.
	Timeout time.Duration
}

// ChangeVisibility sets when received messages may be received again. The errors
// stand one by one for the changes: nil, ErrReceipt, ErrStale, or ErrNotInFlight.
func (e *Engine) ChangeVisibility(ctx context.Context, name Name, changes ...Visibility) ([]error, error) {
	receipts := make([]string, len(changes))
	for i := range changes {
		receipts[i] = changes[i].Receipt
	}
	return e.each(ctx, "change the visibility in", name, receipts, nil, func(t *tx, q *queue, r receipt, i int) error {
		from, group, err := t.held(r)
		if err != nil {
			return err
		}
		now := e.now()
		if !from.leased || from.due <= now {
			return ErrNotInFlight
		}
		to := leasedTo(now + changes[i].Timeout.Milliseconds())
		to.leased = to.due > now
		if _, err := t.s.place.ExecContext(t.ctx, to.due, to.leased, r.seq); err != nil {
			return &fault{err}
		}
		t.shift(q, from, to)
		return t.refreshIf(q, r.lane, group)
	})
}

// Return puts a received message back, as if it were sent with a delay: it keeps its
// id, age and receive count and gets new attributes. The errors are ErrReceipt,
// ErrStale and those of Remove's kind.
func (e *Engine) Return(ctx context.Context, name Name, text string, delay time.Duration, attributes map[string]Attribute) error {
	encoded, err := encodeAttributes(attributes)
	if err != nil {
		return wrap("return to", name, err)
	}
	errs, err := e.each(ctx, "return to", name, []string{text}, nil, func(t *tx, q *queue, r receipt, _ int) error {
		from, group, err := t.held(r)
		if err != nil {
			return err
		}
		to := waitingAt(e.now() + delay.Milliseconds())
		if _, err := t.s.put.ExecContext(t.ctx, to.due, encoded, r.seq); err != nil {
			return &fault{err}
		}
		t.shift(q, from, to)
		return t.refreshIf(q, r.lane, group)
	})
	if err != nil {
		return err
	}
	return wrap("return to", name, errs[0])
}

// Release makes everything that is in flight visible again, for a queue whose only
// receiver has just begun: whoever held the messages is gone.
func (e *Engine) Release(ctx context.Context, name Name) error {
	q, err := e.queue(name)
	if err != nil {
		return err
	}
	return wrap("release", name, e.submit(ctx, &op{do: func(t *tx) error {
		lane, _, _ := q.now()
		now := e.now()
		held, err := t.heldIn(lane, now)
		if err != nil {
			return err
		}
		for _, h := range held {
			if _, err := t.s.place.ExecContext(t.ctx, now, false, h.seq); err != nil {
				return err
			}
			t.shift(q, leasedTo(h.due), waitingAt(now))
			if err := t.refreshIf(q, lane, h.group); err != nil {
				return err
			}
		}
		return nil
	}}))
}

func (t *tx) heldIn(lane, now int64) ([]row, error) {
	rows, err := t.s.leased.QueryContext(t.ctx, lane, now)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []row
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.seq, &r.due, &r.group); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// held finds the message of a receipt, if nobody else got it since.
func (t *tx) held(r receipt) (place, sql.NullString, error) {
	p := place{exists: true}
	var receives int32
	var group sql.NullString
	err := t.s.find.QueryRowContext(t.ctx, r.seq, r.lane).Scan(&p.due, &p.leased, &receives, &group)
	switch {
	case noRows(err):
		return place{}, group, ErrGone
	case err == nil && receives != r.receives:
		return place{}, group, ErrStale
	case err != nil:
		return place{}, group, &fault{err}
	}
	return p, group, nil
}

func (t *tx) refreshIf(q *queue, lane int64, group sql.NullString) error {
	if !group.Valid {
		return nil
	}
	if err := t.refresh(q, lane, group.String); err != nil {
		return &fault{err}
	}
	return nil
}

func (e *Engine) laneInUse(lane int64) bool {
	e.qmu.RLock()
	defer e.qmu.RUnlock()
	_, ok := e.lanes[lane]
	return ok
}

// fault tells an error of the engine from one about a receipt.
type fault struct{ err error }

func (f *fault) Error() string { return f.err.Error() }
func (f *fault) Unwrap() error { return f.err }

// each carries out one change for each receipt, all in one transaction. begin is
// called before each try.
func (e *Engine) each(ctx context.Context, doing string, name Name, receipts []string, begin func(), change func(*tx, *queue, receipt, int) error) ([]error, error) {
	q, err := e.queue(name)
	if err != nil {
		return nil, err
	}
	parsed := make([]receipt, len(receipts))
	errs := make([]error, len(receipts))
	wrong := make([]error, len(receipts))
	for i, s := range receipts {
		parsed[i], wrong[i] = e.parse(s)
	}
	var refused error
	err = e.submit(ctx, &op{do: func(t *tx) error {
		refused = nil
		if begin != nil {
			begin()
		}
		lane, _, gone := q.now()
		if gone {
			refused = ErrNoQueue
			return nil
		}
		for i, r := range parsed {
			switch {
			case wrong[i] != nil:
				errs[i] = wrong[i]
				continue
			case r.lane != lane: // of another queue, or from before a purge
				errs[i] = ErrGone
				if e.laneInUse(r.lane) {
					errs[i] = ErrReceipt
				}
				continue
			}
			errs[i] = change(t, q, r, i)
			if f, ok := errs[i].(*fault); ok { //nolint:errorlint // made here, never wrapped
				return f.err
			}
		}
		return nil
	}})
	if err = cmp.Or(err, refused); err != nil {
		return nil, fmt.Errorf("%s queue %s: %w", doing, name.Name, err)
	}
	return errs, nil
}
