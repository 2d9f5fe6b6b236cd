package queue

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Request says how messages are received.
type Request struct {
	Max int // 1 to ReceiveMax; 0 is 1
	// Visibility is how long the messages are kept from other receivers; nil takes
	// the queue's.
	Visibility *time.Duration
	// Wait is how long to wait for a first message.
	Wait time.Duration
	// HeldMax is with how many messages in flight none is handed out any more; 0 sets
	// no bound.
	HeldMax int
}

// Receive takes up to Max messages that are due and hides them from other receivers
// for the visibility timeout. With none it waits for one, up to Wait; then it
// returns none. The errors are ErrNoQueue, ErrClosed, the context's, the engine's,
// and ErrOverLimit when HeldMax messages were in flight all the time.
func (e *Engine) Receive(ctx context.Context, name Name, r Request) ([]Message, error) {
	q, err := e.queue(name)
	if err != nil {
		return nil, err
	}
	until := e.cfg.Now().Add(r.Wait)
	full := false
	for {
		due, err := e.awaitDue(ctx, q, until)
		if err == nil && !due {
			if full {
				err = ErrOverLimit
			}
			return nil, wrap("receive from", name, err)
		}
		if err != nil {
			return nil, wrap("receive from", name, err)
		}
		messages, err := e.receive(ctx, q, r)
		left := until.Sub(e.cfg.Now())
		if full = errors.Is(err, ErrOverLimit); full && left > 0 {
			if err := e.pause(ctx, min(left, fullPause)); err != nil {
				return nil, wrap("receive from", name, err)
			}
			continue
		}
		if err != nil || len(messages) > 0 {
			return messages, wrap("receive from", name, err)
		}
	}
}

// fullPause is after how long a receiver looks again that waits for others to delete
// what they hold.
const fullPause = time.Second

// row is a message as it lies in the file.
type row struct {
	seq, due, sent, first    int64
	leased                   bool
	receives, moved          int
	id                       string
	group, file              sql.NullString
	attributes, origin, body []byte
}

func scanRows(rows *sql.Rows, err error) ([]row, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []row
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.seq, &r.due, &r.leased, &r.receives, &r.moved, &r.sent, &r.first,
			&r.id, &r.group, &r.attributes, &r.origin, &r.file, &r.body); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// place is where the row is.
func (r *row) place() place { return place{due: r.due, leased: r.leased, exists: true} }

// passesMax bounds how often one receive looks again because all that it found was
// too old or went to the dead-letter queue; the next receive goes on.
const passesMax = 20

func (e *Engine) receive(ctx context.Context, q *queue, r Request) ([]Message, error) {
	limit := min(max(r.Max, 1), ReceiveMax)
	var taken []row
	var dropped []string
	var lane int64
	var refused error
	err := e.submit(ctx, &op{do: func(t *tx) error {
		taken, dropped, refused = nil, nil, nil
		now := e.now()
		var s Settings
		var gone bool
		if lane, s, gone = q.now(); gone {
			return nil
		}
		if r.HeldMax > 0 && t.heldBy(q, now) >= r.HeldMax {
			refused = ErrOverLimit
			return nil
		}
		p := &pass{tx: t, engine: e, queue: q, lane: lane, settings: &s, now: now}
		for range passesMax {
			if err := p.take(limit, r.Visibility); err != nil {
				return err
			}
			if len(p.taken) > 0 || p.empty {
				break
			}
		}
		taken, dropped = p.taken, p.dropped
		if len(taken) < limit {
			return p.lookAhead()
		}
		return nil
	}})
	if err = cmp.Or(err, refused); err != nil {
		return nil, err
	}
	e.bodies.remove(dropped)
	return e.messages(lane, taken)
}

func (e *Engine) messages(lane int64, taken []row) ([]Message, error) {
	out := make([]Message, 0, len(taken))
	for i := range taken {
		m, ok, err := e.message(lane, &taken[i])
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, m)
		}
	}
	return out, nil
}

// heldBy is how many messages of a queue are in flight, with what this transaction
// has done so far.
func (t *tx) heldBy(q *queue, now int64) int {
	q.mu.Lock()
	n := q.tally.at(now).InFlight
	q.mu.Unlock()
	for i := range t.effects {
		if e := &t.effects[i]; e.queue == q && !e.group {
			n += e.to.held(now) - e.from.held(now)
		}
	}
	return n
}

// pass is one receive at work.
type pass struct {
	tx       *tx
	engine   *Engine
	queue    *queue
	lane     int64
	settings *Settings
	now      int64

	taken   []row
	dropped []string // files of messages that were too old
	empty   bool     // nothing is due
}

