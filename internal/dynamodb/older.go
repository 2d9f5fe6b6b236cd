package dynamodb

import (
	"maps"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/hearthfaas/hearth/internal/dynamodb/attr"
	"github.com/hearthfaas/hearth/internal/dynamodb/expr"
)

// The older parameters say in structures what expressions say in text (DynamoDB
// developer guide, "Legacy DynamoDB conditional parameters"). They become the same
// trees.

// comparisons are the operators of the older conditions: how many values each takes,
// of which types, and which operation it is.
var comparisons = map[types.ComparisonOperator]struct {
	least, most int
	kinds       []attr.Kind
	op          expr.Op
	not         bool
}{
	"NULL":         {0, 0, nil, expr.AttributeNotExists, false},
	"NOT_NULL":     {0, 0, nil, expr.AttributeExists, false},
	"EQ":           {1, 1, nil, expr.Equal, false},
	"NE":           {1, 1, nil, expr.NotEqual, false},
	"LE":           {1, 1, scalarKinds, expr.LessOrEqual, false},
	"LT":           {1, 1, scalarKinds, expr.Less, false},
	"GE":           {1, 1, scalarKinds, expr.GreaterOrEqual, false},
	"GT":           {1, 1, scalarKinds, expr.Greater, false},
	"CONTAINS":     {1, 1, scalarKinds, expr.Contains, false},
	"NOT_CONTAINS": {1, 1, scalarKinds, expr.Contains, true},
	"BEGINS_WITH":  {1, 1, []attr.Kind{attr.String, attr.Binary}, expr.BeginsWith, false},
	"IN":           {1, 100, scalarKinds, expr.In, false},
	"BETWEEN":      {2, 2, scalarKinds, expr.Between, false},
}

var scalarKinds = []attr.Kind{attr.String, attr.Number, attr.Binary}

// olderTest checks one older condition and returns its operation and values.
func olderTest(operator types.ComparisonOperator, list []types.AttributeValue) (op expr.Op, not bool, values []attr.Value, err error) {
	for _, in := range list {
		v, err := attr.FromSDK(in)
		if err != nil {
			return "", false, nil, err
		}
		values = append(values, v)
	}
	c, ok := comparisons[operator]
	if !ok {
		return "", false, nil, wrongParameter("Unknown ComparisonOperator: %s", operator)
	}
	if len(values) < c.least || len(values) > c.most {
		return "", false, nil, wrongParameter("Invalid number of argument(s) for the %s ComparisonOperator", operator)
	}
	for _, v := range values {
		if v.Kind != values[0].Kind {
			return "", false, nil, wrongParameter("AttributeValues inside AttributeValueList must be of same type")
		}
		if c.kinds != nil && !slices.Contains(c.kinds, v.Kind) {
			return "", false, nil, wrongParameter("ComparisonOperator %s is not valid for %s AttributeValue type", operator, v.Kind)
		}
	}
	if c.op == expr.Between {
		if order, _ := attr.Compare(values[0], values[1]); order > 0 {
			return "", false, nil, invalid("The BETWEEN condition was provided a range where the lower bound is greater than the upper bound")
		}
	}
	return c.op, c.not, values, nil
}

// condition is the tree of one test of an attribute.
func conditionOn(name string, op expr.Op, not bool, values []attr.Value) *expr.Condition {
	c := &expr.Condition{Op: op, Args: []expr.Operand{{Path: expr.Named(name)}}}
	for i := range values {
		c.Args = append(c.Args, expr.Operand{Value: &values[i]})
	}
	if not {
		return &expr.Condition{Op: expr.Not, Subs: []*expr.Condition{c}}
	}
	return c
}

// joined is all of the conditions, or any of them.
func joined(all []*expr.Condition, operator types.ConditionalOperator) *expr.Condition {
	if len(all) == 0 {
		return nil
	}
	op := expr.And
	if operator == types.ConditionalOperatorOr {
		op = expr.Or
	}
	out := all[0]
	for _, c := range all[1:] {
		out = &expr.Condition{Op: op, Subs: []*expr.Condition{out, c}}
	}
	return out
}

