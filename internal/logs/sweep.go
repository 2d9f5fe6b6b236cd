package logs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// sweepRows is how many chunks are deleted in one go. Flushes and queries wait
// meanwhile, so it is what takes a few milliseconds.
const sweepRows = 1000

// sweepAndLog is sweep for Run: what goes wrong is tried again the next time.
func (s *Service) sweepAndLog(ctx context.Context) {
	if err := s.sweep(ctx); err != nil && ctx.Err() == nil {
		s.log.ErrorContext(ctx, "expired logs not removed", "error", err)
	}
}

// sweep removes from the disk what retention and deletions have already hidden
// from queries.
func (s *Service) sweep(ctx context.Context) error {
	now := s.now()
	drop, trims := plan(dayOf(now.UnixMilli()), s.days.between(0, dayOf(always.ts)), s.holdings(now))
	var errs []error
	for _, d := range drop {
		errs = append(errs, s.dropDay(d))
	}
	for _, t := range trims {
		errs = append(errs, s.trimGroup(ctx, t))
	}
	errs = append(errs, s.emptyTrash(ctx), s.forgetStreams(ctx, now))
	return errors.Join(errs...)
}

// holding is what one group has in the day files.
type holding struct {
	group  int64
	cutoff int64         // what is earlier has expired, Unix milliseconds
	first  map[day]int64 // the earliest event of each day that has any
}

// trim is one group's events of one day that have expired.
type trim struct {
	group  int64
	day    day
	cutoff int64
}

// plan decides which days' files go as a whole and which groups lose a part of a
// day. A day's file goes when it has passed and nothing in it is kept any more.
func plan(today day, files []day, holdings []holding) (drop []day, trims []trim) {
	for _, d := range files {
		var here []trim
		kept := d >= today
		for _, h := range holdings {
			first, ok := h.first[d]
			if !ok {
				continue
			}
			kept = kept || h.cutoff < d.end()
			if first < h.cutoff {
				here = append(here, trim{group: h.group, day: d, cutoff: h.cutoff})
			}
		}
		if kept {
			trims = append(trims, here...)
		} else {
			drop = append(drop, d)
		}
	}
	return drop, trims
}

func (s *Service) holdings(now time.Time) []holding {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []holding
	for _, g := range s.index.groups {
		h := holding{group: g.id, cutoff: s.cutoff(g, now), first: map[day]int64{}}
		for _, st := range g.streams {
			for _, x := range st.days {
				if first, ok := h.first[x.day]; !ok || x.first < first {
					h.first[x.day] = x.first
				}
			}
		}
		out = append(out, h)
	}
	return out
}

