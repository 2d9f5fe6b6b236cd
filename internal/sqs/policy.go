package sqs

import (
	"encoding/json"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// The bounds of a queue's policy (developer guide, "Policy quotas").
const (
	policyMax           = 8192 // bytes
	policyStatementsMax = 20
	policyActionsMax    = 7 // of a statement
)

// document is a queue's policy, with its statements as they were written.
type document struct {
	Version   string            `json:"Version"`
	ID        string            `json:"Id,omitempty"`
	Statement []json.RawMessage `json:"Statement"`
}

// parseDocument reads a policy; AWS lets one statement stand without its list.
func parseDocument(text string) (document, error) {
	var raw struct {
		Version, ID string
		Statement   json.RawMessage
	}
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		return document{}, err
	}
	d := document{Version: raw.Version, ID: raw.ID}
	if strings.HasPrefix(strings.TrimSpace(string(raw.Statement)), "{") {
		d.Statement = []json.RawMessage{raw.Statement}
		return d, nil
	}
	return d, json.Unmarshal(raw.Statement, &d.Statement)
}

func sidOf(statement json.RawMessage) string {
	var s struct{ Sid string }
	_ = json.Unmarshal(statement, &s) // one without a Sid has none
	return s.Sid
}

// actionsOf are the actions that a statement names, to allow, deny or leave out.
func actionsOf(statement json.RawMessage) []string {
	var s struct{ Action, NotAction json.RawMessage }
	_ = json.Unmarshal(statement, &s) // identity has read it before
	var out []string
	for _, raw := range []json.RawMessage{s.Action, s.NotAction} {
		var one string
		var many []string
		if json.Unmarshal(raw, &one) == nil {
			out = append(out, one)
		} else if json.Unmarshal(raw, &many) == nil {
			out = append(out, many...)
		}
	}
	return out
}

// checkPolicy refuses a policy that identity could not read, that is larger than
// queues' policies may be, or that speaks of other services' actions.
func (s *Service) checkPolicy(text string) error {
	bad := badAttribute(string(types.QueueAttributeNamePolicy))
	if len(text) > policyMax || s.cfg.CheckPolicy(text) != nil {
		return bad
	}
	d, err := parseDocument(text)
	if err != nil {
		return bad
	}
	if n := len(d.Statement); n > policyStatementsMax {
		return lambda.Errorf(codeOverLimit, "%d Statements were found, maximum allowed is %d.", n, policyStatementsMax)
	}
	for _, statement := range d.Statement {
		actions := actionsOf(statement)
		if n := len(actions); n > policyActionsMax {
			return lambda.Errorf(codeOverLimit, "%d Actions were found, maximum allowed is %d.", n, policyActionsMax)
		}
		for _, a := range actions {
			if a != "*" && !strings.HasPrefix(strings.ToLower(a), "sqs:") {
				return bad
			}
		}
	}
	return nil
}
