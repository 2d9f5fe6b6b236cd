package queue

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// redriveMax bounds the messages of one Redrive, which share a transaction that all
// others wait for: some 10 ms.
const redriveMax = 500

// Redrive moves up to limit messages that may be received from a queue to another, or
// with the zero Name each to the queue that it was taken from as a dead letter. There
// they are new: another id, another age, never received. It says how many it moved;
// the error is ErrNoOrigin when a message had nowhere to go, and the others are moved
// all the same.
func (e *Engine) Redrive(ctx context.Context, from, to Name, limit int) (moved int, err error) {
	q, err := e.queue(from)
	if err != nil {
		return 0, err
	}
	var refused error
	var dropped []string
	err = e.submit(ctx, &op{do: func(t *tx) error {
		moved, refused, dropped = 0, nil, nil
		lane, s, gone := q.now()
		if gone {
			refused = ErrNoQueue
			return nil
		}
		r := redrive{tx: t, engine: e, from: q, lane: lane, settings: &s, now: e.now()}
		moved, refused, err = r.run(to, min(limit, redriveMax))
		dropped = r.dropped
		return err
	}})
	if err == nil {
		e.bodies.remove(dropped)
	}
	return moved, wrap("redrive", from, cmp.Or(err, refused))
}

// redrive is one Redrive at work.
type redrive struct {
	tx       *tx
	engine   *Engine
	from     *queue
	lane     int64
	settings *Settings
	now      int64

	dropped []string // files of messages that were too old
}

func (r *redrive) run(to Name, limit int) (moved int, refused, err error) {
	var found []row
	if r.settings.FIFO {
		found, err = r.tx.dueInGroups(r.lane, r.now, limit)
	} else {
		found, err = scanRows(r.tx.s.due.QueryContext(r.tx.ctx, r.lane, r.now, limit))
	}
	if err != nil {
		return 0, nil, err
	}
	stuck := map[string]bool{} // groups whose next message stays, and so the rest
	for i := range found {
		m := &found[i]
		if r.settings.FIFO && stuck[m.group.String] {
			continue
		}
		if m.sent+r.settings.retention().Milliseconds() <= r.now {
			if err := r.drop(m); err != nil {
				return 0, nil, err
			}
			continue
		}
		target, why, err := r.target(to, m)
		if err != nil {
			return 0, nil, err
		}
		if target == nil {
			stuck[m.group.String] = true
			refused = cmp.Or(refused, why)
			continue
		}
		if err := r.move(m, target); err != nil {
			return 0, nil, err
		}
		moved++
	}
	return moved, refused, nil
}

// drop deletes a message that is too old to go anywhere.
func (r *redrive) drop(m *row) error {
	if err := r.tx.drop(r.from, r.lane, m, &r.dropped); err != nil {
		return err
	}
	return r.tx.refreshIf(r.from, r.lane, m.group)
}

// target is the queue that a message goes to; nil and why when there is none.
func (r *redrive) target(to Name, m *row) (q *queue, why, err error) {
	why = ErrNoQueue
	if to == (Name{}) {
		why = ErrNoOrigin
		if len(m.origin) == 0 {
			return nil, why, nil
		}
		if err := json.Unmarshal(m.origin, &to); err != nil {
			return nil, nil, fmt.Errorf("read message %s: %w", m.id, err)
		}
	}
	q, ok := r.engine.find(to)
	if !ok || q == r.from {
		return nil, why, nil
	}
	if _, s, gone := q.now(); gone || s.FIFO != r.settings.FIFO {
		return nil, why, nil
	}
	return q, nil, nil
}

func (r *redrive) move(m *row, to *queue) error {
	lane, _, _ := to.now()
	t := r.tx
	if _, err := t.s.sendOn.ExecContext(t.ctx, t.nextSeq(), lane, r.now, r.now, lambda.NewUUID(), m.seq); err != nil {
		return err
	}
	t.shift(r.from, m.place(), place{})
	t.shift(to, place{}, waitingAt(r.now))
	if !r.settings.FIFO {
		return nil
	}
	if err := t.refresh(r.from, r.lane, m.group.String); err != nil {
		return err
	}
	return t.refresh(to, lane, m.group.String)
}
