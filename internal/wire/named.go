package wire

import (
	"bytes"
	"fmt"
	"reflect"
	"unicode"
	"unicode/utf8"
)

// DecodeNamed makes the input of one of a service's operations of a JSON object that
// names every member as the SDKs do, wherever it would travel in a request. So do the
// inputs that EventBridge Scheduler keeps for its universal targets. Errors are
// *lambda.Error (SerializationException).
func DecodeNamed(s *Service, op *Operation, text []byte) (any, error) {
	s = complete(s)
	types := &compiler{memo: map[reflect.Type]*shape{}, model: models[s.Model], rest: s.Protocol == RestJSON1}
	in := op.NewInput()
	shape, err := types.top(in)
	if err != nil {
		return nil, fmt.Errorf("input of %s: %w", op.Name, err)
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return in, nil
	}
	v, err := parseJSON(text)
	if err != nil {
		return nil, err
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, mismatch(v, "a Structure")
	}
	dst := reflect.ValueOf(in).Elem()
	object, _ = renamed(object, shape, 0).(map[string]any)
	for _, m := range shape.members {
		if err := decodeJSON(dst.Field(m.field), m.shape, object[m.name], 1); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// renamed gives the members of structures the names that they have on the wire.
func renamed(v any, s *shape, depth int) any {
	if depth > jsonDepthMax {
		return v // refused where it is decoded
	}
	switch v := v.(type) {
	case []any:
		if s.kind != kindList {
			return v
		}
		for i := range v {
			v[i] = renamed(v[i], s.elem, depth+1)
		}
	case map[string]any:
		switch s.kind {
		case kindMap:
			for key, item := range v {
				v[key] = renamed(item, s.elem, depth+1)
			}
		case kindStruct:
			out := make(map[string]any, len(v))
			for key, item := range v {
				for _, m := range s.members {
					if named(key, s.typ.Field(m.field).Name, m.name) {
						out[m.name] = renamed(item, m.shape, depth+1)
					}
				}
			}
			return out
		default:
		}
	}
	return v
}

// named says whether a key means a member: by its name in Go or on the wire, with a
// first letter of either case.
func named(key string, names ...string) bool {
	for _, name := range names {
		if key == name || upperFirst(key) == upperFirst(name) {
			return true
		}
	}
	return false
}

func upperFirst(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[size:]
}
