package pattern

import (
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"
)

// condition is what a pattern asks of the values at one path: any of its
// alternatives.
type condition struct {
	// path is the names of the members on the way, split at dots.
	path []string
	// present and absent: {"exists":true} and {"exists":false} are among them.
	present, absent bool
	strings         set[string]
	literals        set[string]
	numbers         set[int64]
	// written are numbers out of the range in which numbers are compared as such.
	written set[string]
	others  []matcher
}

// matcher is one comparison that is more than equality.
type matcher func(*value) bool

func (c *condition) match(v *value) bool {
	if c.present {
		return true
	}
	switch v.kind {
	case kindString:
		if c.strings.has(v.text) {
			return true
		}
	case kindNumber:
		if v.inRange && c.numbers.has(v.micros) || !v.inRange && c.written.has(v.text) {
			return true
		}
	case kindLiteral:
		if c.literals.has(v.text) {
			return true
		}
	}
	for _, m := range c.others {
		if m(v) {
			return true
		}
	}
	return false
}

// exact says that the condition compares for equality only.
func (c *condition) exact() bool {
	return !c.present && !c.absent && len(c.others) == 0
}

// set is a few values in a list or many in a map.
type set[T comparable] struct {
	list []T
	all  map[T]struct{}
}

// listMax is the length from which a map is faster than a list.
const listMax = 8

func (s *set[T]) add(x T) {
	if s.has(x) {
		return
	}
	s.list = append(s.list, x)
	if len(s.list) <= listMax {
		return
	}
	if s.all == nil {
		s.all = make(map[T]struct{}, len(s.list))
		for _, y := range s.list {
			s.all[y] = struct{}{}
		}
	}
	s.all[x] = struct{}{}
}

func (s *set[T]) has(x T) bool {
	if s.all != nil {
		_, ok := s.all[x]
		return ok
	}
	return slices.Contains(s.list, x)
}

// add makes a scalar of a pattern one of the alternatives.
func (c *condition) add(v value) {
	switch {
	case v.kind == kindString:
		c.strings.add(v.text)
	case v.kind == kindLiteral:
		c.literals.add(v.text)
	case v.inRange:
		c.numbers.add(v.micros)
	default:
		c.written.add(v.text)
	}
}

// text makes a matcher of a comparison of strings; what is no string fails it.
func text(holds func(string) bool) matcher {
	return func(v *value) bool { return v.kind == kindString && holds(v.text) }
}

func not(m matcher) matcher {
	return func(v *value) bool { return !m(v) }
}

func anyOf(list []matcher) matcher {
	if len(list) == 1 {
		return list[0]
	}
	return func(v *value) bool {
		return slices.ContainsFunc(list, func(m matcher) bool { return m(v) })
	}
}

func prefix(want string) matcher {
	return text(func(s string) bool { return strings.HasPrefix(s, want) })
}

func suffix(want string) matcher {
	return text(func(s string) bool { return strings.HasSuffix(s, want) })
}

func equalFold(want string) matcher {
	return text(func(s string) bool { return strings.EqualFold(s, want) })
}

// prefixFold compares as many characters as the prefix has: a letter and its other
// case need not have the same number of bytes.
func prefixFold(want string) matcher {
	n := utf8.RuneCountInString(want)
	return text(func(s string) bool {
		end := 0
		for range n {
			if end == len(s) {
				return false
			}
			_, size := utf8.DecodeRuneInString(s[end:])
			end += size
		}
		return strings.EqualFold(s[:end], want)
	})
}

func suffixFold(want string) matcher {
	n := utf8.RuneCountInString(want)
	return text(func(s string) bool {
		from := len(s)
		for range n {
			if from == 0 {
				return false
			}
			_, size := utf8.DecodeLastRuneInString(s[:from])
			from -= size
		}
		return strings.EqualFold(s[from:], want)
	})
}

// wildcard matches pieces in their order with anything between them. The first
// place of a piece leaves the most for those behind it, so it never goes back.
func wildcard(pieces []string) matcher {
	if len(pieces) == 1 {
		return text(func(s string) bool { return s == pieces[0] })
	}
	first, middle, last := pieces[0], pieces[1:len(pieces)-1], pieces[len(pieces)-1]
	return text(func(s string) bool {
		if len(s) < len(first)+len(last) || !strings.HasPrefix(s, first) || !strings.HasSuffix(s, last) {
			return false
		}
		s = s[len(first) : len(s)-len(last)]
		for _, piece := range middle {
			i := strings.Index(s, piece)
			if i < 0 {
				return false
			}
			s = s[i+len(piece):]
		}
		return true
	})
}

func cidr(block netip.Prefix) matcher {
	return text(func(s string) bool {
		addr, err := netip.ParseAddr(s)
		return err == nil && addr.Zone() == "" && block.Contains(addr)
	})
}

// interval is a range of numbers in millionths; its ends are within it.
type interval struct{ low, high int64 }

func (r interval) match(v *value) bool {
	return v.kind == kindNumber && v.inRange && r.low <= v.micros && v.micros <= r.high
}
