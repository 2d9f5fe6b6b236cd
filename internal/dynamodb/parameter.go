package dynamodb

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/hearthfaas/hearth/internal/dynamodb/attr"
	"github.com/hearthfaas/hearth/internal/dynamodb/expr"
)

// given is a parameter and whether a request has it.
type given struct {
	name string
	set  bool
}

func namesSet(all []given) []string {
	var out []string
	for _, g := range all {
		if g.set {
			out = append(out, g.name)
		}
	}
	return out
}

// checkMixed refuses expressions beside the older parameters, and placeholders without
// an expression that could use them.
func checkMixed(expressions, older []given, names map[string]string, values map[string]types.AttributeValue) error {
	used := namesSet(expressions)
	if others := namesSet(older); len(used) > 0 && len(others) > 0 {
		return invalid("Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {%s} Expression parameters: {%s}",
			strings.Join(others, ", "), strings.Join(used, ", "))
	}
	if names != nil && len(used) == 0 {
		return invalid("ExpressionAttributeNames can only be specified when using expressions")
	}
	var takers []string
	taken := false
	for _, g := range expressions {
		if g.name != "ProjectionExpression" {
			takers = append(takers, g.name)
			taken = taken || g.set
		}
	}
	if values != nil && len(takers) > 0 && !taken {
		verb := "is"
		if len(takers) > 1 {
			verb = "are"
		}
		return invalid("ExpressionAttributeValues can only be specified when using expressions: %s %s null", strings.Join(takers, " and "), verb)
	}
	return nil
}

// params are the placeholders of a request.
func params(names map[string]string, values map[string]types.AttributeValue) (*expr.Params, error) {
	var converted map[string]attr.Value
	var wrong error
	var wrongName string
	if values != nil {
		converted = make(map[string]attr.Value, len(values))
	}
	for name, value := range values {
		v, err := attr.FromSDK(value)
		// Of several the first by its name is told.
		if err != nil && (wrong == nil || name < wrongName) {
			wrong, wrongName = invalid("ExpressionAttributeValues contains invalid value: %s for key %s", message(err), name), name
		}
		converted[name] = v
	}
	p, err := expr.NewParams(names, converted)
	if err != nil {
		return nil, err
	}
	return p, wrong
}

// checkAttributesToGet refuses the same attribute twice.
func checkAttributesToGet(names []string) error {
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			return wrongParameter("Duplicate value in attribute name: %s", name)
		}
	}
	return nil
}

// checks are the expressions of a write.
type checks struct {
	condition *expr.Condition
	update    *expr.Update
}

// writeExpressions reads what a single write may have.
func writeExpressions(condition, update *string, names map[string]string, values map[string]types.AttributeValue) (c checks, err error) {
	if condition == nil && update == nil && names == nil && values == nil {
		return c, nil
	}
	p, err := params(names, values)
	if err != nil {
		return c, err
	}
	if update != nil {
		if c.update, err = p.ParseUpdate(*update); err != nil {
			return c, err
		}
	}
	if condition != nil {
		if c.condition, err = p.ParseCondition("ConditionExpression", *condition); err != nil {
			return c, err
		}
	}
	return c, p.Unused()
}

// readExpressions reads what a single read may have.
func readExpressions(projection *string, attributes []string, names map[string]string) (*expr.Projection, error) {
	err := checkMixed(
		[]given{{"ProjectionExpression", projection != nil}},
		[]given{{"AttributesToGet", attributes != nil}}, names, nil)
	if err != nil {
		return nil, err
	}
	if attributes != nil {
		return expr.Only(attributes), checkAttributesToGet(attributes)
	}
	if projection == nil {
		return nil, nil
	}
	p, err := params(names, nil)
	if err != nil {
		return nil, err
	}
	out, err := p.ParseProjection(*projection)
	if err != nil {
		return nil, err
	}
	return out, p.Unused()
}
