package filterpattern

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// scanner reads a pattern from left to right.
type scanner struct {
	text string
	pos  int
}

func (s *scanner) rest() string { return s.text[s.pos:] }
func (s *scanner) done() bool   { return s.pos == len(s.text) }

func (s *scanner) space() {
	s.pos += len(s.rest()) - len(strings.TrimLeftFunc(s.rest(), unicode.IsSpace))
}

// accept takes the token when it comes next, after any space.
func (s *scanner) accept(token string) bool {
	s.space()
	if !strings.HasPrefix(s.rest(), token) {
		return false
	}
	s.pos += len(token)
	return true
}

// keyword takes the word when it comes next, in any case and not as the beginning
// of a longer one.
func (s *scanner) keyword(word string) bool {
	s.space()
	start := s.pos
	if strings.EqualFold(s.while(isWord), word) {
		return true
	}
	s.pos = start
	return false
}

// while takes the characters that ok accepts.
func (s *scanner) while(ok func(rune) bool) string {
	rest := s.rest()
	end := strings.IndexFunc(rest, func(r rune) bool { return !ok(r) })
	if end < 0 {
		end = len(rest)
	}
	s.pos += end
	return rest[:end]
}

// until takes everything up to the next unescaped end and the end itself. A
// backslash before end or before another backslash is removed when unescape is
// set; otherwise escapes stay as they are.
func (s *scanner) until(end byte, unescape bool) (string, error) {
	var b strings.Builder
	for i := s.pos; i < len(s.text); i++ {
		c := s.text[i]
		switch {
		case c == end:
			s.pos = i + 1
			return b.String(), nil
		case c == '\\' && i+1 < len(s.text):
			i++
			if next := s.text[i]; !unescape || next != end && next != '\\' {
				b.WriteByte(c)
			}
			b.WriteByte(s.text[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", syntaxErrorf("a %c has no closing %c", end, end)
}

// quoted takes a string whose opening quote was taken.
func (s *scanner) quoted() (string, error) { return s.until('"', true) }

// regex takes a regular expression whose opening percent sign was taken. They run
// in time linear to the message, so that no pattern can stall a query.
func (s *scanner) regex() (*regexp.Regexp, error) {
	text, err := s.until('%', false)
	if err != nil {
		return nil, err
	}
	re, err := regexp.Compile(strings.ReplaceAll(text, `\%`, `%`))
	if err != nil || text == "" {
		return nil, syntaxErrorf("%%%s%% is no regular expression", text)
	}
	return re, nil
}

func isWord(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r)
}

// next is the next character, 0 at the end.
func (s *scanner) next() rune {
	if s.done() {
		return 0
	}
	r, _ := utf8.DecodeRuneInString(s.rest())
	return r
}
