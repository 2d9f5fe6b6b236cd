package attr

import (
	"encoding/binary"
	"errors"
	"slices"
)

// namesUsual is how many attributes are put in order without taking memory for it.
const namesUsual = 16

// formatItem is the first byte of an item on disk.
const formatItem = 1

// EncodeItem is an item's form on disk.
func EncodeItem(item Item) []byte {
	b := make([]byte, 0, 64+ItemSize(item)*5/4)
	return appendMap(append(b, formatItem), item)
}

func appendMap(b []byte, m map[string]Value) []byte {
	b = binary.AppendUvarint(b, uint64(len(m)))
	names := make([]string, 0, namesUsual)
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		b = appendText(b, name)
		b = appendValue(b, m[name])
	}
	return b
}

func appendText(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func appendValue(b []byte, v Value) []byte {
	b = append(b, byte(v.Kind))
	switch v.Kind {
	case String, Number, Binary:
		return appendText(b, v.Text)
	case Bool:
		if v.Bool {
			return append(b, 1)
		}
		return append(b, 0)
	case StringSet, NumberSet, BinarySet:
		b = binary.AppendUvarint(b, uint64(len(v.Set)))
		for _, m := range v.Set {
			b = appendText(b, m)
		}
		return b
	case List:
		b = binary.AppendUvarint(b, uint64(len(v.List)))
		for _, e := range v.List {
			b = appendValue(b, e)
		}
		return b
	case Map:
		return appendMap(b, v.Map)
	default:
		return b
	}
}

var errDamaged = errors.New("attr: an item on disk cannot be read")

// DecodeItem reads what EncodeItem wrote. The item does not refer to b.
func DecodeItem(b []byte) (Item, error) {
	if len(b) == 0 || b[0] != formatItem {
		return nil, errDamaged
	}
	d := decoder{rest: string(b[1:])}
	item := d.mapping(0)
	if d.failed || d.rest != "" {
		return nil, errDamaged
	}
	return item, nil
}

// decoder takes values off the front of rest. After a failure it gives nothing.
type decoder struct {
	rest   string
	failed bool
}

// count reads a length, which never exceeds the bytes that are left.
func (d *decoder) count() int {
	var n uint64
	for shift := 0; shift < 64; shift += 7 {
		if d.rest == "" {
			break
		}
		c := d.rest[0]
		d.rest = d.rest[1:]
		n |= uint64(c&0x7f) << shift
		if c < 0x80 {
			if n <= uint64(len(d.rest)) {
				return int(n)
			}
			break
		}
	}
	d.failed, d.rest = true, ""
	return 0
}

func (d *decoder) text() string {
	n := d.count()
	s := d.rest[:n]
	d.rest = d.rest[n:]
	return s
}

func (d *decoder) number() string {
	s := d.text()
	if _, ok := parseDecimal(s); !ok {
		d.failed = true
	}
	return s
}

func (d *decoder) byte() byte {
	if d.rest == "" {
		d.failed = true
		return 0
	}
	c := d.rest[0]
	d.rest = d.rest[1:]
	return c
}

func (d *decoder) mapping(depth int) map[string]Value {
	n := d.count()
	m := make(map[string]Value, n)
	for range n {
		name := d.text()
		m[name] = d.value(depth)
		if d.failed {
			return nil
		}
	}
	return m
}

func (d *decoder) value(depth int) Value {
	v := Value{Kind: Kind(d.byte())}
	if depth > depthMax {
		d.failed = true
		return Value{}
	}
	switch v.Kind {
	case String, Binary:
		v.Text = d.text()
	case Number:
		v.Text = d.number()
	case Bool:
		v.Bool = d.byte() == 1
	case StringSet, NumberSet, BinarySet:
		n := d.count()
		v.Set = make([]string, 0, n)
		for i := 0; i < n && !d.failed; i++ {
			if v.Kind == NumberSet {
				v.Set = append(v.Set, d.number())
			} else {
				v.Set = append(v.Set, d.text())
			}
		}
	case List:
		n := d.count()
		v.List = make([]Value, 0, n)
		for i := 0; i < n && !d.failed; i++ {
			v.List = append(v.List, d.value(depth+1))
		}
	case Map:
		v.Map = d.mapping(depth + 1)
	case Null:
	default:
		d.failed = true
	}
	return v
}
