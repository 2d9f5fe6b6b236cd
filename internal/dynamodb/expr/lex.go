package expr

// token is one word or sign of an expression.
type token struct {
	kind  tokenKind
	text  string
	start int
}

type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenName
	tokenNameRef  // #name
	tokenValueRef // :value
	tokenIndex    // digits
	tokenSign
	tokenBad
)

func (t token) shown() string {
	if t.kind == tokenEnd {
		return "<EOF>"
	}
	return t.text
}

// tokensUsual is how many tokens most expressions have at most.
const tokensUsual = 16

// lex cuts an expression into tokens; the last is always tokenEnd.
func lex(s string) []token {
	out := make([]token, 0, tokensUsual)
	for i := 0; i < len(s); {
		start := i
		kind := tokenBad
		switch c := s[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
			continue
		case letter(c):
			kind, i = tokenName, word(s, i+1)
		case c == '#' || c == ':':
			i = word(s, i+1)
			switch {
			case i == start+1: // a bad one
			case c == '#':
				kind = tokenNameRef
			default:
				kind = tokenValueRef
			}
		case digit(c):
			// A name that begins with a digit is one bad token.
			i = word(s, i+1)
			kind = tokenIndex
			for _, d := range []byte(s[start:i]) {
				if !digit(d) {
					kind = tokenBad
				}
			}
		default:
			kind, i = sign(s, i)
		}
		out = append(out, token{kind, s[start:i], start})
	}
	return append(out, token{kind: tokenEnd, start: len(s)})
}

func sign(s string, i int) (tokenKind, int) {
	if i+1 < len(s) {
		switch s[i : i+2] {
		case "<>", "<=", ">=":
			return tokenSign, i + 2
		}
	}
	switch s[i] {
	case '=', '<', '>', '+', '-', ',', '(', ')', '[', ']', '.':
		return tokenSign, i + 1
	}
	return tokenBad, i + 1
}

func letter(c byte) bool { return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func digit(c byte) bool  { return c >= '0' && c <= '9' }

// word is where the letters, digits and underscores from i on end.
func word(s string, i int) int {
	for i < len(s) && (letter(s[i]) || digit(s[i])) {
		i++
	}
	return i
}
