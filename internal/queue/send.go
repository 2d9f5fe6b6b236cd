package queue

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// Send stores messages durably, all or none, in the order given. FIFO queues need a
// Group on each. The errors are ErrNoQueue, ErrTooLarge, ErrClosed, or the engine's.
func (e *Engine) Send(ctx context.Context, name Name, messages ...Outgoing) ([]Sent, error) {
	q, err := e.queue(name)
	if err != nil {
		return nil, err
	}
	parcels, size, err := e.pack(messages)
	if err != nil {
		return nil, wrap("send to", name, err)
	}
	sent := make([]Sent, len(messages))
	var refused error
	err = e.submit(ctx, &op{size: size, do: func(t *tx) error {
		refused = nil
		lane, s, gone := q.now()
		if gone {
			refused = ErrNoQueue
			return nil
		}
		now := e.now()
		for i, p := range parcels {
			var err error
			if sent[i], err = p.insert(t, q, lane, &s, now); err != nil {
				return err
			}
		}
		return nil
	}})
	if err = cmp.Or(err, refused); err != nil {
		// The answer to a sync that failed is unknown; a file whose message is not
		// there is removed by the next start.
		return nil, wrap("send to", name, err)
	}
	for i := range sent {
		if sent[i].Duplicate && parcels[i].file != "" {
			e.bodies.remove([]string{parcels[i].file})
		}
	}
	return sent, nil
}

// parcel is a message that is ready to be stored.
type parcel struct {
	*Outgoing
	id         string
	attributes []byte
	inline     []byte
	file       string
}

func (e *Engine) pack(messages []Outgoing) (parcels []parcel, size int, err error) {
	parcels = make([]parcel, len(messages))
	for i := range messages {
		m := &messages[i]
		p := parcel{Outgoing: m, id: lambda.NewUUID()}
		if len(m.Body) > MessageMax {
			return nil, 0, fmt.Errorf("%d bytes: %w", len(m.Body), ErrTooLarge)
		}
		if p.attributes, err = encodeAttributes(m.Attributes); err != nil {
			return nil, 0, err
		}
		if len(m.Body) <= InlineMax {
			p.inline = m.Body
			size += len(m.Body)
		} else if p.file, err = e.bodies.write(m.Body); err != nil {
			return nil, 0, err
		}
		parcels[i] = p
	}
	return parcels, size, nil
}

func encodeAttributes(m map[string]Attribute) ([]byte, error) {
	if len(m) == 0 {
		return nil, nil
	}
	b, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode attributes: %w", err)
	}
	return b, nil
}

func (p *parcel) insert(t *tx, q *queue, lane int64, s *Settings, now int64) (Sent, error) {
	if s.FIFO && p.DedupID != "" {
		if first, ok, err := p.duplicate(t, lane, s, now); err != nil || ok {
			return first, err
		}
	}
	delay := s.Delay
	if p.Delay != nil {
		delay = *p.Delay
	}
	due := now + max(0, delay.Milliseconds())
	seq := t.nextSeq()
	group := p.Group
	if !s.FIFO {
		group = ""
	}
	if _, err := t.s.insert.ExecContext(t.ctx, seq, lane, due, now, p.id, text(group), p.attributes, text(p.file), p.inline); err != nil {
		return Sent{}, err
	}
	sent := Sent{ID: p.id, Sequence: seq}
	t.shift(q, place{}, waitingAt(due))
	if !s.FIFO {
		return sent, nil
	}
	if p.DedupID != "" {
		if _, err := t.s.dedupPut.ExecContext(t.ctx, lane, p.dedupKey(s), now+DedupWindow.Milliseconds(), seq, p.id); err != nil {
			return Sent{}, err
		}
	}
	return sent, t.refresh(q, lane, group)
}

// duplicate finds the message that took this one's deduplication id.
func (p *parcel) duplicate(t *tx, lane int64, s *Settings, now int64) (Sent, bool, error) {
	first := Sent{Duplicate: true}
	err := t.s.dedupFind.QueryRowContext(t.ctx, lane, p.dedupKey(s), now).Scan(&first.Sequence, &first.ID)
	if noRows(err) {
		return Sent{}, false, nil
	}
	return first, err == nil, err
}

func (p *parcel) dedupKey(s *Settings) string {
	if s.DedupPerGroup {
		return p.Group + "\x00" + p.DedupID
	}
	return p.DedupID
}

// fromMilli is the time of a column.
func fromMilli(ms int64) time.Time { return time.UnixMilli(ms) }
