package controlplane

import (
	"context"
	"slices"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// AddPermission adds a statement to the resource policy of a function, version or
// alias (Lambda API, AddPermission).
func (s *Service) AddPermission(ctx context.Context, in *awslambda.AddPermissionInput) (*awslambda.AddPermissionOutput, error) {
	id, q, err := resolve(lambda.CallerFrom(ctx), "AddPermission", in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if q == lambda.Latest {
		return nil, invalid("We currently do not support adding policies for $LATEST.")
	}
	st, err := newStatement(in, id.QualifiedARN(q))
	if err != nil {
		return nil, err
	}
	err = s.edit(ctx, id, func(e *edit) error {
		revision, err := e.f.policyRevision(q)
		if err != nil {
			return err
		}
		old := e.f.policies[policyPart(q)].value
		if old.find(st.Sid) >= 0 {
			return lambda.Errorf(lambda.CodeResourceConflict, "The statement id (%s) provided already exists. Please provide a new statement id, or remove the existing statement.", st.Sid)
		}
		if err := checkRevision(in.RevisionId, revision, msgPolicyRevision); err != nil {
			return err
		}
		next := old
		next.Statements = append(slices.Clone(old.Statements), newPolicyStatement(st))
		if err := next.checkSize(); err != nil {
			return err
		}
		e.putPolicy(q, next)
		e.touchQualifier(q)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &awslambda.AddPermissionOutput{Statement: new(compactJSON(st))}, nil
}

// RemovePermission takes a statement out of a resource policy; with the last one
// the policy is gone (Lambda API, RemovePermission).
func (s *Service) RemovePermission(ctx context.Context, in *awslambda.RemovePermissionInput) (*awslambda.RemovePermissionOutput, error) {
	id, q, err := resolve(lambda.CallerFrom(ctx), "RemovePermission", in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	sid := value(in.StatementId)
	err = s.edit(ctx, id, func(e *edit) error {
		if !e.f.exists {
			return lambda.Errorf(lambda.CodeResourceNotFound, "No policy found for: %s", id.QualifiedARN(q))
		}
		old, ok := e.f.policies[policyPart(q)]
		if !ok {
			return lambda.Errorf(lambda.CodeResourceNotFound, "No policy is associated with the given resource.")
		}
		at := old.value.find(sid)
		if at < 0 {
			return lambda.Errorf(lambda.CodeResourceNotFound, "Statement %s is not found in resource policy.", sid)
		}
		revision, err := e.f.policyRevision(q)
		if err != nil {
			return err
		}
		if err := checkRevision(in.RevisionId, revision, msgPolicyRevision); err != nil {
			return err
		}
		next := old.value
		next.Statements = slices.Delete(slices.Clone(next.Statements), at, at+1)
		e.putPolicy(q, next)
		e.touchQualifier(q)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &awslambda.RemovePermissionOutput{}, nil
}

// GetPolicy shows the resource policy of a function, version or alias (Lambda API,
// GetPolicy).
func (s *Service) GetPolicy(ctx context.Context, in *awslambda.GetPolicyInput) (*awslambda.GetPolicyOutput, error) {
	id, q, err := resolve(lambda.CallerFrom(ctx), "GetPolicy", in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	f := s.view.function(id)
	p, ok := f.policies[policyPart(q)]
	if !ok || !f.exists {
		return nil, lambda.Errorf(lambda.CodeResourceNotFound, msgResourceNotFound)
	}
	revision, err := f.policyRevision(q)
	if err != nil {
		return nil, err
	}
	return &awslambda.GetPolicyOutput{Policy: new(p.value.document()), RevisionId: new(revision)}, nil
}

// ResourcePolicy is the policy document that governs who may use a function through
// a qualifier, empty for none, and whether there is one. It reads memory only: an
// invoke asks it.
func (s *Service) ResourcePolicy(id lambda.FunctionID, qualifier string) (document string, ok bool) {
	p, ok := s.view.function(id).policies[policyPart(qualifier)]
	if !ok {
		return "", false
	}
	return p.value.document(), true
}

func (p policyRecord) find(sid string) int {
	return slices.IndexFunc(p.Statements, func(st policyStatement) bool { return st.sid == sid })
}

// policyRevision is the RevisionId that goes with the policy of a qualifier: that of
// the function, version or alias itself.
func (f *function) policyRevision(q string) (string, error) {
	if !f.exists {
		return "", notFound(f.id.QualifiedARN(q))
	}
	if q == "" || q == lambda.Latest {
		return f.record.value.Latest.RevisionID, nil
	}
	if a, ok := f.aliases[q]; ok {
		return a.value.RevisionID, nil
	}
	if v, ok := f.version(q); ok {
		return v.value.RevisionID, nil
	}
	if isNumber(q) {
		return "", notFound(f.id.QualifiedARN(q))
	}
	return "", lambda.Errorf(lambda.CodeResourceNotFound, msgAliasNotFound, f.id.QualifiedARN(q))
}

// touchQualifier gives the function, version or alias that a policy belongs to a
// new RevisionId, which it returns.
func (e *edit) touchQualifier(q string) string {
	if a, ok := e.f.aliases[q]; ok {
		next := a.value
		next.RevisionID = lambda.NewUUID()
		e.putAlias(q, next)
		return next.RevisionID
	}
	if v, ok := e.f.version(q); ok {
		n := parseLabel(q)
		next := v.value
		next.RevisionID = lambda.NewUUID()
		e.putVersion(n, next)
		return next.RevisionID
	}
	e.touch()
	return e.record.Latest.RevisionID
}
