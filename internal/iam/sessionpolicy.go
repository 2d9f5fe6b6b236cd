package iam

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/hearthfaas/hearth/internal/iam/policy"
)

// sessionPolicyText is the content of lambda.Caller's SessionPolicy: what an
// AssumeRole call gave to narrow the session.
type sessionPolicyText struct {
	Inline string   `json:"inline,omitempty"`
	ARNs   []string `json:"arns,omitempty"`
}

// sessionPolicies is a sessionPolicyText, parsed.
type sessionPolicies struct {
	inline *policy.Policy // nil when only managed policies were given
	arns   []string
}

func encodeSessionPolicy(t sessionPolicyText) (string, error) {
	if t.Inline == "" && len(t.ARNs) == 0 {
		return "", nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(t); err != nil {
		return "", fmt.Errorf("encode a session policy: %w", err)
	}
	return string(bytes.TrimSpace(b.Bytes())), nil
}

// sessionSources never returns nil without an error: a session that was narrowed
// to policies that are gone may do nothing.
func (s *Service) sessionSources(text string) ([]policy.Source, error) {
	g := s.narrowing.Current()
	parsed, ok := s.narrowing.GetFrom(g, text)
	if !ok {
		var err error
		if parsed, err = parseSessionPolicy(text); err != nil {
			return nil, err
		}
		s.narrowing.Put(g, text, parsed)
	}
	sources := []policy.Source{}
	if parsed.inline != nil {
		sources = append(sources, policy.Source{Name: "session policy", Policy: parsed.inline})
	}
	return s.addManaged(sources, parsed.arns)
}

func parseSessionPolicy(text string) (*sessionPolicies, error) {
	var t sessionPolicyText
	if err := json.Unmarshal([]byte(text), &t); err != nil {
		return nil, fmt.Errorf("decode a session policy: %w", err)
	}
	out := &sessionPolicies{arns: t.ARNs}
	if t.Inline != "" {
		p, err := policy.Parse(policy.Identity, t.Inline)
		if err != nil {
			return nil, fmt.Errorf("read a session policy: %w", err)
		}
		out.inline = p
	}
	return out, nil
}
