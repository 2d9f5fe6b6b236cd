package expr

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hearthfaas/hearth/internal/dynamodb/attr"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// The limits of expressions (DynamoDB developer guide, quotas, "Expression parameters").
const (
	sizeMax        = 4096
	operatorsMax   = 300
	inOperandsMax  = 100
	depthMax       = 32 // of a document path
	placeholderMax = 255
)

// Params are the placeholders of one request, which its expressions share.
type Params struct {
	names      map[string]string
	values     map[string]attr.Value
	usedNames  map[string]bool
	usedValues map[string]bool
}

// NewParams checks the placeholders of a request. Errors are DynamoDB's.
func NewParams(names map[string]string, values map[string]attr.Value) (*Params, error) {
	if names != nil && len(names) == 0 {
		return nil, invalid("ExpressionAttributeNames must not be empty")
	}
	if key, ok := misspelt(names, '#'); ok {
		return nil, invalid("ExpressionAttributeNames contains invalid key: Syntax error; key: \"%s\"", key)
	}
	if values != nil && len(values) == 0 {
		return nil, invalid("ExpressionAttributeValues must not be empty")
	}
	if key, ok := misspelt(values, ':'); ok {
		return nil, invalid("ExpressionAttributeValues contains invalid key: Syntax error; key: \"%s\"", key)
	}
	return &Params{names: names, values: values, usedNames: map[string]bool{}, usedValues: map[string]bool{}}, nil
}

// misspelt is the first key that is no placeholder.
func misspelt[V any](all map[string]V, mark byte) (first string, found bool) {
	for key := range all {
		if !placeholder(key, mark) && (!found || key < first) {
			first, found = key, true
		}
	}
	return first, found
}

func placeholder(key string, mark byte) bool {
	return len(key) > 1 && len(key) <= placeholderMax && key[0] == mark && word(key, 1) == len(key)
}

// Unused is the error for placeholders that no expression has, nil when there is none.
// It is asked after all expressions have been parsed.
func (p *Params) Unused() error {
	for _, of := range []struct {
		what string
		keys []string
	}{
		{"ExpressionAttributeNames", unused(p.names, p.usedNames)},
		{"ExpressionAttributeValues", unused(p.values, p.usedValues)},
	} {
		if len(of.keys) > 0 {
			return invalid("Value provided in %s unused in expressions: keys: {%s}", of.what, strings.Join(of.keys, ", "))
		}
	}
	return nil
}

func unused[V any](all map[string]V, used map[string]bool) (out []string) {
	for key := range all {
		if !used[key] {
			out = append(out, key)
		}
	}
	slices.Sort(out)
	return out
}

func invalid(format string, args ...any) *lambda.Error {
	return lambda.Errorf(lambda.CodeValidation, format, args...)
}

// fault is a kind of mistake in an expression. Of several mistakes the one of the
// first kind is told, the first of its kind.
type fault uint8

const (
	faultParens fault = iota
	faultReservedInUpdate
	faultUnknownFunction
	faultMisusedFunction
	faultReserved
	faultSection
	faultCondition // the first of the below in the first condition that has any
	faultPlaceholder
	faultOverlap
	faultConflict
	faultCount
	faultDistinct
	faultOperand
	faultFunction
	faults
)

// parser reads one expression. Mistakes of grammar end it at once, by syntax; others
// are collected.
type parser struct {
	params    *Params
	text      string
	tokens    []token
	at        int
	operators int
	faults    [faults]string
}

// syntaxError unwinds the parser; it never leaves this package.
type syntaxError struct{ token int }

