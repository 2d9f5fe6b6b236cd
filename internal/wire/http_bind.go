package wire

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// bound holds the parts of a request that HTTP-bound members are read from.
type bound struct {
	labels map[string]string
	query  url.Values
	header http.Header
}

// decodeBound sets the members of dst that travel outside of the body.
func decodeBound(dst reflect.Value, s *shape, from bound) error {
	for _, m := range s.members {
		var texts []string
		switch m.place {
		case inLabel:
			if text, ok := from.labels[m.placeName]; ok {
				texts = []string{text}
			}
		case inQuery:
			if m.shape.kind == kindMap {
				decodeRest(dst.Field(m.field), s, m.shape, from.query)
				continue
			}
			texts = from.query[m.placeName]
		case inHeader:
			texts = from.header.Values(m.placeName)
		default:
			continue
		}
		if len(texts) == 0 {
			continue
		}
		if err := decodeTexts(dst.Field(m.field), m.shape, texts); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	return nil
}

// decodeRest sets a map to the query parameters that no other member is bound to.
func decodeRest(dst reflect.Value, s, of *shape, query url.Values) {
	bound := map[string]bool{}
	for _, m := range s.members {
		if m.place == inQuery && m.shape.kind != kindMap {
			bound[m.placeName] = true
		}
	}
	rest := reflect.MakeMap(of.typ)
	for name, values := range query {
		if !bound[name] && len(values) > 0 && of.elem.kind == kindString {
			rest.SetMapIndex(reflect.ValueOf(name), reflect.ValueOf(values[0]))
		}
	}
	if rest.Len() > 0 {
		dst.Set(rest)
	}
}

func decodeTexts(dst reflect.Value, s *shape, texts []string) error {
	if s.kind != kindList {
		return decodeText(dst, s, texts[0])
	}
	list := reflect.MakeSlice(s.typ, len(texts), len(texts))
	for i, text := range texts {
		if err := decodeText(list.Index(i), s.elem, text); err != nil {
			return err
		}
	}
	dst.Set(list)
	return nil
}

// decodeText sets a scalar from its text form: a label, a query parameter, a
// header, or a value of an awsQuery form.
func decodeText(dst reflect.Value, s *shape, text string) error {
	if dst.Kind() == reflect.Pointer {
		fresh := reflect.New(dst.Type().Elem())
		if err := decodeText(fresh.Elem(), s, text); err != nil {
			return err
		}
		dst.Set(fresh)
		return nil
	}
	switch s.kind {
	case kindString:
		dst.SetString(text)
	case kindBool:
		switch strings.ToLower(text) {
		case "true":
			dst.SetBool(true)
		case "false":
			dst.SetBool(false)
		default:
			return mismatch(text, "a Boolean")
		}
	case kindInt:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || dst.OverflowInt(n) {
			return mismatch(text, "an Integer")
		}
		dst.SetInt(n)
	case kindFloat:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return mismatch(text, "a Double")
		}
		dst.SetFloat(f)
	case kindTime:
		t, err := parseStamp(text)
		if err != nil {
			return malformed(err.Error())
		}
		dst.Set(reflect.ValueOf(t))
	case kindBlob:
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return malformed("a blob is not valid base64")
		}
		dst.SetBytes(raw)
	default:
		return malformed("a " + s.typ.Name() + " can not be written as text")
	}
	return nil
}

// formatText is the reverse of decodeText. v may be a pointer.
func formatText(s *shape, v reflect.Value, stamp string) (string, error) {
	v = reflect.Indirect(v)
	switch s.kind {
	case kindString:
		return v.String(), nil
	case kindBool:
		return strconv.FormatBool(v.Bool()), nil
	case kindInt:
		return strconv.FormatInt(v.Int(), 10), nil
	case kindFloat:
		return strconv.FormatFloat(v.Float(), 'f', -1, 64), nil
	case kindTime:
		if t, ok := reflect.TypeAssert[time.Time](v); ok {
			return formatStamp(t, stamp), nil
		}
	case kindBlob:
		return base64.StdEncoding.EncodeToString(v.Bytes()), nil
	default:
	}
	return "", fmt.Errorf("wire: %s has no text form", s.typ)
}

// encodeHeaders sets the headers that members of an output are bound to, and
// returns the status that a member names, or 0.
func encodeHeaders(h http.Header, s *shape, v reflect.Value) (status int, err error) {
	for _, m := range s.members {
		field := v.Field(m.field)
		if absent(field) {
			continue
		}
		switch m.place {
		case inStatus:
			status = int(reflect.Indirect(field).Int())
		case inHeader:
			stamp := m.stamp
			if stamp == "" {
				stamp = stampHTTPDate
			}
			text, err := formatText(m.shape, field, stamp)
			if err != nil {
				return 0, fmt.Errorf("header %s: %w", m.placeName, err)
			}
			h.Set(m.placeName, text)
		default: // labels and queries are of requests; the rest is the body
		}
	}
	return status, nil
}
