package controlplane

import (
	"context"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

// GetLayerVersion shows a version of a layer and where its package can be fetched
// for a while (Lambda API, GetLayerVersion). A caller of another account needs to be
// let in by the version's policy.
func (s *Service) GetLayerVersion(ctx context.Context, in *awslambda.GetLayerVersionInput) (*awslambda.GetLayerVersionOutput, error) {
	id, err := resolveLayer(lambda.CallerFrom(ctx), in.LayerName)
	if err != nil {
		return nil, err
	}
	return s.showLayerVersion(ctx, id, value(in.VersionNumber))
}

// GetLayerVersionByArn is GetLayerVersion for a version's ARN (Lambda API,
// GetLayerVersionByArn).
func (s *Service) GetLayerVersionByArn(ctx context.Context, in *awslambda.GetLayerVersionByArnInput) (*awslambda.GetLayerVersionByArnOutput, error) {
	c := lambda.CallerFrom(ctx)
	id, n, versioned, ok := parseLayerARN(value(in.Arn))
	if !ok || !versioned {
		return nil, lambda.Errorf(lambda.CodeResourceNotFound, msgResourceNotFound)
	}
	if err := checkLayerRegion(c, id); err != nil {
		return nil, err
	}
	out, err := s.showLayerVersion(ctx, id, n)
	if err != nil {
		return nil, err
	}
	return as[awslambda.GetLayerVersionByArnOutput](out), nil
}

func (s *Service) showLayerVersion(ctx context.Context, id layerID, n int64) (*awslambda.GetLayerVersionOutput, error) {
	v, exists := s.view.layer(id).versions[n]
	if err := s.mayGetLayer(ctx, id, n, v.value); err != nil {
		return nil, err
	}
	if n < 1 {
		return nil, invalid(msgLayerVersionBelowOne)
	}
	if !exists {
		return nil, lambda.Errorf(lambda.CodeResourceNotFound, msgResourceNotFound)
	}
	return s.renderLayer(lambda.CallerFrom(ctx), id, n, v.value), nil
}

// mayGetLayer says whether the caller may see and use a layer version: by its own
// policies, and from another account by the version's too. What does not exist has
// no policy, so strangers cannot tell.
func (s *Service) mayGetLayer(ctx context.Context, id layerID, n int64, v layerVersionRecord) error {
	document := ""
	if len(v.Policy.Statements) > 0 {
		document = v.Policy.document()
	}
	if s.cfg.Allow != nil {
		return s.cfg.Allow(ctx, "lambda:GetLayerVersion", id.versionARN(n), document)
	}
	if c := lambda.CallerFrom(ctx); c.Account != id.Account {
		return foreignLayer(c, "GetLayerVersion", id.versionARN(n))
	}
	return nil
}

// DeleteLayerVersion removes a version of a layer; functions that have it keep it,
// and one that does not exist is no error (Lambda API, DeleteLayerVersion).
func (s *Service) DeleteLayerVersion(ctx context.Context, in *awslambda.DeleteLayerVersionInput) (*awslambda.DeleteLayerVersionOutput, error) {
	id, n, err := resolveLayerVersion(lambda.CallerFrom(ctx), "DeleteLayerVersion", in.LayerName, in.VersionNumber)
	if err != nil {
		return nil, err
	}
	err = s.editLayer(ctx, id, func(l *layer) ([]store.Change, error) {
		v, ok := l.versions[n]
		if !ok {
			return nil, nil
		}
		return []store.Change{s.tables.layerVersions.DeleteChange(id.versionKey(n), store.Precondition(v.revision))}, nil
	})
	if err != nil {
		return nil, err
	}
	return &awslambda.DeleteLayerVersionOutput{}, nil
}

// renderLayer shows a layer version with its content.
func (s *Service) renderLayer(c lambda.Caller, id layerID, n int64, v layerVersionRecord) *awslambda.GetLayerVersionOutput {
	item := listedLayer(id, n, v)
	out := &awslambda.GetLayerVersionOutput{
		LayerArn:                new(id.arn()),
		LayerVersionArn:         item.LayerVersionArn,
		Version:                 n,
		Description:             item.Description,
		CreatedDate:             item.CreatedDate,
		CompatibleRuntimes:      item.CompatibleRuntimes,
		CompatibleArchitectures: item.CompatibleArchitectures,
		LicenseInfo:             item.LicenseInfo,
		Content: &types.LayerVersionContentOutput{
			CodeSha256: new(v.Code.Base64SHA256),
			CodeSize:   v.Code.Size,
		},
	}
	if s.cfg.CodeURL != nil {
		out.Content.Location = new(s.cfg.CodeURL(c.BaseURL, v.Code.Digest))
	}
	return out
}

// listedLayer shows a layer version as lists do, without its content.
func listedLayer(id layerID, n int64, v layerVersionRecord) *types.LayerVersionsListItem {
	out := &types.LayerVersionsListItem{
		LayerVersionArn: new(id.versionARN(n)),
		Version:         n,
		Description:     new(v.Description),
		CreatedDate:     new(lambda.FormatLastModified(v.Created)),
		LicenseInfo:     optional(v.License),
	}
	for _, r := range v.Runtimes {
		out.CompatibleRuntimes = append(out.CompatibleRuntimes, types.Runtime(r))
	}
	for _, a := range v.Architectures {
		out.CompatibleArchitectures = append(out.CompatibleArchitectures, types.Architecture(a))
	}
	return out
}
