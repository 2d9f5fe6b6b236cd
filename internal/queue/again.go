package queue

import (
	"context"
	"errors"
	"time"
)

// Again hands the messages of receipts out once more, to the receiver that has got
// them already: the receipts stay as they are and the visibility timeout begins anew.
// When any of them is not in flight any more nothing happens and ok is false.
func (e *Engine) Again(ctx context.Context, name Name, visibility *time.Duration, receipts ...string) (messages []Message, ok bool, err error) {
	var lane int64
	var taken []row
	errs, err := e.each(ctx, "receive again from", name, receipts, func() { taken = nil }, func(t *tx, _ *queue, r receipt, _ int) error {
		at, _, err := t.held(r)
		if err != nil {
			return err
		}
		if at.held(e.now()) == 0 {
			return ErrNotInFlight
		}
		rows, err := scanRows(t.s.get.QueryContext(t.ctx, r.seq, r.lane))
		if err != nil {
			return &fault{err}
		}
		lane, taken = r.lane, append(taken, rows...)
		return nil
	})
	if err != nil || errors.Join(errs...) != nil || len(receipts) == 0 {
		return nil, false, err
	}
	if visibility == nil {
		s, err := e.Settings(name)
		if err != nil {
			return nil, false, err
		}
		visibility = &s.Visibility
	}
	changes := make([]Visibility, len(receipts))
	for i, r := range receipts {
		changes[i] = Visibility{Receipt: r, Timeout: *visibility}
	}
	errs, err = e.ChangeVisibility(ctx, name, changes...)
	if err != nil || errors.Join(errs...) != nil {
		return nil, false, err
	}
	messages, err = e.messages(lane, taken)
	return messages, err == nil, err
}
