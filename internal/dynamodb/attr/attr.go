// Package attr is DynamoDB's attribute values: what they are, how they compare, how
// large they count, and how they look on disk, in keys and in the AWS SDK's types.
//
// It decides what a valid value is and says so in AWS's words. It does not decide
// which values an item needs (the service) nor what an expression makes of them
// (expr).
package attr

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// Kind is one of DynamoDB's ten data types.
type Kind uint8

// The data types. Their numbers are on disk.
const (
	None Kind = iota // no value at all
	String
	Number
	Binary
	Bool
	Null
	StringSet
	NumberSet
	BinarySet
	List
	Map
)

var kindNames = [...]string{"", "S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M"}

// String is the type's descriptor in the API, such as "S".
func (k Kind) String() string { return kindNames[k] }

// KindNamed finds a type by its descriptor.
func KindNamed(name string) (Kind, bool) {
	i := slices.Index(kindNames[1:], name)
	return Kind(i + 1), i >= 0
}

// Value is one attribute value. The zero Value is none. Values are never changed
// once made: who wants another makes a copy.
type Value struct {
	Kind Kind
	Bool bool
	// Text is a string, the bytes of a binary, or a number in canonical form.
	Text string
	// Set holds the members of a set as Text would, sorted.
	Set  []string
	List []Value
	Map  map[string]Value
}

// Item is a set of named attributes.
type Item = map[string]Value

// depthMax is how deep values may nest (DynamoDB developer guide, quotas).
const depthMax = 32

// Str makes a string.
func Str(s string) Value { return Value{Kind: String, Text: s} }

// Num makes a number of a canonical text.
func num(s string) Value { return Value{Kind: Number, Text: s} }

// invalid is a ValidationException.
func invalid(format string, args ...any) *lambda.Error {
	return lambda.Errorf(lambda.CodeValidation, format, args...)
}

// Scalar says whether the type may be that of a key.
func (k Kind) Scalar() bool { return k == String || k == Number || k == Binary }

// IsSet says whether the type is one of the three sets.
func (k Kind) IsSet() bool { return k == StringSet || k == NumberSet || k == BinarySet }

// Member is the type of a set's members.
func (k Kind) Member() Kind {
	switch k {
	case StringSet:
		return String
	case NumberSet:
		return Number
	case BinarySet:
		return Binary
	default:
		return None
	}
}

// Equal says whether two values are the same. Numbers are canonical and sets are
// sorted, so equal values look equal.
func Equal(a, b Value) bool {
	if a.Kind != b.Kind {
		return false
	}
	switch a.Kind {
	case Bool:
		return a.Bool == b.Bool
	case StringSet, NumberSet, BinarySet:
		return slices.Equal(a.Set, b.Set)
	case List:
		return slices.EqualFunc(a.List, b.List, Equal)
	case Map:
		return maps.EqualFunc(a.Map, b.Map, Equal)
	default:
		return a.Text == b.Text
	}
}

// Compare orders two values of the same scalar type; ok is false for others.
// Strings and binaries are ordered by their bytes, unsigned.
func Compare(a, b Value) (order int, ok bool) {
	if a.Kind != b.Kind {
		return 0, false
	}
	switch a.Kind {
	case String, Binary:
		return cmp.Compare(a.Text, b.Text), true
	case Number:
		return bytes.Compare(appendNumberKey(nil, a.Text), appendNumberKey(nil, b.Text)), true
	default:
		return 0, false
	}
}

// Contains is the function contains of expressions, and CONTAINS of conditions.
func Contains(v, operand Value) bool {
	switch v.Kind {
	case String, Binary:
		return v.Kind == operand.Kind && strings.Contains(v.Text, operand.Text)
	case StringSet, NumberSet, BinarySet:
		return v.Kind.Member() == operand.Kind && slices.Contains(v.Set, operand.Text)
	case List:
		return slices.ContainsFunc(v.List, func(e Value) bool { return Equal(e, operand) })
	default:
		return false
	}
}

// Length is the function size of expressions; ok is false for types without one.
func Length(v Value) (n int, ok bool) {
	switch v.Kind {
	case String:
		for _, r := range v.Text {
			n += utf16.RuneLen(r)
		}
		return n, true
	case Binary:
		return len(v.Text), true
	case StringSet, NumberSet, BinarySet:
		return len(v.Set), true
	case List:
		return len(v.List), true
	case Map:
		return len(v.Map), true
	default:
		return 0, false
	}
}

// sortSet puts the members of a set into their one order.
func sortSet(kind Kind, members []string) {
	if kind != NumberSet {
		slices.Sort(members)
		return
	}
	slices.SortFunc(members, func(a, b string) int {
		order, _ := Compare(num(a), num(b))
		return order
	})
}

// Union adds the members of b to the set a.
func Union(a, b Value) Value {
	out := slices.Clone(a.Set)
	for _, m := range b.Set {
		if !slices.Contains(a.Set, m) {
			out = append(out, m)
		}
	}
	sortSet(a.Kind, out)
	return Value{Kind: a.Kind, Set: out}
}

// Minus removes the members of b from the set a. The set may become empty, which
// no attribute can be.
func Minus(a, b Value) Value {
	return Value{Kind: a.Kind, Set: slices.DeleteFunc(slices.Clone(a.Set), func(m string) bool { return slices.Contains(b.Set, m) })}
}
