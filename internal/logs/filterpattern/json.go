package filterpattern

import (
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"unicode"
)

// parseJSON reads a pattern such as { $.a = "b" && $.n > 1 }.
func parseJSON(text string) (*Pattern, error) {
	inner, ok := strings.CutSuffix(text, "}")
	if !ok {
		return nil, syntaxErrorf("a { has no closing }")
	}
	s := &scanner{text: inner, pos: 1}
	c, err := parseOr(s, parseJSONCondition)
	if err != nil {
		return nil, err
	}
	if s.space(); !s.done() {
		return nil, syntaxErrorf("%q is not understood", s.rest())
	}
	return &Pattern{match: func(message string) bool {
		doc, ok := document(message)
		return ok && c(doc)
	}}, nil
}

// document decodes a message that is one JSON object or array; others never match.
func document(message string) (any, bool) {
	text := strings.TrimSpace(message)
	if text == "" || text[0] != '{' && text[0] != '[' {
		return nil, false
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var doc any
	if err := d.Decode(&doc); err != nil {
		return nil, false
	}
	_, err := d.Token()
	return doc, err == io.EOF
}

// parseJSONCondition reads a selector and what it says of it. A comparison holds
// when it holds of any value that the selector finds, so one that finds nothing
// compares as false whatever the operator.
func parseJSONCondition(s *scanner) (condition[any], error) {
	sel, err := parseSelector(s)
	if err != nil {
		return nil, err
	}
	compare, ok, err := parseComparison(s)
	if err != nil {
		return nil, err
	}
	if ok {
		return sel.any(func(x any) bool {
			v, ok := scalar(x)
			return ok && compare(v)
		}), nil
	}
	switch {
	case s.keyword("NOT"):
		if !s.keyword("EXISTS") {
			return nil, syntaxErrorf("NOT needs EXISTS behind it")
		}
		exists := sel.any(func(any) bool { return true })
		return func(doc any) bool { return !exists(doc) }, nil
	case s.keyword("EXISTS"):
		return sel.any(func(any) bool { return true }), nil
	case s.keyword("IS"):
		return parseIs(s, sel)
	}
	return nil, syntaxErrorf("a selector has no comparison behind it")
}

func parseIs(s *scanner, sel selector) (condition[any], error) {
	switch {
	case s.keyword("NULL"):
		return sel.any(func(x any) bool { return x == nil }), nil
	case s.keyword("TRUE"):
		return sel.any(func(x any) bool { return x == true }), nil
	case s.keyword("FALSE"):
		return sel.any(func(x any) bool { return x == false }), nil
	}
	return nil, syntaxErrorf("IS needs NULL, TRUE or FALSE behind it")
}

// scalar is a JSON value to compare with; objects, arrays and null have none.
func scalar(x any) (value, bool) {
	switch x := x.(type) {
	case string:
		return value{text: x}, true
	case json.Number:
		return textValue(x.String()), true
	case bool:
		return value{text: strconv.FormatBool(x)}, true
	default:
		return value{}, false
	}
}

// step goes from a value to some of those inside it.
type step struct {
	name  string
	index int
	kind  stepKind
}

type stepKind int

const (
	byName stepKind = iota
	byIndex
	everything
)

type selector []step

// parseSelector reads $, $.a.b, $.a[0].b, $.a[*], $.['a b'] and $.*.
func parseSelector(s *scanner) (selector, error) {
	if !s.accept("$") {
		return nil, syntaxErrorf("a condition begins with a selector such as $.name, not %q", s.rest())
	}
	var sel selector
	for {
		var one step
		var err error
		switch {
		case strings.HasPrefix(s.rest(), ".["), strings.HasPrefix(s.rest(), "["):
			s.pos += strings.IndexByte(s.rest(), '[') + 1
			one, err = parseBracket(s)
		case strings.HasPrefix(s.rest(), ".*"):
			s.pos += 2
			one = step{kind: everything}
		case strings.HasPrefix(s.rest(), "."):
			s.pos++
			one.name = s.while(isName)
			if one.name == "" {
				err = syntaxErrorf("a selector has no name behind its dot")
			}
		default:
			if len(sel) == 0 {
				return nil, syntaxErrorf("a selector names no member")
			}
			return sel, nil
		}
		if err != nil {
			return nil, err
		}
		sel = append(sel, one)
	}
}

// parseBracket reads what follows an opening bracket, and the closing one.
func parseBracket(s *scanner) (one step, err error) {
	switch {
	case s.accept("*"):
		one.kind = everything
	case s.accept("'"):
		one.name, err = s.until('\'', true)
	case s.accept(`"`):
		one.name, err = s.quoted()
	default:
		one.kind = byIndex
		if one.index, err = strconv.Atoi(s.while(unicode.IsDigit)); err != nil {
			err = syntaxErrorf("an index of a selector is no number")
		}
	}
	if err == nil && !s.accept("]") {
		err = syntaxErrorf("a [ has no closing ]")
	}
	return one, err
}

// isName accepts what names of members may have without brackets and quotes.
func isName(r rune) bool { return isWord(r) || strings.ContainsRune("-@:#/+~", r) }

// any is the condition that the test holds of a value which the selector finds.
func (sel selector) any(test func(any) bool) condition[any] {
	return func(doc any) bool { return sel.find(doc, test) }
}

func (sel selector) find(x any, test func(any) bool) bool {
	if len(sel) == 0 {
		return test(x)
	}
	one, rest := sel[0], sel[1:]
	switch x := x.(type) {
	case map[string]any:
		if one.kind == everything {
			for _, inner := range x {
				if rest.find(inner, test) {
					return true
				}
			}
			return false
		}
		inner, ok := x[one.name]
		return ok && one.kind == byName && rest.find(inner, test)
	case []any:
		switch {
		case one.kind == everything:
			for _, inner := range x {
				if rest.find(inner, test) {
					return true
				}
			}
			return false
		case one.kind == byIndex && one.index < len(x):
			return rest.find(x[one.index], test)
		}
	}
	return false
}
