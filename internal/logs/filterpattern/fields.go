package filterpattern

import (
	"strings"
	"unicode"
)

// fields is a pattern such as [ip, user, ..., status = 4*]: a condition for each
// field of a line that is separated by spaces. Those before the ellipsis count
// from the beginning of the line, those behind it from its end.
type fields struct {
	head, tail []condition[string]
	ellipsis   bool
}

func (f fields) match(message string) bool {
	words := split(message)
	n := len(f.head) + len(f.tail)
	if len(words) < n || len(words) > n && !f.ellipsis {
		return false
	}
	return all(f.head, words) && all(f.tail, words[len(words)-len(f.tail):])
}

func all(conditions []condition[string], words []string) bool {
	for i, c := range conditions {
		if !c(words[i]) {
			return false
		}
	}
	return true
}

func parseFields(text string) (*Pattern, error) {
	inner, ok := strings.CutSuffix(text, "]")
	if !ok {
		return nil, syntaxErrorf("a [ has no closing ]")
	}
	s := &scanner{text: inner, pos: 1}
	var f fields
	for {
		if s.accept("...") {
			if f.ellipsis {
				return nil, syntaxErrorf("there is more than one ...")
			}
			f.ellipsis = true
		} else {
			c, err := parseField(s)
			if err != nil {
				return nil, err
			}
			if f.ellipsis {
				f.tail = append(f.tail, c)
			} else {
				f.head = append(f.head, c)
			}
		}
		if s.space(); s.done() {
			return &Pattern{match: f.match}, nil
		}
		if !s.accept(",") {
			return nil, syntaxErrorf("%q is not understood", s.rest())
		}
	}
}

// parseField reads one field: a name, or conditions on it.
func parseField(s *scanner) (condition[string], error) {
	name := ""
	return parseOr(s, func(s *scanner) (condition[string], error) {
		s.space()
		own := s.while(func(r rune) bool { return isWord(r) || r == '-' || r == '$' || r == '.' })
		switch {
		case own == "":
			return nil, syntaxErrorf("a field has no name, at %q", s.rest())
		case name == "":
			name = own
		case name != own:
			return nil, syntaxErrorf("the conditions of one field name both %s and %s", name, own)
		}
		compare, ok, err := parseComparison(s)
		if err != nil {
			return nil, err
		}
		if !ok {
			return func(string) bool { return true }, nil
		}
		return func(word string) bool { return compare(textValue(word)) }, nil
	})
}

// split is a line's fields. What stands between quotes or square brackets is one
// field, without them.
func split(line string) []string {
	var words []string
	for {
		line = strings.TrimLeftFunc(line, unicode.IsSpace)
		if line == "" {
			return words
		}
		if closing := map[byte]string{'"': `"`, '[': "]"}[line[0]]; closing != "" {
			if word, rest, found := strings.Cut(line[1:], closing); found {
				words, line = append(words, word), rest
				continue
			}
		}
		end := strings.IndexFunc(line, unicode.IsSpace)
		if end < 0 {
			end = len(line)
		}
		words, line = append(words, line[:end]), line[end:]
	}
}
