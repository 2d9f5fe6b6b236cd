package wire

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
)

// cborEpoch is the tag of a timestamp: seconds since 1970.
const cborEpoch = 1

// decodeCBOR sets dst, which may be a pointer, from a CBOR value. Null leaves it alone.
// How deep values nest is bounded by the decoder that made v.
func decodeCBOR(dst reflect.Value, s *shape, v cbor.Value) error {
	switch v.(type) {
	case nil, *cbor.Nil, *cbor.Undefined:
		return nil
	}
	if dst.Kind() == reflect.Pointer {
		fresh := reflect.New(dst.Type().Elem())
		if err := decodeCBOR(fresh.Elem(), s, v); err != nil {
			return err
		}
		dst.Set(fresh)
		return nil
	}
	switch s.kind {
	case kindList:
		return decodeCBORList(dst, s, v)
	case kindMap:
		return decodeCBORMap(dst, s, v)
	case kindStruct:
		object, ok := v.(cbor.Map)
		if !ok {
			return cborMismatch(v, "a Structure")
		}
		for _, m := range s.members {
			if err := decodeCBOR(dst.Field(m.field), m.shape, object[m.name]); err != nil {
				return err
			}
		}
		return nil
	case kindUnion:
		return decodeCBORUnion(dst, s, v)
	default:
		return decodeCBORScalar(dst, s, v)
	}
}

func decodeCBORScalar(dst reflect.Value, s *shape, v cbor.Value) error {
	switch s.kind {
	case kindString:
		text, ok := v.(cbor.String)
		if !ok {
			return cborMismatch(v, "a String")
		}
		dst.SetString(string(text))
	case kindBool:
		b, ok := v.(cbor.Bool)
		if !ok {
			return cborMismatch(v, "a Boolean")
		}
		dst.SetBool(bool(b))
	case kindInt:
		n, err := cbor.AsInt64(v)
		if err != nil || dst.OverflowInt(n) {
			return cborMismatch(v, "an Integer")
		}
		dst.SetInt(n)
	case kindFloat:
		f, err := cbor.AsFloat64(v)
		if err != nil {
			n, err := cbor.AsInt64(v)
			if err != nil {
				return cborMismatch(v, "a Double")
			}
			f = float64(n)
		}
		dst.SetFloat(f)
	case kindTime:
		t, err := cborTime(v)
		if err != nil {
			return err
		}
		dst.Set(reflect.ValueOf(t))
	case kindBlob:
		raw, ok := v.(cbor.Slice)
		if !ok {
			return cborMismatch(v, "a Blob")
		}
		dst.SetBytes(raw)
	default:
		return malformed("a " + s.typ.Name() + " can not be a member of a CBOR body")
	}
	return nil
}

// cborTime reads the tag of a timestamp. Its bounds are those of the text formats.
func cborTime(v cbor.Value) (time.Time, error) {
	tag, ok := v.(*cbor.Tag)
	if !ok || tag.ID != cborEpoch {
		return time.Time{}, cborMismatch(v, "a Timestamp")
	}
	var text string
	if n, err := cbor.AsInt64(tag.Value); err == nil {
		text = strconv.FormatInt(n, 10)
	} else if f, err := cbor.AsFloat64(tag.Value); err == nil {
		text = strconv.FormatFloat(f, 'f', -1, 64)
	} else {
		return time.Time{}, cborMismatch(tag.Value, "a Timestamp")
	}
	t, err := parseEpoch(text)
	if err != nil {
		return time.Time{}, malformed(err.Error())
	}
	return t, nil
}

func decodeCBORList(dst reflect.Value, s *shape, v cbor.Value) error {
	items, ok := v.(cbor.List)
	if !ok {
		return cborMismatch(v, "a List")
	}
	list := reflect.MakeSlice(s.typ, 0, len(items))
	for _, item := range items {
		if _, null := item.(*cbor.Nil); null {
			continue
		}
		elem := reflect.New(s.typ.Elem()).Elem()
		if err := decodeCBOR(elem, s.elem, item); err != nil {
			return err
		}
		list = reflect.Append(list, elem)
	}
	dst.Set(list)
	return nil
}

