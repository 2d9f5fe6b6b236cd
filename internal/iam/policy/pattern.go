package policy

import (
	"strings"
	"unicode/utf8"
)

// Wildcards inside compiled patterns; no Unicode code point is negative.
const (
	glyphStar rune = -1 // any run of characters, also none
	glyphOne  rune = -2 // exactly one character
)

type form uint8

const (
	formExact  form = iota // text, literally
	formPrefix             // text, then anything
	formAny                // anything
	formGlob               // glyphs
	formParts              // has policy variables: parts
)

// pattern is one compiled text of a policy: an action, a resource or a value.
type pattern struct {
	form   form
	fold   bool // compare ASCII letters without case; text and glyphs are lower case
	text   string
	glyphs []rune
	parts  []part
}

// part is a stretch of a pattern: glyphs, or one policy variable.
type part struct {
	glyphs   []rune
	variable string // lower-case key; empty for glyphs
	fallback string // the text after the comma in ${key, 'text'}
	hasElse  bool
}

// syntax says which notations of a text have a meaning.
type syntax struct {
	wildcards bool
	variables bool // only documents of version 2012-10-17 have them
	fold      bool
}

func compilePattern(text string, s syntax) pattern {
	if s.fold {
		text = lowerASCII(text)
	}
	parts := splitParts(text, s)
	p := pattern{fold: s.fold}
	var glyphs []rune
	for _, part := range parts {
		if part.variable != "" {
			p.form, p.parts = formParts, parts
			return p
		}
		glyphs = append(glyphs, part.glyphs...)
	}
	first := len(glyphs)
	for i, g := range glyphs {
		if g < 0 {
			first = i
			break
		}
	}
	tail := glyphs[first:]
	switch {
	case len(tail) == 0:
		p.form, p.text = formExact, string(glyphs)
	case allStars(tail) && first == 0:
		p.form = formAny
	case allStars(tail):
		p.form, p.text = formPrefix, string(glyphs[:first])
	default:
		p.form, p.glyphs = formGlob, glyphs
	}
	return p
}

func allStars(glyphs []rune) bool {
	for _, g := range glyphs {
		if g != glyphStar {
			return false
		}
	}
	return true
}

// splitParts takes wildcards and ${…} apart. The escapes ${*}, ${?} and ${$}
// stand for the characters themselves (IAM user guide, policy variables).
func splitParts(text string, s syntax) []part {
	var parts []part
	var glyphs []rune
	for len(text) > 0 {
		if s.variables && strings.HasPrefix(text, "${") {
			if end := strings.IndexByte(text, '}'); end > 0 {
				name := text[2:end]
				text = text[end+1:]
				if name == "*" || name == "?" || name == "$" {
					glyphs = append(glyphs, rune(name[0]))
					continue
				}
				if glyphs != nil {
					parts = append(parts, part{glyphs: glyphs})
					glyphs = nil
				}
				parts = append(parts, variablePart(name))
				continue
			}
		}
		r, n := utf8.DecodeRuneInString(text)
		text = text[n:]
		switch {
		case s.wildcards && r == '*':
			r = glyphStar
		case s.wildcards && r == '?':
			r = glyphOne
		}
		glyphs = append(glyphs, r)
	}
	if glyphs != nil {
		parts = append(parts, part{glyphs: glyphs})
	}
	return parts
}

func variablePart(name string) part {
	key, fallback, found := strings.Cut(name, ",")
	v := part{variable: strings.ToLower(strings.TrimSpace(key))}
	fallback = strings.TrimSpace(fallback)
	if found && len(fallback) >= 2 && fallback[0] == '\'' && fallback[len(fallback)-1] == '\'' {
		v.fallback, v.hasElse = fallback[1:len(fallback)-1], true
	}
	if v.variable == "" {
		v.variable = "-" // ${} names no key: it is never found
	}
	return v
}

// match reports whether s fits. known is false when the pattern needs a policy
// variable that the request does not have.
func (p *pattern) match(e *evaluation, s string) (ok, known bool) {
	switch p.form {
	case formAny:
		return true, true
	case formExact:
		return len(s) == len(p.text) && p.hasPrefix(s), true
	case formPrefix:
		return p.hasPrefix(s), true
	case formGlob:
		return matchGlyphs(p.glyphs, s, p.fold), true
	default:
		glyphs, found := p.expand(e)
		if !found {
			return false, false
		}
		return matchGlyphs(glyphs, s, p.fold), true
	}
}

func (p *pattern) hasPrefix(s string) bool {
	if len(s) < len(p.text) {
		return false
	}
	if !p.fold {
		return s[:len(p.text)] == p.text
	}
	for i := range len(p.text) {
		if lowerByte(s[i]) != p.text[i] {
			return false
		}
	}
	return true
}

// fixed reports whether the pattern is one text whatever the request.
func (p *pattern) fixed() (string, bool) { return p.text, p.form == formExact }

// expand puts the request's values in place of variables. They are taken
// literally: a * in a value is no wildcard.
func (p *pattern) expand(e *evaluation) ([]rune, bool) {
	var out []rune
	for i := range p.parts {
		part := &p.parts[i]
		if part.variable == "" {
			out = append(out, part.glyphs...)
			continue
		}
		values, ok := e.lookup(part.variable)
		switch {
		case ok && len(values) == 1:
			out = append(out, []rune(values[0])...)
		case !ok && part.hasElse:
			out = append(out, []rune(part.fallback)...)
		default: // missing, or a key of many values, which variables cannot be
			return nil, false
		}
	}
	return out, true
}

// matchGlyphs goes back to the last star only, which is enough and keeps it at
// len(glyphs) × len(s) steps at worst.
func matchGlyphs(glyphs []rune, s string, fold bool) bool {
	gi, si := 0, 0
	star, mark := -1, 0
	for si < len(s) {
		if gi < len(glyphs) && glyphs[gi] == glyphStar {
			star, mark = gi, si
			gi++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[si:])
		if fold && 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		if gi < len(glyphs) && (glyphs[gi] == r || glyphs[gi] == glyphOne) {
			gi++
			si += n
			continue
		}
		if star < 0 {
			return false
		}
		_, n = utf8.DecodeRuneInString(s[mark:])
		mark += n
		si, gi = mark, star+1
	}
	return allStars(glyphs[gi:])
}

func lowerByte(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + ('a' - 'A')
	}
	return b
}

func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + ('a' - 'A')
		}
		return r
	}, s)
}
