package iam

import (
	"encoding/base64"
	"strings"
	"testing"
)

func TestTokensAreVerifiedWithTheirIssuersKeys(t *testing.T) {
	genuine, stranger := newIdentityProvider(t), newIdentityProvider(t)
	f := open(t, func(c *Config) { c.IssuerKeys = map[string]string{issuer: genuine.keys} })
	payload, err := f.Verify(t.Context(), issuer, genuine.token(t, nil))
	if err != nil || !strings.Contains(string(payload), `"sub":"ann"`) {
		t.Errorf("got %s %v", payload, err)
	}
	if _, err := f.Verify(t.Context(), issuer+"/", genuine.token(t, nil)); err != nil {
		t.Errorf("a slash at the end makes another issuer: %v", err)
	}
	parts := strings.Split(genuine.token(t, nil), ".")
	unsigned := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + parts[1] + "."
	for name, bad := range map[string]string{"a stranger's": stranger.token(t, nil), "an unsigned": unsigned, "an altered": parts[0] + "." + parts[1] + "x." + parts[2], "no": ""} {
		if payload, err := f.Verify(t.Context(), issuer, bad); err == nil {
			t.Errorf("%s token was taken: %s", name, payload)
		}
	}
}
