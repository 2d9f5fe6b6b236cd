package iam

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/hearthfaas/hearth/internal/iam/policy"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/wire"
)

// The limits of the STS API (STS API reference). Durations are seconds.
const (
	durationMin          = 900
	durationMax          = 43200
	durationDefault      = 3600
	chainedMax           = 3600 // a session made from a role session
	tokenDurationMax     = 3600 // GetSessionToken for a root user
	tokenDurationDefault = 43200
	sessionNameMin       = 2
	sessionNameMax       = 64
	sessionPolicyMax     = 2048
	sessionPolicyARNs    = 10
	externalIDMin        = 2
	externalIDMax        = 1224
	packedPercentWhole   = 100
)

var sessionNamePattern = regexp.MustCompile(`^[\w+=,.@-]*$`)

// STS is the STS API. Its operations decide for themselves who may call.
func (s *Service) STS() *wire.Service {
	operations := []wire.Operation{
		wire.Op("GetCallerIdentity", s.getCallerIdentity, nil),
		wire.Op("AssumeRole", s.assumeRole, func(_ lambda.Caller, in *sts.AssumeRoleInput) string {
			return deref(in.RoleArn)
		}),
		wire.Op("AssumeRoleWithWebIdentity", s.assumeRoleWithWebIdentity, func(_ lambda.Caller, in *sts.AssumeRoleWithWebIdentityInput) string {
			return deref(in.RoleArn)
		}),
		wire.Op("GetSessionToken", s.getSessionToken, nil),
		wire.Op("GetAccessKeyInfo", s.getAccessKeyInfo, nil),
		wire.Op("DecodeAuthorizationMessage", s.decodeAuthorizationMessage, nil),
	}
	for i := range operations {
		switch operations[i].Name {
		case "GetAccessKeyInfo", "DecodeAuthorizationMessage":
		case "AssumeRoleWithWebIdentity":
			operations[i].Unsigned = true
			fallthrough
		default:
			operations[i].OwnVerdict = true
		}
	}
	return &wire.Service{
		Name:       "sts",
		Protocol:   wire.AWSQuery,
		Version:    "2011-06-15",
		Namespace:  "https://sts.amazonaws.com/doc/2011-06-15/",
		Operations: operations,
	}
}

func (s *Service) getCallerIdentity(ctx context.Context, _ *sts.GetCallerIdentityInput) (*sts.GetCallerIdentityOutput, error) {
	c := lambda.CallerFrom(ctx)
	return &sts.GetCallerIdentityOutput{Account: &c.Account, Arn: &c.ARN, UserId: &c.UserID}, nil
}

func (s *Service) assumeRole(ctx context.Context, in *sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error) {
	c := lambda.CallerFrom(ctx)
	if err := checkAssumeRole(in); err != nil {
		return nil, err
	}
	if c.Kind == lambda.PrincipalRoot {
		return nil, &lambda.Error{Code: codeAccessDenied, Message: "Roles may not be assumed by root accounts."}
	}
	narrowed, packed, err := s.narrow(in.Policy, in.PolicyArns, *in.RoleArn)
	if err != nil {
		return nil, err
	}
	r, ok := s.mirror.roleByARN(*in.RoleArn)
	if !ok {
		return nil, deniedAssume(&c, actionAssumeRole, *in.RoleArn, "")
	}
	tags, source, err := inherit(&c, in)
	if err != nil {
		return nil, err
	}
	if err := s.mayAssume(&c, r, in); err != nil {
		return nil, err
	}
	d, err := sessionDuration(&c, r, in.DurationSeconds)
	if err != nil {
		return nil, err
	}
	se := roleSession(r, *in.RoleSessionName)
	se.Policy, se.Tags, se.Source = narrowed, tags, source
	creds, err := s.mint(se, d)
	if err != nil {
		return nil, err
	}
	arn, id := sessionARN(r.arn, se.Name), r.ID+":"+se.Name
	return &sts.AssumeRoleOutput{
		AssumedRoleUser:  &types.AssumedRoleUser{Arn: &arn, AssumedRoleId: &id},
		Credentials:      describeCredentials(creds),
		PackedPolicySize: optional(packed), //nolint:staticcheck // deprecated, and still what AWS sends and clients read
		SourceIdentity:   optional(source),
	}, nil
}

// deniedAssume says no more of a role that does not exist than of one that may not
// be assumed.
func deniedAssume(c *lambda.Caller, action, roleARN, cause string) *lambda.Error {
	e := lambda.Errorf(codeAccessDenied, "User: %s is not authorized to perform: %s on resource: %s",
		c.ARN, action, roleARN)
	if cause != "" && cause != (policy.Verdict{Layer: policy.LayerTrust}).Cause(action) {
		// Left out: that no trust policy allows it would tell strangers that a role exists.
		e.Message += " " + cause
	}
	return e
}

