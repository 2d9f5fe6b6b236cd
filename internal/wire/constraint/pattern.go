package constraint

import (
	"regexp"
	"strings"
	"sync"
)

// Patterns of the models are Java's and match the whole string. Go's syntax lacks
// look-around, so the few that use it are checked by hand; the text shown to the
// caller is the model's in every case.

// byHand are the patterns with look-around. Each is taken apart into plain patterns
// that must match and ones that must not.
var byHand = map[string]struct{ must, mustNot string }{
	// An alias is not a number: that would be a version.
	`(?!^[0-9]+$)([a-zA-Z0-9-_]+)`:                {`[a-zA-Z0-9-_]+`, `[0-9]+`},
	`((?!^\d+$)^[0-9a-zA-Z-_]+$)`:                 {`[0-9a-zA-Z-_]+`, `\d+`},
	`(^\$LATEST$)|((?!^[0-9]+$)([a-zA-Z0-9-_]+))`: {`\$LATEST|[a-zA-Z0-9-_]+`, `[0-9]+`},
	// A bucket does not end in a dot.
	`[0-9A-Za-z\.\-_]*(?<!\.)`:   {`[0-9A-Za-z\.\-_]*`, `.*\.`},
	`^[0-9A-Za-z\.\-_]*(?<!\.)$`: {`[0-9A-Za-z\.\-_]*`, `.*\.`},
	// A collection is not one of the system's.
	`(^(?!(system\x2e)))(^[_a-zA-Z0-9])([^$]*)`: {`[_a-zA-Z0-9][^$]*`, `system\x2e[\s\S]*`},
	// An account alias has no two dashes in a row.
	`^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$`: {`[a-z0-9][a-z0-9-]{1,61}[a-z0-9]`, `.*--.*`},
	// A source of events is not one of AWS's own.
	`^(?=[/\.\-_A-Za-z0-9]+)((?!aws\.).*)|(\$(\.[\w_-]+(\[(\d+|\*)\])*)*)$`: {`[/\.\-_A-Za-z0-9].*|\$(\.[\w_-]+(\[(\d+|\*)\])*)*`, `aws\..*`},
	// Not blanks alone.
	`^(?!\s*$).+`: {`.+`, `\s*`},
	// The qualifier of a function URL is an alias.
	functionURLName: {strings.Replace(functionURLName, `(?!\d+$)`, ``, 1), `.*:function:[a-zA-Z0-9-_]{1,64}:\d+|[a-zA-Z0-9-_]{1,64}:\d+|function:[a-zA-Z0-9-_]{1,64}:\d+`},
}

const functionURLName = `(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]{1,64})(:((?!\d+$)[0-9a-zA-Z-_]+))?`

// compiled keeps patterns in Go's form. Models have about two hundred.
var compiled sync.Map // pattern → *expression

type expression struct{ must, mustNot *regexp.Regexp }

func matches(pattern, s string) bool {
	if e, ok := compiled.Load(pattern); ok {
		return e.(*expression).match(s)
	}
	e := compile(pattern)
	compiled.Store(pattern, e)
	return e.match(s)
}

func (e *expression) match(s string) bool {
	return e.must.MatchString(s) && (e.mustNot == nil || !e.mustNot.MatchString(s))
}

// compile panics on a pattern that Go does not know: the tables are part of the
// program, and a test compiles them all.
func compile(pattern string) *expression {
	if parts, ok := byHand[pattern]; ok {
		return &expression{must: whole(parts.must), mustNot: whole(parts.mustNot)}
	}
	return &expression{must: whole(javaToGo(pattern))}
}

func whole(pattern string) *regexp.Regexp { return regexp.MustCompile(`^(?:` + pattern + `)$`) }

var unicodeEscape = regexp.MustCompile(`\\u(10FFFF|10000|[0-9A-Fa-f]{4})`)

// javaToGo rewrites \uXXXX, pairs of surrogates and \p{Print}. The models also write \u10000 and \u10FFFF, by which
// they mean what lies beyond the basic plane.
func javaToGo(pattern string) string {
	pattern = strings.ReplaceAll(pattern, `\uD800\uDC00-\uDBFF\uDFFF`, `\x{10000}-\x{10FFFF}`)
	pattern = strings.ReplaceAll(pattern, `\p{Print}`, `[\x20-\x7E]`) // which in Java is of ASCII alone
	return unicodeEscape.ReplaceAllString(pattern, `\x{$1}`)
}
