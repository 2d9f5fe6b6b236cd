package controlplane

import (
	"slices"
	"strings"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// The longest bare function name and the longest ARN that operations on functions
// take (Lambda API, FunctionName).
const (
	nameMax        = 64
	functionARNMax = 140
)

// crossAccount are the operations that another account's caller may be allowed by a
// function's resource policy, which the edge has asked by then; the others refuse
// such callers without a message.
var crossAccount = []string{
	"CreateAlias", "GetAlias", "UpdateAlias", "DeleteAlias", "ListAliases",
	"DeleteFunction", "GetFunction", "GetFunctionConfiguration", "UpdateFunctionCode",
	"GetPolicy", "ListVersionsByFunction", "PublishVersion",
	"GetFunctionConcurrency", "PutFunctionConcurrency", "DeleteFunctionConcurrency",
	"GetFunctionEventInvokeConfig", "PutFunctionEventInvokeConfig", "UpdateFunctionEventInvokeConfig",
	"DeleteFunctionEventInvokeConfig", "ListFunctionEventInvokeConfigs",
	"ListTags", "TagResource", "UntagResource",
	"GetProvisionedConcurrencyConfig", "PutProvisionedConcurrencyConfig",
	"DeleteProvisionedConcurrencyConfig", "ListProvisionedConcurrencyConfigs",
}

// resolve finds which function and qualifier a request means. op is the operation,
// name its FunctionName and qualifier its Qualifier where it has one. An operation
// is carried out in the account and region that the request was signed for.
func resolve(c lambda.Caller, op string, name, qualifier *string) (lambda.FunctionID, string, error) {
	ref, ok := lambda.ParseFunctionRef(value(name))
	if !ok {
		return lambda.FunctionID{}, "", lambda.Errorf(lambda.CodeValidation,
			"1 validation error detected: Value '%s' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: %s",
			value(name), lambda.FunctionNamePattern)
	}
	id := lambda.FunctionID{Account: c.Account, Region: c.Region, Name: ref.Name}
	if ref.Region != "" && ref.Region != c.Region {
		return id, "", lambda.Errorf(lambda.CodeResourceNotFound,
			"Functions from '%s' are not reachable in this region ('%s')", ref.Region, c.Region)
	}
	q := ref.Qualifier
	if given := value(qualifier); given != "" {
		if q != "" && q != given {
			return id, "", invalid("The derived qualifier from the function name does not match the specified qualifier.")
		}
		q = given
	}
	if ref.Account != "" && ref.Account != c.Account {
		id.Account = ref.Account
		if !slices.Contains(crossAccount, op) {
			return id, "", &lambda.Error{Code: lambda.CodeAccessDenied}
		}
	}
	return id, q, nil
}

// resolveUnqualified is resolve for operations that act on the function as a whole:
// $LATEST is taken for it, a version or alias is refused.
func resolveUnqualified(c lambda.Caller, op string, name *string) (lambda.FunctionID, error) {
	id, q, err := resolve(c, op, name, nil)
	if err == nil && q != "" && q != lambda.Latest {
		err = invalid(msgFunctionsOnly)
	}
	return id, err
}

// checkNewName is what CreateFunction asks of a name beyond its pattern.
func checkNewName(id lambda.FunctionID, given string) error {
	if len(id.Name) <= nameMax {
		return nil
	}
	if strings.HasPrefix(given, "arn:") && len(given) > functionARNMax {
		return lambda.Errorf(lambda.CodeValidation,
			"1 validation error detected: Value '%s' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to %d",
			given, functionARNMax)
	}
	return invalid("1 validation error detected: Value '%s' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to %d",
		id.Name, nameMax)
}

// isNumber says whether a qualifier is a version number; every other is an alias.
func isNumber(qualifier string) bool {
	return qualifier != "" && strings.Trim(qualifier, "0123456789") == ""
}

// resourceARN is what authorization asks about for a function named in a request,
// as the request wrote it: region and account default to the caller's.
func resourceARN(c lambda.Caller, name, qualifier *string) string {
	ref, ok := lambda.ParseFunctionRef(value(name))
	if !ok {
		return ""
	}
	id := lambda.FunctionID{Account: c.Account, Region: c.Region, Name: ref.Name}
	if ref.Account != "" {
		id.Account = ref.Account
	}
	if ref.Region != "" {
		id.Region = ref.Region
	}
	q := value(qualifier)
	if q == "" {
		q = ref.Qualifier
	}
	return id.QualifiedARN(q)
}
