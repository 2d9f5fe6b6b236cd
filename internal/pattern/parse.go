package pattern

import (
	"fmt"
	"slices"
	"strings"
)

// branchesMax is how many alternatives $or may make of a pattern (EventBridge user
// guide, "Event pattern syntax": no more than 1,000 combinations).
const branchesMax = 1000

// Parse compiles a pattern. The error is a *SyntaxError.
func Parse(text string, d Dialect) (*Pattern, error) {
	s := &scanner{text: text}
	g := &growth{}
	if err := s.walk(g); err != nil {
		return nil, err
	}
	p := &parser{dialect: d, text: text}
	if !g.root.is(tokenObject) {
		return nil, p.errorAt(g.root.pos, "Filter is not an object")
	}
	if len(g.root.items) == 0 && d == Mapping {
		return &Pattern{dialect: d, branches: []branch{nil}}, nil // every record
	}
	branches, err := p.object(g.root, nil, []branch{nil})
	if err != nil {
		return nil, err
	}
	out := &Pattern{dialect: d, branches: branches}
	if d == TopicAttributes || d == TopicBody {
		return out, p.checkPolicy(g.root)
	}
	return out, nil
}

// parser turns the terms of one pattern into conditions.
type parser struct {
	dialect Dialect
	text    string
}

func (p *parser) errorAt(pos int, format string, args ...any) error {
	return &SyntaxError{Reason: fmt.Sprintf(format, args...), text: p.text, pos: pos}
}

// object adds to each branch what an object asks for of the values below path.
func (p *parser) object(t *term, path []string, branches []branch) ([]branch, error) {
	if len(t.items) == 0 {
		return nil, p.errorAt(t.end, "Empty objects are not allowed")
	}
	for i, name := range t.names {
		item := t.items[i]
		if name == "$or" && alternatives(item) {
			var err error
			if branches, err = p.or(item, path, branches); err != nil {
				return nil, err
			}
			continue
		}
		// Clipped, so that siblings do not write over each other.
		below := append(slices.Clip(path), strings.Split(name, ".")...)
		switch item.kind {
		case tokenObject:
			if p.dialect == TopicAttributes {
				return nil, p.errorAt(item.pos, "Filter policy scope MessageAttributes does not support nested filter policy")
			}
			var err error
			if branches, err = p.object(item, below, branches); err != nil {
				return nil, err
			}
		case tokenArray:
			c, err := p.leaf(item, below)
			if err != nil {
				return nil, err
			}
			for j := range branches {
				branches[j] = append(slices.Clip(branches[j]), c)
			}
		default:
			return nil, p.errorAt(item.pos, "%q must be an object or an array", name)
		}
	}
	return branches, nil
}

// alternatives says whether the value of "$or" makes it an operator and not just a
// name: at least two objects that are not comparisons.
func alternatives(t *term) bool {
	if !t.is(tokenArray) || len(t.items) < 2 {
		return false
	}
	for _, item := range t.items {
		if !item.is(tokenObject) || len(item.items) == 0 || slices.ContainsFunc(item.names, reserved) {
			return false
		}
	}
	return true
}

// or multiplies the branches by the alternatives.
func (p *parser) or(t *term, path []string, branches []branch) ([]branch, error) {
	var out []branch
	for _, item := range t.items {
		made, err := p.object(item, path, slices.Clone(branches))
		if err != nil {
			return nil, err
		}
		if out = append(out, made...); len(out) > branchesMax {
			return nil, p.errorAt(t.pos, "Rule is too complex - more than %d combinations of $or", branchesMax)
		}
	}
	return out, nil
}

// leaf makes a condition of a list of alternatives.
func (p *parser) leaf(t *term, path []string) (*condition, error) {
	if len(t.items) == 0 {
		return nil, p.errorAt(t.end, "Empty arrays are not allowed")
	}
	c := &condition{path: path}
	for _, item := range t.items {
		switch item.kind {
		case tokenObject:
			if err := p.comparison(item, c); err != nil {
				return nil, err
			}
		case tokenArray:
			return nil, p.errorAt(item.pos, "Match value must be String, number, true, false, or null")
		default:
			c.add(scalarOf(item.kind, item.text))
		}
	}
	return c, nil
}
