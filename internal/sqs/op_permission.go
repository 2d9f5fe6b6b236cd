package sqs

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// grantable are the actions that AddPermission takes (same place); "*" means all.
var grantable = []string{
	"*", "SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes", "GetQueueUrl",
	"ListDeadLetterSourceQueues", "PurgeQueue",
}

var labelPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

// oneOrMany prints a list of one as the one.
func oneOrMany(list []string) any {
	if len(list) == 1 {
		return list[0]
	}
	return list
}

// grant is the statement that AddPermission makes, in the form that AWS prints.
type grant struct {
	Sid       string         `json:"Sid"`
	Effect    string         `json:"Effect"`
	Principal map[string]any `json:"Principal"`
	Action    any            `json:"Action"`
	Resource  string         `json:"Resource"`
}

func checkGrant(in *sqs.AddPermissionInput) error {
	label := aws.ToString(in.Label)
	switch {
	case label == "":
		return missing("Label")
	case !labelPattern.MatchString(label):
		return badParameter(label, "Label", "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	case len(in.AWSAccountIds) == 0:
		return missing("AWSAccountIds")
	case len(in.Actions) == 0:
		return missing("Actions")
	case len(in.Actions) > policyActionsMax:
		return lambda.Errorf(codeOverLimit, "%d Actions were found, maximum allowed is %d.", len(in.Actions), policyActionsMax)
	}
	for _, a := range in.Actions {
		if !slices.Contains(grantable, a) {
			return badParameter("SQS:"+a, "ActionName", "Please refer to the appropriate WSDL for a list of valid actions.")
		}
	}
	for _, id := range in.AWSAccountIds {
		if !accountPattern.MatchString(id) {
			return badParameter(id, "PrincipalId", "Unable to verify.")
		}
	}
	return nil
}

func (s *Service) addPermission(ctx context.Context, in *sqs.AddPermissionInput) (*sqs.AddPermissionOutput, error) {
	e, err := s.openOwn(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := checkGrant(in); err != nil {
		return nil, err
	}
	g := grant{Sid: *in.Label, Effect: "Allow", Resource: e.arn}
	var accounts, actions []string
	for _, id := range in.AWSAccountIds {
		accounts = append(accounts, "arn:aws:iam::"+id+":root")
	}
	for _, a := range in.Actions {
		actions = append(actions, "SQS:"+a)
	}
	g.Principal, g.Action = map[string]any{"AWS": oneOrMany(accounts)}, oneOrMany(actions)
	statement, err := json.Marshal(g)
	if err != nil {
		return nil, err
	}
	err = s.editPolicy(ctx, e, func(d *document) error {
		if slices.ContainsFunc(d.Statement, func(st json.RawMessage) bool { return sidOf(st) == *in.Label }) {
			return badParameter(*in.Label, "Label", "Already exists.")
		}
		d.Statement = append(d.Statement, statement)
		return nil
	})
	return &sqs.AddPermissionOutput{}, err
}

func (s *Service) removePermission(ctx context.Context, in *sqs.RemovePermissionInput) (*sqs.RemovePermissionOutput, error) {
	e, err := s.openOwn(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if aws.ToString(in.Label) == "" {
		return nil, missing("Label")
	}
	err = s.editPolicy(ctx, e, func(d *document) error {
		had := len(d.Statement)
		d.Statement = slices.DeleteFunc(d.Statement, func(st json.RawMessage) bool { return sidOf(st) == *in.Label })
		if len(d.Statement) == had {
			return badParameter(*in.Label, "Label", "can't find label.")
		}
		return nil
	})
	return &sqs.RemovePermissionOutput{}, err
}

// editPolicy changes a queue's policy; one without statements is none.
func (s *Service) editPolicy(ctx context.Context, e *entry, change func(*document) error) error {
	return s.edit(ctx, e.name, func(old *entry, rec record) (*entry, error) {
		d := document{Version: "2008-10-17", ID: old.arn + "/SQSDefaultPolicy"}
		if text := old.policy(); text != "" {
			var err error
			if d, err = parseDocument(text); err != nil {
				return nil, err
			}
		}
		if err := change(&d); err != nil {
			return nil, err
		}
		text := ""
		if len(d.Statement) > 0 {
			b, err := json.Marshal(d)
			if err != nil {
				return nil, err
			}
			text = string(b)
		}
		rec.Modified = s.cfg.Now().Unix()
		return s.shape(old.name, rec, map[string]string{string(types.QueueAttributeNamePolicy): text})
	})
}
