package pattern

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// depthMax is how deep JSON may nest: deeper than any event that is meant to be
// matched, and shallow enough that one in the form of a well costs nothing.
const depthMax = 256

// token is a lexical element of JSON.
type token byte

const (
	tokenEnd     token = 0
	tokenObject  token = '{'
	tokenArray   token = '['
	tokenString  token = '"'
	tokenNumber  token = '0'
	tokenLiteral token = 'l' // true, false or null
	// The others stand for themselves: } ] : ,
)

// scanner reads JSON token by token.
type scanner struct {
	text string
	pos  int
	// start is where the last token began, and raw its text.
	start int
	raw   string
}

// SyntaxError says why a pattern or an event is not valid. Its text is AWS's, with
// the place as AWS's parser names it.
type SyntaxError struct {
	Reason string // without the place
	text   string
	pos    int
}

// sourceMax is how much of a text an error repeats: what AWS's parser does.
const sourceMax = 500

func (e *SyntaxError) Error() string {
	before := e.text[:min(max(e.pos, 0), len(e.text))]
	line := strings.Count(before, "\n") + 1
	column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	source, more := e.text, ""
	if len(source) > sourceMax {
		more = fmt.Sprintf("[truncated %d chars]", len(source)-sourceMax)
		source = strings.ToValidUTF8(source[:sourceMax], "")
	}
	return fmt.Sprintf("%s\n at [Source: (String)\"%s\"%s; line: %d, column: %d]", e.Reason, source, more, line, column)
}

func (s *scanner) errorf(format string, args ...any) error {
	return &SyntaxError{Reason: fmt.Sprintf(format, args...), text: s.text, pos: s.pos}
}

// next reads one token.
func (s *scanner) next() (token, error) {
	for s.pos < len(s.text) && (s.text[s.pos] == ' ' || s.text[s.pos] == '\n' || s.text[s.pos] == '\t' || s.text[s.pos] == '\r') {
		s.pos++
	}
	s.start = s.pos
	if s.pos == len(s.text) {
		return tokenEnd, nil
	}
	switch c := s.text[s.pos]; {
	case c == '"':
		return tokenString, s.scanString()
	case c == '-' || '0' <= c && c <= '9':
		return tokenNumber, s.scanNumber()
	case strings.IndexByte("{}[]:,", c) >= 0:
		s.pos++
		return token(c), nil
	default:
		return tokenLiteral, s.scanLiteral()
	}
}

func (s *scanner) scanString() error {
	for i := s.pos + 1; i < len(s.text); i++ {
		switch c := s.text[i]; {
		case c == '"':
			s.raw, s.pos = s.text[s.pos:i+1], i+1
			return nil
		case c == '\\':
			i++
		case c < ' ':
			s.pos = i + 1
			return s.errorf("Illegal unquoted character ((CTRL-CHAR, code %d)): has to be escaped using backslash to be included in string value", c)
		}
	}
	s.pos = len(s.text)
	return s.errorf("Unexpected end-of-input in a string value")
}

// scanNumber finds the end of a number and checks its form.
func (s *scanner) scanNumber() error {
	i := s.pos
	digits := func() bool {
		from := i
		for i < len(s.text) && '0' <= s.text[i] && s.text[i] <= '9' {
			i++
		}
		return i > from
	}
	at := func(chars string) bool { return i < len(s.text) && strings.IndexByte(chars, s.text[i]) >= 0 }
	if at("-") {
		i++
	}
	first := i
	ok := digits() && (i == first+1 || s.text[first] != '0')
	if ok && at(".") {
		i++
		ok = digits()
	}
	if ok && at("eE") {
		i++
		if at("+-") {
			i++
		}
		ok = digits()
	}
	s.raw, s.pos = s.text[s.pos:i], i
	if !ok {
		return s.errorf("Invalid numeric value: '%s'", s.raw)
	}
	return nil
}

func (s *scanner) scanLiteral() error {
	i := s.pos
	for i < len(s.text) && ('a' <= s.text[i]|0x20 && s.text[i]|0x20 <= 'z' || '0' <= s.text[i] && s.text[i] <= '9' || s.text[i] == '_') {
		i++
	}
	if i == s.pos {
		r, n := utf8.DecodeRuneInString(s.text[i:])
		s.pos += n
		return s.errorf("Unexpected character ('%c' (code %d)): expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')", r, r)
	}
	s.raw, s.pos = s.text[s.pos:i], i
	switch s.raw {
	case "true", "false", "null":
		return nil
	}
	return s.errorf("Unrecognized token '%s': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')", s.raw)
}

