package filterpattern

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// condition is what a JSON or field pattern says of a line, whose parts it asks of
// T: a JSON document, or one field's text.
type condition[T any] func(T) bool

// parseOr parses conditions with ||, && and parentheses; one parses a single one.
func parseOr[T any](s *scanner, one func(*scanner) (condition[T], error)) (condition[T], error) {
	left, err := parseAnd(s, one)
	if err != nil {
		return nil, err
	}
	for s.accept("||") {
		a := left
		b, err := parseAnd(s, one)
		if err != nil {
			return nil, err
		}
		left = func(v T) bool { return a(v) || b(v) }
	}
	return left, nil
}

func parseAnd[T any](s *scanner, one func(*scanner) (condition[T], error)) (condition[T], error) {
	left, err := parsePrimary(s, one)
	if err != nil {
		return nil, err
	}
	for s.accept("&&") {
		a := left
		b, err := parsePrimary(s, one)
		if err != nil {
			return nil, err
		}
		left = func(v T) bool { return a(v) && b(v) }
	}
	return left, nil
}

// parsePrimary recurses at most as deep as the pattern has characters, of which
// Max bounds the number.
func parsePrimary[T any](s *scanner, one func(*scanner) (condition[T], error)) (condition[T], error) {
	if !s.accept("(") {
		return one(s)
	}
	c, err := parseOr(s, one)
	if err != nil {
		return nil, err
	}
	if !s.accept(")") {
		return nil, syntaxErrorf("a ( has no closing )")
	}
	return c, nil
}

// operators, the longer ones first where one begins with another.
var operators = []string{"!=", "<=", ">=", "=", "<", ">"}

// value is one scalar of a line: its text, and its number where it has one.
type value struct {
	text     string
	number   float64
	isNumber bool
}

// textValue is the value of a piece of text, which may look like a number.
func textValue(text string) value {
	n, ok := parseNumber(text)
	return value{text: text, number: n, isNumber: ok}
}

var numberPattern = regexp.MustCompile(`^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$`)

func parseNumber(text string) (float64, bool) {
	if !numberPattern.MatchString(text) {
		return 0, false
	}
	n, err := strconv.ParseFloat(text, 64)
	return n, err == nil
}

// parseComparison reads an operator and its right side; ok is false when there is
// no operator.
func parseComparison(s *scanner) (compare func(value) bool, ok bool, err error) {
	for _, op := range operators {
		if s.accept(op) {
			compare, err = parseOperand(s, op)
			return compare, true, err
		}
	}
	return nil, false, nil
}

func parseOperand(s *scanner, op string) (func(value) bool, error) {
	s.space()
	if s.accept("%") {
		re, err := s.regex()
		if err != nil {
			return nil, err
		}
		return equality(op, func(v value) bool { return re.MatchString(v.text) })
	}
	if s.accept(`"`) {
		text, err := s.quoted()
		if err != nil {
			return nil, err
		}
		return equality(op, glob(text))
	}
	text := s.while(func(r rune) bool { return !unicode.IsSpace(r) && !strings.ContainsRune(`(){}[],&|"=<>!`, r) })
	if text == "" {
		return nil, syntaxErrorf("there is no value behind %s", op)
	}
	if n, ok := parseNumber(text); ok {
		return numeric(op, n, text), nil
	}
	return equality(op, glob(text))
}

// equality makes = and != of a test; text has no order.
func equality(op string, same func(value) bool) (func(value) bool, error) {
	switch op {
	case "=":
		return same, nil
	case "!=":
		return func(v value) bool { return !same(v) }, nil
	default:
		return nil, syntaxErrorf("%s needs a number", op)
	}
}

// numeric compares with a number. Values that are none can only differ from it.
func numeric(op string, n float64, text string) func(value) bool {
	return func(v value) bool {
		if !v.isNumber {
			return op == "=" && v.text == text || op == "!=" && v.text != text
		}
		switch op {
		case "=":
			return v.number == n
		case "!=":
			return v.number != n
		case "<":
			return v.number < n
		case "<=":
			return v.number <= n
		case ">":
			return v.number > n
		default:
			return v.number >= n
		}
	}
}

// glob tests a text in which * stands for anything.
func glob(pattern string) func(value) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return func(v value) bool { return v.text == pattern }
	}
	head, middle, tail := parts[0], parts[1:len(parts)-1], parts[len(parts)-1]
	return func(v value) bool {
		text, ok := strings.CutPrefix(v.text, head)
		if !ok {
			return false
		}
		for _, part := range middle {
			i := strings.Index(text, part)
			if i < 0 {
				return false
			}
			text = text[i+len(part):]
		}
		return strings.HasSuffix(text, tail)
	}
}