// take hands out what is due, except what is too old or was received too often.
func (p *pass) take(limit int, visibility *time.Duration) (err error) {
	var found []row
	if p.settings.FIFO {
		found, err = p.tx.dueInGroups(p.lane, p.now, limit)
	} else {
		found, err = scanRows(p.tx.s.due.QueryContext(p.tx.ctx, p.lane, p.now, limit))
	}
	if err != nil {
		return err
	}
	p.empty = len(found) == 0
	hide := p.settings.Visibility
	if visibility != nil {
		hide = *visibility
	}
	until := p.now + hide.Milliseconds()
	changed := map[string]bool{} // groups
	for _, r := range found {
		if r.group.Valid {
			changed[r.group.String] = true
		}
		done, err := p.removed(&r)
		if err != nil {
			return err
		}
		if done {
			continue
		}
		from := r.place()
		r.receives++
		if r.first == 0 {
			r.first = p.now
		}
		if _, err := p.tx.s.lease.ExecContext(p.tx.ctx, until, r.receives, r.first, r.seq); err != nil {
			return err
		}
		p.tx.shift(p.queue, from, leasedTo(until))
		p.taken = append(p.taken, r)
	}
	for g := range changed {
		if err := p.tx.refresh(p.queue, p.lane, g); err != nil {
			return err
		}
	}
	return nil
}

// removed takes a message away that is not to be handed out from here any more.
func (p *pass) removed(r *row) (bool, error) {
	if r.sent+p.settings.retention().Milliseconds() <= p.now {
		return true, p.tx.drop(p.queue, p.lane, r, &p.dropped)
	}
	if p.settings.MaxReceives == 0 || r.receives-r.moved < p.settings.MaxReceives {
		return false, nil
	}
	dead, ok := p.engine.find(p.settings.DeadLetter)
	if !ok || dead == p.queue {
		return false, nil // it stays here
	}
	return p.move(r, dead)
}

// drop deletes a message that is too old.
func (t *tx) drop(q *queue, lane int64, r *row, files *[]string) error {
	if err := t.s.remove.QueryRowContext(t.ctx, r.seq, lane, r.receives).Scan(new(int64), new(bool), new(sql.NullString), new(sql.NullString)); err != nil {
		return err
	}
	if r.file.Valid {
		*files = append(*files, r.file.String)
	}
	t.shift(q, r.place(), place{})
	return nil
}

// move puts a message into a dead-letter queue. A standard queue keeps its age; in a
// FIFO queue it is new (Amazon SQS developer guide, "Dead-letter queues").
func (p *pass) move(r *row, dead *queue) (bool, error) {
	lane, s, gone := dead.now()
	if gone || s.FIFO != p.settings.FIFO {
		return false, nil
	}
	origin, err := json.Marshal(p.queue.name)
	if err != nil {
		return false, err
	}
	seq, sent := r.seq, r.sent
	if s.FIFO {
		seq, sent = p.tx.nextSeq(), p.now
	}
	if _, err := p.tx.s.toLane.ExecContext(p.tx.ctx, seq, lane, p.now, sent, origin, r.seq); err != nil {
		return false, err
	}
	if s.retention() != p.settings.retention() {
		p.engine.sweepAgain(seq)
	}
	p.tx.shift(p.queue, r.place(), place{})
	p.tx.shift(dead, place{}, waitingAt(p.now))
	if s.FIFO {
		return true, p.tx.refresh(dead, lane, r.group.String)
	}
	return true, nil
}

// lookAhead notes when the next message is due.
func (p *pass) lookAhead() error {
	stmt := p.tx.s.nextDue
	if p.settings.FIFO {
		stmt = p.tx.s.nextGroup
	}
	next := int64(never)
	if err := stmt.QueryRowContext(p.tx.ctx, p.lane).Scan(&next); err != nil && !noRows(err) {
		return err
	}
	p.tx.effects = append(p.tx.effects, effect{queue: p.queue, next: next})
	return nil
}

// message makes what the receiver gets; ok is false when the message is gone
// already.
func (e *Engine) message(lane int64, r *row) (m Message, ok bool, err error) {
	m = Message{
		ID: r.id, Sequence: r.seq, Body: r.body, Group: r.group.String, Receives: r.receives,
		Receipt: e.print(receipt{lane: lane, seq: r.seq, receives: int32(r.receives)}),
		Sent:    fromMilli(r.sent), FirstReceived: fromMilli(r.first),
	}
	if r.file.Valid {
		if m.Body, ok, err = e.bodies.read(r.file.String); err != nil || !ok {
			return Message{}, false, err
		}
	}
	if m.Body == nil {
		m.Body = []byte{}
	}
	for _, part := range []struct {
		from []byte
		to   any
	}{{r.attributes, &m.Attributes}, {r.origin, &m.Origin}} {
		if len(part.from) == 0 {
			continue
		}
		if err := json.Unmarshal(part.from, part.to); err != nil {
			return Message{}, false, fmt.Errorf("read message %s: %w", r.id, err)
		}
	}
	return m, true, nil
}
