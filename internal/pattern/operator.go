package pattern

import (
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// The operators (EventBridge user guide, "Comparison operators").
const (
	opAnythingBut = "anything-but"
	opCIDR        = "cidr"
	opEqualFold   = "equals-ignore-case"
	opExact       = "exactly"
	opExists      = "exists"
	opNumeric     = "numeric"
	opPrefix      = "prefix"
	opSuffix      = "suffix"
	opWildcard    = "wildcard"
)

// reserved says whether a name is an operator's.
func reserved(name string) bool {
	switch name {
	case opAnythingBut, opCIDR, opEqualFold, opExact, opExists, opNumeric, opPrefix, opSuffix, opWildcard:
		return true
	}
	return false
}

// has says whether the dialect knows an operator. SNS has no wildcards, and only
// EventBridge's published matcher has "exactly".
func (d Dialect) has(op string) bool {
	switch op {
	case opWildcard:
		return d == EventBridge || d == Mapping
	case opExact:
		return d == EventBridge
	}
	return reserved(op)
}

// comparison adds an object such as {"prefix":"x"} to a condition.
func (p *parser) comparison(t *term, c *condition) error {
	if len(t.items) == 0 {
		return p.errorAt(t.end, "Empty match expressions are not allowed")
	}
	op, arg := t.names[0], t.items[0]
	if !p.dialect.has(op) {
		return p.errorAt(arg.pos, "Unrecognized match type %s", op)
	}
	var m matcher
	var err error
	switch op {
	case opExists:
		err = p.exists(arg, c)
	case opExact:
		err = p.mustBeString(arg, op)
		c.add(value{kind: kindString, text: arg.text})
	case opNumeric:
		m, err = p.numeric(arg)
	case opCIDR:
		m, err = p.cidr(arg)
	case opAnythingBut:
		m, err = p.anythingBut(arg)
	default:
		m, err = p.textual(op, arg)
	}
	if err != nil {
		return err
	}
	if len(t.items) > 1 {
		return p.errorAt(t.items[1].pos, "Only one key allowed in match expression")
	}
	if m != nil {
		c.others = append(c.others, m)
	}
	return nil
}

func (p *parser) mustBeString(arg *term, op string) error {
	if !arg.is(tokenString) {
		return p.errorAt(arg.pos, "%s match pattern must be a string", op)
	}
	return nil
}

func (p *parser) exists(arg *term, c *condition) error {
	switch {
	case arg.is(tokenLiteral) && arg.text == "true":
		c.present = true
	case arg.is(tokenLiteral) && arg.text == "false":
		c.absent = true
	default:
		return p.errorAt(arg.pos, "exists match pattern must be either true or false.")
	}
	return nil
}

// textual compiles the comparisons of strings.
func (p *parser) textual(op string, arg *term) (matcher, error) {
	if (op == opPrefix || op == opSuffix) && arg.is(tokenObject) {
		return p.folded(op, arg)
	}
	if err := p.mustBeString(arg, op); err != nil {
		return nil, err
	}
	switch op {
	case opPrefix:
		return prefix(arg.text), nil
	case opSuffix:
		return suffix(arg.text), nil
	case opEqualFold:
		return equalFold(arg.text), nil
	}
	pieces, err := p.pieces(arg)
	if err != nil {
		return nil, err
	}
	return wildcard(pieces), nil
}

// folded compiles {"prefix":{"equals-ignore-case":"x"}} and the same of suffix.
func (p *parser) folded(op string, arg *term) (matcher, error) {
	if len(arg.items) == 0 {
		return nil, p.errorAt(arg.end, "Empty match expressions are not allowed")
	}
	if arg.names[0] != opEqualFold {
		return nil, p.errorAt(arg.items[0].pos, "Unsupported %s match pattern: %s", op, arg.names[0])
	}
	if err := p.mustBeString(arg.items[0], opEqualFold); err != nil {
		return nil, err
	}
	if len(arg.items) > 1 {
		return nil, p.errorAt(arg.items[1].pos, "Only one key allowed in match expression")
	}
	if op == opPrefix {
		return prefixFold(arg.items[0].text), nil
	}
	return suffixFold(arg.items[0].text), nil
}

// pieces splits a wildcard's text at its asterisks; \* and \\ stand for themselves.
func (p *parser) pieces(arg *term) ([]string, error) {
	var out []string
	var piece strings.Builder
	for i := 0; i < len(arg.text); i++ {
		switch c := arg.text[i]; c {
		case '\\':
			if i++; i == len(arg.text) || arg.text[i] != '*' && arg.text[i] != '\\' {
				return nil, p.errorAt(arg.end, "Invalid escape character at pos %d", i-1)
			}
			piece.WriteByte(arg.text[i])
		case '*':
			if i > 0 && piece.Len() == 0 && len(out) > 0 {
				return nil, p.errorAt(arg.end, "Consecutive wildcard characters at pos %d", i-1)
			}
			out = append(out, piece.String())
			piece.Reset()
		default:
			piece.WriteByte(c)
		}
	}
	return append(out, piece.String()), nil
}

func (p *parser) cidr(arg *term) (matcher, error) {
	if !arg.is(tokenString) {
		return nil, p.errorAt(arg.pos, "prefix match pattern must be a string") // sic
	}
	ip, bits, ok := strings.Cut(arg.text, "/")
	if !ok || strings.Contains(bits, "/") {
		return nil, p.errorAt(arg.end, "Malformed CIDR, one '/' required")
	}
	addr, err := netip.ParseAddr(ip)
	if err != nil || addr.Zone() != "" {
		return nil, p.errorAt(arg.end, "Nonstandard IP address: %s", ip)
	}
	n, err := strconv.Atoi(bits)
	if err != nil {
		return nil, p.errorAt(arg.end, "Malformed CIDR, mask bits must be an integer")
	}
	if n < 0 {
		return nil, p.errorAt(arg.end, "Malformed CIDR, mask bits must not be negative")
	}
	if n > addr.BitLen() {
		family := "IPv4"
		if addr.Is6() {
			family = "IPv6"
		}
		return nil, p.errorAt(arg.end, "%s mask bits cannot be greater than %d", family, addr.BitLen())
	}
	return cidr(netip.PrefixFrom(addr, n)), nil
}

// numeric compiles ["=", n] and ranges such as [">", 0, "<=", 5].
func (p *parser) numeric(arg *term) (matcher, error) {
	if !arg.is(tokenArray) {
		return nil, p.errorAt(arg.pos, "Value of numeric must be an array.")
	}
	if len(arg.items) == 0 {
		return nil, p.errorAt(arg.end, "Invalid member in numeric match: ]")
	}
	r, next, err := p.bound(arg, 0, interval{math.MinInt64, math.MaxInt64})
	if err != nil {
		return nil, err
	}
	first := arg.items[0].text
	if next < len(arg.items) {
		if !strings.HasPrefix(first, ">") {
			return nil, p.errorAt(arg.items[next].end, "Too many elements in numeric expression")
		}
		second := arg.items[next]
		if !second.is(tokenString) || !strings.HasPrefix(second.text, "<") {
			return nil, p.errorAt(second.end, "Bad numeric range operator: %s", second.text)
		}
		if r, next, err = p.bound(arg, next, r); err != nil {
			return nil, err
		}
		if next < len(arg.items) {
			return nil, p.errorAt(arg.items[next].end, "Too many terms in numeric range expression")
		}
		if low, high := mustMicros(arg.items[1].text), mustMicros(arg.items[3].text); low >= high {
			return nil, p.errorAt(arg.end, "Bottom must be less than top")
		}
	}
	return r.match, nil
}

// bound narrows a range by the operator and the number at an index.
func (p *parser) bound(arg *term, at int, r interval) (interval, int, error) {
	op := arg.items[at]
	if !op.is(tokenString) {
		return r, 0, p.errorAt(op.end, "Invalid member in numeric match: %s", op.text)
	}
	if !slices.Contains([]string{"=", "<", "<=", ">", ">="}, op.text) {
		return r, 0, p.errorAt(op.end, "Unrecognized numeric range operator: %s", op.text)
	}
	if at+1 == len(arg.items) || !arg.items[at+1].is(tokenNumber) {
		pos := arg.end
		if at+1 < len(arg.items) {
			pos = arg.items[at+1].pos
		}
		if op.text == "=" {
			return r, 0, p.errorAt(pos, "Value of equals must be numeric.")
		}
		return r, 0, p.errorAt(pos, "Value of %s must be numeric", op.text)
	}
	number := arg.items[at+1]
	n, ok := micros(number.text)
	if !ok {
		return r, 0, p.errorAt(number.end, "Value must be between -5.0E9 and 5.0E9, inclusive")
	}
	switch op.text {
	case "=":
		r = interval{n, n}
	case "<":
		r.high = n - 1
	case "<=":
		r.high = n
	case ">":
		r.low = n + 1
	case ">=":
		r.low = n
	}
	return r, at + 2, nil
}

// mustMicros is micros of a number that was found to be in range.
func mustMicros(text string) int64 {
	n, _ := micros(text)
	return n
}
