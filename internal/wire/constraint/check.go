package constraint

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// violationsMax bounds what one answer lists; a list of thousands of bad members
// would make an answer longer than the request.
const violationsMax = 50

// Check returns every violation of an input, a pointer to one of the SDK's structs,
// in one *lambda.Error with the code that the service uses; nil when there is none.
func (m *Model) Check(in any) error {
	c := checker{model: m}
	v := reflect.Indirect(reflect.ValueOf(in))
	if !v.IsValid() || v.Kind() != reflect.Struct {
		return nil
	}
	c.structure(v, "")
	switch n := len(c.violations); n {
	case 0:
		return nil
	case 1:
		return &lambda.Error{Code: m.code, Message: "1 validation error detected: " + c.violations[0]}
	default:
		return &lambda.Error{
			Code:    m.code,
			Message: strconv.Itoa(n) + " validation errors detected: " + strings.Join(c.violations, "; "),
		}
	}
}

type checker struct {
	model      *Model
	violations []string
}

func (c *checker) add(v reflect.Value, path, text string) {
	if len(c.violations) < violationsMax {
		c.violations = append(c.violations, fmt.Sprintf("Value %s at '%s' failed to satisfy constraint: %s", printed(v), path, text))
	}
}

func (c *checker) structure(v reflect.Value, path string) {
	members := c.model.structs[v.Type().Name()]
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() || f.Name == "ResultMetadata" {
			continue
		}
		at := decapitalized(f.Name)
		if path != "" {
			at = path + "." + at
		}
		mem := members[f.Name]
		field := v.Field(i)
		if absent(field) {
			if mem.required {
				c.add(reflect.Value{}, at, "Member must not be null")
			}
			continue
		}
		s := c.model.shapeAt(mem.shape)
		if barePlainName(v.Type().Name(), f.Name, field) {
			s.hasMax = false
		}
		c.value(reflect.Indirect(field), s, at)
	}
}

// barePlainName says that a member is the name, not ARN, that CreateFunction gives:
// how long that may be is checked by the service, with another exception.
func barePlainName(structure, field string, v reflect.Value) bool {
	return structure == "CreateFunctionInput" && field == "FunctionName" &&
		!strings.Contains(reflect.Indirect(v).String(), ":")
}

func (m *Model) shapeAt(i uint16) shape {
	if int(i) >= len(m.shapes) {
		return shape{}
	}
	return m.shapes[i]
}

// value checks a present value and what it contains.
func (c *checker) value(v reflect.Value, s shape, path string) {
	for _, text := range s.violatedBy(v) {
		c.add(v, path, text)
	}
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() != reflect.TypeFor[time.Time]() {
			c.structure(v, path)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() != reflect.Uint8 {
			c.list(v, c.model.shapeAt(s.elem), path)
		}
	case reflect.Map:
		c.mapping(v, s, path)
	default: // scalars contain nothing
	}
}

// list checks the members of a list. Structures are walked into, each with its
// position; other members are reported once, for the whole list.
func (c *checker) list(v reflect.Value, elem shape, path string) {
	for i := range v.Len() {
		item := v.Index(i)
		if item.Kind() == reflect.Struct {
			c.value(item, elem, fmt.Sprintf("%s.%d.member", path, i+1))
			continue
		}
		if len(elem.violatedBy(item)) > 0 {
			c.add(v, path, "Member must satisfy constraint: ["+elem.inner()+"]")
			return
		}
	}
}

// mapping checks the keys and values of a map, each kind reported once.
func (c *checker) mapping(v reflect.Value, s shape, path string) {
	key, elem := c.model.shapeAt(s.key), c.model.shapeAt(s.elem)
	badKey, badValue := false, false
	for _, k := range sortedKeys(v) {
		item := v.MapIndex(k)
		if !badKey && len(key.violatedBy(k)) > 0 {
			badKey = true
			c.add(v, path, "Map keys must satisfy constraint: ["+key.inner()+"]")
		}
		if item.Kind() == reflect.Struct {
			c.value(item, elem, path+"."+k.String()+".member")
		} else if !badValue && len(elem.violatedBy(item)) > 0 {
			badValue = true
			c.add(v, path, "Map value must satisfy constraint: ["+elem.inner()+"]")
		}
	}
}

// violatedBy lists the texts of the constraints that v, which is present, breaks.
func (s shape) violatedBy(v reflect.Value) []string {
	var texts []string
	size, measured := measure(v)
	if measured && s.hasMax && size > s.max {
		texts = append(texts, s.maxText(v.Kind()))
	}
	if measured && s.hasMin && size < s.min {
		texts = append(texts, s.minText(v.Kind()))
	}
	if v.Kind() == reflect.String {
		if s.pattern != "" && !matches(s.pattern, v.String()) {
			texts = append(texts, patternText+s.pattern)
		}
		if len(s.enum) > 0 && !slices.Contains(s.enum, v.String()) {
			texts = append(texts, s.enumText())
		}
	}
	return texts
}

// measure is the value of a number, and the length of anything that has one.
// Strings are measured in UTF-16 units, as Java does.
func measure(v reflect.Value) (float64, bool) {
	switch v.Kind() {
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return float64(v.Int()), true
	case reflect.Float32, reflect.Float64:
		return v.Float(), true
	case reflect.String:
		n := 0
		for _, r := range v.String() {
			n++
			if r > 0xffff {
				n++
			}
		}
		return float64(n), true
	case reflect.Slice, reflect.Map:
		return float64(v.Len()), true
	default:
		return 0, false
	}
}

func absent(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		return v.IsNil()
	case reflect.String: // an enum
		return v.Len() == 0
	default:
		return false
	}
}

func sortedKeys(v reflect.Value) []reflect.Value {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return cmp.Compare(a.String(), b.String()) })
	return keys
}

func decapitalized(name string) string {
	first, size := utf8.DecodeRuneInString(name)
	return string(unicode.ToLower(first)) + name[size:]
}