// olderFilter is the tree of QueryFilter or ScanFilter.
func olderFilter(in map[string]types.Condition, operator types.ConditionalOperator) (*expr.Condition, error) {
	var all []*expr.Condition
	for _, name := range slices.Sorted(maps.Keys(in)) {
		op, not, values, err := olderTest(in[name].ComparisonOperator, in[name].AttributeValueList)
		if err != nil {
			return nil, err
		}
		all = append(all, conditionOn(name, op, not, values))
	}
	return joined(all, operator), nil
}

// olderKeys are the tests of KeyConditions.
func olderKeys(in map[string]types.Condition) (map[string]expr.KeyTest, error) {
	out := map[string]expr.KeyTest{}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		op, not, values, err := olderTest(in[name].ComparisonOperator, in[name].AttributeValueList)
		if err != nil {
			return nil, err
		}
		if not {
			op = expr.Not
		}
		out[name] = expr.KeyTest{Op: op, Values: values}
	}
	if len(out) != 1 && len(out) != 2 {
		return nil, invalid("Conditions can be of length 1 or 2 only")
	}
	return out, nil
}

// olderExpected is the tree of Expected.
func olderExpected(in map[string]types.ExpectedAttributeValue, operator types.ConditionalOperator) (*expr.Condition, error) {
	var all []*expr.Condition
	for _, name := range slices.Sorted(maps.Keys(in)) {
		c, err := expectedOf(name, in[name])
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return joined(all, operator), nil
}

func expectedOf(name string, e types.ExpectedAttributeValue) (*expr.Condition, error) {
	exists := "null"
	if e.Exists != nil {
		exists = strconv.FormatBool(*e.Exists)
	}
	operator, list := e.ComparisonOperator, e.AttributeValueList
	switch {
	case list != nil && e.Value != nil:
		return nil, wrongParameter("Value and AttributeValueList cannot be used together for Attribute: %s", name)
	case operator != "" && e.Exists != nil:
		return nil, wrongParameter("Exists and ComparisonOperator cannot be used together for Attribute: %s", name)
	case operator != "" && operator != "NULL" && operator != "NOT_NULL" && list == nil && e.Value == nil:
		return nil, wrongParameter("Value or AttributeValueList must be used with ComparisonOperator: %s for Attribute: %s", operator, name)
	case operator != "":
		if e.Value != nil {
			list = []types.AttributeValue{e.Value}
		}
	case list != nil:
		return nil, wrongParameter("AttributeValueList can only be used with a ComparisonOperator for Attribute: %s", name)
	case exists != "false" && e.Value == nil:
		return nil, wrongParameter("Value must be provided when Exists is %s for Attribute: %s", exists, name)
	case exists == "false" && e.Value != nil:
		return nil, wrongParameter("Value cannot be used when Exists is false for Attribute: %s", name)
	case exists == "false":
		operator = "NULL"
	default:
		operator, list = "EQ", []types.AttributeValue{e.Value}
	}
	op, not, values, err := olderTest(operator, list)
	if err != nil {
		return nil, err
	}
	return conditionOn(name, op, not, values), nil
}

// olderUpdate is the tree of AttributeUpdates.
func olderUpdate(in map[string]types.AttributeValueUpdate) (*expr.Update, error) {
	u := &expr.Update{}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		a := in[name]
		if a.Value == nil {
			if a.Action != types.AttributeActionDelete {
				return nil, wrongParameter("Only DELETE action is allowed when no attribute value is specified")
			}
			u.Drop(name)
			continue
		}
		v, err := attr.FromSDK(a.Value)
		if err != nil {
			return nil, err
		}
		switch a.Action {
		case types.AttributeActionDelete:
			if !v.Kind.IsSet() {
				return nil, wrongParameter("DELETE action with value is not supported for the type %s", v.Kind)
			}
			u.Take(name, v)
		case types.AttributeActionAdd:
			if !v.Kind.IsSet() && v.Kind != attr.Number && v.Kind != attr.List {
				return nil, wrongParameter("ADD action is not supported for the type %s", v.Kind)
			}
			u.Add(name, v)
		default:
			u.Put(name, v)
		}
	}
	return u, nil
}