// unquote is the text of the string that was just read.
func (s *scanner) unquote() (string, error) {
	inner := s.raw[1 : len(s.raw)-1]
	if strings.IndexByte(inner, '\\') < 0 {
		if utf8.ValidString(inner) {
			return inner, nil
		}
		return strings.ToValidUTF8(inner, "\uFFFD"), nil
	}
	var out string
	if json.Unmarshal([]byte(s.raw), &out) != nil {
		return "", s.errorf("Unrecognized character escape")
	}
	return out, nil
}

// visitor is told what a JSON text holds.
type visitor interface {
	// enter and leave enclose an object or an array.
	enter(t token, s *scanner)
	leave(t token, s *scanner)
	// key is the name of the member that comes next.
	key(name string)
	// scalar is a string, a number or a literal.
	scalar(t token, text string, s *scanner)
}

// walk reads one JSON value and nothing behind it.
func (s *scanner) walk(v visitor) error {
	t, err := s.next()
	if err != nil {
		return err
	}
	if t == tokenEnd {
		return s.errorf("No content to map due to end-of-input")
	}
	if err := s.value(t, v, 0); err != nil {
		return err
	}
	if t, err = s.next(); err != nil {
		return err
	}
	if t != tokenEnd {
		return s.errorf("Unexpected character after the value")
	}
	return nil
}

func (s *scanner) value(t token, v visitor, depth int) error {
	switch t {
	case tokenObject, tokenArray:
		if depth == depthMax {
			return s.errorf("Document nesting depth exceeds the maximum allowed (%d)", depthMax)
		}
		v.enter(t, s)
		err := s.members(t, v, depth+1)
		if err == nil {
			v.leave(t, s)
		}
		return err
	case tokenString:
		text, err := s.unquote()
		if err == nil {
			v.scalar(t, text, s)
		}
		return err
	case tokenNumber, tokenLiteral:
		v.scalar(t, s.raw, s)
		return nil
	case tokenEnd:
		return s.errorf("Unexpected end-of-input")
	default:
		return s.errorf("Unexpected character ('%c' (code %d)): expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')", t, t)
	}
}

// members reads what is in an object or an array, up to its end.
func (s *scanner) members(in token, v visitor, depth int) error {
	end := token('}')
	if in == tokenArray {
		end = ']'
	}
	t, err := s.next()
	if err != nil || t == end {
		return err
	}
	for {
		if in == tokenObject {
			if t, err = s.name(t, v); err != nil {
				return err
			}
		}
		if err := s.value(t, v, depth); err != nil {
			return err
		}
		if t, err = s.next(); err != nil || t == end {
			return err
		}
		if t == tokenEnd {
			return s.errorf("Unexpected end-of-input: expected close marker for %s", map[token]string{tokenObject: "Object", tokenArray: "Array"}[in])
		}
		if t != ',' {
			return s.errorf("Unexpected character ('%c' (code %d)): was expecting comma to separate %s entries",
				s.text[s.start], s.text[s.start], map[token]string{tokenObject: "Object", tokenArray: "Array"}[in])
		}
		if t, err = s.next(); err != nil {
			return err
		}
	}
}

// name reads a member's name, of which t is the first token, and its colon. It
// returns the first token of the value.
func (s *scanner) name(t token, v visitor) (token, error) {
	if t == tokenEnd {
		return t, s.errorf("Unexpected end-of-input: expected close marker for Object")
	}
	if t != tokenString {
		return t, s.errorf("Unexpected character ('%c' (code %d)): was expecting double-quote to start field name", s.text[s.start], s.text[s.start])
	}
	name, err := s.unquote()
	if err != nil {
		return t, err
	}
	v.key(name)
	if t, err = s.next(); err != nil {
		return t, err
	}
	if t != ':' {
		return t, s.errorf("Unexpected character: was expecting a colon to separate field name and value")
	}
	return s.next()
}
