package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"math"
	"reflect"
	"strconv"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// jsonDepthMax bounds nesting. No AWS shape comes near it; without a bound a
// request of brackets alone could exhaust the stack.
const jsonDepthMax = 200

// parseJSON reads a body into Go's generic values, numbers kept as written.
func parseJSON(body []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, malformed("the request body is not valid JSON")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, malformed("the request body has data after its JSON value")
	}
	return v, nil
}

func malformed(text string) error {
	return &lambda.Error{Code: lambda.CodeSerialization, Message: text}
}

// mismatch is AWS's text for a JSON value of the wrong type.
func mismatch(got any, want string) error {
	token := "VALUE"
	switch got := got.(type) {
	case string:
		token = "STRING_VALUE"
	case json.Number:
		token = "NUMBER_VALUE"
	case bool:
		token = "FALSE_VALUE"
		if got {
			token = "TRUE_VALUE"
		}
	case []any:
		token = "START_ARRAY"
	case map[string]any:
		token = "START_OBJECT"
	}
	return malformed(token + " can not be converted to " + want)
}

// decodeJSON sets dst, which may be a pointer, from a generic JSON value. Null
// leaves it alone: null means absent everywhere in AWS's JSON protocols.
func decodeJSON(dst reflect.Value, s *shape, v any, depth int) error {
	if v == nil {
		return nil
	}
	if depth > jsonDepthMax {
		return malformed("the request body is nested too deeply")
	}
	if dst.Kind() == reflect.Pointer {
		fresh := reflect.New(dst.Type().Elem())
		if err := decodeJSON(fresh.Elem(), s, v, depth); err != nil {
			return err
		}
		dst.Set(fresh)
		return nil
	}
	switch s.kind {
	case kindString:
		text, ok := v.(string)
		if !ok {
			return mismatch(v, "a String")
		}
		dst.SetString(text)
	case kindBool:
		b, ok := v.(bool)
		if !ok {
			return mismatch(v, "a Boolean")
		}
		dst.SetBool(b)
	case kindInt:
		n, ok := jsonInt(v, dst)
		if !ok {
			return mismatch(v, "an Integer")
		}
		dst.SetInt(n)
	case kindFloat:
		f, ok := jsonFloat(v)
		if !ok {
			return mismatch(v, "a Double")
		}
		dst.SetFloat(f)
	case kindTime:
		return decodeJSONTime(dst, v)
	case kindBlob:
		text, ok := v.(string)
		if !ok {
			return mismatch(v, "a Blob")
		}
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return malformed("a blob is not valid base64")
		}
		dst.SetBytes(raw)
	case kindList:
		return decodeJSONList(dst, s, v, depth)
	case kindMap:
		return decodeJSONMap(dst, s, v, depth)
	case kindStruct:
		return decodeJSONStruct(dst, s, v, depth)
	case kindUnion:
		return decodeJSONUnion(dst, s, v, depth)
	case kindStream:
		return malformed("a stream can not be a member of a JSON body")
	}
	return nil
}

// jsonInt accepts whole numbers in any notation that fit the destination.
func jsonInt(v any, dst reflect.Value) (int64, bool) {
	num, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(num.String(), 10, 64)
	if err != nil {
		f, err := num.Float64()
		if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
			return 0, false
		}
		n = int64(f)
	}
	return n, !dst.OverflowInt(n)
}

// jsonFloat accepts numbers and the three names that JSON has no number for.
func jsonFloat(v any) (float64, bool) {
	switch v := v.(type) {
	case json.Number:
		f, err := v.Float64()
		return f, err == nil
	case string:
		switch v {
		case "NaN", "Infinity", "-Infinity":
			f, err := strconv.ParseFloat(v, 64)
			return f, err == nil
		}
	}
	return 0, false
}

func decodeJSONTime(dst reflect.Value, v any) error {
	var text string
	switch v := v.(type) {
	case json.Number:
		text = v.String()
	case string:
		text = v
	default:
		return mismatch(v, "a Timestamp")
	}
	t, err := parseStamp(text)
	if err != nil {
		return malformed(err.Error())
	}
	dst.Set(reflect.ValueOf(t))
	return nil
}

func decodeJSONList(dst reflect.Value, s *shape, v any, depth int) error {
	items, ok := v.([]any)
	if !ok {
		return mismatch(v, "a List")
	}
	list := reflect.MakeSlice(s.typ, 0, len(items))
	for _, item := range items {
		if item == nil {
			continue
		}
		elem := reflect.New(s.typ.Elem()).Elem()
		if err := decodeJSON(elem, s.elem, item, depth+1); err != nil {
			return err
		}
		list = reflect.Append(list, elem)
	}
	dst.Set(list)
	return nil
}

func decodeJSONMap(dst reflect.Value, s *shape, v any, depth int) error {
	object, ok := v.(map[string]any)
	if !ok {
		return mismatch(v, "a Map")
	}
	m := reflect.MakeMapWithSize(s.typ, len(object))
	for key, item := range object {
		if item == nil {
			continue
		}
		elem := reflect.New(s.typ.Elem()).Elem()
		if err := decodeJSON(elem, s.elem, item, depth+1); err != nil {
			return err
		}
		m.SetMapIndex(reflect.ValueOf(key).Convert(s.typ.Key()), elem)
	}
	dst.Set(m)
	return nil
}

func decodeJSONStruct(dst reflect.Value, s *shape, v any, depth int) error {
	object, ok := v.(map[string]any)
	if !ok {
		return mismatch(v, "a Structure")
	}
	for _, m := range s.members {
		if m.place != inBody {
			continue
		}
		if err := decodeJSON(dst.Field(m.field), m.shape, object[m.name], depth+1); err != nil {
			return err
		}
	}
	return nil
}

func decodeJSONUnion(dst reflect.Value, s *shape, v any, depth int) error {
	object, ok := v.(map[string]any)
	if !ok {
		return mismatch(v, "a Union")
	}
	for name, item := range object {
		u, known := s.variants[name]
		if !known || item == nil {
			continue
		}
		if dst.IsValid() && !dst.IsNil() {
			if s.typ.Name() == "AttributeValue" { // DynamoDB's text of its own
				return lambda.Errorf(lambda.CodeValidation, "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
			}
			return malformed("a union has more than one member")
		}
		box := reflect.New(u.typ)
		if err := decodeJSON(box.Elem().Field(0), u.shape, item, depth+1); err != nil {
			return err
		}
		dst.Set(box)
	}
	return nil
}
