package iam

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/hearthfaas/hearth/internal/iam/policy"
	"github.com/hearthfaas/hearth/internal/lambda"
)

const (
	// messagesPurpose derives the key that encoded messages are sealed with.
	messagesPurpose = "hearth authorization messages"
	// encodedMessageMax bounds what is decoded, in bytes (STS API reference).
	encodedMessageMax = 10240
	// messageResourceMax keeps an encoded message small enough for a header; an ARN is
	// at most as long.
	messageResourceMax = arnMax
)

// authorizationMessage is what a refusal was about, in the form that
// DecodeAuthorizationMessage gives it (STS API reference).
type authorizationMessage struct {
	Allowed           bool            `json:"allowed"`
	ExplicitDeny      bool            `json:"explicitDeny"`
	MatchedStatements items[matched]  `json:"matchedStatements"`
	Failures          items[struct{}] `json:"failures"`
	Context           messageContext  `json:"context"`
}

type items[T any] struct {
	Items []T `json:"items"`
}

// matched names a statement. AWS prints the statement too; hearth iam explain shows
// where it stands.
type matched struct {
	StatementID string `json:"statementId"`
	Effect      string `json:"effect"`
	Policy      string `json:"sourcePolicyId"`
	Index       int    `json:"statementIndex"` // counted from 1
}

type messageContext struct {
	Principal  messagePrincipal        `json:"principal"`
	Action     string                  `json:"action"`
	Resource   string                  `json:"resource"`
	Conditions items[messageCondition] `json:"conditions"`
}

type messagePrincipal struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
	ARN  string `json:"arn"`
}

type messageCondition struct {
	Key    string            `json:"key"`
	Values items[valueOfKey] `json:"values"`
}

type valueOfKey struct {
	Value string `json:"value"`
}

// encode seals a refusal for the account of who was refused, or of who owns the
// resource when that was a stranger. What it says is not for the caller, who may
// have no right to know the policies; hence the sealing.
func (s *Service) encode(c *lambda.Caller, r Request, v policy.Verdict) (string, error) {
	if len(r.Resource) > messageResourceMax {
		r.Resource = r.Resource[:messageResourceMax]
	}
	m := authorizationMessage{
		ExplicitDeny:      v.Decision.Effect == policy.Deny,
		MatchedStatements: items[matched]{[]matched{}},
		Failures:          items[struct{}]{[]struct{}{}},
		Context: messageContext{
			Principal: messagePrincipal{ID: c.UserID, Name: principalName(c), ARN: c.ARN},
			Action:    r.Action, Resource: r.Resource,
			Conditions: items[messageCondition]{s.messageConditions(c)},
		},
	}
	if m.ExplicitDeny {
		m.MatchedStatements.Items = append(m.MatchedStatements.Items,
			matched{v.Decision.Sid, "DENY", v.Decision.Policy, v.Decision.Statement + 1})
	}
	text, err := json.Marshal(m)
	if err != nil {
		return "", fmt.Errorf("write an authorization message: %w", err)
	}
	account := c.Account
	if c.Kind == lambda.PrincipalService || c.Kind == lambda.PrincipalAnonymous {
		account = arnAccount(r.Resource)
	}
	return base64.RawURLEncoding.EncodeToString(s.messages.Seal(text, account)), nil
}

// principalName is the last part of an ARN: a user, or a role and its session.
func principalName(c *lambda.Caller) string {
	if _, name, ok := strings.Cut(c.ARN, "/"); ok {
		return name
	}
	return ""
}

// messageConditions are the keys that a request has without looking at its resource.
func (s *Service) messageConditions(c *lambda.Caller) []messageCondition {
	ctx := requestContext{caller: c, now: s.now}
	conditions := []messageCondition{}
	for _, key := range []string{
		"aws:CurrentTime", "aws:PrincipalType", "aws:RequestedRegion", "aws:SecureTransport",
		"aws:SourceAccount", "aws:SourceArn", "aws:SourceIp",
	} {
		if value := ctx.value(strings.ToLower(key)); value != "" {
			conditions = append(conditions, messageCondition{key, items[valueOfKey]{[]valueOfKey{{value}}}})
		}
	}
	return conditions
}

// errEncodedMessage is AWS's answer for a text that no refusal here came with.
var errEncodedMessage = &lambda.Error{Code: "InvalidAuthorizationMessageException", Message: "Message is invalid"}

// decodeAuthorizationMessage opens what a refusal's header carried. Only the account
// that it was sealed for can.
func (s *Service) decodeAuthorizationMessage(ctx context.Context, in *sts.DecodeAuthorizationMessageInput) (*sts.DecodeAuthorizationMessageOutput, error) {
	var check checks
	check.text(in.EncodedMessage, "encodedMessage", 1, encodedMessageMax)
	if err := check.err(); err != nil {
		return nil, err
	}
	sealed, err := base64.RawURLEncoding.DecodeString(*in.EncodedMessage)
	if err != nil {
		return nil, errEncodedMessage
	}
	text, err := s.messages.Open(sealed, lambda.CallerFrom(ctx).Account)
	if err != nil {
		return nil, errEncodedMessage
	}
	decoded := string(text)
	return &sts.DecodeAuthorizationMessageOutput{DecodedMessage: &decoded}, nil
}
