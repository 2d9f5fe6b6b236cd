package controlplane

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/hearthfaas/hearth/internal/iam/policy"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// policyStatement is one statement of a resource policy as text, so that what
// somebody put comes back as they wrote it.
type policyStatement struct {
	sid  string
	text json.RawMessage
}

func newPolicyStatement(st statement) policyStatement {
	return policyStatement{sid: st.Sid, text: json.RawMessage(compactJSON(st))}
}

// MarshalJSON is the statement's text.
func (p policyStatement) MarshalJSON() ([]byte, error) { return p.text, nil }

// UnmarshalJSON keeps the statement's text.
func (p *policyStatement) UnmarshalJSON(text []byte) error {
	var read struct{ Sid string }
	if err := json.Unmarshal(text, &read); err != nil {
		return err
	}
	p.sid, p.text = read.Sid, bytes.Clone(text)
	return nil
}

// GetResourcePolicy shows the resource policy of a function, version or alias by its
// ARN (Lambda API, GetResourcePolicy).
func (s *Service) GetResourcePolicy(ctx context.Context, in *awslambda.GetResourcePolicyInput) (*awslambda.GetResourcePolicyOutput, error) {
	id, q, err := resolve(lambda.CallerFrom(ctx), "GetResourcePolicy", in.ResourceArn, nil)
	if err != nil {
		return nil, err
	}
	f := s.view.function(id)
	revision, err := f.policyRevision(q)
	if err != nil {
		return nil, err
	}
	p, ok := f.policies[policyPart(q)]
	if !ok {
		return nil, lambda.Errorf(lambda.CodeResourceNotFound, msgResourceNotFound)
	}
	return &awslambda.GetResourcePolicyOutput{Policy: new(p.value.document()), RevisionId: new(revision)}, nil
}

// PutResourcePolicy replaces the whole resource policy of a function, version or
// alias, that which AddPermission adds to (Lambda API, PutResourcePolicy).
func (s *Service) PutResourcePolicy(ctx context.Context, in *awslambda.PutResourcePolicyInput) (*awslambda.PutResourcePolicyOutput, error) {
	id, q, err := resolve(lambda.CallerFrom(ctx), "PutResourcePolicy", in.ResourceArn, nil)
	if err != nil {
		return nil, err
	}
	if q == lambda.Latest {
		return nil, invalid("We currently do not support adding policies for $LATEST.")
	}
	next, err := parsePolicy(value(in.Policy), id.QualifiedARN(q))
	if err == nil {
		err = next.checkSize()
	}
	if err != nil {
		return nil, err
	}
	var revision string
	err = s.edit(ctx, id, func(e *edit) error {
		now, err := e.f.policyRevision(q)
		if err != nil {
			return err
		}
		if err := checkRevision(in.RevisionId, now, msgPolicyRevision); err != nil {
			return err
		}
		e.putPolicy(q, next)
		revision = e.touchQualifier(q)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &awslambda.PutResourcePolicyOutput{Policy: new(next.document()), RevisionId: new(revision)}, nil
}

// DeleteResourcePolicy removes the whole resource policy of a function, version or
// alias (Lambda API, DeleteResourcePolicy).
func (s *Service) DeleteResourcePolicy(ctx context.Context, in *awslambda.DeleteResourcePolicyInput) (*awslambda.DeleteResourcePolicyOutput, error) {
	id, q, err := resolve(lambda.CallerFrom(ctx), "DeleteResourcePolicy", in.ResourceArn, nil)
	if err != nil {
		return nil, err
	}
	err = s.edit(ctx, id, func(e *edit) error {
		now, err := e.f.policyRevision(q)
		if err != nil {
			return err
		}
		if _, ok := e.f.policies[policyPart(q)]; !ok {
			return lambda.Errorf(lambda.CodeResourceNotFound, "No policy is associated with the given resource.")
		}
		if err := checkRevision(in.RevisionId, now, msgPolicyRevision); err != nil {
			return err
		}
		e.putPolicy(q, policyRecord{})
		e.touchQualifier(q)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &awslambda.DeleteResourcePolicyOutput{}, nil
}

// parsePolicy reads a policy document for a resource, or says why it is none.
func parsePolicy(text, resource string) (policyRecord, error) {
	var doc struct {
		Version   string
		ID        string `json:"Id"`
		Statement json.RawMessage
	}
	if json.Unmarshal([]byte(text), &doc) != nil {
		return policyRecord{}, invalid("The policy is not a valid JSON document.")
	}
	if doc.Version != policyVersion && doc.Version != "2008-10-17" {
		return policyRecord{}, invalid("The policy has an invalid Version: %s.", doc.Version)
	}
	p := policyRecord{Version: doc.Version, ID: doc.ID}
	if json.Unmarshal(doc.Statement, &p.Statements) != nil {
		var one policyStatement // a single statement needs no list
		if json.Unmarshal(doc.Statement, &one) != nil {
			return p, invalid("The policy has no valid Statement.")
		}
		p.Statements = []policyStatement{one}
	}
	if len(p.Statements) == 0 {
		return p, invalid("The policy has no valid Statement.")
	}
	seen := make(map[string]bool)
	for _, st := range p.Statements {
		if st.sid != "" && seen[st.sid] {
			return p, invalid("Statement IDs (SID) in a single policy must be unique: %s.", st.sid)
		}
		seen[st.sid] = true
		if err := checkStatement(st.text, resource); err != nil {
			return p, err
		}
	}
	if _, err := policy.Parse(policy.Resource, text); err != nil {
		return p, invalid("The policy is not valid: %v", err)
	}
	return p, nil
}

// checkStatement is what a statement of a function's policy must have.
func checkStatement(text json.RawMessage, resource string) error {
	var st map[string]json.RawMessage
	if json.Unmarshal(text, &st) != nil {
		return invalid("The policy has no valid Statement.")
	}
	var effect string
	if json.Unmarshal(st["Effect"], &effect) != nil || effect != "Allow" && effect != "Deny" {
		return invalid("The policy has a statement with an invalid Effect.")
	}
	for _, pair := range [][2]string{{"Principal", "NotPrincipal"}, {"Action", "NotAction"}} {
		if (st[pair[0]] == nil) == (st[pair[1]] == nil) {
			return invalid("The policy has a statement that must have either %s or %s.", pair[0], pair[1])
		}
	}
	var several []string
	var single string
	if json.Unmarshal(st["Resource"], &single) == nil {
		several = []string{single}
	} else if json.Unmarshal(st["Resource"], &several) != nil || len(several) == 0 {
		return invalid("The policy has a statement with an invalid Resource.")
	}
	if slices.ContainsFunc(several, func(r string) bool { return r != resource && r != "*" }) {
		return invalid("The policy has a statement whose Resource is not %s.", resource)
	}
	return nil
}
