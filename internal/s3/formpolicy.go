package s3

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// postPolicy is what the signer of a form allows those who send it (S3 API
// reference, "Creating a POST Policy").
type postPolicy struct {
	expiration time.Time
	conditions []postCondition
	limits     *sizeLimits
}

// postCondition holds for one field of the form.
type postCondition struct {
	operator string // eq or starts-with
	field    string // in lower case
	value    string
}

func invalidPolicy(text string) error {
	return &lambda.Error{Code: "InvalidPolicyDocument", Message: "Invalid Policy: " + text}
}

// parsePostPolicy reads a policy in base64.
func parsePostPolicy(text string) (*postPolicy, error) {
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return nil, invalidPolicy("Invalid Base64.")
	}
	var in struct {
		Expiration *string
		Conditions *[]json.RawMessage
	}
	switch err := json.Unmarshal(raw, &in); {
	case err != nil:
		return nil, invalidPolicy("Invalid JSON.")
	case in.Expiration == nil:
		return nil, invalidPolicy("Policy missing expiration.")
	case in.Conditions == nil:
		return nil, invalidPolicy("Policy missing conditions.")
	}
	p := &postPolicy{}
	if p.expiration, err = time.Parse(time.RFC3339, *in.Expiration); err != nil {
		return nil, invalidPolicy("Invalid 'expiration' value: '" + *in.Expiration + "'")
	}
	for _, c := range *in.Conditions {
		if err := p.add(c); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// add reads a condition: {"field": "value"}, [operator, "$field", value] or
// ["content-length-range", min, max].
func (p *postPolicy) add(raw json.RawMessage) error {
	var object map[string]string
	if json.Unmarshal(raw, &object) == nil {
		if len(object) != 1 {
			return invalidPolicy("Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.")
		}
		for field, value := range object {
			p.conditions = append(p.conditions, postCondition{"eq", strings.ToLower(field), value})
		}
		return nil
	}
	var list []json.RawMessage
	var operator string
	if json.Unmarshal(raw, &list) != nil || len(list) != 3 || json.Unmarshal(list[0], &operator) != nil {
		return invalidPolicy("Invalid Condition.")
	}
	operator = strings.ToLower(operator)
	if operator == "content-length-range" {
		least, ok1 := wholeNumber(list[1])
		most, ok2 := wholeNumber(list[2])
		if !ok1 || !ok2 || most < least {
			return invalidPolicy("Invalid content-length-range.")
		}
		p.limits = &sizeLimits{least, most}
		return nil
	}
	var field, value string
	name, named := "", false
	if json.Unmarshal(list[1], &field) == nil && json.Unmarshal(list[2], &value) == nil {
		name, named = strings.CutPrefix(field, "$")
	}
	if !named || operator != "eq" && operator != "starts-with" {
		return invalidPolicy("Invalid Condition.")
	}
	p.conditions = append(p.conditions, postCondition{operator, strings.ToLower(name), value})
	return nil
}

// wholeNumber reads a number, which may stand in quotes.
func wholeNumber(raw json.RawMessage) (int64, bool) {
	var text json.Number
	if json.Unmarshal(raw, &text) != nil {
		return 0, false
	}
	n, err := text.Int64()
	return n, err == nil && n >= 0
}

// signatureFields need no condition.
var signatureFields = []string{"policy", "signature", "x-amz-signature", "awsaccesskeyid", "file"}

// check holds a form's fields, and the bucket that it is sent to, against the policy.
func (p *postPolicy) check(bucket string, fields map[string]string, now time.Time) (sizeLimits, error) {
	limits := sizeLimits{max: putMax}
	refused := func(text string) error {
		return faultf("AccessDenied", "Invalid according to Policy: %s", text)
	}
	if !now.Before(p.expiration) {
		return limits, refused("Policy expired.")
	}
	known := map[string]bool{}
	for _, c := range p.conditions {
		known[c.field] = true
		value := fields[c.field]
		if c.field == "bucket" {
			value = bucket
		}
		if !c.holds(value) {
			return limits, refused("Policy Condition failed: " + c.String())
		}
	}
	var extra []string
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !known[name] && !slices.Contains(signatureFields, name) && !strings.HasPrefix(name, "x-ignore-") {
			extra = append(extra, name)
		}
	}
	if len(extra) > 0 {
		return limits, refused("Extra input fields: " + strings.Join(extra, ", "))
	}
	if p.limits != nil {
		limits = sizeLimits{min: p.limits.min, max: min(p.limits.max, putMax)}
	}
	return limits, nil
}

func (c postCondition) holds(value string) bool {
	if c.operator == "eq" {
		return value == c.value
	}
	if c.field == "content-type" {
		// A list has to begin so in each of its members.
		for one := range strings.SplitSeq(value, ",") {
			if !strings.HasPrefix(one, c.value) {
				return false
			}
		}
		return true
	}
	return strings.HasPrefix(value, c.value)
}

// String is the condition as S3 shows it.
func (c postCondition) String() string {
	text, err := encodeJSON([]string{c.operator, "$" + c.field, c.value})
	if err != nil {
		return c.field
	}
	return strings.ReplaceAll(string(text), `","`, `", "`)
}
