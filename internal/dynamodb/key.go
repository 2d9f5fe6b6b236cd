package dynamodb

import (
	"encoding/binary"
	"hash/fnv"
	"maps"
	"slices"

	"github.com/hearthfaas/hearth/internal/dynamodb/attr"
)

// Keys on disk begin with a hash of the partition key, as scans and their segments
// go through partitions in no order that anyone could rely on. Then come the values of
// the key and, in an index, those of the table's own key.

// The largest values of keys (DynamoDB developer guide, quotas).
const (
	hashBytesMax  = 2048
	rangeBytesMax = 1024
)

// partition is where all items of a partition key begin.
func partition(hash attr.Value) []byte {
	enc := attr.AppendKey(make([]byte, 8, 64), hash)
	binary.BigEndian.PutUint64(enc, spread(enc[8:]))
	return enc
}

// spread hashes a key evenly over all numbers.
func spread(b []byte) uint64 {
	f := fnv.New64a()
	f.Write(b)
	h := f.Sum64()
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// diskKey is the key of an item of the table. The item has the attributes of the key.
func (t *table) diskKey(item attr.Item) []byte {
	k := partition(item[t.Hash])
	if t.Range != "" {
		k = attr.AppendKey(k, item[t.Range])
	}
	return k
}

// indexKey is the key of an item's entry in an index, nil when it has none.
func (t *table) indexKey(i *indexRecord, item attr.Item) []byte {
	// Items from before the index may have attributes that do not fit it.
	for _, name := range i.names() {
		if v := item[name]; v.Kind == attr.None || v.Kind != t.types[name] || v.Text == "" {
			return nil
		}
	}
	if checkKeySize(i.keyNames, item) != nil {
		return nil
	}
	k := partition(item[i.Hash])
	if i.Range != "" {
		k = attr.AppendKey(k, item[i.Range])
	}
	return t.appendOwn(k, item)
}

// appendOwn appends the table's own key.
func (t *table) appendOwn(k []byte, item attr.Item) []byte {
	k = attr.AppendKey(k, item[t.Hash])
	if t.Range != "" {
		k = attr.AppendKey(k, item[t.Range])
	}
	return k
}

// ttlKey is the key of an item among those that expire, nil when it does not.
func (t *table) ttlKey(item attr.Item) []byte {
	v, ok := item[t.TTL.Attribute]
	if !ok || v.Kind != attr.Number {
		return nil
	}
	return t.appendOwn(attr.AppendKey(nil, v), item)
}

// keysOf is the part of an item that is its key.
func (k keyNames) keysOf(item attr.Item) attr.Item {
	out := attr.Item{k.Hash: item[k.Hash]}
	if k.Range != "" {
		out[k.Range] = item[k.Range]
	}
	return out
}

// projected is the item as an index has it.
func (t *table) projected(i *indexRecord, item attr.Item) attr.Item {
	if i.Projection == projectAll {
		return item
	}
	out := t.keysOf(item)
	for _, name := range slices.Concat(i.names(), i.NonKey) {
		if v, ok := item[name]; ok {
			out[name] = v
		}
	}
	return out
}

var errKeySchema = invalid("The provided key element does not match the schema")

// checkKey checks the parameter Key of a request.
func (t *table) checkKey(key attr.Item) error {
	if len(key) != len(t.names()) {
		return errKeySchema
	}
	for _, name := range t.names() {
		v, ok := key[name]
		if !ok || v.Kind != t.types[name] {
			return errKeySchema
		}
		if v.Text == "" {
			return wrongParameter("The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s", emptyWord(v.Kind), name)
		}
	}
	return checkKeySize(t.keyNames, key)
}

func emptyWord(k attr.Kind) string {
	if k == attr.Binary {
		return "binary"
	}
	return "string"
}

func checkKeySize(names keyNames, item attr.Item) error {
	if item[names.Hash].Size() > hashBytesMax {
		return wrongParameter("Size of hashkey has exceeded the maximum size limit of2048 bytes")
	}
	if names.Range != "" && item[names.Range].Size() > rangeBytesMax {
		return wrongParameter("Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
	}
	return nil
}

// checkItem checks the attributes of keys in a whole item.
func (t *table) checkItem(item attr.Item) error {
	for _, name := range t.names() {
		v, ok := item[name]
		if !ok {
			return wrongParameter("Missing the key %s in the item", name)
		}
		if v.Kind != t.types[name] {
			return wrongParameter("Type mismatch for key %s expected: %s actual: %s", name, t.types[name], v.Kind)
		}
		if v.Text == "" {
			return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s",
				emptyWord(v.Kind), name)
		}
	}
	if err := checkKeySize(t.keyNames, item); err != nil {
		return err
	}
	return t.checkIndexed(item, nil)
}

// checkIndexed checks the attributes that are keys of indexes and not as they were in
// old: items from before an index may have others.
func (t *table) checkIndexed(item, old attr.Item) error {
	for n := range t.Indexes {
		i := &t.Indexes[n]
		complete := true
		for _, name := range i.names() {
			v, ok := item[name]
			if !ok {
				complete = false
				continue
			}
			if attr.Equal(v, old[name]) {
				continue
			}
			if v.Kind != t.types[name] {
				return mismatch(name, t.types[name], v.Kind, i)
			}
			if v.Text == "" {
				return invalid("One or more parameter values are not valid. A value specified for a secondary index key is not supported. "+
					"The AttributeValue for a key attribute cannot contain an empty %s value. IndexName: %s, IndexKey: %s", emptyWord(v.Kind), i.Name, name)
			}
		}
		if complete {
			if err := checkKeySize(i.keyNames, item); err != nil {
				return err
			}
		}
	}
	return nil
}

func mismatch(name string, want, got attr.Kind, i *indexRecord) error {
	return wrongParameter("Type mismatch for Index Key %s Expected: %s Actual: %s IndexName: %s", name, want, got, i.Name)
}

// sameItem says whether two items have the same attributes.
func sameItem(a, b attr.Item) bool {
	return (a == nil) == (b == nil) && maps.EqualFunc(a, b, attr.Equal)
}
