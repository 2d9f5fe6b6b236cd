package sns

import (
	"bytes"
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// policyMax bounds a topic's policy in bytes (SNS quotas: 30 KB).
const policyMax = 30720

// document is a policy in AWS's order of members.
type document struct {
	Version    string            `json:"Version,omitempty"`
	ID         string            `json:"Id,omitempty"`
	Statements []json.RawMessage `json:"Statement"`
}

type statement struct {
	Sid       string                       `json:"Sid"`
	Effect    string                       `json:"Effect"`
	Principal map[string]any               `json:"Principal"`
	Action    any                          `json:"Action"`
	Resource  string                       `json:"Resource"`
	Condition map[string]map[string]string `json:"Condition,omitempty"`
}

// policyDocument is the topic's policy, or what AWS gives to a topic that has none:
// only its owner may use it.
func (t *topic) policyDocument() string {
	if p := t.record.Attributes[attrPolicy]; p != "" {
		return p
	}
	return encodeJSON(document{
		Version: "2008-10-17", ID: "__default_policy_ID",
		Statements: []json.RawMessage{[]byte(encodeJSON(statement{
			Sid: "__default_statement_ID", Effect: "Allow", Principal: map[string]any{"AWS": "*"},
			Action: []string{
				"SNS:GetTopicAttributes", "SNS:SetTopicAttributes", "SNS:AddPermission", "SNS:RemovePermission",
				"SNS:DeleteTopic", "SNS:Subscribe", "SNS:ListSubscriptionsByTopic", "SNS:Publish",
			},
			Resource:  t.arn,
			Condition: map[string]map[string]string{"StringEquals": {"AWS:SourceOwner": t.account}},
		}))},
	})
}

// encodeJSON is v's JSON as AWS writes it: without HTML's escapes.
func encodeJSON(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("sns: " + err.Error()) // the types that come here have a JSON form
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// checkPolicy refuses a policy that no topic can have.
func (s *Service) checkPolicy(text string) error {
	if text == "" {
		return nil
	}
	if len(text) > policyMax {
		return invalid("Policy is too large")
	}
	if !json.Valid([]byte(text)) {
		return invalid("Policy failed to parse JSON")
	}
	if err := s.cfg.CheckPolicy(text); err != nil {
		return invalid("Policy Error: %s", err.Error())
	}
	return checkScope(text)
}

// checkScope refuses actions of other services.
func checkScope(text string) error {
	statements, _, err := readStatements(text)
	if err != nil {
		return invalid("Policy failed to parse JSON")
	}
	for _, raw := range statements {
		var st struct{ Action any }
		if err := json.Unmarshal(raw, &st); err != nil {
			return invalid("Policy failed to parse JSON")
		}
		for _, action := range textsOf(st.Action) {
			if service, _, ok := strings.Cut(strings.ToLower(action), ":"); ok && service != "sns" {
				return invalid("Policy statement action out of service scope!")
			}
		}
	}
	return nil
}

// textsOf is a text or a list of them.
func textsOf(v any) []string {
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

// readStatements takes a policy apart; a single statement may stand without a list.
func readStatements(text string) ([]json.RawMessage, document, error) {
	var head struct {
		Version   string
		ID        string `json:"Id"`
		Statement json.RawMessage
	}
	if err := json.Unmarshal([]byte(text), &head); err != nil {
		return nil, document{}, err
	}
	doc := document{Version: head.Version, ID: head.ID}
	if err := json.Unmarshal(head.Statement, &doc.Statements); err != nil {
		doc.Statements = []json.RawMessage{head.Statement}
	}
	return doc.Statements, doc, nil
}

func sidOf(raw json.RawMessage) string {
	var st struct{ Sid string }
	if json.Unmarshal(raw, &st) != nil {
		return ""
	}
	return st.Sid
}

// grantable are the actions that AddPermission gives to others.
var grantable = []string{
	"AddPermission", "DeleteTopic", "GetDataProtectionPolicy", "GetTopicAttributes", "ListSubscriptionsByTopic",
	"ListTagsForResource", "Publish", "PutDataProtectionPolicy", "RemovePermission", "SetTopicAttributes", "Subscribe",
}

var accountPattern = regexp.MustCompile(`^\d{12}$`)

func (s *Service) addPermission(ctx context.Context, in *awssns.AddPermissionInput) (*awssns.AddPermissionOutput, error) {
	k, err := checkTopicARN(lambda.CallerFrom(ctx), "TopicArn", aws.ToString(in.TopicArn))
	if err != nil {
		return nil, err
	}
	var actions, principals []string
	for _, a := range in.ActionName {
		if a != "*" && !slices.Contains(grantable, a) {
			return nil, invalid("Policy statement action out of service scope!")
		}
		actions = append(actions, "SNS:"+a)
	}
	for _, id := range in.AWSAccountId {
		if !accountPattern.MatchString(id) {
			return nil, invalid("Policy Error: PrincipalNotFound")
		}
		principals = append(principals, "arn:aws:iam::"+id+":root")
	}
	label := aws.ToString(in.Label)
	if label == "" || len(actions) == 0 || len(principals) == 0 {
		return nil, invalid("Label, ActionName and AWSAccountId must not be empty")
	}
	return &awssns.AddPermissionOutput{}, s.changeTopic(ctx, k.ARN(), func(t *topic, rec *topicRecord) error {
		statements, doc, err := readStatements(t.policyDocument())
		if err != nil {
			return err
		}
		if slices.ContainsFunc(statements, func(raw json.RawMessage) bool { return sidOf(raw) == label }) {
			return invalid("Statement already exists")
		}
		doc.Statements = append(statements, []byte(encodeJSON(statement{
			Sid: label, Effect: "Allow", Principal: map[string]any{"AWS": one(principals)}, Action: one(actions), Resource: t.arn,
		})))
		text := encodeJSON(doc)
		if len(text) > policyMax {
			return invalid("Policy is too large")
		}
		rec.Attributes[attrPolicy] = text
		return nil
	})
}

// one is a list as policies write it: a single text stands alone.
func one(list []string) any {
	if len(list) == 1 {
		return list[0]
	}
	return list
}

func (s *Service) removePermission(ctx context.Context, in *awssns.RemovePermissionInput) (*awssns.RemovePermissionOutput, error) {
	k, err := checkTopicARN(lambda.CallerFrom(ctx), "TopicArn", aws.ToString(in.TopicArn))
	if err != nil {
		return nil, err
	}
	return &awssns.RemovePermissionOutput{}, s.changeTopic(ctx, k.ARN(), func(t *topic, rec *topicRecord) error {
		statements, doc, err := readStatements(t.policyDocument())
		if err != nil {
			return err
		}
		doc.Statements = slices.DeleteFunc(slices.Clone(statements), func(raw json.RawMessage) bool {
			return sidOf(raw) == aws.ToString(in.Label)
		})
		if len(doc.Statements) == len(statements) {
			return lambda.Errorf(codeNotFound, "Statement does not exist")
		}
		rec.Attributes[attrPolicy] = encodeJSON(doc)
		return nil
	})
}