func checkAssumeRole(in *sts.AssumeRoleInput) error {
	var c checks
	c.text(in.RoleArn, "roleArn", arnMin, arnMax)
	c.text(in.RoleSessionName, "roleSessionName", sessionNameMin, sessionNameMax)
	if in.RoleSessionName != nil && !sessionNamePattern.MatchString(*in.RoleSessionName) {
		c.add(in.RoleSessionName, "roleSessionName", `Member must satisfy regular expression pattern: [\w+=,.@-]*`)
	}
	c.number(in.DurationSeconds, "durationSeconds", durationMin, durationMax)
	if in.Policy != nil {
		c.text(in.Policy, "policy", 1, sessionPolicyMax)
	}
	if in.ExternalId != nil {
		c.text(in.ExternalId, "externalId", externalIDMin, externalIDMax)
	}
	if n := len(in.PolicyArns); n > sessionPolicyARNs {
		shown := fmt.Sprint(n)
		c.add(&shown, "policyArns", fmt.Sprintf("Member must have length less than or equal to %d", sessionPolicyARNs))
	}
	for _, p := range in.PolicyArns {
		c.arn(p.Arn, "policyArns.member.arn")
	}
	c.sessionTags(in.Tags, in.TransitiveTagKeys)
	if in.SourceIdentity != nil {
		c.text(in.SourceIdentity, "sourceIdentity", sessionNameMin, sessionNameMax)
		if !sessionNamePattern.MatchString(*in.SourceIdentity) {
			c.add(in.SourceIdentity, "sourceIdentity", `Member must satisfy regular expression pattern: [\w+=,.@-]*`)
		}
	}
	// What would change the verdict on the session's calls is refused, not ignored.
	switch {
	case in.SerialNumber != nil || in.TokenCode != nil:
		c.fail(lambda.Errorf(codeValidation, "Multi-factor authentication is not supported by Hearth."))
	case len(in.ProvidedContexts) > 0:
		c.fail(lambda.Errorf(codeValidation, "ProvidedContexts is not supported by Hearth."))
	}
	return c.err()
}

// narrow checks the session policies and packs them for the token. The second
// result is how much of the allowed size they take, in percent.
func (s *Service) narrow(inline *string, arns []types.PolicyDescriptorType, roleARN string) (text string, percent int32, err error) {
	t := sessionPolicyText{Inline: deref(inline)}
	if inline != nil {
		if _, err := checkDocument(policy.Identity, t.Inline); err != nil {
			return "", 0, err
		}
	}
	for _, p := range arns {
		m, ok := s.mirror.policyByARN(*p.Arn)
		if !ok || m.account != awsAccount && m.account != arnAccount(roleARN) {
			return "", 0, lambda.Errorf(codeValidation, "Policy %s does not exist or is not attachable.", *p.Arn)
		}
		t.ARNs = append(t.ARNs, *p.Arn)
	}
	if text, err = encodeSessionPolicy(t); err != nil || text == "" {
		return text, 0, err
	}
	used := len(t.Inline) * packedPercentWhole / sessionPolicyMax
	return text, int32(min(max(used, 1), packedPercentWhole)), nil
}

func sessionDuration(c *lambda.Caller, r *role, seconds *int32) (time.Duration, error) {
	n := int32(durationDefault)
	if seconds != nil {
		n = *seconds
	}
	switch {
	case n > r.MaxSession:
		return 0, lambda.Errorf(codeValidation, "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	case c.Kind == lambda.PrincipalAssumedRole && n > chainedMax:
		return 0, lambda.Errorf(codeValidation, "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	}
	return time.Duration(n) * time.Second, nil
}

func (s *Service) getSessionToken(ctx context.Context, in *sts.GetSessionTokenInput) (*sts.GetSessionTokenOutput, error) {
	c := lambda.CallerFrom(ctx)
	var check checks
	check.number(in.DurationSeconds, "durationSeconds", durationMin, 129600)
	if err := check.err(); err != nil {
		return nil, err
	}
	if c.Kind != lambda.PrincipalRoot && c.Kind != lambda.PrincipalUser || c.Session != nil {
		return nil, &lambda.Error{Code: codeAccessDenied, Message: "Cannot call GetSessionToken with session credentials"}
	}
	n := int32(tokenDurationDefault)
	if in.DurationSeconds != nil {
		n = *in.DurationSeconds
	}
	se := session{Kind: c.Kind, Account: c.Account}
	if c.Kind == lambda.PrincipalUser {
		se.UserARN, se.RoleID = c.ARN, c.UserID
	} else {
		n = min(n, tokenDurationMax) // a root user's tokens last an hour at most, whatever is asked for
	}
	creds, err := s.mint(se, time.Duration(n)*time.Second)
	if err != nil {
		return nil, err
	}
	return &sts.GetSessionTokenOutput{Credentials: describeCredentials(creds)}, nil
}

func describeCredentials(c lambda.Credentials) *types.Credentials {
	return &types.Credentials{
		AccessKeyId:     &c.AccessKeyID,
		SecretAccessKey: &c.SecretAccessKey,
		SessionToken:    &c.SessionToken,
		Expiration:      &c.Expiration,
	}
}