// parse runs a grammar over a text. kind is the parameter's name, such as
// "FilterExpression".
func parse[T any](params *Params, kind, text string, grammar func(*parser) T) (out T, err error) {
	if text == "" {
		return out, invalid("Invalid %s: The expression can not be empty;", kind)
	}
	if len(text) > sizeMax {
		return out, invalid("Invalid %s: Expression size has exceeded the maximum allowed size; expression size: %d", kind, len(text))
	}
	p := &parser{params: params, text: text, tokens: lex(text)}
	defer func() {
		switch r := recover().(type) {
		case nil:
		case syntaxError:
			err = invalid("Invalid %s: Syntax error; token: \"%s\", near: \"%s\"", kind, p.tokens[r.token].shown(), p.near(r.token))
		default:
			panic(r)
		}
	}()
	out = grammar(p)
	if p.tokens[p.at].kind != tokenEnd {
		p.syntax()
	}
	if p.operators > operatorsMax {
		return out, invalid("Invalid %s: The expression contains too many operators; operator count: %d", kind, p.operators)
	}
	for _, text := range p.faults {
		if text != "" {
			return out, invalid("Invalid %s: %s", kind, text)
		}
	}
	return out, nil
}

// near is the text from the token before to the token after.
func (p *parser) near(i int) string {
	first, last := max(i-1, 0), min(i+1, len(p.tokens)-1)
	end := p.tokens[last].start + len(p.tokens[last].text)
	return strings.TrimSpace(p.text[p.tokens[first].start:end])
}

func (p *parser) syntax() { panic(syntaxError{p.at}) }

func (p *parser) note(f fault, format string, args ...any) {
	if p.faults[f] == "" {
		p.faults[f] = fmt.Sprintf(format, args...)
	}
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != tokenEnd {
		p.at++
	}
	return t
}

// accept takes the sign if it is next.
func (p *parser) accept(s string) bool {
	if t := p.peek(); t.kind != tokenSign || t.text != s {
		return false
	}
	p.at++
	return true
}

func (p *parser) expect(s string) {
	if !p.accept(s) {
		p.syntax()
	}
}

// keyword says whether the next token is a word of the language, in any case.
func (p *parser) keyword(word string) bool {
	t := p.peek()
	return t.kind == tokenName && strings.EqualFold(t.text, word)
}

func (p *parser) acceptKeyword(word string) bool {
	if !p.keyword(word) {
		return false
	}
	p.at++
	return true
}

// path reads a document path.
func (p *parser) path() Path {
	out := Path{{Name: p.name()}}
	for {
		switch {
		case p.accept("."):
			out = append(out, Step{Name: p.name()})
		case p.accept("["):
			t := p.next()
			if t.kind != tokenIndex {
				p.at--
				p.syntax()
			}
			n, err := strconv.ParseInt(t.text, 10, 32)
			if err != nil {
				p.note(faultFunction, "List index is not within the allowable range; index: [%s]", t.text)
			}
			out = append(out, Step{Index: int(n), IsIndex: true})
			p.expect("]")
		default:
			if len(out) > depthMax {
				p.note(faultFunction, "The document path has too many nesting elements; nesting levels: %d", len(out))
			}
			return out
		}
	}
}

// name reads one name of a path.
func (p *parser) name() string {
	switch t := p.peek(); t.kind {
	case tokenName:
		p.at++
		if reserved(t.text) {
			p.note(faultReserved, "Attribute name is a reserved keyword; reserved keyword: %s", t.text)
		}
		return t.text
	case tokenNameRef:
		p.at++
		name, ok := p.params.names[t.text]
		if !ok {
			p.note(faultPlaceholder, "An expression attribute name used in the document path is not defined; attribute name: %s", t.text)
		}
		p.params.usedNames[t.text] = true
		return name
	default:
		p.syntax()
		return ""
	}
}

// value reads a placeholder of a value.
func (p *parser) value() attr.Value {
	t := p.peek()
	if t.kind != tokenValueRef {
		p.syntax()
	}
	p.at++
	v, ok := p.params.values[t.text]
	if !ok {
		p.note(faultPlaceholder, "An expression attribute value used in expression is not defined; attribute value: %s", t.text)
	}
	p.params.usedValues[t.text] = true
	return v
}
