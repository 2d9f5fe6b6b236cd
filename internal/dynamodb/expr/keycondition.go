package expr

import "github.com/hearthfaas/hearth/internal/dynamodb/attr"

// KeyTest is what a query asks of one attribute of a key: =, <, <=, >, >=, BETWEEN or
// begins_with, with one value or two.
type KeyTest struct {
	Op     Op
	Values []attr.Value
}

// Holds says whether a value passes.
func (k KeyTest) Holds(v attr.Value) bool {
	c := Condition{Op: k.Op, Args: []Operand{{Value: &v}}}
	for i := range k.Values {
		c.Args = append(c.Args, Operand{Value: &k.Values[i]})
	}
	return c.Holds(nil)
}

// ParseKeyCondition reads a key condition expression: a test for each attribute that
// it names.
func (p *Params) ParseKeyCondition(text string) (map[string]KeyTest, error) {
	c, err := p.ParseCondition("KeyConditionExpression", text)
	if err != nil {
		return nil, err
	}
	out := map[string]KeyTest{}
	if err := c.keys(out); err != nil {
		return nil, err
	}
	return out, nil
}

// turned are the comparisons with their sides exchanged.
var turned = map[Op]Op{Less: Greater, Greater: Less, LessOrEqual: GreaterOrEqual, GreaterOrEqual: LessOrEqual}

func (c *Condition) keys(out map[string]KeyTest) error {
	switch c.Op {
	case And:
		for _, sub := range c.Subs {
			if err := sub.keys(out); err != nil {
				return err
			}
		}
		return nil
	case Or, Not, In, NotEqual, AttributeExists, AttributeNotExists, AttributeType, Contains:
		return invalid("Invalid operator used in KeyConditionExpression: %s", c.Op)
	case Between, BeginsWith:
		if c.Args[0].Path == nil {
			return invalid("Invalid condition in KeyConditionExpression: %s operator must have the key attribute as its first operand", c.Op)
		}
	default:
	}
	name, at := "", 0
	var values []attr.Value
	for i, a := range c.Args {
		switch {
		case a.Size:
			return invalid("KeyConditionExpressions cannot contain nested operations")
		case a.Path == nil:
			values = append(values, *a.Value)
		case name != "":
			return invalid("Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition")
		case len(a.Path) > 1:
			return invalid("KeyConditionExpressions cannot have conditions on nested attributes")
		default:
			name, at = a.Path[0].Name, i
		}
	}
	if name == "" {
		return invalid("Invalid condition in KeyConditionExpression: No key attribute specified")
	}
	if _, twice := out[name]; twice {
		return invalid("KeyConditionExpressions must only contain one condition per key")
	}
	op := c.Op
	if other, ok := turned[op]; ok && at != 0 {
		op = other
	}
	out[name] = KeyTest{op, values}
	return nil
}
