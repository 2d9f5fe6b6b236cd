package logs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"

	"github.com/hearthfaas/hearth/internal/store"
)

// flush writes everything that Append took before. It comes back when that is
// where queries find it; what the disk refuses is dropped, counted and logged.
func (s *Service) flush(ctx context.Context) {
	s.disk.Lock()
	defer s.disk.Unlock()
	s.flushLocked(ctx)
}

// flushLocked is flush for callers that hold disk. What waits belongs to others
// than the caller, so it is written even when the caller has gone.
func (s *Service) flushLocked(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	b := s.buffer.take()
	if len(b.entries) == 0 {
		return
	}
	err := errClosed
	if !s.closed {
		err = s.write(ctx, b)
	}
	if err != nil {
		s.buffer.dropped.Add(int64(len(b.events)))
		s.log.ErrorContext(ctx, "log events dropped", "events", len(b.events), "error", err)
	}
	s.buffer.give(b)
}

// streamRef names a stream before it is known to exist.
type streamRef struct {
	key  Key
	name string
}

// part is the lines of a batch that go to one stream and one day.
type part struct {
	group  *group
	stream *stream
	day    day
	lines  []line
}

// write puts a batch on disk and into the stats. The caller holds disk.
func (s *Service) write(ctx context.Context, b batch) error {
	found, err := s.ensure(ctx, b.entries)
	if err != nil {
		return fmt.Errorf("make log groups and streams: %w", err)
	}
	var errs []error
	for d, parts := range s.split(b, found) {
		if err := s.writeDay(ctx, d, parts); err != nil {
			errs = append(errs, fmt.Errorf("write log events of %s: %w", d.file(), err))
		}
	}
	return errors.Join(errs...)
}

// split numbers a batch's events and sorts them by day and stream.
func (s *Service) split(b batch, found map[streamRef]part) map[day][]*part {
	type at struct {
		stream *stream
		day    day
	}
	parts, byDay := map[at]*part{}, map[day][]*part{}
	rest := b.events
	for _, e := range b.entries {
		own := found[streamRef{e.key, e.stream}]
		var p *part // most often all events of an entry go to the same
		for _, ev := range rest[:e.n] {
			ts := ev.Time.UnixMilli()
			if d := dayOf(ts); p == nil || p.day != d {
				if p = parts[at{own.stream, d}]; p == nil {
					p = &part{group: own.group, stream: own.stream, day: d}
					parts[at{own.stream, d}] = p
					byDay[d] = append(byDay[d], p)
				}
			}
			s.seq++
			p.lines = append(p.lines, line{ts: ts, seq: s.seq, ingested: e.at, message: ev.Message})
		}
		rest = rest[e.n:]
	}
	return byDay
}

// ensure finds the entries' groups and streams and makes the ones that do not
// exist, all in one transaction. The caller holds disk: nobody else changes the
// index, so it is read without mu.
func (s *Service) ensure(ctx context.Context, entries []entry) (map[streamRef]part, error) {
	found := map[streamRef]part{}
	newGroups := map[Key]*group{}
	var made []part
	var changes []store.Change
	for _, e := range entries {
		ref := streamRef{e.key, e.stream}
		if _, ok := found[ref]; ok {
			continue
		}
		g := s.index.groups[e.key]
		if g == nil {
			g = newGroups[e.key]
		}
		if g == nil {
			g = s.newGroup(e.key, groupRecord{Created: e.at})
			newGroups[e.key] = g
			c, err := s.groups.PutChange(e.key.recordKey(), g.record, store.Absent)
			if err != nil {
				return nil, err
			}
			changes = append(changes, c)
		}
		st := g.streams[e.stream]
		if st == nil {
			st = &stream{id: s.index.newID(e.at), name: e.stream, created: e.at, made: true}
			rec := streamRecord{ID: st.id, Created: st.created, Made: true}
			c, err := s.streams.PutChange(streamKey(g.id, e.stream), rec, store.Absent)
			if err != nil {
				return nil, err
			}
			changes = append(changes, c)
			made = append(made, part{group: g, stream: st})
		}
		found[ref] = part{group: g, stream: st}
	}
	if len(changes) == 0 {
		return found, nil
	}
	if _, err := s.meta.Apply(ctx, changes...); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.Copy(s.index.groups, newGroups)
	for _, p := range made {
		p.group.streams[p.stream.name] = p.stream
	}
	return found, nil
}

// newGroup is a group with an id of its own; the caller holds disk, which guards
// the giving out of ids.
func (s *Service) newGroup(k Key, rec groupRecord) *group {
	rec.ID = s.index.newID(rec.Created)
	if rec.Class == "" {
		rec.Class = classStandard
	}
	return &group{id: rec.ID, key: k, record: rec, streams: map[string]*stream{}}
}

// writeDay writes the parts of one day in one transaction.
func (s *Service) writeDay(ctx context.Context, d day, parts []*part) error {
	db, err := s.days.get(ctx, d)
	if err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	stats, err := writeParts(ctx, tx, parts)
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, p := range parts {
		*p.stream.at(d) = stats[i]
	}
	return nil
}

// writeParts writes chunks and stats and returns the new stats of each part. Only
// the writer changes stats, so it reads them without the lock.
func writeParts(ctx context.Context, tx *sql.Tx, parts []*part) ([]dayStats, error) {
	insert, err := tx.PrepareContext(ctx, `INSERT INTO chunks (grp, stream, first, last, seq, bytes, count, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`)
	if err != nil {
		return nil, err
	}
	defer insert.Close()
	replace, err := tx.PrepareContext(ctx, `INSERT OR REPLACE INTO stats (stream, first, last, ingested, bytes, count, seq) VALUES (?, ?, ?, ?, ?, ?, ?)`)
	if err != nil {
		return nil, err
	}
	defer replace.Close()
	all := make([]dayStats, len(parts))
	for i, p := range parts {
		st := p.stream.peek(p.day)
		for _, c := range pack(p.group.id, p.stream.id, p.lines) {
			if _, err := insert.ExecContext(ctx, c.group, c.stream, c.first, c.last, c.seq, c.bytes, c.count, c.data); err != nil {
				return nil, err
			}
		}
		for _, l := range p.lines {
			st.add(l)
		}
		if _, err := replace.ExecContext(ctx, p.stream.id, st.first, st.last, st.ingested, st.bytes, st.count, st.seq); err != nil {
			return nil, err
		}
		all[i] = st
	}
	return all, nil
}
