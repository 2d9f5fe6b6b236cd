// Package filterpattern is CloudWatch Logs' filter pattern language: terms in
// plain text, conditions on JSON members, and conditions on the fields of lines
// that are separated by spaces (CloudWatch Logs User Guide, "Filter pattern
// syntax").
//
// It decides whether a message matches. Which messages are asked is the business
// of package logs.
package filterpattern

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Max is how many characters a pattern may have (API reference, filterPattern).
const Max = 1024

// Pattern is a parsed pattern. It may be used from many goroutines.
type Pattern struct{ match func(message string) bool }

// Match says whether the message matches.
func (p *Pattern) Match(message string) bool { return p.match(message) }

// SyntaxError says what is wrong with a pattern, for the caller who wrote it.
type SyntaxError struct{ Message string }

// Error is the message.
func (e *SyntaxError) Error() string { return e.Message }

// invalidPattern is AWS's whole text for most mistakes.
const invalidPattern = "Invalid filter pattern"

// syntaxErrorf adds to AWS's text what it leaves the caller to find out.
func syntaxErrorf(format string, args ...any) error {
	return &SyntaxError{Message: invalidPattern + ": " + fmt.Sprintf(format, args...)}
}

// Parse reads a pattern. Errors are *SyntaxError. The empty pattern matches
// everything.
func Parse(text string) (*Pattern, error) {
	text = strings.TrimSpace(text)
	if utf8.RuneCountInString(text) > Max {
		return nil, syntaxErrorf("it has more than %d characters", Max)
	}
	switch {
	case text == "":
		return &Pattern{match: func(string) bool { return true }}, nil
	case text[0] == '{':
		return parseJSON(text)
	case text[0] == '[':
		return parseFields(text)
	default:
		return parseTerms(text)
	}
}
