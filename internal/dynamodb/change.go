package dynamodb

import (
	"bytes"

	"github.com/hearthfaas/hearth/internal/dynamodb/attr"
	"github.com/hearthfaas/hearth/internal/dynamodb/disk"
)

// cost is what a write consumed, in write capacity units.
type cost struct {
	table float64
	index map[*indexRecord]float64
}

// units are the capacity units of so many bytes.
func units(size, each int) float64 { return float64(max(1, (size+each-1)/each)) }

// The bytes that a capacity unit pays for (DynamoDB developer guide).
const (
	writeUnit = 1 << 10
	readUnit  = 4 << 10
)

// change replaces an item, its entries in indexes, and appends to the stream: old
// becomes item, and either may be nil. The item was checked. expired says that time
// to live did it.
func (s *Service) change(tx *disk.Tx, t *table, key []byte, old, item attr.Item, expired bool) (cost, error) {
	oldSize, newSize := attr.ItemSize(old), attr.ItemSize(item)
	c := cost{table: units(max(oldSize, newSize), writeUnit)}
	if sameItem(old, item) {
		return c, nil
	}
	var encoded []byte
	if item == nil {
		tx.Remove(t.ID, key)
	} else {
		encoded = attr.EncodeItem(item)
		tx.Put(t.ID, key, encoded)
	}
	tx.Count(t.ID, disk.Stats{Items: one(item) - one(old), Bytes: int64(newSize - oldSize)})
	for n := range t.Indexes {
		i := &t.Indexes[n]
		u, err := t.changeEntry(tx, i, old, item, encoded)
		if err != nil {
			return c, err
		}
		if u > 0 {
			if c.index == nil {
				c.index = map[*indexRecord]float64{}
			}
			c.index[i] = u
		}
	}
	if t.TTL.Attribute != "" {
		t.changeExpiry(tx, old, item)
	}
	if t.Streaming {
		s.record(tx, t, old, item, expired)
	}
	return c, nil
}

func one(item attr.Item) int64 {
	if item == nil {
		return 0
	}
	return 1
}

// changeEntry does for one index what change does for the table, and returns the
// units that it consumed. encoded is the whole item.
func (t *table) changeEntry(tx *disk.Tx, i *indexRecord, old, item attr.Item, encoded []byte) (float64, error) {
	var oldKey, newKey []byte
	var oldEntry, newEntry attr.Item
	if old != nil {
		if oldKey = t.indexKey(i, old); oldKey != nil {
			oldEntry = t.projected(i, old)
		}
	}
	if item != nil {
		if newKey = t.indexKey(i, item); newKey != nil {
			newEntry = t.projected(i, item)
		}
	}
	if bytes.Equal(oldKey, newKey) && sameItem(oldEntry, newEntry) && !i.Building {
		return 0, nil
	}
	if i.Building && oldKey != nil {
		// The build may not have come to this item yet.
		was, err := tx.Get(i.Space, oldKey)
		if err != nil {
			return 0, err
		}
		if was == nil {
			oldKey, oldEntry = nil, nil
		}
	}
	oldSize, newSize := attr.ItemSize(oldEntry), attr.ItemSize(newEntry)
	used := 0.0
	if oldKey != nil && !bytes.Equal(oldKey, newKey) {
		tx.Remove(i.Space, oldKey)
		used += units(oldSize, writeUnit)
	}
	if newKey != nil {
		value := encoded
		if i.Projection != projectAll {
			value = attr.EncodeItem(newEntry)
		}
		tx.Put(i.Space, newKey, value)
		used += units(newSize, writeUnit)
	}
	tx.Count(i.Space, disk.Stats{Items: one(newEntry) - one(oldEntry), Bytes: int64(newSize - oldSize)})
	return used, nil
}

// changeExpiry keeps the space of items by the time at which they expire.
func (t *table) changeExpiry(tx *disk.Tx, old, item attr.Item) {
	var oldKey, newKey []byte
	if old != nil {
		oldKey = t.ttlKey(old)
	}
	if item != nil {
		newKey = t.ttlKey(item)
	}
	if bytes.Equal(oldKey, newKey) {
		return
	}
	if oldKey != nil {
		tx.Remove(t.TTL.Space, oldKey)
	}
	if newKey != nil {
		tx.Put(t.TTL.Space, newKey, t.diskKey(item))
	}
}
