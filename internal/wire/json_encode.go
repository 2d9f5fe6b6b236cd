package wire

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// appendJSON prints v, which may be a pointer or an interface.
func appendJSON(b []byte, s *shape, v reflect.Value, stamp string) ([]byte, error) {
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	switch s.kind {
	case kindString:
		return appendJSONString(b, v.String()), nil
	case kindBool:
		return strconv.AppendBool(b, v.Bool()), nil
	case kindInt:
		return strconv.AppendInt(b, v.Int(), 10), nil
	case kindFloat:
		return appendJSONFloat(b, v.Float()), nil
	case kindTime:
		t, ok := reflect.TypeAssert[time.Time](v)
		if !ok {
			return b, fmt.Errorf("wire: a timestamp is a %s", v.Type())
		}
		if stamp == "" || stamp == stampEpoch {
			return appendEpoch(b, t), nil
		}
		return appendJSONString(b, formatStamp(t, stamp)), nil
	case kindBlob:
		b = append(b, '"')
		b = base64.StdEncoding.AppendEncode(b, v.Bytes())
		return append(b, '"'), nil
	case kindList:
		return appendJSONList(b, s, v)
	case kindMap:
		return appendJSONMap(b, s, v)
	case kindStruct:
		return appendJSONStruct(b, s, v)
	case kindUnion:
		return appendJSONUnion(b, s, v)
	default:
		return b, fmt.Errorf("wire: %s has no form in JSON", s.typ)
	}
}

func appendJSONList(b []byte, s *shape, v reflect.Value) ([]byte, error) {
	b = append(b, '[')
	for i := range v.Len() {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendJSON(b, s.elem, v.Index(i), ""); err != nil {
			return b, err
		}
	}
	return append(b, ']'), nil
}

// appendJSONMap prints the keys in order, so that equal answers are equal bytes.
func appendJSONMap(b []byte, s *shape, v reflect.Value) ([]byte, error) {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(x, y reflect.Value) int { return cmp.Compare(x.String(), y.String()) })
	b = append(b, '{')
	for i, key := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendJSONString(b, key.String())
		b = append(b, ':')
		var err error
		if b, err = appendJSON(b, s.elem, v.MapIndex(key), ""); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

func appendJSONStruct(b []byte, s *shape, v reflect.Value) ([]byte, error) {
	b = append(b, '{')
	first := true
	for _, m := range s.members {
		field := v.Field(m.field)
		if m.place != inBody || absent(field) {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = appendJSONString(b, m.name)
		b = append(b, ':')
		var err error
		if b, err = appendJSON(b, m.shape, field, m.stamp); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

func appendJSONUnion(b []byte, s *shape, v reflect.Value) ([]byte, error) {
	name, u, err := s.variantOf(v)
	if err != nil {
		return b, err
	}
	b = append(b, '{')
	b = appendJSONString(b, name)
	b = append(b, ':')
	if b, err = appendJSON(b, u.shape, reflect.Indirect(v.Elem()).Field(0), ""); err != nil {
		return b, err
	}
	return append(b, '}'), nil
}

// variantOf says which member of a union the interface v holds.
func (s *shape) variantOf(v reflect.Value) (string, unionMember, error) {
	held := reflect.Indirect(v.Elem())
	for name, u := range s.variants {
		if held.IsValid() && u.typ == held.Type() {
			return name, u, nil
		}
	}
	return "", unionMember{}, fmt.Errorf("wire: %v is not a member of the union %s", v, s.typ)
}

// absent says whether a field was left unset. Maps and slices that are empty but
// not nil are present (an empty Environment is {"Variables":{}}), and so are zero
// numbers and booleans that are not pointers: those are the members for which AWS
// models a default, and it sends the default.
func absent(field reflect.Value) bool {
	switch field.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		return field.IsNil()
	case reflect.String: // an enum
		return field.Len() == 0
	default:
		return false
	}
}

func appendJSONFloat(b []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(b, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(b, `"-Infinity"`...)
	}
	return strconv.AppendFloat(b, f, 'f', -1, 64)
}

const hexDigits = "0123456789abcdef"

// appendJSONString quotes s as AWS does: only what JSON demands is escaped, so
// <, > and & stay as they are. Bytes that are not UTF-8 become U+FFFD.
func appendJSONString(b []byte, s string) []byte {
	b = append(b, '"')
	for len(s) > 0 {
		plain := 0
		for plain < len(s) && s[plain] >= 0x20 && s[plain] != '"' && s[plain] != '\\' && s[plain] < utf8.RuneSelf {
			plain++
		}
		b = append(b, s[:plain]...)
		if s = s[plain:]; s == "" {
			break
		}
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r >= utf8.RuneSelf:
			b = utf8.AppendRune(b, r)
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, '\\', 'n')
		case r == '\r':
			b = append(b, '\\', 'r')
		case r == '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[r>>4], hexDigits[r&15])
		}
		s = s[size:]
	}
	return append(b, '"')
}
