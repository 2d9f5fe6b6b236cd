package iam

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/go-jose/go-jose/v4"

	"github.com/hearthfaas/hearth/internal/lambda"
)

const issuer = "https://login.example.com/tenant"

// identityProvider signs tokens, and its keys lie in a file.
type identityProvider struct {
	signer jose.Signer
	keys   string
}

func newIdentityProvider(t *testing.T) *identityProvider {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), Algorithm: "ES256", Use: "sig"}}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "jwks.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return &identityProvider{signer, file}
}

func (p *identityProvider) token(t *testing.T, edit func(map[string]any)) string {
	t.Helper()
	claims := map[string]any{
		"iss": issuer, "aud": "app", "sub": "ann",
		"iat": testStart.Add(-time.Minute).Unix(), "exp": testStart.Add(time.Hour).Unix(),
	}
	if edit != nil {
		edit(claims)
	}
	text, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := p.signer.Sign(text)
	if err != nil {
		t.Fatal(err)
	}
	out, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAWebIdentityAssumesARole(t *testing.T) {
	genuine, stranger := newIdentityProvider(t), newIdentityProvider(t)
	f := open(t, func(c *Config) { c.IssuerKeys = map[string]string{issuer: genuine.keys} })
	made, err := f.createOpenIDConnectProvider(asRoot(t), &iam.CreateOpenIDConnectProviderInput{Url: new(issuer), ClientIDList: []string{"app"}})
	if err != nil {
		t.Fatal(err)
	}
	f.mustCreateRole(t, "r", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"],
		"Principal":{"Federated":"`+*made.OpenIDConnectProviderArn+`"},
		"Condition":{"StringEquals":{"login.example.com/tenant:sub":"ann","login.example.com/tenant:aud":"app"}}}]}`)
	f.mustCreateRole(t, "closed", trustFor(account))
	f.mustPutRolePolicy(t, "r", "p", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"lambda:*","Resource":"*",
		"Condition":{"StringEquals":{"aws:PrincipalTag/team":"blue","aws:FederatedProvider":"`+*made.OpenIDConnectProviderArn+`"}}}]}`)
	nobody := lambda.WithCaller(t.Context(), lambda.Caller{Kind: lambda.PrincipalAnonymous, ARN: "anonymous"})
	blue := func(c map[string]any) {
		c["https://aws.amazon.com/tags"] = map[string]any{"principal_tags": map[string][]string{"team": {"blue"}}}
	}
	tests := []struct {
		name, role, token string
		code, message     string // empty for success
	}{
		{"a genuine token", "r", genuine.token(t, blue), "", ""},
		{"a role that does not trust the provider", "closed", genuine.token(t, nil), codeAccessDenied, "Not authorized to perform sts:AssumeRoleWithWebIdentity"},
		{"a role that does not exist", "none", genuine.token(t, nil), codeAccessDenied, "Not authorized to perform sts:AssumeRoleWithWebIdentity"},
		{"another subject", "r", genuine.token(t, func(c map[string]any) { c["sub"] = "bob" }), codeAccessDenied, ""},
		{"another audience", "r", genuine.token(t, func(c map[string]any) { c["aud"] = "other" }), "InvalidIdentityToken", "Incorrect token audience"},
		{"another party of the right audience", "r", genuine.token(t, func(c map[string]any) { c["azp"] = "other" }), "InvalidIdentityToken", "Incorrect token audience"},
		{"another issuer", "r", genuine.token(t, func(c map[string]any) { c["iss"] = "https://evil.example.com" }), "InvalidIdentityToken", "No OpenIDConnect provider found in your account for https://evil.example.com"},
		{"a signature of somebody else", "r", stranger.token(t, nil), "InvalidIdentityToken", ""},
		{"a token that has expired", "r", genuine.token(t, func(c map[string]any) { c["exp"] = testStart.Add(-time.Second).Unix() }), "ExpiredTokenException", ""},
		{"no signature", "r", strings.Join(append(strings.Split(genuine.token(t, nil), ".")[:2], ""), "."), "InvalidIdentityToken", ""},
		{"no token", "r", "nonsense", "InvalidIdentityToken", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, err := f.assumeRoleWithWebIdentity(nobody, &sts.AssumeRoleWithWebIdentityInput{
				RoleArn: new(roleARN(account, "/", tt.role)), RoleSessionName: new("web"), WebIdentityToken: &tt.token,
			})
			if tt.code != "" {
				wantError(t, err, tt.code, tt.message)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if *out.Audience != "app" || *out.SubjectFromWebIdentityToken != "ann" {
				t.Errorf("got audience %s and subject %s", *out.Audience, *out.SubjectFromWebIdentityToken)
			}
			id, err := f.Lookup(t.Context(), *out.Credentials.AccessKeyId, *out.Credentials.SessionToken)
			if err != nil {
				t.Fatal(err)
			}
			if err := f.Authorize(t.Context(), id.Caller, "lambda:GetFunction", "*"); err != nil {
				t.Errorf("with the session's tag and provider: %v", err)
			}
		})
	}
}

// TestSessionTagsAndTheSourceIdentityFollowAChain assumes one role from another.
func TestSessionTagsAndTheSourceIdentityFollowAChain(t *testing.T) {
	f := open(t, nil)
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]}]}`
	for _, name := range []string{"first", "second"} {
		f.mustCreateRole(t, name, trust)
		f.mustPutRolePolicy(t, name, "all", allowDocument("*", "*"))
	}
	f.mustCreateRole(t, "plain", trustFor(account))
	assume := func(c lambda.Caller, role string, edit func(*sts.AssumeRoleInput)) (lambda.Caller, error) {
		in := &sts.AssumeRoleInput{RoleArn: new(roleARN(account, "/", role)), RoleSessionName: new("sess")}
		if edit != nil {
			edit(in)
		}
		out, err := f.assumeRole(lambda.WithCaller(t.Context(), c), in)
		if err != nil {
			return lambda.Caller{}, err
		}
		id, err := f.Lookup(t.Context(), *out.Credentials.AccessKeyId, *out.Credentials.SessionToken)
		return id.Caller, err
	}
	tagged := func(in *sts.AssumeRoleInput) {
		in.Tags = []ststypes.Tag{{Key: new("team"), Value: new("blue")}, {Key: new("local"), Value: new("x")}}
		in.TransitiveTagKeys, in.SourceIdentity = []string{"team"}, new("ann")
	}
	admin := f.mustUser(t, "admin", allowDocument("*", "*"))
	if _, err := assume(admin, "plain", tagged); err == nil {
		t.Error("a role took tags that its trust policy does not allow")
	}
	one, err := assume(admin, "first", tagged)
	if err != nil {
		t.Fatal(err)
	}
	two, err := assume(one, "second", nil)
	if err != nil {
		t.Fatal(err)
	}
	if s := two.Session; len(s.Tags) != 1 || s.Tags[0].Key != "team" || s.SourceIdentity != "ann" {
		t.Errorf("the second session has %+v", s)
	}
	_, err = assume(one, "second", func(in *sts.AssumeRoleInput) { in.Tags = []ststypes.Tag{{Key: new("Team"), Value: new("red")}} })
	wantError(t, err, codeValidation, "")
	_, err = assume(one, "second", func(in *sts.AssumeRoleInput) { in.SourceIdentity = new("bob") })
	wantError(t, err, codeAccessDenied, "")
	_, err = assume(rootIdentity(account, "test", "test").Caller, "first", nil)
	wantError(t, err, codeAccessDenied, "Roles may not be assumed by root accounts.")
}
