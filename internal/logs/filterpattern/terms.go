package filterpattern

import (
	"regexp"
	"strings"
	"unicode"
)

// term is one word, phrase or regular expression of a text pattern.
type term struct {
	text  string
	regex *regexp.Regexp // nil for text
}

func (t term) in(message string) bool {
	if t.regex != nil {
		return t.regex.MatchString(message)
	}
	return strings.Contains(message, t.text)
}

// terms is a text pattern: all of include, none of exclude. Optional terms, of
// which one is enough, count only when there is nothing else: "CloudWatch Logs
// ignores the question mark terms" beside others (User Guide).
type terms struct {
	include, exclude, optional []term
}

func (ts terms) match(message string) bool {
	for _, t := range ts.exclude {
		if t.in(message) {
			return false
		}
	}
	for _, t := range ts.include {
		if !t.in(message) {
			return false
		}
	}
	if len(ts.include)+len(ts.exclude) > 0 {
		return true
	}
	for _, t := range ts.optional {
		if t.in(message) {
			return true
		}
	}
	return false
}

func parseTerms(text string) (*Pattern, error) {
	s := &scanner{text: text}
	var all terms
	for s.space(); !s.done(); s.space() {
		list := &all.include
		switch s.next() {
		case '-':
			s.pos++
			list = &all.exclude
		case '?':
			s.pos++
			list = &all.optional
		}
		t, err := parseTerm(s)
		if err != nil {
			return nil, err
		}
		*list = append(*list, t)
	}
	return &Pattern{match: all.match}, nil
}

func parseTerm(s *scanner) (t term, err error) {
	switch s.next() {
	case '"':
		s.pos++
		t.text, err = s.quoted()
	case '%':
		s.pos++
		t.regex, err = s.regex()
	default:
		t.text = s.while(func(r rune) bool { return !unicode.IsSpace(r) })
		if t.text == "" || strings.ContainsFunc(t.text, func(r rune) bool { return !isWord(r) }) {
			return t, &SyntaxError{Message: "Invalid character(s) in term '" + t.text + "'"}
		}
	}
	if err == nil && !s.done() && !unicode.IsSpace(s.next()) {
		err = syntaxErrorf("there is no space behind a term, at %q", s.rest())
	}
	return t, err
}
