package policy

import (
	"bytes"
	"encoding/base64"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// operator is one condition operator without its prefix and suffix. compile
// reports false for a policy value that the operator cannot use, such as text for
// a number: AWS would keep it and never match, we say so when it is written.
type operator struct {
	negated bool
	compile func(text string, variables bool) (test, bool)
}

// operators is keyed by lower-case name (IAM user guide, condition operators).
var operators = map[string]operator{
	"stringequals":              {false, literal(same)},
	"stringnotequals":           {true, literal(same)},
	"stringequalsignorecase":    {false, literal(strings.EqualFold)},
	"stringnotequalsignorecase": {true, literal(strings.EqualFold)},
	"stringlike":                {false, compileLike},
	"stringnotlike":             {true, compileLike},
	"numericequals":             {false, parsed(parseNumber, func(have, want float64) bool { return have == want })},
	"numericnotequals":          {true, parsed(parseNumber, func(have, want float64) bool { return have == want })},
	"numericlessthan":           {false, parsed(parseNumber, func(have, want float64) bool { return have < want })},
	"numericlessthanequals":     {false, parsed(parseNumber, func(have, want float64) bool { return have <= want })},
	"numericgreaterthan":        {false, parsed(parseNumber, func(have, want float64) bool { return have > want })},
	"numericgreaterthanequals":  {false, parsed(parseNumber, func(have, want float64) bool { return have >= want })},
	"dateequals":                {false, parsed(parseDate, time.Time.Equal)},
	"datenotequals":             {true, parsed(parseDate, time.Time.Equal)},
	"datelessthan":              {false, parsed(parseDate, time.Time.Before)},
	"datelessthanequals":        {false, parsed(parseDate, func(have, want time.Time) bool { return !have.After(want) })},
	"dategreaterthan":           {false, parsed(parseDate, time.Time.After)},
	"dategreaterthanequals":     {false, parsed(parseDate, func(have, want time.Time) bool { return !have.Before(want) })},
	"bool":                      {false, parsed(parseBool, func(have, want bool) bool { return have == want })},
	"binaryequals":              {false, parsed(parseBinary, bytes.Equal)},
	"ipaddress":                 {false, parsed(parsePrefix, inPrefix)},
	"notipaddress":              {true, parsed(parsePrefix, inPrefix)},
	"arnequals":                 {false, compileARNTest},
	"arnlike":                   {false, compileARNTest},
	"arnnotequals":              {true, compileARNTest},
	"arnnotlike":                {true, compileARNTest},
}

func same(have, want string) bool { return have == want }

func compileLike(text string, variables bool) (test, bool) {
	p := compilePattern(text, syntax{wildcards: true, variables: variables})
	return func(e *evaluation, have string) outcome { return outcomeOf(p.match(e, have)) }, true
}

func compileARNTest(text string, variables bool) (test, bool) {
	p := compileARN(text, variables)
	return func(e *evaluation, have string) outcome { return outcomeOf(p.match(e, have)) }, true
}

func outcomeOf(ok, known bool) outcome {
	switch {
	case !known:
		return incomparable
	case ok:
		return matches
	default:
		return differs
	}
}

// literal compares texts without wildcards.
func literal(holds func(have, want string) bool) func(string, bool) (test, bool) {
	return parsed(func(s string) (string, bool) { return s, true }, holds)
}

// parsed compares values of a type. A policy value without variables is parsed
// once, when the policy is.
func parsed[T any](parse func(string) (T, bool), holds func(have, want T) bool) func(string, bool) (test, bool) {
	return func(text string, variables bool) (test, bool) {
		p := compilePattern(text, syntax{variables: variables})
		if fixed, ok := p.fixed(); ok {
			want, ok := parse(fixed)
			return func(_ *evaluation, have string) outcome {
				value, known := parse(have)
				return outcomeOf(known && holds(value, want), known)
			}, ok
		}
		return func(e *evaluation, have string) outcome {
			glyphs, known := p.expand(e)
			if !known {
				return incomparable
			}
			want, known := parse(string(glyphs))
			value, alsoKnown := parse(have)
			known = known && alsoKnown
			return outcomeOf(known && holds(value, want), known)
		}, true
	}
}

func parseNumber(s string) (float64, bool) {
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil && f == f // NaN compares with nothing
}

func parseBool(s string) (bool, bool) {
	switch {
	case strings.EqualFold(s, "true"):
		return true, true
	case strings.EqualFold(s, "false"):
		return false, true
	}
	return false, false
}

func parseBinary(s string) ([]byte, bool) {
	b, err := base64.StdEncoding.DecodeString(s)
	return b, err == nil
}

// dateLayouts are the W3C forms of ISO 8601, which the IAM user guide names.
var dateLayouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02", "2006-01", "2006",
	"2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05",
}

// epochDigits tells an epoch time from a year: four digits are a year.
const epochDigits = 5

func parseDate(s string) (time.Time, bool) {
	if len(s) >= epochDigits {
		if f, err := strconv.ParseInt(s, 10, 64); err == nil {
			return time.Unix(f, 0), true
		}
	}
	for _, layout := range dateLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// parsePrefix reads an address or a range in CIDR notation.
func parsePrefix(s string) (netip.Prefix, bool) {
	if prefix, err := netip.ParsePrefix(s); err == nil {
		return prefix.Masked(), true
	}
	addr, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, false
	}
	addr = addr.Unmap().WithZone("")
	return netip.PrefixFrom(addr, addr.BitLen()), true
}

func inPrefix(have, want netip.Prefix) bool {
	return have.Bits() >= want.Bits() && want.Contains(have.Addr())
}
