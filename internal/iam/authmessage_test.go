package iam

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// refusalOf is the error of a call that is refused.
func refusalOf(t *testing.T, f *fixture, c lambda.Caller, action, resource string) *lambda.Error {
	t.Helper()
	err := f.Authorize(t.Context(), c, action, resource)
	refusal, ok := errors.AsType[*lambda.Error](err)
	if !ok || refusal.Authorization == "" {
		t.Fatalf("got %v, want a refusal with a message", err)
	}
	return refusal
}

func TestARefusalIsDecodedByItsOwnAccountOnly(t *testing.T) {
	f := open(t, nil)
	const arn = "arn:aws:lambda:us-east-1:000000000000:function:f"
	c := f.mustUser(t, "ann", `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"lambda:*","Resource":"*"},
		{"Sid":"NoDelete","Effect":"Deny","Action":"lambda:DeleteFunction","Resource":"*"}]}`)
	c.SourceIP = "192.0.2.7" // a documentation address (RFC 5737)
	refusal := refusalOf(t, f, c, "lambda:DeleteFunction", arn)
	if strings.Contains(refusal.Authorization, "NoDelete") {
		t.Error("the message is readable without being decoded")
	}
	decode := func(caller lambda.Caller, message string) (string, error) {
		out, err := f.decodeAuthorizationMessage(lambda.WithCaller(t.Context(), caller), &sts.DecodeAuthorizationMessageInput{EncodedMessage: &message})
		if err != nil {
			return "", err
		}
		return *out.DecodedMessage, nil
	}
	text, err := decode(c, refusal.Authorization)
	if err != nil {
		t.Fatal(err)
	}
	var got authorizationMessage
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if got.Allowed || !got.ExplicitDeny || len(got.MatchedStatements.Items) != 1 || got.MatchedStatements.Items[0].StatementID != "NoDelete" ||
		got.MatchedStatements.Items[0].Index != 2 || got.Context.Action != "lambda:DeleteFunction" || got.Context.Resource != arn ||
		got.Context.Principal.ARN != c.ARN || got.Context.Principal.Name != "ann" || !strings.Contains(text, "192.0.2.7") {
		t.Errorf("decoded %s", text)
	}
	stranger := c
	stranger.Account = "111122223333"
	for name, try := range map[string]struct {
		caller  lambda.Caller
		message string
	}{
		"another account": {stranger, refusal.Authorization},
		"a longer text":   {c, refusal.Authorization + "AAAA"},
		"half of it":      {c, refusal.Authorization[:len(refusal.Authorization)/2]},
		"no base64":       {c, "%%%"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := decode(try.caller, try.message)
			wantError(t, err, "InvalidAuthorizationMessageException", "Message is invalid")
		})
	}
}

func TestAServicesRefusalIsDecodedByTheResourcesOwner(t *testing.T) {
	f := open(t, nil)
	service := lambda.Caller{Kind: lambda.PrincipalService, ARN: "s3.amazonaws.com", Account: account, SourceARN: "arn:aws:s3:::b"}
	refusal := refusalOf(t, f, service, "lambda:InvokeFunction", "arn:aws:lambda:us-east-1:000000000000:function:f")
	out, err := f.decodeAuthorizationMessage(lambda.WithCaller(t.Context(), lambda.Caller{Account: account}),
		&sts.DecodeAuthorizationMessageInput{EncodedMessage: &refusal.Authorization})
	if err != nil || !strings.Contains(*out.DecodedMessage, "arn:aws:s3:::b") {
		t.Errorf("got %v, %v", out, err)
	}
}
