package policy

import (
	"slices"
	"strings"
)

// outcome is what comparing one value of the request with one of the policy gave.
type outcome uint8

const (
	differs outcome = iota
	matches
	// incomparable is a value that is no number, date or address, or a variable that
	// the request does not have. The condition fails then, negated or not.
	incomparable
)

// test compares one value of the request with the policy value it was made from.
type test func(e *evaluation, have string) outcome

type setQualifier uint8

const (
	setNone setQualifier = iota
	setAll               // ForAllValues:
	setAny               // ForAnyValue:
)

// condition is one key under one operator; a statement needs all of its own.
type condition struct {
	key      string // lower case: key names are compared without case
	set      setQualifier
	negated  bool
	ifExists bool
	null     bool // the operator Null: wantNull holds its values
	wantNull []bool
	tests    []test
}

func (c *condition) holds(e *evaluation) bool {
	have, present := e.lookup(c.key)
	present = present && len(have) > 0
	if c.null {
		return slices.Contains(c.wantNull, !present)
	}
	if !present {
		// ForAnyValue asks that some value exists, so negation does not save it.
		return c.ifExists || c.set == setAll || c.negated && c.set == setNone
	}
	if c.set == setAny {
		for _, v := range have {
			if c.accepts(e, v) {
				return true
			}
		}
		return false
	}
	if c.set == setAll || c.negated {
		for _, v := range have {
			if !c.accepts(e, v) {
				return false
			}
		}
		return true
	}
	for _, v := range have {
		if c.accepts(e, v) {
			return true
		}
	}
	return false
}

// accepts compares one value: with any of the policy's values, or when negated
// with none of them.
func (c *condition) accepts(e *evaluation, have string) bool {
	result := differs
	for _, t := range c.tests {
		switch t(e, have) {
		case matches:
			return !c.negated
		case incomparable:
			result = incomparable
		case differs:
		}
	}
	return c.negated && result == differs
}

// parseConditions reads the Condition element: operator → key → values.
func parseConditions(n node, variables bool) ([]condition, bool) {
	if n.kind != nodeObject {
		return nil, false
	}
	var out []condition
	for _, op := range n.members {
		if op.value.kind != nodeObject {
			return nil, false
		}
		for _, key := range op.value.members {
			c, ok := parseCondition(op.name, key.name, key.value, variables)
			if !ok {
				return nil, false
			}
			out = append(out, c)
		}
	}
	return out, true
}

func parseCondition(operator, key string, n node, variables bool) (condition, bool) {
	texts, ok := n.texts(true)
	if !ok || key == "" {
		return condition{}, false
	}
	c := condition{key: strings.ToLower(key)}
	name := strings.ToLower(operator)
	if rest, found := strings.CutPrefix(name, "forallvalues:"); found {
		c.set, name = setAll, rest
	} else if rest, found := strings.CutPrefix(name, "foranyvalue:"); found {
		c.set, name = setAny, rest
	}
	if name == "null" {
		c.null = true
		for _, t := range texts {
			want, ok := parseBool(t)
			if !ok {
				return condition{}, false
			}
			c.wantNull = append(c.wantNull, want)
		}
		return c, true
	}
	name, c.ifExists = strings.CutSuffix(name, "ifexists")
	op, ok := operators[name]
	if !ok {
		return condition{}, false
	}
	c.negated = op.negated
	for _, text := range texts {
		t, ok := op.compile(text, variables)
		if !ok {
			return condition{}, false
		}
		c.tests = append(c.tests, t)
	}
	return c, true
}
