package controlplane

import (
	"context"
	"slices"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

// AddLayerVersionPermission adds a statement to the policy of a layer version
// (Lambda API, AddLayerVersionPermission).
func (s *Service) AddLayerVersionPermission(ctx context.Context, in *awslambda.AddLayerVersionPermissionInput) (*awslambda.AddLayerVersionPermissionOutput, error) {
	id, n, err := resolveLayerVersion(lambda.CallerFrom(ctx), "AddLayerVersionPermission", in.LayerName, in.VersionNumber)
	if err != nil {
		return nil, err
	}
	st, err := newLayerStatement(in, id.versionARN(n))
	if err != nil {
		return nil, err
	}
	revision := lambda.NewUUID()
	err = s.editLayerPolicy(ctx, id, n, func(v *layerVersionRecord) error {
		if v.Policy.find(st.Sid) >= 0 {
			return lambda.Errorf(lambda.CodeResourceConflict, msgStatementExists, st.Sid)
		}
		if err := checkRevision(in.RevisionId, v.PolicyRevision, msgLayerPolicyRevision); err != nil {
			return err
		}
		v.Policy = policyRecord{Statements: append(slices.Clone(v.Policy.Statements), newPolicyStatement(st))}
		v.PolicyRevision = revision
		return v.Policy.checkSize()
	})
	if err != nil {
		return nil, err
	}
	return &awslambda.AddLayerVersionPermissionOutput{Statement: new(compactJSON(st)), RevisionId: new(revision)}, nil
}

// newLayerStatement makes the statement that AddLayerVersionPermission adds to the
// policy of arn.
func newLayerStatement(in *awslambda.AddLayerVersionPermissionInput, arn string) (statement, error) {
	who, ok := principal(value(in.Principal))
	if !ok {
		return statement{}, invalid("The provided principal was invalid. Please check the principal and try again.")
	}
	st := statement{Sid: value(in.StatementId), Effect: "Allow", Principal: who, Action: value(in.Action), Resource: arn}
	if org := value(in.OrganizationId); org != "" {
		if value(in.Principal) != "*" {
			return statement{}, invalid("OrganizationId is only valid with Principal *.")
		}
		st.Condition = &condition{StringEquals: &stringEquals{PrincipalOrgID: org}}
	}
	return st, nil
}

// RemoveLayerVersionPermission takes a statement out of the policy of a layer
// version; with the last one the policy is gone (Lambda API,
// RemoveLayerVersionPermission).
func (s *Service) RemoveLayerVersionPermission(ctx context.Context, in *awslambda.RemoveLayerVersionPermissionInput) (*awslambda.RemoveLayerVersionPermissionOutput, error) {
	id, n, err := resolveLayerVersion(lambda.CallerFrom(ctx), "RemoveLayerVersionPermission", in.LayerName, in.VersionNumber)
	if err != nil {
		return nil, err
	}
	sid := value(in.StatementId)
	err = s.editLayerPolicy(ctx, id, n, func(v *layerVersionRecord) error {
		if len(v.Policy.Statements) == 0 {
			return lambda.Errorf(lambda.CodeResourceNotFound, msgNoPolicy)
		}
		if err := checkRevision(in.RevisionId, v.PolicyRevision, msgLayerPolicyRevision); err != nil {
			return err
		}
		at := v.Policy.find(sid)
		if at < 0 {
			return lambda.Errorf(lambda.CodeResourceNotFound, msgNoStatement, sid)
		}
		v.Policy = policyRecord{Statements: slices.Delete(slices.Clone(v.Policy.Statements), at, at+1)}
		v.PolicyRevision = lambda.NewUUID()
		if len(v.Policy.Statements) == 0 {
			v.Policy, v.PolicyRevision = policyRecord{}, ""
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &awslambda.RemoveLayerVersionPermissionOutput{}, nil
}

// GetLayerVersionPolicy shows the policy of a layer version (Lambda API,
// GetLayerVersionPolicy).
func (s *Service) GetLayerVersionPolicy(ctx context.Context, in *awslambda.GetLayerVersionPolicyInput) (*awslambda.GetLayerVersionPolicyOutput, error) {
	id, n, err := resolveLayerVersion(lambda.CallerFrom(ctx), "GetLayerVersionPolicy", in.LayerName, in.VersionNumber)
	if err != nil {
		return nil, err
	}
	v, ok := s.view.layer(id).versions[n]
	if !ok {
		return nil, noLayerVersion(id, n)
	}
	if len(v.value.Policy.Statements) == 0 {
		return nil, lambda.Errorf(lambda.CodeResourceNotFound, msgNoPolicy)
	}
	return &awslambda.GetLayerVersionPolicyOutput{
		Policy: new(v.value.Policy.document()), RevisionId: new(v.value.PolicyRevision),
	}, nil
}

// editLayerPolicy lets change decide on the policy of a layer version that exists
// and commits it.
func (s *Service) editLayerPolicy(ctx context.Context, id layerID, n int64, change func(*layerVersionRecord) error) error {
	return s.editLayer(ctx, id, func(l *layer) ([]store.Change, error) {
		v, ok := l.versions[n]
		if !ok {
			return nil, noLayerVersion(id, n)
		}
		next := v.value
		if err := change(&next); err != nil {
			return nil, err
		}
		c, err := s.tables.layerVersions.PutChange(id.versionKey(n), next, store.Precondition(v.revision))
		return []store.Change{c}, err
	})
}

func noLayerVersion(id layerID, n int64) *lambda.Error {
	return lambda.Errorf(lambda.CodeResourceNotFound, msgNoSuchLayer, id.versionARN(n))
}
