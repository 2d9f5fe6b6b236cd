package compat

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/go-jose/go-jose/v4"

	hearth "github.com/hearthfaas/hearth/internal/node"
)

// Goal: a workload with a token of its own platform, as pods and CI jobs have one,
// gets a role's keys through the SDK's credentials provider and can use them. Method:
// an issuer whose keys lie in a file; the call that trades the token is unsigned.
func TestAWebIdentityWorksThroughTheSDK(t *testing.T) {
	const issuer = "https://ci.example.com"
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	jwks, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), Algorithm: "ES256", Use: "sig"}}})
	if err != nil {
		t.Fatal(err)
	}
	keys, token := filepath.Join(t.TempDir(), "jwks.json"), filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(keys, jwks, 0o600); err != nil {
		t.Fatal(err)
	}
	write := func(subject string) {
		t.Helper()
		now := time.Now()
		text, err := json.Marshal(map[string]any{
			"iss": issuer, "aud": "sts.amazonaws.com", "sub": subject, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		})
		if err != nil {
			t.Fatal(err)
		}
		signed, err := signer.Sign(text)
		if err != nil {
			t.Fatal(err)
		}
		compact, err := signed.CompactSerialize()
		if err == nil {
			err = os.WriteFile(token, []byte(compact), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	a := serve(t, func(c *hearth.Config) { c.OIDCKeys = map[string]string{issuer: keys} })
	admin := iam.NewFromConfig(a.config(apiRegion))
	provider, err := admin.CreateOpenIDConnectProvider(t.Context(), &iam.CreateOpenIDConnectProviderInput{Url: new(issuer), ClientIDList: []string{"sts.amazonaws.com"}})
	if err != nil {
		t.Fatal(err)
	}
	role, err := admin.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: new("deploy"), AssumeRolePolicyDocument: new(`{"Version":"2012-10-17","Statement":[{
		"Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity","Principal":{"Federated":"` + *provider.OpenIDConnectProviderArn + `"},
		"Condition":{"StringEquals":{"ci.example.com:aud":"sts.amazonaws.com"},"StringLike":{"ci.example.com:sub":"repo:team/*"}}}]}`)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admin.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: new("deploy"), PolicyName: new("p"), PolicyDocument: new(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"lambda:ListFunctions","Resource":"*"}]}`)}); err != nil {
		t.Fatal(err)
	}
	client := func() *lambda.Client {
		cfg := a.config(apiRegion)
		cfg.Credentials = nil // nothing but the token
		provider := stscreds.NewWebIdentityRoleProvider(sts.NewFromConfig(cfg), *role.Role.Arn, stscreds.IdentityTokenFile(token))
		cfg.Credentials = aws.NewCredentialsCache(provider)
		return lambda.NewFromConfig(cfg)
	}
	write("repo:team/app")
	c := client()
	if _, err := c.ListFunctions(t.Context(), &lambda.ListFunctionsInput{}); err != nil {
		t.Errorf("with the token of the team: %v", err)
	}
	if _, err := c.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: new("f")}); codeOf(err) != "AccessDeniedException" {
		t.Errorf("beyond the role: %v", err)
	}
	write("repo:stranger/app")
	if _, err := client().ListFunctions(t.Context(), &lambda.ListFunctionsInput{}); codeOf(err) != "AccessDenied" {
		t.Errorf("with the token of a stranger: %v", err)
	}
}

// codeOf is the code of an AWS error, or empty.
func codeOf(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return ""
}
