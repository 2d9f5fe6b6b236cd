package logs

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"
)

// index is the groups and streams in memory. Every group and stream has an id
// under which its events lie in the day files; ids are not used again, so that
// what a deleted group leaves behind belongs to nobody.
type index struct {
	groups map[Key]*group
	lastID int64
}

type group struct {
	id      int64
	key     Key
	record  groupRecord
	streams map[string]*stream
}

type stream struct {
	id      int64
	name    string
	created int64
	made    bool       // by Append, not by name
	days    []dayStats // in order of their days
}

// dayStats is what a stream has in one day file. Times are Unix milliseconds.
type dayStats struct {
	day      day
	first    int64 // of the earliest event
	last     int64 // of the latest
	ingested int64 // when the latest arrived
	bytes    int64
	count    int64
	seq      int64 // of the latest to arrive
}

// groupRecord is a group in the store.
type groupRecord struct {
	ID            int64
	Created       int64 // Unix milliseconds
	Class         string
	RetentionDays int32             `json:",omitempty"`
	Tags          map[string]string `json:",omitempty"`
	Protected     bool              `json:",omitempty"`
}

// streamRecord is a stream in the store.
type streamRecord struct {
	ID      int64
	Created int64 // Unix milliseconds
	Made    bool  `json:",omitempty"` // by Append, not by name
}

// trashRecord is a group or stream that was deleted and whose events still lie in
// the day files. One of the ids is set.
type trashRecord struct {
	Group  int64 `json:",omitempty"`
	Stream int64 `json:",omitempty"`
}

func newIndex() index { return index{groups: map[Key]*group{}} }

// newID gives out ids that grow with time.
func (x *index) newID(nowMilli int64) int64 {
	x.lastID = max(x.lastID+1, nowMilli)
	return x.lastID
}

// recordKey is a group's key in the store. Neither account nor region has a slash.
func (k Key) recordKey() string { return k.Account + "/" + k.Region + "/" + k.Group }

func streamKey(group int64, name string) string { return strconv.FormatInt(group, 10) + "/" + name }

// load fills the index from the store and, at the same time, from the day files:
// nothing listens before both are done.
func (s *Service) load(ctx context.Context) error {
	type found struct {
		stream int64
		stats  dayStats
	}
	var all []found
	streams := map[int64]*stream{}
	both, ctx := errgroup.WithContext(ctx)
	both.Go(func() error {
		return s.days.load(ctx, s.log, func(id int64, st dayStats) { all = append(all, found{id, st}) })
	})
	both.Go(func() error { return s.loadRecords(ctx, streams) })
	if err := both.Wait(); err != nil {
		return err
	}
	for _, x := range all {
		s.seq = max(s.seq, x.stats.seq)
		if st := streams[x.stream]; st != nil {
			st.days = append(st.days, x.stats)
		}
	}
	return nil
}

// loadRecords fills the index with groups and streams, and byID with the streams.
func (s *Service) loadRecords(ctx context.Context, byID map[int64]*stream) error {
	groups := map[int64]*group{}
	for row, err := range s.groups.All(ctx, "") {
		if err != nil {
			return err
		}
		parts := strings.SplitN(row.Key, "/", 3)
		if len(parts) != 3 {
			return fmt.Errorf("a log group's record has the key %q", row.Key)
		}
		g := &group{
			id:      row.Value.ID,
			key:     Key{Account: parts[0], Region: parts[1], Group: parts[2]},
			record:  row.Value,
			streams: map[string]*stream{},
		}
		s.index.groups[g.key] = g
		s.index.lastID = max(s.index.lastID, g.id)
		groups[g.id] = g
	}
	for row, err := range s.streams.All(ctx, "") {
		if err != nil {
			return err
		}
		id, name, _ := strings.Cut(row.Key, "/")
		groupID, err := strconv.ParseInt(id, 10, 64)
		if err != nil {
			return fmt.Errorf("a log stream's record has the key %q: %w", row.Key, err)
		}
		s.index.lastID = max(s.index.lastID, row.Value.ID)
		if g := groups[groupID]; g != nil {
			st := &stream{id: row.Value.ID, name: name, created: row.Value.Created, made: row.Value.Made}
			g.streams[name], byID[st.id] = st, st
		}
	}
	for row, err := range s.trash.All(ctx, "") {
		if err != nil {
			return err
		}
		s.index.lastID = max(s.index.lastID, row.Value.Group, row.Value.Stream)
	}
	return nil
}

// at is the stream's stats of a day, made when there are none yet.
func (st *stream) at(d day) *dayStats {
	i, found := slices.BinarySearchFunc(st.days, d, func(x dayStats, d day) int { return int(x.day - d) })
	if !found {
		st.days = slices.Insert(st.days, i, dayStats{day: d})
	}
	return &st.days[i]
}

// add puts one more event into the stats.
func (x *dayStats) add(l line) {
	if x.count == 0 || l.ts < x.first {
		x.first = l.ts
	}
	if x.count == 0 || l.ts > x.last {
		x.last = l.ts
	}
	x.ingested = max(x.ingested, l.ingested)
	x.seq = max(x.seq, l.seq)
	x.bytes += int64(len(l.message) + eventOverhead)
	x.count++
}

// total is the stream's stats over all days; false when it has no events.
func (st *stream) total() (dayStats, bool) {
	var t dayStats
	for _, x := range st.days {
		if x.count == 0 {
			continue
		}
		if t.count == 0 {
			t.first = x.first
		}
		t.last = x.last
		t.ingested = max(t.ingested, x.ingested)
		t.bytes += x.bytes
		t.count += x.count
	}
	return t, t.count > 0
}

// peek is a copy of the stream's stats of a day.
func (st *stream) peek(d day) dayStats {
	for _, x := range st.days {
		if x.day == d {
			return x
		}
	}
	return dayStats{day: d}
}
