package door

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// TokenRules are what a token must satisfy.
type TokenRules struct {
	Issuer    string
	Audiences []string
	Scopes    []string // one of them is enough; none asks for none
}

// Token is a checked token.
type Token struct {
	Claims map[string]string
	Scopes []string
}

// The ways in which a token is refused.
var (
	ErrTokenInvalid = fmt.Errorf("invalid token")
	ErrTokenScope   = fmt.Errorf("insufficient scope")
)

// CheckToken checks a token's signature, issuer, audience, times and scopes (API
// Gateway developer guide, "Control access to HTTP APIs with JWT authorizers"). The
// error is ErrTokenInvalid with a reason, or ErrTokenScope.
func (d *Door) CheckToken(ctx context.Context, raw string, rules TokenRules) (*Token, error) {
	raw = strings.TrimSpace(raw)
	if len(raw) > 7 && strings.EqualFold(raw[:7], "Bearer ") {
		raw = strings.TrimSpace(raw[7:])
	}
	payload, err := d.Keys.Verify(ctx, rules.Issuer, raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTokenInvalid, err)
	}
	return checkClaims(payload, rules, d.Now())
}

// checkClaims is what the payload of a genuine token says.
func checkClaims(payload []byte, rules TokenRules, now time.Time) (*Token, error) {
	var claims map[string]any
	dec := json.NewDecoder(strings.NewReader(string(payload)))
	dec.UseNumber()
	if err := dec.Decode(&claims); err != nil {
		return nil, fmt.Errorf("%w: the claims are no JSON", ErrTokenInvalid)
	}
	if claims["iss"] != rules.Issuer {
		return nil, fmt.Errorf("%w: the issuer is another", ErrTokenInvalid)
	}
	audience := texts(claims["aud"])
	if len(audience) == 0 {
		audience = texts(claims["client_id"])
	}
	if !slices.ContainsFunc(audience, func(a string) bool { return slices.Contains(rules.Audiences, a) }) {
		return nil, fmt.Errorf("%w: the audience is another", ErrTokenInvalid)
	}
	if exp, ok := seconds(claims["exp"]); !ok || !now.Before(exp) {
		return nil, fmt.Errorf("%w: the token has expired", ErrTokenInvalid)
	}
	for _, name := range []string{"nbf", "iat"} {
		if at, ok := seconds(claims[name]); ok && now.Before(at) {
			return nil, fmt.Errorf("%w: the token is not valid yet", ErrTokenInvalid)
		}
	}
	scopes := words(claims["scope"])
	if len(scopes) == 0 {
		scopes = words(claims["scp"])
	}
	if len(rules.Scopes) > 0 && !slices.ContainsFunc(scopes, func(s string) bool { return slices.Contains(rules.Scopes, s) }) {
		return nil, ErrTokenScope
	}
	t := &Token{Claims: map[string]string{}}
	for name, value := range claims {
		t.Claims[name] = claimText(value)
	}
	if len(rules.Scopes) > 0 {
		t.Scopes = scopes
	}
	return t, nil
}

func texts(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var out []string
		for _, one := range v {
			if s, ok := one.(string); ok {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}

func words(v any) []string {
	if s, ok := v.(string); ok {
		return strings.Fields(s)
	}
	return texts(v)
}

func seconds(v any) (time.Time, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return time.Time{}, false
	}
	f, err := strconv.ParseFloat(n.String(), 64)
	return time.Unix(int64(f), 0), err == nil
}

// claimText is a claim as events show it: lists in brackets, divided by spaces.
func claimText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		parts := make([]string, len(v))
		for i, one := range v {
			parts[i] = claimText(one)
		}
		return "[" + strings.Join(parts, " ") + "]"
	case nil:
		return ""
	case map[string]any:
		text, err := json.Marshal(v)
		if err != nil {
			return ""
		}
		return string(text)
	}
	return fmt.Sprint(v)
}
