package iam

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// The exception names of IAM and STS on the query wire.
const (
	codeAccessDenied   = "AccessDenied"
	codeAlreadyExists  = "EntityAlreadyExists"
	codeDeleteConflict = "DeleteConflict"
	codeInvalidInput   = "InvalidInput"
	codeLimitExceeded  = "LimitExceeded"
	codeMalformed      = "MalformedPolicyDocument"
	codeNoSuchEntity   = "NoSuchEntity"
	codeValidation     = "ValidationError"
)

// The limits of the IAM API (IAM quotas page). Policy sizes count characters
// without white space.
const (
	roleNameMax      = 64
	userNameMax      = 64
	groupNameMax     = 128
	usersMax         = 5000
	groupsMax        = 300
	groupsPerUserMax = 10
	accessKeysMax    = 2 // per user
	providersMax     = 100
	policyNameMax    = 128
	pathMax          = 512
	descriptionMax   = 1000
	trustPolicyMax   = 2048
	managedMax       = 6144
	documentMax      = 131072 // of any document in a request, with white space
	versionsMax      = 5
	attachedMax      = 10
	tagsMax          = 50
	tagKeyMax        = 128
	tagValueMax      = 256
	arnMin           = 20
	arnMax           = 2048
	sessionMin       = 3600 // seconds
	sessionMax       = 43200
	// rolesMax and policiesMax keep the mirror in memory small; AWS's highest quotas.
	rolesMax    = 5000
	policiesMax = 5000
)

var (
	namePattern = regexp.MustCompile(`^[\w+=,.@-]+$`)
	pathPattern = regexp.MustCompile(`^/([\x21-\x7E]+/)?$`)
	arnPattern  = regexp.MustCompile(`^arn:aws:iam::(aws|\d{12}):policy/[\x21-\x7E]+$`)
)

// checks collects what is wrong with an input and says it as AWS does: all
// violations of the model's constraints in one ValidationError.
type checks struct {
	problems []string
	first    *lambda.Error // of the rules that have texts of their own
}

func (c *checks) add(value *string, path, constraint string) {
	shown := "null"
	if value != nil {
		shown = "'" + *value + "'"
	}
	c.problems = append(c.problems,
		fmt.Sprintf("Value %s at '%s' failed to satisfy constraint: %s", shown, path, constraint))
}

func (c *checks) fail(e *lambda.Error) {
	if c.first == nil {
		c.first = e
	}
}

// text checks a length in characters; the value is required when least is positive.
func (c *checks) text(value *string, path string, least, most int) {
	if value == nil {
		if least > 0 {
			c.add(nil, path, "Member must not be null")
		}
		return
	}
	switch n := len([]rune(*value)); {
	case n < least:
		c.add(value, path, fmt.Sprintf("Member must have length greater than or equal to %d", least))
	case n > most:
		c.add(value, path, fmt.Sprintf("Member must have length less than or equal to %d", most))
	}
}

func (c *checks) name(value *string, path string, most int) {
	c.text(value, path, 1, most)
	if value != nil && *value != "" && !namePattern.MatchString(*value) {
		c.fail(lambda.Errorf(codeValidation, "The specified value for %s is invalid. "+
			"It must contain only alphanumeric characters and/or the following: +=,.@_-", path))
	}
}

func (c *checks) path(value *string, name string) {
	c.text(value, name, 0, pathMax)
	if value != nil && !pathPattern.MatchString(*value) {
		c.fail(lambda.Errorf(codeValidation, "The specified value for %s is invalid. "+
			"It must begin and end with / and contain only alphanumeric characters and/or / characters.", name))
	}
}

// arn checks the ARN of a managed policy.
func (c *checks) arn(value *string, path string) {
	c.text(value, path, arnMin, arnMax)
	if value != nil && len(*value) >= arnMin && !arnPattern.MatchString(*value) {
		c.fail(lambda.Errorf(codeInvalidInput, "ARN %s is not valid.", *value))
	}
}

func (c *checks) number(value *int32, path string, least, most int32) {
	if value == nil {
		return
	}
	shown := fmt.Sprint(*value)
	switch {
	case *value < least:
		c.add(&shown, path, fmt.Sprintf("Member must have value greater than or equal to %d", least))
	case *value > most:
		c.add(&shown, path, fmt.Sprintf("Member must have value less than or equal to %d", most))
	}
}

func (c *checks) tags(tags []types.Tag) {
	seen := map[string]bool{}
	for i, t := range tags {
		at := fmt.Sprintf("tags.%d.member.", i+1)
		c.text(t.Key, at+"key", 1, tagKeyMax)
		if t.Value == nil {
			c.add(nil, at+"value", "Member must not be null")
		}
		c.text(t.Value, at+"value", 0, tagValueMax)
		key := strings.ToLower(deref(t.Key))
		if seen[key] {
			c.fail(lambda.Errorf(codeInvalidInput,
				"Duplicate tag keys found. Please note that Tag keys are case insensitive."))
		}
		if strings.HasPrefix(key, "aws:") {
			c.fail(lambda.Errorf(codeInvalidInput, "Tag keys starting with 'aws:' are reserved for AWS use."))
		}
		seen[key] = true
	}
	c.tagCount(len(tags))
}

func (c *checks) tagCount(n int) {
	if n > tagsMax {
		c.fail(lambda.Errorf(codeLimitExceeded, "The number of tags has reached the maximum limit."))
	}
}

func (c *checks) err() error {
	if n := len(c.problems); n > 0 {
		noun := "errors"
		if n == 1 {
			noun = "error"
		}
		return lambda.Errorf(codeValidation, "%d validation %s detected: %s", n, noun, strings.Join(c.problems, "; "))
	}
	if c.first != nil {
		return c.first
	}
	return nil
}

func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// optional is nil for the zero value: AWS leaves such members out.
func optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
