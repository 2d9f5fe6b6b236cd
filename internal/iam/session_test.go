package iam

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/hearthfaas/hearth/internal/lambda"
)

func TestAMintedSessionIsProvedByItsToken(t *testing.T) {
	f := open(t, nil)
	trust := lambdaTrust
	created, err := f.createRole(asRoot(t), &iam.CreateRoleInput{RoleName: new("r"), Path: new("/team/"), AssumeRolePolicyDocument: &trust})
	if err != nil {
		t.Fatal(err)
	}
	arn := *created.Role.Arn
	creds, err := f.MintRoleSession(t.Context(), arn, "my-function", 12*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if len(creds.AccessKeyID) != 20 || !strings.HasPrefix(creds.AccessKeyID, "ASIA") || len(creds.SecretAccessKey) != 40 {
		t.Errorf("got key %q with a secret of %d characters", creds.AccessKeyID, len(creds.SecretAccessKey))
	}
	if want := testStart.Add(12 * time.Hour); !creds.Expiration.Equal(want) {
		t.Errorf("got expiration %s, want %s", creds.Expiration, want)
	}
	f.reopen(t) // tokens outlive a restart
	want := Identity{SecretAccessKey: creds.SecretAccessKey, Caller: lambda.Caller{
		Kind: lambda.PrincipalAssumedRole, Account: account,
		ARN:     "arn:aws:sts::000000000000:assumed-role/r/my-function",
		UserID:  *created.Role.RoleId + ":my-function",
		RoleARN: arn, AccessKeyID: creds.AccessKeyID,
	}}
	if got, err := f.Lookup(t.Context(), creds.AccessKeyID, creds.SessionToken); err != nil || !got.Caller.Session.Issued.Equal(testStart) {
		t.Errorf("got %+v, error %v; want a session issued at %s", got.Caller.Session, err, testStart)
	}
	for _, answer := range []string{"first", "cached"} {
		got, err := f.Lookup(t.Context(), creds.AccessKeyID, creds.SessionToken)
		got.Caller.Session = nil
		if err != nil || got != want {
			t.Errorf("%s answer: got %+v, error %v; want %+v", answer, got.Caller, err, want.Caller)
		}
	}
	f.now = creds.Expiration.Add(-time.Second)
	if _, err := f.Lookup(t.Context(), creds.AccessKeyID, creds.SessionToken); err != nil {
		t.Errorf("a second before the end: %v", err)
	}
	f.now = creds.Expiration
	if _, err := f.Lookup(t.Context(), creds.AccessKeyID, creds.SessionToken); !errors.Is(err, ErrExpiredToken) {
		t.Errorf("at the end: got %v, want %v", err, ErrExpiredToken)
	}
}

func TestLookupRefuses(t *testing.T) {
	f := open(t, nil)
	f.mustCreateRole(t, "r", lambdaTrust)
	mint := func() lambda.Credentials {
		creds, err := f.MintRoleSession(t.Context(), roleARN(account, "/", "r"), "f", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return creds
	}
	one, two := mint(), mint()
	flipped := func(i int) string {
		sealed, err := base64.StdEncoding.DecodeString(one.SessionToken)
		if err != nil {
			t.Fatal(err)
		}
		sealed[i] ^= 1
		return base64.StdEncoding.EncodeToString(sealed)
	}
	other := open(t, nil)
	tests := []struct {
		name, id, token string
		service         *fixture
		want            error
	}{
		{"a key that nobody has", "AKIAIOSFODNN7EXAMPLE", "", f, ErrUnknownKey},
		{"a session's key without its token", one.AccessKeyID, "", f, ErrUnknownKey},
		{"a session's key with another's token", one.AccessKeyID, two.SessionToken, f, ErrTokenInvalid},
		{"a token with a changed nonce", one.AccessKeyID, flipped(0), f, ErrTokenInvalid},
		{"a token with a changed text", one.AccessKeyID, flipped(40), f, ErrTokenInvalid},
		{"a token cut short", one.AccessKeyID, one.SessionToken[:8], f, ErrTokenInvalid},
		{"a token that is no base64", one.AccessKeyID, "%%%", f, ErrTokenInvalid},
		{"a token beyond reason", one.AccessKeyID, strings.Repeat("A", tokenMax+4), f, ErrTokenInvalid},
		{"a token of another node", one.AccessKeyID, one.SessionToken, other, ErrTokenInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := f.Lookup(t.Context(), one.AccessKeyID, one.SessionToken); err != nil { // into the cache
				t.Fatal(err)
			}
			got, err := tt.service.Lookup(t.Context(), tt.id, tt.token)
			if !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if got.SecretAccessKey != "" || err != nil && strings.Contains(err.Error(), one.SecretAccessKey) {
				t.Error("a secret came out")
			}
		})
	}
}

func TestMintRoleSessionOfNoRole(t *testing.T) {
	f := open(t, nil)
	_, err := f.MintRoleSession(t.Context(), "arn:aws:iam::000000000000:role/none", "f", time.Hour)
	wantError(t, err, lambda.CodeInvalidParameterValue, "The role defined for the function cannot be assumed by Lambda.")
}

func TestTheCachesStayBounded(t *testing.T) {
	b := newBounded[int, int](10)
	for i := range 1000 {
		b.Put(b.Current(), i, i)
		n := 0
		b.Current().entries.Range(func(any, any) bool { n++; return true })
		if n > 10 {
			t.Fatalf("%d entries after %d puts", n, i+1)
		}
	}
	g := b.Current()
	b.Clear()
	b.Put(g, 1, 1)
	if _, ok := b.Get(1); ok {
		t.Error("a value computed before a Clear came back after it")
	}
}

func BenchmarkLookupRoot(b *testing.B) {
	f := open(b, func(c *Config) { c.Now = nil })
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Lookup(b.Context(), "test", ""); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkSession(b *testing.B) (*fixture, lambda.Credentials) {
	b.Helper()
	f := open(b, func(c *Config) { c.Now = nil })
	f.mustCreateRole(b, "r", lambdaTrust)
	creds, err := f.MintRoleSession(b.Context(), roleARN(account, "/", "r"), "f", time.Hour)
	if err != nil {
		b.Fatal(err)
	}
	return f, creds
}

func BenchmarkLookupSession(b *testing.B) {
	f, creds := benchmarkSession(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Lookup(b.Context(), creds.AccessKeyID, creds.SessionToken); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLookupSessionNotCached(b *testing.B) {
	f, creds := benchmarkSession(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.openToken(creds.AccessKeyID, creds.SessionToken); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMintRoleSession(b *testing.B) {
	f, _ := benchmarkSession(b)
	for b.Loop() {
		if _, err := f.MintRoleSession(b.Context(), roleARN(account, "/", "r"), "f", time.Hour); err != nil {
			b.Fatal(err)
		}
	}
}
