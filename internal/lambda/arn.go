package lambda

import (
	"regexp"
	"strings"
)

// Latest is the qualifier and version of a function's unpublished code.
const Latest = "$LATEST"

// functionNamePattern is the service model's pattern for FunctionName parameters
// that accept a qualifier. The capture groups are partition/region prefix, region,
// account, "function:", name and qualifier.
var functionNamePattern = regexp.MustCompile(
	`^(arn:(?:aws[a-zA-Z-]*):lambda:)?((?:eusc-|us-gov-|us-isob?-|[a-z]{2}-)[a-z0-9-]*-?[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9-_]+))?$`)

// FunctionNamePattern is the text that AWS prints when a function name does not
// match (Lambda API model, NamespacedFunctionName).
const FunctionNamePattern = `(arn:(aws[a-zA-Z-]*)?:lambda:((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}):(\d{12}|\$LATEST):|function:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?`

// FunctionRef is a function name as a request wrote it, taken apart. Members that
// the request left out are empty.
type FunctionRef struct {
	Region    string
	Account   string
	Name      string
	Qualifier string
}

// ParseFunctionRef takes apart any of the forms that AWS accepts as FunctionName:
// a name, a name with qualifier, a partial ARN or a full ARN (contract part 1.2).
// It reports false when s matches none of them.
func ParseFunctionRef(s string) (FunctionRef, bool) {
	if isPlainName(s) {
		return FunctionRef{Name: s}, true // nearly every invoke: no need for the pattern
	}
	m := functionNamePattern.FindStringSubmatch(s)
	if m == nil {
		return FunctionRef{}, false
	}
	if m[1] != "" && (m[2] == "" || m[3] == "" || m[4] == "") {
		return FunctionRef{}, false // a full ARN has all its fields
	}
	return FunctionRef{
		Region:    strings.TrimSuffix(m[2], ":"),
		Account:   strings.TrimSuffix(m[3], ":"),
		Name:      m[5],
		Qualifier: m[7],
	}, true
}

// isPlainName says that s is a bare function name.
func isPlainName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return s != ""
}

// FunctionID names a function within one node: functions are keyed by account,
// region and name.
type FunctionID struct {
	Account string
	Region  string
	Name    string
}

// ARN is the function's unqualified ARN.
func (f FunctionID) ARN() string {
	return "arn:aws:lambda:" + f.Region + ":" + f.Account + ":function:" + f.Name
}

// QualifiedARN is the ARN with a version or alias appended; an empty qualifier
// gives the unqualified ARN.
func (f FunctionID) QualifiedARN(qualifier string) string {
	if qualifier == "" {
		return f.ARN()
	}
	return f.ARN() + ":" + qualifier
}
