package pattern

// anythingBut compiles all forms of anything-but: a value, a list of values, or
// another comparison of strings with one or several.
func (p *parser) anythingBut(arg *term) (matcher, error) {
	switch arg.kind {
	case tokenObject:
		return p.anythingButComparison(arg)
	case tokenArray:
		return p.anythingButList(arg)
	case tokenString, tokenNumber:
		c := &condition{}
		c.add(scalarOf(arg.kind, arg.text))
		return not(c.match), nil
	default:
		return nil, p.errorAt(arg.pos, "Value of anything-but must be an array or single string/number value.")
	}
}

func (p *parser) anythingButList(arg *term) (matcher, error) {
	if len(arg.items) == 0 {
		return nil, p.errorAt(arg.end, "Empty arrays are not allowed")
	}
	c := &condition{}
	for _, item := range arg.items {
		switch item.kind {
		case tokenString, tokenNumber:
		default:
			return nil, p.errorAt(item.pos, "Inside anything but list, start|null|boolean is not supported.")
		}
		if item.kind != arg.items[0].kind {
			return nil, p.errorAt(item.pos, "Inside anything but list, either all values are number or string, mixed type is not supported")
		}
		c.add(scalarOf(item.kind, item.text))
	}
	return not(c.match), nil
}

func (p *parser) anythingButComparison(arg *term) (matcher, error) {
	if len(arg.items) == 0 {
		return nil, p.errorAt(arg.end, "Anything-But expression name not found")
	}
	op, of := arg.names[0], arg.items[0]
	switch op {
	case opPrefix, opSuffix, opEqualFold, opWildcard:
		if !p.dialect.has(op) {
			return nil, p.errorAt(of.pos, "Unsupported anything-but pattern: %s", op)
		}
	default:
		return nil, p.errorAt(of.pos, "Unsupported anything-but pattern: %s", op)
	}
	items := []*term{of}
	if of.is(tokenArray) {
		if items = of.items; len(items) == 0 {
			return nil, p.errorAt(of.end, "Empty arrays are not allowed")
		}
	}
	var list []matcher
	for _, item := range items {
		if (op == opPrefix || op == opSuffix) && item.is(tokenString) && item.text == "" {
			return nil, p.errorAt(item.end, "Null prefix/suffix not allowed")
		}
		m, err := p.textual(op, item)
		if err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	if len(arg.items) > 1 {
		return nil, p.errorAt(arg.items[1].pos, "Only one key allowed in match expression")
	}
	return not(anyOf(list)), nil
}
