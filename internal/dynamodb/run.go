package dynamodb

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/hearthfaas/hearth/internal/dynamodb/attr"
	"github.com/hearthfaas/hearth/internal/dynamodb/disk"
	"github.com/hearthfaas/hearth/internal/lambda"
)

const (
	// tendEvery is how often Run looks for what time brings about: expired items and
	// tokens, shards to close, records to forget. AWS takes hours for expiry; tests of
	// one's own should not have to.
	tendEvery = 15 * time.Second
	// stepMax is how many keys one step of a build or of clearing away takes, so that
	// no request waits long for its turn behind it.
	stepMax = 200
	// expiryAgeMax is how old an expiry may be to count: older ones are taken for
	// mistakes (DynamoDB developer guide, "Time to Live").
	expiryAgeMax = 5 * 365 * 24 * time.Hour
)

// Run does what happens without a request, until ctx ends: it builds indexes, empties
// what was deleted, deletes what expired and rolls shards over.
func (s *Service) Run(ctx context.Context) error {
	ticker := time.NewTicker(tendEvery)
	defer ticker.Stop()
	for {
		if err := s.Tend(ctx); err != nil && ctx.Err() == nil {
			s.cfg.Log.ErrorContext(ctx, "tables could not be tended", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		case <-s.work:
		}
	}
}

// Tend does all that is due. Each step is a write of its own, so it can be stopped
// between any two and goes on where it was.
func (s *Service) Tend(ctx context.Context) error {
	for _, do := range []func(context.Context) error{s.buildAll, s.expireAll, s.rollAll, s.dropTokens, s.emptyTrash} {
		if err := do(ctx); err != nil {
			return err
		}
	}
	return nil
}

// snapshot are the tables of the moment.
func (s *Service) snapshot() []*table {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]*table, 0, len(s.tables))
	for _, t := range s.tables {
		out = append(out, t)
	}
	return out
}

