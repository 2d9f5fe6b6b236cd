package eventbridge

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	eb "github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// policyMax bounds a bus's policy in bytes (EventBridge quotas: 10,240 characters).
const policyMax = 10240

// document is a bus's policy in AWS's order of members.
type document struct {
	Version    string            `json:"Version"`
	Statements []json.RawMessage `json:"Statement"`
}

type statement struct {
	Sid       string                       `json:"Sid"`
	Effect    string                       `json:"Effect"`
	Principal any                          `json:"Principal"`
	Action    string                       `json:"Action"`
	Resource  string                       `json:"Resource"`
	Condition map[string]map[string]string `json:"Condition,omitempty"`
}

var accountPattern = regexp.MustCompile(`^\d{12}$`)

func (s *Service) putPermission(ctx context.Context, in *eb.PutPermissionInput) (*eb.PutPermissionOutput, error) {
	k, err := own(lambda.CallerFrom(ctx), in.EventBusName)
	if err != nil {
		return nil, err
	}
	return &eb.PutPermissionOutput{}, s.changeBus(ctx, k, func(r *busRecord) error {
		text := aws.ToString(in.Policy)
		if in.Policy == nil {
			var err error
			if text, err = withStatement(r.Policy, k, in); err != nil {
				return err
			}
		} else if in.StatementId != nil || in.Action != nil || in.Principal != nil || in.Condition != nil {
			return invalid("Policy can not be specified together with StatementId, Action, Principal or Condition.")
		}
		if len(text) > policyMax {
			return lambda.Errorf(codePolicyLength, "The policy is longer than %d characters.", policyMax)
		}
		if err := s.cfg.CheckPolicy(text); err != nil {
			return invalid("Parameter Policy is not valid. Reason: %s", err.Error())
		}
		r.Policy = text
		return nil
	})
}

// withStatement is a policy with the statement that a request describes; it takes
// the place of one with the same id.
func withStatement(text string, k busKey, in *eb.PutPermissionInput) (string, error) {
	switch {
	case in.StatementId == nil:
		return "", invalid("Parameter StatementId must be specified.")
	case in.Action == nil:
		return "", invalid("Parameter Action must be specified.")
	case in.Principal == nil:
		return "", invalid("Parameter Principal must be specified.")
	case *in.Action != "events:PutEvents":
		return "", invalid("Provided value in parameter 'action' is not supported.")
	}
	st := statement{Sid: *in.StatementId, Effect: "Allow", Action: *in.Action, Resource: k.arn()}
	switch {
	case *in.Principal == "*":
		st.Principal = "*"
	case accountPattern.MatchString(*in.Principal):
		st.Principal = map[string]string{"AWS": "arn:aws:iam::" + *in.Principal + ":root"}
	default:
		return "", invalid("Provided value in parameter 'principal' is not supported.")
	}
	if c := in.Condition; c != nil {
		if aws.ToString(c.Type) != "StringEquals" || aws.ToString(c.Key) != "aws:PrincipalOrgID" {
			return "", invalid("Provided value in parameter 'condition' is not supported.")
		}
		st.Condition = map[string]map[string]string{*c.Type: {*c.Key: aws.ToString(c.Value)}}
	}
	doc := document{Version: "2012-10-17"}
	if text != "" {
		if err := json.Unmarshal([]byte(text), &doc); err != nil {
			return "", invalid("The policy of the event bus has statements that can only be replaced as a whole.")
		}
	}
	doc.Statements = slices.DeleteFunc(doc.Statements, func(raw json.RawMessage) bool { return sidOf(raw) == st.Sid })
	doc.Statements = append(doc.Statements, encodeJSON(st))
	return string(encodeJSON(doc)), nil
}

func sidOf(raw json.RawMessage) string {
	var st struct{ Sid string }
	if json.Unmarshal(raw, &st) != nil {
		return ""
	}
	return st.Sid
}

func (s *Service) removePermission(ctx context.Context, in *eb.RemovePermissionInput) (*eb.RemovePermissionOutput, error) {
	k, err := own(lambda.CallerFrom(ctx), in.EventBusName)
	if err != nil {
		return nil, err
	}
	if in.StatementId == nil && !in.RemoveAllPermissions {
		return nil, invalid("Parameter StatementId must be specified.")
	}
	return &eb.RemovePermissionOutput{}, s.changeBus(ctx, k, func(r *busRecord) error {
		if in.RemoveAllPermissions {
			r.Policy = ""
			return nil
		}
		if r.Policy == "" {
			return missing("EventBus does not have a policy.")
		}
		var doc document
		if err := json.Unmarshal([]byte(r.Policy), &doc); err != nil {
			return missing("Statement with the provided id does not exist.")
		}
		n := len(doc.Statements)
		doc.Statements = slices.DeleteFunc(doc.Statements, func(raw json.RawMessage) bool { return sidOf(raw) == *in.StatementId })
		switch len(doc.Statements) {
		case n:
			return missing("Statement with the provided id does not exist.")
		case 0:
			r.Policy = ""
		default:
			r.Policy = string(encodeJSON(doc))
		}
		return nil
	})
}

// PolicyAt is the policy of a bus for identity: its revision, its text, and whether
// there is one.
func (s *Service) PolicyAt(resource string) (revision int64, text string, ok bool) {
	k := busNamed(lambda.Caller{}, &resource)
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, ok := s.index.buses[k]
	if !ok || b.record.Policy == "" {
		return 0, "", false
	}
	return b.revision, b.record.Policy, true
}
