package iam

import (
	"testing"

	"github.com/hearthfaas/hearth/internal/lambda"
)

func TestNobodyHereHasASecondFactor(t *testing.T) {
	f := open(t, nil)
	const denyWithout = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},
		{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"false"}}}]}`
	user := f.mustUser(t, "ann", denyWithout)
	session := user
	session.Session = &lambda.Session{}
	for name, tt := range map[string]struct {
		caller lambda.Caller
		want   bool
	}{
		"a long-term key says nothing of it": {user, true},
		"a session says that it has none":    {session, false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := f.Authorize(t.Context(), tt.caller, "lambda:GetFunction", function); (err == nil) != tt.want {
				t.Errorf("got %v, want allowed %v", err, tt.want)
			}
		})
	}
}
