package iam

import (
	"strconv"
	"strings"
	"time"

	"github.com/hearthfaas/hearth/internal/iam/policy"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// requestContext answers for the global condition keys that follow from the caller
// (IAM user guide, global condition context keys). It computes nothing until asked.
type requestContext struct {
	caller *lambda.Caller
	now    func() time.Time
	tags   []tagRecord    // of the caller's role
	extra  policy.Context // of the request; asked first
}

// Lookup implements policy.Context.
func (r *requestContext) Lookup(key string) ([]string, bool) {
	if r.extra != nil {
		if values, ok := r.extra.Lookup(key); ok {
			return values, true
		}
	}
	if name, ok := strings.CutPrefix(key, "aws:principaltag/"); ok {
		for _, t := range r.tags {
			if strings.EqualFold(t.Key, name) {
				return []string{t.Value}, true
			}
		}
		return nil, false
	}
	value := r.value(key)
	return []string{value}, value != ""
}

// value is empty for keys that do not exist or do not apply.
func (r *requestContext) value(key string) string {
	c := r.caller
	switch key {
	case "aws:principalarn":
		if c.RoleARN != "" {
			return c.RoleARN
		}
		if c.Kind == lambda.PrincipalService {
			return ""
		}
		return c.ARN
	case "aws:principalaccount":
		return c.Account
	case "aws:principaltype":
		return principalType(c.Kind)
	case "aws:principalisawsservice":
		return strconv.FormatBool(c.Kind == lambda.PrincipalService)
	case "aws:userid":
		return c.UserID
	case "aws:username":
		if c.Kind == lambda.PrincipalUser {
			return c.ARN[strings.LastIndexByte(c.ARN, '/')+1:]
		}
		return ""
	case "aws:sourceip":
		return c.SourceIP
	case "aws:securetransport":
		return strconv.FormatBool(strings.HasPrefix(c.BaseURL, "https:"))
	case "aws:requestedregion":
		return c.Region
	case "aws:currenttime":
		return r.now().UTC().Format(time.RFC3339)
	case "aws:epochtime":
		return strconv.FormatInt(r.now().Unix(), 10)
	}
	return ""
}

func principalType(k lambda.PrincipalKind) string {
	switch k {
	case lambda.PrincipalRoot:
		return "Account"
	case lambda.PrincipalUser:
		return "User"
	case lambda.PrincipalAssumedRole:
		return "AssumedRole"
	case lambda.PrincipalService:
	}
	return ""
}