// dropDay removes a day's file and what is known of it.
func (s *Service) dropDay(d day) error {
	s.disk.Lock()
	defer s.disk.Unlock()
	if s.closed {
		return errClosed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.index.groups {
		for _, st := range g.streams {
			st.days = slices.DeleteFunc(st.days, func(x dayStats) bool { return x.day == d })
		}
	}
	if err := s.days.drop(d); err != nil {
		return fmt.Errorf("drop %s: %w", d.file(), err)
	}
	return nil
}

// trimGroup removes a group's chunks that have expired as a whole, then brings the
// stats of its streams up to date.
func (s *Service) trimGroup(ctx context.Context, t trim) error {
	if err := s.deleteChunks(ctx, t.day, `grp = ? AND last < ?`, t.group, t.cutoff); err != nil {
		return err
	}
	s.disk.Lock()
	defer s.disk.Unlock()
	db := s.days.existing(t.day)
	if db == nil || s.closed {
		return nil
	}
	rows, err := db.QueryContext(ctx, `SELECT stream, MIN(first), SUM(bytes), SUM(count) FROM chunks WHERE grp = ? GROUP BY stream`, t.group)
	if err != nil {
		return err
	}
	defer rows.Close()
	left := map[int64]dayStats{}
	for rows.Next() {
		var id int64
		var x dayStats
		if err := rows.Scan(&id, &x.first, &x.bytes, &x.count); err != nil {
			return err
		}
		left[id] = x
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, st := range s.streamsOf(t.group) {
		x := st.peek(t.day)
		if x.count == 0 {
			continue
		}
		now := left[st.id]
		x.first, x.bytes, x.count = max(now.first, t.cutoff), now.bytes, now.count
		text, args := `UPDATE stats SET first = ?, bytes = ?, count = ? WHERE stream = ?`, []any{x.first, x.bytes, x.count, st.id}
		if x.count == 0 {
			text, args = `DELETE FROM stats WHERE stream = ?`, []any{st.id}
		}
		if _, err := db.ExecContext(ctx, text, args...); err != nil {
			return err
		}
		s.mu.Lock()
		if *st.at(t.day) = x; x.count == 0 {
			st.days = slices.DeleteFunc(st.days, func(y dayStats) bool { return y.day == t.day })
		}
		s.mu.Unlock()
	}
	return nil
}

// streamsOf is the streams of the group with that id.
func (s *Service) streamsOf(id int64) []*stream {
	var out []*stream
	for _, g := range s.index.groups {
		if g.id == id {
			for _, st := range g.streams {
				out = append(out, st)
			}
		}
	}
	return out
}

// deleteChunks deletes a day's chunks bit by bit, so that others get their turn.
func (s *Service) deleteChunks(ctx context.Context, d day, where string, args ...any) error {
	text := fmt.Sprintf(`DELETE FROM chunks WHERE id IN (SELECT id FROM chunks WHERE %s LIMIT %d)`, where, sweepRows)
	for {
		n, err := s.deleteSome(ctx, d, text, args...)
		if err != nil {
			return fmt.Errorf("delete expired log events of %s: %w", d.file(), err)
		}
		if n < sweepRows {
			return nil
		}
	}
}

func (s *Service) deleteSome(ctx context.Context, d day, text string, args ...any) (int64, error) {
	s.disk.Lock()
	defer s.disk.Unlock()
	db := s.days.existing(d)
	if db == nil || s.closed {
		return 0, nil
	}
	res, err := db.ExecContext(ctx, text, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// emptyTrash removes the events of deleted groups and streams.
func (s *Service) emptyTrash(ctx context.Context) error {
	for row, err := range s.trash.All(ctx, "") {
		if err != nil {
			return err
		}
		where, id := `grp = ?`, row.Value.Group
		if id == 0 {
			where, id = `stream = ?`, row.Value.Stream
		}
		for _, d := range s.days.between(0, dayOf(always.ts)) {
			if _, err := s.deleteSome(ctx, d, `DELETE FROM stats WHERE stream IN (SELECT stream FROM chunks WHERE `+where+`)`, id); err != nil {
				return err
			}
			if err := s.deleteChunks(ctx, d, where, id); err != nil {
				return err
			}
		}
		if err := s.trash.Delete(ctx, row.Key, 0); err != nil {
			return err
		}
	}
	return nil
}

// forgetStreams removes the streams that Append made and whose events have all
// expired. AWS keeps their names; but here every environment makes one, and a
// machine that runs for years must not remember them all. Streams that somebody
// made by name stay.
func (s *Service) forgetStreams(ctx context.Context, now time.Time) error {
	s.disk.Lock()
	defer s.disk.Unlock()
	if s.closed {
		return nil
	}
	s.flushLocked(ctx)
	for _, g := range s.index.groups {
		cutoff := s.cutoff(g, now)
		var gone []*stream
		for _, st := range g.streams {
			if t, ok := st.total(); st.made && st.created < cutoff && (!ok || t.last < cutoff) {
				gone = append(gone, st)
			}
		}
		if len(gone) == 0 {
			continue
		}
		if err := s.removeStreams(ctx, g, gone); err != nil {
			return err
		}
	}
	return nil
}
