package logs

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// constraint is what the API model asks of a string member.
type constraint struct {
	field    string
	required bool
	min, max int // characters
	pattern  *regexp.Regexp
	text     string   // the pattern as AWS prints it
	enum     []string // the values allowed; nil for any
}

// The members of CloudWatch Logs' model that several operations share.
var (
	groupNamePattern  = regexp.MustCompile(`^[.\-_/#A-Za-z0-9]+$`)
	streamNamePattern = regexp.MustCompile(`^[^:*]*$`)
	identifierPattern = regexp.MustCompile(`^[\w#+=/:,.@-]*$`)

	groupName       = constraint{field: "logGroupName", required: true, min: 1, max: 512, pattern: groupNamePattern, text: `[\.\-_/#A-Za-z0-9]+`}
	streamName      = constraint{field: "logStreamName", required: true, min: 1, max: 512, pattern: streamNamePattern, text: `[^:*]*`}
	groupIdentifier = constraint{field: "logGroupIdentifier", min: 1, max: 2048, pattern: identifierPattern, text: `[\w#+=/:,.@-]*`}
)

func (c constraint) as(field string) constraint {
	c.field = field
	return c
}

func (c constraint) optional() constraint {
	c.required = false
	return c
}

// violations is what is wrong with a request, in AWS's words.
type violations []string

func (v *violations) add(value any, field, must string) {
	*v = append(*v, fmt.Sprintf("Value '%v' at '%s' failed to satisfy constraint: %s", value, field, must))
}

func (v *violations) null(field string) {
	*v = append(*v, fmt.Sprintf("Value null at '%s' failed to satisfy constraint: Member must not be null", field))
}

// check holds a string member against its constraint.
func (v *violations) check(value *string, c constraint) {
	if value == nil {
		if c.required {
			v.null(c.field)
		}
		return
	}
	n := utf8.RuneCountInString(*value)
	switch {
	case n < c.min:
		v.add(*value, c.field, fmt.Sprintf("Member must have length greater than or equal to %d", c.min))
	case c.max > 0 && n > c.max:
		v.add(*value, c.field, fmt.Sprintf("Member must have length less than or equal to %d", c.max))
	}
	if c.pattern != nil && !c.pattern.MatchString(*value) {
		v.add(*value, c.field, "Member must satisfy regular expression pattern: "+c.text)
	}
	if c.enum != nil && !slices.Contains(c.enum, *value) {
		v.add(*value, c.field, "Member must satisfy enum value set: ["+strings.Join(c.enum, ", ")+"]")
	}
}

// enum holds an optional enumerated member against its values; empty is absent.
func (v *violations) enum(value, field string, values []string) {
	if value != "" {
		v.check(&value, constraint{field: field, enum: values})
	}
}

// between holds an optional number against its range.
func (v *violations) between(value *int32, field string, low, high int32) {
	switch {
	case value == nil:
	case *value < low:
		v.add(*value, field, fmt.Sprintf("Member must have value greater than or equal to %d", low))
	case *value > high:
		v.add(*value, field, fmt.Sprintf("Member must have value less than or equal to %d", high))
	}
}

// atLeastZero holds optional times against their lower bound.
func (v *violations) atLeastZero(value *int64, field string) {
	if value != nil && *value < 0 {
		v.add(*value, field, "Member must have value greater than or equal to 0")
	}
}

// err is the InvalidParameterException that lists all violations, or nil.
func (v violations) err() error {
	switch len(v) {
	case 0:
		return nil
	case 1:
		return invalid("1 validation error detected: %s", v[0])
	default:
		return invalid("%d validation errors detected: %s", len(v), strings.Join(v, "; "))
	}
}

func invalid(format string, args ...any) error {
	return lambda.Errorf(lambda.CodeInvalidParameter, format, args...)
}

var (
	errNoGroup      = lambda.Errorf(lambda.CodeResourceNotFound, "The specified log group does not exist.")
	errNoStream     = lambda.Errorf(lambda.CodeResourceNotFound, "The specified log stream does not exist.")
	errNoResource   = lambda.Errorf(lambda.CodeResourceNotFound, "The specified resource does not exist.")
	errGroupExists  = lambda.Errorf(lambda.CodeResourceAlreadyExists, "The specified log group already exists")
	errStreamExists = lambda.Errorf(lambda.CodeResourceAlreadyExists, "The specified log stream already exists")
	errBadToken     = lambda.Errorf(lambda.CodeInvalidParameter, "The specified nextToken is invalid.")
)