// buildAll enters the items of before into indexes and into the order of expiry.
func (s *Service) buildAll(ctx context.Context) error {
	for _, t := range s.snapshot() {
		for n := range t.Indexes {
			if i := &t.Indexes[n]; i.Building {
				err := s.build(ctx, t.Key, i.Space, func(t *table) (*indexRecord, bool) {
					i := t.index(i.Name)
					return i, i != nil && i.Building
				})
				if err != nil {
					return err
				}
			}
		}
		if t.TTL.Building {
			err := s.build(ctx, t.Key, t.TTL.Space, func(t *table) (*indexRecord, bool) { return nil, t.TTL.Building })
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// build goes through all items, some in each write. Entering one twice does no harm:
// from the moment that the index is there every change keeps its entry right.
func (s *Service) build(ctx context.Context, k Key, space disk.Space, find func(*table) (*indexRecord, bool)) error {
	from := []byte{}
	for from != nil {
		if err := ctx.Err(); err != nil {
			return err
		}
		var next []byte // Do may run twice, each time from the same key
		err := s.disk.Write(ctx, disk.Write{Size: stepMax << 10, Do: func(tx *disk.Tx) error {
			next = nil
			t := s.find(k)
			if t == nil {
				return nil
			}
			i, ok := find(t)
			if !ok || (i != nil && i.Space != space) || (i == nil && t.TTL.Space != space) {
				return nil
			}
			entries, err := tx.List(t.ID, from, stepMax)
			if err != nil {
				return err
			}
			for _, e := range entries {
				item, err := attr.DecodeItem(e.Value)
				if err != nil {
					return err
				}
				if err := enter(tx, t, i, e.Key, item, e.Value); err != nil {
					return err
				}
			}
			if len(entries) == stepMax {
				next = append(slices.Clone(entries[stepMax-1].Key), 0)
			}
			return nil
		}})
		if err != nil {
			return err
		}
		from = next
	}
	_, err := s.alter(ctx, k, func(_ *disk.Tx, _ *table, rec *tableRecord) (func(), error) {
		for n := range rec.Indexes {
			if rec.Indexes[n].Space == space {
				rec.Indexes[n].Building = false
			}
		}
		if rec.TTL.Space == space {
			rec.TTL.Building = false
		}
		return nil, nil
	})
	if e, ok := errors.AsType[*lambda.Error](err); ok && e.Code == lambda.CodeResourceNotFound {
		return nil // deleted meanwhile
	}
	return err
}

// enter writes the entry of one item if it is not there. An item whose attributes do
// not fit the index has none.
func enter(tx *disk.Tx, t *table, i *indexRecord, key []byte, item attr.Item, encoded []byte) error {
	if i == nil {
		if k := t.ttlKey(item); k != nil {
			tx.Put(t.TTL.Space, k, key)
		}
		return nil
	}
	k := t.indexKey(i, item)
	if k == nil {
		return nil
	}
	was, err := tx.Get(i.Space, k)
	if err != nil || was != nil {
		return err
	}
	entry := t.projected(i, item)
	if i.Projection != projectAll {
		encoded = attr.EncodeItem(entry)
	}
	tx.Put(i.Space, k, encoded)
	tx.Count(i.Space, disk.Stats{Items: 1, Bytes: int64(attr.ItemSize(entry))})
	return nil
}

// expireAll deletes the items whose time has come.
func (s *Service) expireAll(ctx context.Context) error {
	for _, t := range s.snapshot() {
		if t.TTL.Attribute == "" || t.TTL.Building {
			continue
		}
		for more := true; more; {
			if err := ctx.Err(); err != nil {
				return err
			}
			err := s.disk.Write(ctx, disk.Write{Size: stepMax << 10, Do: func(tx *disk.Tx) (err error) {
				more, err = s.expire(tx, t.Key)
				return err
			}})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// expire deletes some items, and says whether there may be more.
func (s *Service) expire(tx *disk.Tx, k Key) (more bool, err error) {
	t := s.find(k)
	if t == nil || t.TTL.Attribute == "" {
		return false, nil
	}
	now := s.now()
	from := attr.AppendKey(nil, attr.FromInt(now.Add(-expiryAgeMax).Unix()))
	end := attr.AppendKey(nil, attr.FromInt(now.Unix()+1))
	entries, err := tx.List(t.TTL.Space, from, stepMax)
	if err != nil {
		return false, err
	}
	for _, e := range entries {
		if slices.Compare(e.Key, end) >= 0 {
			return false, nil
		}
		item, err := readItem(tx, t, e.Value)
		if err != nil {
			return false, err
		}
		if item == nil {
			tx.Remove(t.TTL.Space, e.Key) // cannot be; let it not be found for ever
			continue
		}
		if _, err := s.change(tx, t, e.Value, item, nil, true); err != nil {
			return false, err
		}
	}
	return len(entries) == stepMax, nil
}

// rollAll closes shards that are old enough, and forgets those that nobody can read
// any more.
func (s *Service) rollAll(ctx context.Context) error {
	s.mu.RLock()
	var due []disk.Space
	now := s.now()
	for id, st := range s.streams {
		if st.due(now) {
			due = append(due, id)
		}
	}
	s.mu.RUnlock()
	for _, id := range due {
		err := s.alone(ctx, func(tx *disk.Tx) (func(), error) { return s.roll(tx, id) })
		if err != nil {
			return err
		}
	}
	return nil
}

// due says whether roll has something to do. It is pure.
func (st *stream) due(now time.Time) bool {
	if !st.Disabled.IsZero() && now.Sub(st.Disabled) > recordLife {
		return true
	}
	last := st.Shards[len(st.Shards)-1]
	return last.End == 0 && now.Sub(last.Opened) >= shardLife ||
		st.Shards[0].End != 0 && len(st.Shards) > 1 && now.Sub(st.Shards[0].Closed) > recordLife
}

func (s *Service) roll(tx *disk.Tx, id disk.Space) (func(), error) {
	s.mu.RLock()
	st := s.streams[id]
	s.mu.RUnlock()
	now := s.now()
	if st == nil || !st.due(now) {
		return nil, nil
	}
	if !st.Disabled.IsZero() && now.Sub(st.Disabled) > recordLife {
		return s.forget(tx, st)
	}
	return s.alterStream(tx, id, func(rec *streamRecord) error {
		last := rec.Shards[len(rec.Shards)-1]
		if last.End == 0 && now.Sub(last.Opened) >= shardLife {
			s.closeShard(rec)
			next, err := s.openShard(tx, last.Name)
			if err != nil {
				return err
			}
			rec.Shards = append(rec.Shards, next)
		}
		for len(rec.Shards) > 1 && rec.Shards[0].End != 0 && now.Sub(rec.Shards[0].Closed) > recordLife {
			trash(tx, rec.Shards[0].Space)
			rec.Shards = rec.Shards[1:]
		}
		return nil
	})
}

// forget removes a stream. A table whose latest it was has none any more.
func (s *Service) forget(tx *disk.Tx, st *stream) (func(), error) {
	tx.Remove(spaceStreams, recordKey(st.ID))
	for _, shard := range st.Shards {
		trash(tx, shard.Space)
	}
	var made *table
	if t := s.find(st.Table); t != nil && t.Stream == st.ID {
		rec := t.changed()
		rec.Stream = 0
		made = newTable(rec)
		if err := putRecord(tx, spaceTables, rec.ID, rec); err != nil {
			return nil, err
		}
	}
	return func() {
		delete(s.streams, st.ID)
		delete(s.byARN, st.arn())
		if made != nil {
			s.tables[made.Key] = made
		}
	}, nil
}

// dropTokens forgets the tokens of transactions that ended.
func (s *Service) dropTokens(ctx context.Context) error {
	for more := true; more; {
		err := s.disk.Write(ctx, disk.Write{Do: func(tx *disk.Tx) error {
			entries, err := tx.List(spaceAges, nil, stepMax)
			if err != nil {
				return err
			}
			more = len(entries) == stepMax
			now := s.now().UnixMilli()
			for _, e := range entries {
				until, key := e.Key[:8], e.Key[8:]
				if int64(binary.BigEndian.Uint64(until)) > now {
					more = false
					break
				}
				tx.Remove(spaceAges, e.Key)
				// A token that was used again since has a later end.
				token, err := tx.Get(spaceTokens, key)
				if err != nil {
					return err
				}
				if len(token) >= 8 && slices.Equal(token[:8], until) {
					tx.Remove(spaceTokens, key)
				}
			}
			return nil
		}})
		if err != nil || ctx.Err() != nil {
			return err
		}
	}
	return nil
}

// emptyTrash removes the keys of spaces that nobody uses any more.
func (s *Service) emptyTrash(ctx context.Context) error {
	for more := true; more; {
		err := s.disk.Write(ctx, disk.Write{Size: stepMax << 10, Do: func(tx *disk.Tx) error {
			spaces, err := tx.List(spaceTrash, nil, 1)
			if err != nil || len(spaces) == 0 {
				more = false
				return err
			}
			space := disk.Space(binary.BigEndian.Uint64(spaces[0].Key))
			entries, err := tx.List(space, nil, stepMax)
			if err != nil {
				return err
			}
			for _, e := range entries {
				tx.Remove(space, e.Key)
			}
			if len(entries) < stepMax {
				tx.Remove(spaceTrash, spaces[0].Key)
				st := s.disk.Stats(space)
				tx.Count(space, disk.Stats{Items: -st.Items, Bytes: -st.Bytes})
			}
			return nil
		}})
		if err != nil || ctx.Err() != nil {
			return err
		}
	}
	return nil
}
