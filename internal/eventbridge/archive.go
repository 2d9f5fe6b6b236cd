package eventbridge

import (
	"context"
	"strings"
	"time"

	"github.com/hearthfaas/hearth/internal/store"
)

// add counts events that came or went, once they are counted at all.
func (t *tally) add(count, size int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known {
		t.count += count
		t.size += size
	}
}

// keptPage is how many archived events are read or dropped at a time: at most some
// megabytes in memory with usual events.
const keptPage = 200

// count is how many events an archive has and their size. The first time it looks
// through all of them; what comes in meanwhile may be counted twice, as AWS's figures
// may be a day old.
func (s *Service) count(ctx context.Context, name ownName, a *archive) (count, size int64, err error) {
	a.tally.mu.Lock()
	defer a.tally.mu.Unlock()
	if a.tally.known {
		return a.tally.count, a.tally.size, nil
	}
	err = s.pagesAfter(ctx, name, "", func(page []store.Record) (bool, error) {
		for _, rec := range page {
			count++
			size += int64(len(rec.Value))
		}
		return true, nil
	})
	if err == nil {
		a.tally.known, a.tally.count, a.tally.size = true, count, size
	}
	return count, size, err
}

// pagesAfter calls fn with an archive's events behind a key in the order of their
// times, until it has enough.
func (s *Service) pagesAfter(ctx context.Context, name ownName, after string, fn func([]store.Record) (more bool, err error)) error {
	for {
		page, err := s.cfg.Store.List(ctx, s.kept.Kind(), name.record()+"/", after, keptPage)
		if err != nil || len(page) == 0 {
			return err
		}
		after = page[len(page)-1].Key
		if more, err := fn(page); err != nil || !more {
			return err
		}
	}
}

// dropKept removes an archive's events that came before a moment, or all of them when
// that is zero. Events may say that they are older than their arrival, so those with
// old times are looked into; those with later times are left for later.
func (s *Service) dropKept(ctx context.Context, name ownName, before time.Time) error {
	end := keptBefore(name, before)
	return s.pagesAfter(ctx, name, "", func(page []store.Record) (bool, error) {
		var changes []store.Change
		var size int64
		for _, rec := range page {
			if !before.IsZero() {
				row, err := s.kept.Decode(rec)
				if err != nil {
					return false, err
				}
				if rec.Key >= end || !row.Value.Ingested.Before(before) {
					continue
				}
			}
			changes = append(changes, store.Change{Kind: rec.Kind, Key: rec.Key})
			size += int64(len(rec.Value))
		}
		more := before.IsZero() || page[len(page)-1].Key < end
		if len(changes) == 0 {
			return more, nil
		}
		if _, err := s.cfg.Store.Apply(ctx, changes...); err != nil {
			return false, err
		}
		s.mu.RLock()
		defer s.mu.RUnlock()
		if a, ok := s.index.archives[name]; ok {
			a.tally.add(-int64(len(changes)), -size)
		}
		return more, nil
	})
}

const (
	// sweepEvery is how often events are looked for that are older than their archive
	// keeps them, which is a matter of days.
	sweepEvery = time.Hour
	// replayKept is how long a replay is shown after it ended (EventBridge user guide,
	// "Replaying archived events": 90 days).
	replayKept = 90 * 24 * time.Hour
)

// runSweeps drops what archives keep no longer until ctx ends.
func (s *Service) runSweeps(ctx context.Context) {
	for ctx.Err() == nil {
		if err := s.sweep(ctx); err != nil && ctx.Err() == nil {
			s.cfg.Log.ErrorContext(ctx, "dropping old events of archives", "error", err)
		}
		rest(ctx, sweepEvery)
	}
}

func (s *Service) sweep(ctx context.Context) error {
	now := s.cfg.Now()
	s.mu.RLock()
	old := map[ownName]time.Time{}
	for name, a := range s.index.archives {
		if days := a.record.Retention; days > 0 {
			old[name] = now.AddDate(0, 0, -int(days))
		}
	}
	s.mu.RUnlock()
	for name, before := range old {
		if err := s.dropKept(ctx, name, before); err != nil {
			return err
		}
	}
	if err := s.dropOrphans(ctx); err != nil {
		return err
	}
	return s.dropReplays(ctx, now.Add(-replayKept))
}

// dropOrphans removes events whose archive is gone: those that came in while it was
// deleted, or a deletion that was cut short.
func (s *Service) dropOrphans(ctx context.Context) error {
	after := ""
	for {
		page, err := s.cfg.Store.List(ctx, s.kept.Kind(), "", after, 1)
		if err != nil || len(page) == 0 {
			return err
		}
		f := strings.SplitN(page[0].Key, "/", 4)
		name := ownName{f[0], f[1], f[2]}
		s.mu.RLock()
		_, ok := s.index.archives[name]
		s.mu.RUnlock()
		if !ok {
			if err := s.dropKept(ctx, name, time.Time{}); err != nil {
				return err
			}
		}
		after = name.record() + "/~" // behind all keys of this archive
	}
}

func (s *Service) dropReplays(ctx context.Context, before time.Time) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	for name, r := range s.index.replays {
		if active(r.State) || r.Ended.After(before) {
			continue
		}
		if err := s.replays.Delete(ctx, name.record(), 0); err != nil {
			return err
		}
		s.mu.Lock()
		delete(s.index.replays, name)
		s.mu.Unlock()
	}
	return nil
}
