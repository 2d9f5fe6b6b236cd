package iam

import (
	"strconv"
	"strings"
	"time"

	"github.com/hearthfaas/hearth/internal/iam/policy"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// requestContext answers for condition keys (IAM user guide, global condition
// context keys): those that follow from the caller and from the tags of the
// resource here, the operation's own through extra. It computes nothing until asked.
type requestContext struct {
	caller    *lambda.Caller
	now       func() time.Time
	tags      []tagRecord    // of the caller's role or user
	extra     policy.Context // of the request; asked first, may be nil
	resources *resources     // nil knows no tags
	action    string
	resource  string
	owner     string // the resource's account
	// organization tells the organization of an account, empty when it is in none; nil
	// knows none.
	organization func(account string) string
}

// Lookup implements policy.Context.
func (r *requestContext) Lookup(key string) ([]string, bool) {
	if r.extra != nil {
		if values, ok := r.extra.Lookup(key); ok {
			return values, true
		}
	}
	if name, ok := strings.CutPrefix(key, "aws:principaltag/"); ok {
		return r.principalTag(name)
	}
	if _, name, ok := strings.Cut(key, ":resourcetag/"); ok { // aws:ResourceTag/ and the services' own
		return r.resourceTag(name)
	}
	value := r.value(key)
	return []string{value}, value != ""
}

// Stable says that a key's value follows from the principal alone, so that a
// verdict that looked at no other may be kept.
func (r *requestContext) Stable(key string) bool {
	switch key {
	case "aws:principalarn", "aws:principalaccount", "aws:principalorgid", "aws:principaltype", "aws:principalisawsservice", "aws:userid", "aws:username":
		return true
	}
	return strings.HasPrefix(key, "aws:principaltag/") && (r.caller.Session == nil || len(r.caller.Session.Tags) == 0)
}

// principalTag prefers the tags of the session to those of its role.
func (r *requestContext) principalTag(name string) ([]string, bool) {
	if r.caller.Session != nil {
		for _, t := range r.caller.Session.Tags {
			if strings.EqualFold(t.Key, name) {
				return []string{t.Value}, true
			}
		}
	}
	for _, t := range r.tags {
		if strings.EqualFold(t.Key, name) {
			return []string{t.Value}, true
		}
	}
	return nil, false
}

func (r *requestContext) resourceTag(name string) ([]string, bool) {
	if r.resources == nil {
		return nil, false
	}
	for key, value := range r.resources.tags(r.action, r.resource) {
		if strings.EqualFold(key, name) {
			return []string{value}, true
		}
	}
	return nil, false
}

// value is empty for keys that do not exist or do not apply.
func (r *requestContext) value(key string) string {
	c := r.caller
	switch key {
	case "aws:sourceip":
		return c.SourceIP
	case "aws:securetransport":
		// A service of the node reaches another without a network between.
		return strconv.FormatBool(c.Kind == lambda.PrincipalService || strings.HasPrefix(c.BaseURL, "https:"))
	case "aws:useragent":
		return c.UserAgent
	case "aws:requestedregion":
		return c.Region
	case "aws:currenttime":
		return r.now().UTC().Format(time.RFC3339)
	case "aws:epochtime":
		return strconv.FormatInt(r.now().Unix(), 10)
	case "aws:sourcearn":
		return c.SourceARN
	case "aws:sourceaccount":
		return c.SourceAccount
	case "aws:principalorgid":
		return r.organizationOf(c.Account)
	case "aws:resourceorgid":
		return r.organizationOf(r.owner)
	case "aws:sourceorgid":
		return r.organizationOf(c.SourceAccount)
	case "aws:viaawsservice":
		return strconv.FormatBool(c.ViaService != "")
	case "lambda:functionurlauthtype":
		return c.FunctionURLAuth
	case "lambda:invokedviafunctionurl":
		if c.FunctionURLAuth != "" {
			return "true"
		}
	case "aws:calledvia", "aws:calledviafirst", "aws:calledvialast":
		return c.ViaService
	}
	if value := principalValue(c, key); value != "" || c.Session == nil {
		return value
	}
	return sessionValue(c.Session, key)
}

func (r *requestContext) organizationOf(account string) string {
	if r.organization == nil {
		return ""
	}
	return r.organization(account)
}

// principalValue answers for what the caller is.
func principalValue(c *lambda.Caller, key string) string {
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
	case "aws:principalservicename":
		if c.Kind == lambda.PrincipalService {
			return c.ARN
		}
	case "aws:userid":
		return c.UserID
	case "aws:username":
		if c.Kind == lambda.PrincipalUser {
			return c.ARN[strings.LastIndexByte(c.ARN, '/')+1:]
		}
	}
	return ""
}

// sessionValue answers for what temporary credentials carry.
func sessionValue(se *lambda.Session, key string) string {
	switch key {
	case "aws:multifactorauthpresent":
		return "false" // temporary keys say so; there are no devices here (and no aws:MultiFactorAuthAge)
	case "aws:tokenissuetime":
		return se.Issued.UTC().Format(time.RFC3339)
	case "aws:sourceidentity":
		return se.SourceIdentity
	case "aws:federatedprovider":
		return se.Provider
	case "lambda:sourcefunctionarn":
		return se.FunctionARN
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
	case lambda.PrincipalAnonymous:
		return "Anonymous"
	case lambda.PrincipalService:
	}
	return ""
}
