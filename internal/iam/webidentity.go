package iam

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/hearthfaas/hearth/internal/iam/policy"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// webTokenMax bounds a web identity token (STS API reference).
const webTokenMax = 20000

func errBadToken(text string) *lambda.Error { return lambda.Errorf("InvalidIdentityToken", "%s", text) }

// errNotByWeb says nothing of whether the role exists.
func errNotByWeb() *lambda.Error {
	return &lambda.Error{Code: codeAccessDenied, Message: "Not authorized to perform " + actionWebIdentity}
}

// webClaims are the claims of a token that count.
type webClaims struct {
	Subject  string   `json:"sub"`
	Party    string   `json:"azp"`
	Methods  []string `json:"amr"`
	Source   string   `json:"https://aws.amazon.com/source_identity"`
	AWSClaim struct {
		Tags       map[string][]string `json:"principal_tags"`
		Transitive []string            `json:"transitive_tag_keys"`
	} `json:"https://aws.amazon.com/tags"`
}

// assumeRoleWithWebIdentity gives a session to whoever brings a token of an OpenID
// Connect provider that the role's account knows and its trust policy allows.
func (s *Service) assumeRoleWithWebIdentity(ctx context.Context, in *sts.AssumeRoleWithWebIdentityInput) (*sts.AssumeRoleWithWebIdentityOutput, error) {
	if err := checkWebIdentity(in); err != nil {
		return nil, err
	}
	narrowed, packed, err := s.narrow(in.Policy, in.PolicyArns, *in.RoleArn)
	if err != nil {
		return nil, err
	}
	r, ok := s.mirror.roleByARN(*in.RoleArn)
	if !ok {
		return nil, errNotByWeb()
	}
	p, token, claims, err := s.verifyToken(ctx, r.account, *in.WebIdentityToken)
	if err != nil {
		return nil, err
	}
	se := roleSession(r, *in.RoleSessionName)
	se.Policy, se.Source, se.Provider = narrowed, claims.Source, p.arn
	for key, values := range claims.AWSClaim.Tags {
		if len(values) == 1 {
			se.Tags = append(se.Tags, lambda.SessionTag{Key: key, Value: values[0], Transitive: slices.Contains(claims.AWSClaim.Transitive, key)})
		}
	}
	audience := claims.Party
	if audience == "" {
		audience = token.Audience[0]
	}
	if err := s.trusts(r, p, &se, claims, audience); err != nil {
		return nil, err
	}
	nobody := lambda.CallerFrom(ctx)
	d, err := sessionDuration(&nobody, r, in.DurationSeconds)
	if err != nil {
		return nil, err
	}
	creds, err := s.mint(se, d)
	if err != nil {
		return nil, err
	}
	arn, id := sessionARN(r.arn, se.Name), r.ID+":"+se.Name
	return &sts.AssumeRoleWithWebIdentityOutput{
		AssumedRoleUser: &types.AssumedRoleUser{Arn: &arn, AssumedRoleId: &id}, Credentials: describeCredentials(creds),
		Audience: &audience, Provider: &p.arn, SubjectFromWebIdentityToken: &claims.Subject,
		PackedPolicySize: optional(packed), //nolint:staticcheck // deprecated, and still what AWS sends and clients read
		SourceIdentity:   optional(claims.Source),
	}, nil
}

func checkWebIdentity(in *sts.AssumeRoleWithWebIdentityInput) error {
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
	if n := len([]rune(deref(in.WebIdentityToken))); n < 4 || n > webTokenMax { // the token itself is shown to nobody
		c.fail(errBadToken("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"))
	}
	return c.err()
}

// verifyToken checks a token's issuer, signature, time and audience.
func (s *Service) verifyToken(ctx context.Context, account, raw string) (*provider, *oidc.IDToken, *webClaims, error) {
	issuer := unverifiedIssuer(raw)
	host, err := issuerHost(issuer)
	if err != nil {
		return nil, nil, nil, errBadToken("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
	}
	p, ok := s.providers.get(account + "/" + host)
	if !ok {
		return nil, nil, nil, errBadToken("No OpenIDConnect provider found in your account for " + issuer)
	}
	keys, err := s.issuers.keys(ctx, host)
	if err != nil {
		s.log.WarnContext(ctx, "the keys of an identity provider cannot be had", "issuer", issuer, "error", err)
		return nil, nil, nil, lambda.Errorf("IDPCommunicationError", "Couldn't retrieve verification key from your identity provider, "+
			"please reference AssumeRoleWithWebIdentity documentation for requirements")
	}
	verifier := oidc.NewVerifier(issuer, keys, &oidc.Config{
		SkipClientIDCheck: true, Now: s.now,
		SupportedSigningAlgs: []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512},
	})
	token, err := verifier.Verify(ctx, raw)
	if expired, ok := errors.AsType[*oidc.TokenExpiredError](err); ok {
		return nil, nil, nil, lambda.Errorf("ExpiredTokenException",
			"Token expired: current date/time %d must be before the expiration date/time %d", s.now().Unix(), expired.Expiry.Unix())
	}
	if err != nil {
		return nil, nil, nil, errBadToken("The web identity token that was passed could not be validated.")
	}
	claims := &webClaims{}
	if err := token.Claims(claims); err != nil {
		return nil, nil, nil, errBadToken("The claims of the web identity token cannot be read.")
	}
	audiences := token.Audience
	if claims.Party != "" {
		audiences = []string{claims.Party}
	}
	if !slices.ContainsFunc(audiences, func(a string) bool { return slices.Contains(p.ClientIDs, a) }) {
		return nil, nil, nil, errBadToken("Incorrect token audience")
	}
	return p, token, claims, nil
}

// unverifiedIssuer reads who a token says it is from, to know whose keys to check
// it with; empty when it cannot be read.
func unverifiedIssuer(raw string) string {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return ""
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	if json.Unmarshal(text, &claims) != nil {
		return ""
	}
	return claims.Issuer
}

// trusts asks the role's trust policy about a token that was found genuine.
func (s *Service) trusts(r *role, p *provider, se *session, claims *webClaims, audience string) error {
	keys := policy.Values{
		"sts:rolesessionname":   {se.Name},
		"aws:federatedprovider": {p.arn},
	}
	prefix := strings.ToLower(p.Host) + ":"
	for name, values := range map[string][]string{"aud": {audience}, "sub": {claims.Subject}, "azp": {claims.Party}, "amr": claims.Methods} {
		if len(values) > 0 && values[0] != "" {
			keys[prefix+name] = values
		}
	}
	actions := []string{actionWebIdentity}
	for _, t := range se.Tags {
		keys["aws:requesttag/"+strings.ToLower(t.Key)] = []string{t.Value}
		keys["aws:tagkeys"] = append(keys["aws:tagkeys"], t.Key)
	}
	if len(se.Tags) > 0 {
		actions = append(actions, actionTagSession)
	}
	if se.Source != "" {
		keys["sts:sourceidentity"] = []string{se.Source}
		actions = append(actions, actionSetSource)
	}
	trust, err := r.trust()
	if err != nil {
		return err
	}
	caller := &lambda.Caller{Kind: lambda.PrincipalAnonymous}
	for _, action := range actions {
		d := policy.Evaluate([]policy.Source{{Name: "trust policy", Policy: trust}}, &policy.Request{
			Action: action, Resource: r.arn, Principal: policy.Principal{Federated: p.arn},
			Context: &requestContext{caller: caller, now: s.now, extra: keys, resources: s.resources, action: action, resource: r.arn},
		})
		if d.Effect != policy.Allow {
			return errNotByWeb()
		}
	}
	return nil
}