func decodeCBORMap(dst reflect.Value, s *shape, v cbor.Value) error {
	object, ok := v.(cbor.Map)
	if !ok {
		return cborMismatch(v, "a Map")
	}
	m := reflect.MakeMapWithSize(s.typ, len(object))
	for key, item := range object {
		if _, null := item.(*cbor.Nil); null {
			continue
		}
		elem := reflect.New(s.typ.Elem()).Elem()
		if err := decodeCBOR(elem, s.elem, item); err != nil {
			return err
		}
		m.SetMapIndex(reflect.ValueOf(key).Convert(s.typ.Key()), elem)
	}
	dst.Set(m)
	return nil
}

func decodeCBORUnion(dst reflect.Value, s *shape, v cbor.Value) error {
	object, ok := v.(cbor.Map)
	if !ok {
		return cborMismatch(v, "a Union")
	}
	for name, item := range object {
		u, known := s.variants[name]
		if _, null := item.(*cbor.Nil); !known || null {
			continue
		}
		if !dst.IsNil() {
			return malformed("a union has more than one member")
		}
		box := reflect.New(u.typ)
		if err := decodeCBOR(box.Elem().Field(0), u.shape, item); err != nil {
			return err
		}
		dst.Set(box)
	}
	return nil
}

func cborMismatch(v cbor.Value, want string) error {
	return malformed(fmt.Sprintf("%T can not be converted to %s", v, want))
}

// decodeCBORBody reads a whole body.
func decodeCBORBody(dst reflect.Value, s *shape, body []byte) error {
	v, err := cbor.Decode(body)
	if err != nil {
		return malformed("the request body is not valid CBOR")
	}
	return decodeCBOR(dst, s, v)
}

var errNoCBOR = errors.New("wire: no form in CBOR")

// encodeCBOR makes the CBOR value of v, which may be a pointer or an interface.
func encodeCBOR(s *shape, v reflect.Value) (cbor.Value, error) {
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	switch s.kind {
	case kindString:
		return cbor.String(v.String()), nil
	case kindBool:
		return cbor.Bool(v.Bool()), nil
	case kindInt:
		return cborInt(v.Int()), nil
	case kindFloat:
		return cbor.Float64(v.Float()), nil
	case kindTime:
		t, ok := reflect.TypeAssert[time.Time](v)
		if !ok {
			return nil, fmt.Errorf("wire: a timestamp is a %s", v.Type())
		}
		return cborStamp(t), nil
	case kindBlob:
		return cbor.Slice(v.Bytes()), nil
	case kindList:
		list := make(cbor.List, v.Len())
		for i := range list {
			var err error
			if list[i], err = encodeCBOR(s.elem, v.Index(i)); err != nil {
				return nil, err
			}
		}
		return list, nil
	case kindMap:
		object := make(cbor.Map, v.Len())
		for key, value := range v.Seq2() {
			var err error
			if object[key.String()], err = encodeCBOR(s.elem, value); err != nil {
				return nil, err
			}
		}
		return object, nil
	case kindStruct:
		object := cbor.Map{}
		return object, encodeCBORMembers(object, s, v)
	case kindUnion:
		name, u, err := s.variantOf(v)
		if err != nil {
			return nil, err
		}
		value, err := encodeCBOR(u.shape, reflect.Indirect(v.Elem()).Field(0))
		return cbor.Map{name: value}, err
	default:
		return nil, fmt.Errorf("%w: %s", errNoCBOR, s.typ)
	}
}

func encodeCBORMembers(object cbor.Map, s *shape, v reflect.Value) error {
	for _, m := range s.members {
		if absent(v.Field(m.field)) {
			continue
		}
		value, err := encodeCBOR(m.shape, v.Field(m.field))
		if err != nil {
			return err
		}
		object[m.name] = value
	}
	return nil
}

func cborInt(n int64) cbor.Value {
	if n < 0 {
		return cbor.NegInt(uint64(-(n + 1)) + 1)
	}
	return cbor.Uint(n)
}

// cborStamp has the precision of a millisecond, as AWS's timestamps have.
func cborStamp(t time.Time) *cbor.Tag {
	if ms := t.UnixMilli(); ms%1000 != 0 {
		return &cbor.Tag{ID: cborEpoch, Value: cbor.Float64(float64(ms) / 1000)}
	}
	return &cbor.Tag{ID: cborEpoch, Value: cborInt(t.Unix())}
}
