package dynamodb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/hearthfaas/hearth/internal/dynamodb/attr"
	"github.com/hearthfaas/hearth/internal/dynamodb/disk"
)

// What a stream keeps, and for how long (DynamoDB developer guide, "Change data
// capture for DynamoDB Streams").
const (
	// recordLife is how long records can be read, and how long a stream can after it
	// was disabled.
	recordLife = 24 * time.Hour
	// shardLife is when a shard is closed and a child opened.
	shardLife = 4 * time.Hour
)

// The views of a change.
const (
	viewKeys = "KEYS_ONLY"
	viewNew  = "NEW_IMAGE"
	viewOld  = "OLD_IMAGE"
	viewBoth = "NEW_AND_OLD_IMAGES"
)

// streamRecord is a stream as it lies on disk.
type streamRecord struct {
	ID    disk.Space // its number; no keys lie under it
	Table Key
	Label string
	View  string
	keyNames
	Created  time.Time
	Disabled time.Time     `json:",omitzero"`
	Shards   []shardRecord // oldest first; the last is open while the stream is enabled
	Policy   policyRecord
}

// shardRecord is one shard. Its records are the keys of its space: their sequence
// numbers.
type shardRecord struct {
	Space  disk.Space
	Name   string
	Parent string `json:",omitempty"`
	Start  int64  // every record's number is greater
	End    int64  `json:",omitempty"` // of a closed one: none is greater
	Opened time.Time
	Closed time.Time `json:",omitzero"`
}

// stream is a stream in memory. It is never changed.
type stream struct{ streamRecord }

func (s *stream) arn() string { return s.Table.ARN() + "/stream/" + s.Label }

// labelFormat is how a stream is named: the time of its making.
const labelFormat = "2006-01-02T15:04:05.000"

// shardName names a shard as AWS's look: its time and something random.
func shardName(at time.Time, space disk.Space) string {
	return fmt.Sprintf("shardId-%020d-%08x", at.UnixMilli(), uint32(spread(recordKey(space))))
}

// openShard makes a shard that begins after all records up to now.
func (s *Service) openShard(tx *disk.Tx, parent string) (shardRecord, error) {
	space, err := tx.NewSpace()
	if err != nil {
		return shardRecord{}, err
	}
	now := s.now()
	s.sequence++
	return shardRecord{Space: space, Name: shardName(now, space), Parent: parent, Start: s.sequence, Opened: now}, nil
}

// closeShard ends the last shard of a stream.
func (s *Service) closeShard(rec *streamRecord) {
	last := &rec.Shards[len(rec.Shards)-1]
	s.sequence++
	last.End, last.Closed = s.sequence, s.now()
}

// The events of records on disk.
const (
	eventInsert byte = iota + 1
	eventModify
	eventRemove
	eventExpire // a removal by time to live
)

// record appends a change to the table's stream.
func (s *Service) record(tx *disk.Tx, t *table, old, item attr.Item, expired bool) {
	s.mu.RLock()
	st := s.streams[t.Stream]
	s.mu.RUnlock()
	if st == nil {
		panic("dynamodb: a table streams to a stream that does not exist")
	}
	event := eventModify
	keys := item
	switch {
	case old == nil:
		event = eventInsert
	case item == nil && expired:
		event, keys = eventExpire, old
	case item == nil:
		event, keys = eventRemove, old
	}
	if st.View != viewOld && st.View != viewBoth {
		old = nil
	}
	if st.View != viewNew && st.View != viewBoth {
		item = nil
	}
	s.sequence++
	tx.Put(st.Shards[len(st.Shards)-1].Space, binary.BigEndian.AppendUint64(nil, uint64(s.sequence)),
		encodeRecord(event, s.now(), st.keysOf(keys), old, item))
}

// formatRecord is the first byte of a record on disk.
const formatRecord = 1

func encodeRecord(event byte, at time.Time, keys, old, item attr.Item) []byte {
	b := []byte{formatRecord, event}
	b = binary.BigEndian.AppendUint64(b, uint64(at.UnixMilli()))
	for _, i := range []attr.Item{keys, old, item} {
		var encoded []byte
		if i != nil {
			encoded = attr.EncodeItem(i)
		}
		b = binary.AppendUvarint(b, uint64(len(encoded)))
		b = append(b, encoded...)
	}
	return b
}

// streamed is a record as it is read back.
type streamed struct {
	event     byte
	at        time.Time
	keys      attr.Item
	old, item attr.Item // nil where the view has none
}

var errDamagedRecord = errors.New("dynamodb: a record of a stream cannot be read")

// recordTime reads only when a record was made.
func recordTime(b []byte) (time.Time, error) {
	if len(b) < 10 || b[0] != formatRecord {
		return time.Time{}, errDamagedRecord
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(b[2:]))).UTC(), nil
}

func decodeRecord(b []byte) (r streamed, err error) {
	if r.at, err = recordTime(b); err != nil {
		return streamed{}, err
	}
	r.event = b[1]
	b = b[10:]
	for _, into := range []*attr.Item{&r.keys, &r.old, &r.item} {
		n, used := binary.Uvarint(b)
		if used <= 0 || n > uint64(len(b)-used) {
			return streamed{}, errDamagedRecord
		}
		if n > 0 {
			if *into, err = attr.DecodeItem(b[used : used+int(n)]); err != nil {
				return streamed{}, err
			}
		}
		b = b[used+int(n):]
	}
	return r, nil
}
