package iam

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/hearthfaas/hearth/internal/iam/policy"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// sessionTags checks the tags that an AssumeRole call brings.
func (c *checks) sessionTags(tags []types.Tag, transitive []string) {
	if len(tags) > tagsMax {
		shown := fmt.Sprint(len(tags))
		c.add(&shown, "tags", fmt.Sprintf("Member must have length less than or equal to %d", tagsMax))
	}
	seen := map[string]bool{}
	for i, t := range tags {
		at := fmt.Sprintf("tags.%d.member.", i+1)
		c.text(t.Key, at+"key", 1, tagKeyMax)
		c.text(t.Value, at+"value", 0, tagValueMax)
		key := strings.ToLower(deref(t.Key))
		if seen[key] {
			c.fail(lambda.Errorf(codeValidation, "Duplicate tag keys found. Please note that Tag keys are case insensitive."))
		}
		seen[key] = true
	}
	for _, key := range transitive {
		if !seen[strings.ToLower(key)] {
			c.fail(lambda.Errorf(codeValidation, "The specified transitive tag key must be included in the requested tags."))
		}
	}
}

// inherit works out the tags and the source identity of a new session: those of
// the request, and of the calling session the transitive tags and its source
// identity (IAM user guide, "Passing session tags").
func inherit(c *lambda.Caller, in *sts.AssumeRoleInput) (tags []lambda.SessionTag, source string, err error) {
	source = deref(in.SourceIdentity)
	if c.Session != nil {
		for _, t := range c.Session.Tags {
			if t.Transitive {
				tags = append(tags, t)
			}
		}
		if own := c.Session.SourceIdentity; own != "" {
			if source != "" && source != own {
				return nil, "", &lambda.Error{Code: codeAccessDenied, Message: "The source identity of a session cannot be changed."}
			}
			source = own
		}
	}
	inherited := len(tags)
	for _, t := range in.Tags {
		key := deref(t.Key)
		same := func(have lambda.SessionTag) bool { return strings.EqualFold(have.Key, key) }
		if slices.ContainsFunc(tags[:inherited], same) {
			return nil, "", lambda.Errorf(codeValidation, "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.")
		}
		isTransitive := slices.ContainsFunc(in.TransitiveTagKeys, func(k string) bool { return strings.EqualFold(k, key) })
		tags = append(tags, lambda.SessionTag{Key: key, Value: deref(t.Value), Transitive: isTransitive})
	}
	return tags, source, nil
}

// mayAssume asks the policies: to assume the role, and where the request has them,
// to bring tags and a source identity.
func (s *Service) mayAssume(c *lambda.Caller, r *role, in *sts.AssumeRoleInput) error {
	keys := policy.Values{"sts:rolesessionname": {*in.RoleSessionName}}
	if in.ExternalId != nil {
		keys["sts:externalid"] = []string{*in.ExternalId}
	}
	if in.SourceIdentity != nil {
		keys["sts:sourceidentity"] = []string{*in.SourceIdentity}
	}
	for _, t := range in.Tags {
		keys["aws:requesttag/"+strings.ToLower(*t.Key)] = []string{deref(t.Value)}
		keys["aws:tagkeys"] = append(keys["aws:tagkeys"], *t.Key)
	}
	if len(in.TransitiveTagKeys) > 0 {
		keys["sts:transitivetagkeys"] = in.TransitiveTagKeys
	}
	actions := []string{actionAssumeRole}
	if len(in.Tags) > 0 {
		actions = append(actions, actionTagSession)
	}
	if in.SourceIdentity != nil {
		actions = append(actions, actionSetSource)
	}
	for _, action := range actions {
		v, err := s.checkAssume(c, r, action, keys)
		if err != nil {
			return err
		}
		s.used.note(c, action, r.arn, v.Allowed, s.now)
		if !v.Allowed {
			return deniedAssume(c, action, r.arn, v.Cause(action))
		}
	}
	s.noteKeyUse(c, actionAssumeRole)
	return nil
}

// getAccessKeyInfo tells the account of a key, which the key's id contains; whether
// the key exists is nobody's business (STS API reference).
func (s *Service) getAccessKeyInfo(_ context.Context, in *sts.GetAccessKeyInfoInput) (*sts.GetAccessKeyInfoOutput, error) {
	id := deref(in.AccessKeyId)
	if k, ok := s.longTerm(id); ok {
		return &sts.GetAccessKeyInfoOutput{Account: &k.identity.Caller.Account}, nil
	}
	account, ok := accountOfKey(id)
	if !ok {
		return nil, lambda.Errorf(codeValidation, "The security token included in the request is invalid.")
	}
	return &sts.GetAccessKeyInfoOutput{Account: &account}, nil
}
