package constraint

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

const patternText = "Member must satisfy regular expression pattern: "

// printedMax bounds how much of a value an answer repeats.
const printedMax = 4096

func (s shape) maxText(kind reflect.Kind) string {
	return bound(kind, "less than or equal to ", s.max)
}

func (s shape) minText(kind reflect.Kind) string {
	return bound(kind, "greater than or equal to ", s.min)
}

func bound(kind reflect.Kind, relation string, limit float64) string {
	noun := "length "
	switch kind {
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Float32, reflect.Float64:
		noun = "value "
	default:
	}
	return "Member must have " + noun + relation + strconv.FormatFloat(limit, 'f', -1, 64)
}

func (s shape) enumText() string {
	return "Member must satisfy enum value set: [" + strings.Join(s.enum, ", ") + "]"
}

// inner lists all constraints of a list's members or a map's keys or values, broken
// or not, as AWS does.
func (s shape) inner() string {
	var texts []string
	if s.hasMax {
		texts = append(texts, s.maxText(reflect.String))
	}
	if s.hasMin {
		texts = append(texts, s.minText(reflect.String))
	}
	if s.pattern != "" {
		texts = append(texts, patternText+s.pattern)
	}
	if len(s.enum) > 0 {
		texts = append(texts, s.enumText())
	}
	return strings.Join(append(texts, "Member must not be null"), ", ")
}

// printed shows a value as Java would: 'text', '[a, b]', '{k=v}', and null for what
// is not there.
func printed(v reflect.Value) string {
	if !v.IsValid() {
		return "null"
	}
	text := plain(v)
	if len(text) > printedMax {
		text = strings.ToValidUTF8(text[:printedMax], "") + "..."
	}
	return "'" + text + "'"
}

func plain(v reflect.Value) string {
	v = reflect.Indirect(v)
	switch v.Kind() {
	case reflect.String:
		return v.String()
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return fmt.Sprintf("java.nio.HeapByteBuffer[pos=0 lim=%d cap=%d]", v.Len(), v.Len())
		}
		parts := make([]string, v.Len())
		for i := range parts {
			parts[i] = plain(v.Index(i))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case reflect.Map:
		var parts []string
		for _, k := range sortedKeys(v) {
			parts = append(parts, k.String()+"="+plain(v.MapIndex(k)))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case reflect.Struct:
		if t, ok := reflect.TypeAssert[time.Time](v); ok {
			return t.UTC().Format(time.RFC1123)
		}
		return structText(v)
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10)
	case reflect.Float32, reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'f', -1, 64)
	default:
		return ""
	}
}

func structText(v reflect.Value) string {
	var parts []string
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() || f.Name == "ResultMetadata" {
			continue
		}
		text := "null"
		if !absent(v.Field(i)) {
			text = plain(v.Field(i))
		}
		parts = append(parts, decapitalized(f.Name)+"="+text)
	}
	return v.Type().Name() + "(" + strings.Join(parts, ", ") + ")"
}
