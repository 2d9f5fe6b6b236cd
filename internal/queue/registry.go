package queue

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// load reads the queues, and counts what is in them.
func (e *Engine) load(ctx context.Context) error {
	conn := e.writer.conn
	rows, err := conn.QueryContext(ctx, `SELECT id, account, region, kind, name, lane, settings FROM queues`)
	if err != nil {
		return fmt.Errorf("read the queues: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		q := &queue{next: never}
		var settings []byte
		if err := rows.Scan(&q.id, &q.name.Account, &q.name.Region, &q.name.Kind, &q.name.Name, &q.lane, &settings); err != nil {
			return fmt.Errorf("read the queues: %w", err)
		}
		if err := json.Unmarshal(settings, &q.settings); err != nil {
			return fmt.Errorf("read the settings of queue %s: %w", q.name.Name, err)
		}
		e.queues[q.name], e.lanes[q.lane] = q, q
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read the queues: %w", err)
	}
	return e.count(ctx, conn)
}

// count fills the tallies from the file: how many messages each lane has, and of
// those that are not visible yet, when they will be.
func (e *Engine) count(ctx context.Context, conn *sql.Conn) error {
	now := e.now()
	for _, kind := range []string{"grp IS NULL", "grp IS NOT NULL"} {
		err := eachRow(ctx, conn, `SELECT lane, 0, min(due), count(*) FROM messages WHERE `+kind+` GROUP BY lane`,
			func(q *queue, p place, n int) {
				q.next = min(q.next, p.due)
				q.tally.total += n
			}, e.lanes)
		if err != nil {
			return err
		}
		err = eachRow(ctx, conn, `SELECT lane, leased, due, count(*) FROM messages WHERE `+kind+` AND due > `+strconv.FormatInt(now, 10)+
			` GROUP BY lane, leased, due / 1000`,
			func(q *queue, p place, n int) {
				q.tally.total -= n // add counts them again
				q.tally.add(p, n)
			}, e.lanes)
		if err != nil {
			return err
		}
	}
	return nil
}

// eachRow reads groups of messages: lane, leased, due and how many.
func eachRow(ctx context.Context, conn *sql.Conn, query string, fn func(*queue, place, int), lanes map[int64]*queue) error {
	rows, err := conn.QueryContext(ctx, query)
	if err != nil {
		return fmt.Errorf("count the messages: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var lane int64
		p, n := place{exists: true}, 0
		if err := rows.Scan(&lane, &p.leased, &p.due, &n); err != nil {
			return fmt.Errorf("count the messages: %w", err)
		}
		if q, ok := lanes[lane]; ok { // otherwise it lies in the trash
			fn(q, p, n)
		}
	}
	return rows.Err()
}

func (e *Engine) find(name Name) (*queue, bool) {
	e.qmu.RLock()
	defer e.qmu.RUnlock()
	q, ok := e.queues[name]
	return q, ok
}

func (e *Engine) queue(name Name) (*queue, error) {
	q, ok := e.find(name)
	if !ok {
		return nil, fmt.Errorf("%s: %w", name.Name, ErrNoQueue)
	}
	return q, nil
}

// Create makes a queue. When it exists with the same settings nothing happens, with
// others the error is ErrExists.
func (e *Engine) Create(ctx context.Context, name Name, s Settings) error {
	settings, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("create queue %s: %w", name.Name, err)
	}
	var refused error
	err = e.submit(ctx, &op{alone: true, do: func(t *tx) error {
		if q, ok := e.find(name); ok {
			if old, err := json.Marshal(q.settings); err != nil || !bytes.Equal(old, settings) {
				refused = ErrExists
			}
			return nil
		}
		q := &queue{name: name, lane: t.nextSeq(), settings: s, next: never}
		res, err := t.conn.ExecContext(t.ctx, `INSERT INTO queues (account, region, kind, name, lane, settings) VALUES (?, ?, ?, ?, ?, ?)`,
			name.Account, name.Region, name.Kind, name.Name, q.lane, settings)
		if err != nil {
			return err
		}
		if q.id, err = res.LastInsertId(); err != nil {
			return err
		}
		t.effects = append(t.effects, effect{then: func() {
			e.qmu.Lock()
			defer e.qmu.Unlock()
			e.queues[name], e.lanes[q.lane] = q, q
		}})
		return nil
	}})
	return wrap("create", name, cmp.Or(err, refused))
}

func wrap(doing string, name Name, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s queue %s: %w", doing, name.Name, err)
}

// Configure changes a queue's settings; change must not keep what it is given. FIFO
// stays as it is.
func (e *Engine) Configure(ctx context.Context, name Name, change func(*Settings)) error {
	var refused error
	err := e.submit(ctx, &op{alone: true, do: func(t *tx) error {
		q, ok := e.find(name)
		if !ok {
			refused = ErrNoQueue
			return nil
		}
		_, s, _ := q.now()
		s.Meta = bytes.Clone(s.Meta)
		fifo := s.FIFO
		change(&s)
		s.FIFO = fifo
		settings, err := json.Marshal(s)
		if err != nil {
			return err
		}
		if _, err := t.conn.ExecContext(t.ctx, `UPDATE queues SET settings = ? WHERE id = ?`, settings, q.id); err != nil {
			return err
		}
		t.effects = append(t.effects, effect{then: func() {
			q.mu.Lock()
			defer q.mu.Unlock()
			if q.settings.retention() != s.retention() {
				e.sweepAgain(1)
			}
			q.settings = s
		}})
		return nil
	}})
	return wrap("configure", name, cmp.Or(err, refused))
}

// Delete removes a queue with what is in it.
func (e *Engine) Delete(ctx context.Context, name Name) error {
	return wrap("delete", name, e.drop(ctx, name, false))
}

// Purge removes everything that is in a queue now.
func (e *Engine) Purge(ctx context.Context, name Name) error {
	return wrap("purge", name, e.drop(ctx, name, true))
}

// drop leaves the queue's lane to the janitor, and gives the queue a new one when it
// is to stay.
func (e *Engine) drop(ctx context.Context, name Name, stays bool) error {
	var refused error
	err := e.submit(ctx, &op{alone: true, do: func(t *tx) error {
		q, ok := e.find(name)
		if !ok {
			refused = ErrNoQueue
			return nil
		}
		old, _, _ := q.now()
		if _, err := t.conn.ExecContext(t.ctx, `INSERT INTO trash (lane) VALUES (?)`, old); err != nil {
			return err
		}
		lane, err := int64(0), error(nil)
		if stays {
			lane = t.nextSeq()
			_, err = t.conn.ExecContext(t.ctx, `UPDATE queues SET lane = ? WHERE id = ?`, lane, q.id)
		} else {
			_, err = t.conn.ExecContext(t.ctx, `DELETE FROM queues WHERE id = ?`, q.id)
		}
		if err != nil {
			return err
		}
		t.effects = append(t.effects, effect{then: func() { e.relane(q, old, lane, stays) }})
		return nil
	}})
	return cmp.Or(err, refused)
}

func (e *Engine) relane(q *queue, old, lane int64, stays bool) {
	e.qmu.Lock()
	defer e.qmu.Unlock()
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(e.lanes, old)
	q.lane, q.gone, q.tally, q.next = lane, !stays, tally{}, never
	if stays {
		e.lanes[lane] = q
	} else {
		delete(e.queues, q.name)
		q.wake(len(q.waiters))
	}
}

// Settings are a queue's settings.
func (e *Engine) Settings(name Name) (Settings, error) {
	q, err := e.queue(name)
	if err != nil {
		return Settings{}, err
	}
	_, s, _ := q.now()
	s.Meta = bytes.Clone(s.Meta)
	return s, nil
}

// Counts are a queue's messages now. It reads memory only.
func (e *Engine) Counts(name Name) (Counts, error) {
	q, err := e.queue(name)
	if err != nil {
		return Counts{}, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.tally.at(e.now()), nil
}

// List names the queues of a kind, of one account and region or of all when those
// are empty, in order.
func (e *Engine) List(account, region, kind string) []Name {
	e.qmu.RLock()
	defer e.qmu.RUnlock()
	var out []Name
	for n := range e.queues {
		if n.Kind == kind && (account == "" || n.Account == account) && (region == "" || n.Region == region) {
			out = append(out, n)
		}
	}
	slices.SortFunc(out, func(a, b Name) int {
		return cmp.Or(strings.Compare(a.Account, b.Account), strings.Compare(a.Region, b.Region), strings.Compare(a.Name, b.Name))
	})
	return out
}

// noRows says that a query found nothing, which is no fault.
func noRows(err error) bool { return errors.Is(err, sql.ErrNoRows) }
