package eventbridge

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/hearthfaas/hearth/internal/store"
)

// runReplays plays archives back until ctx ends, one after the other. A replay that
// the end interrupts goes on after the next start where it was.
func (s *Service) runReplays(ctx context.Context) {
	for {
		for _, name := range s.activeReplays() {
			if err := s.replay(ctx, name); err != nil && ctx.Err() == nil {
				s.cfg.Log.ErrorContext(ctx, "playing an archive back", "replay", name.name, "error", err)
				rest(ctx, troublePause)
				nudge(s.replaying)
			}
		}
		select {
		case <-s.replaying:
		case <-ctx.Done():
			return
		}
	}
}

func (s *Service) activeReplays() []ownName {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []ownName
	for name, r := range s.index.replays {
		if active(r.State) {
			out = append(out, name)
		}
	}
	return out
}

// changeReplay edits a replay that is active and stores it. It reports false when the
// replay is not to go on.
func (s *Service) changeReplay(ctx context.Context, name ownName, change func(*replayRecord)) (replayRecord, bool, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	r, ok := s.index.replays[name]
	if !ok || !active(r.State) {
		return replayRecord{}, false, nil
	}
	rec := *r
	change(&rec)
	if rec.State == string(types.ReplayStateCancelling) {
		rec.State, rec.Ended = string(types.ReplayStateCancelled), s.stamp()
	}
	err := s.keepReplay(ctx, rec)
	return rec, active(rec.State), err
}

// replay plays one archive back from where it was. The events come with their own
// ids and times and the replay's name, in the order of their times.
func (s *Service) replay(ctx context.Context, name ownName) error {
	rec, on, err := s.changeReplay(ctx, name, func(r *replayRecord) {
		if r.State == string(types.ReplayStateStarting) {
			r.State = string(types.ReplayStateRunning)
		}
	})
	if err != nil || !on {
		return err
	}
	from := rec.Cursor
	archive := ownName{rec.Account, rec.Region, rec.Archive}
	if from == "" {
		from = keptBefore(archive, rec.From)
	}
	stopped := false
	err = s.pagesAfter(ctx, archive, from, func(page []store.Record) (bool, error) {
		more, err := s.play(ctx, &rec, page)
		if err != nil {
			return false, err
		}
		_, on, err := s.changeReplay(ctx, name, func(r *replayRecord) { r.Cursor, r.Last = rec.Cursor, rec.Last })
		stopped = !on
		return on && more, err
	})
	if err != nil || stopped {
		return err
	}
	_, _, err = s.changeReplay(ctx, name, func(r *replayRecord) {
		if r.State == string(types.ReplayStateRunning) {
			r.State, r.Ended = string(types.ReplayStateCompleted), s.stamp()
		}
	})
	return err
}

// play puts a page of archived events on the bus, and notes in rec how far it came.
// It reports false at the end of the replay's time.
func (s *Service) play(ctx context.Context, rec *replayRecord, page []store.Record) (more bool, err error) {
	var p plan
	k := busKey{rec.Account, rec.Region, rec.Bus}
	more = true
	for _, one := range page {
		row, err := s.kept.Decode(one)
		if err != nil {
			return false, fmt.Errorf("read an archived event: %w", err)
		}
		e := row.Value
		if !e.Time.Before(rec.To) {
			more = false
			break
		}
		h := e.header
		h.Replay, h.Ingested = rec.Name, s.cfg.Now().UTC()
		s.route(&p, k, h, e.Detail, rec.Rules)
		rec.Cursor, rec.Last = one.Key, e.Time
	}
	return more, s.carry(ctx, &p)
}
