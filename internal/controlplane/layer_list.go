package controlplane

import (
	"context"
	"slices"
	"strconv"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// ListLayers shows the caller's layers in order of their names, each with its newest
// version that fits the filters; a layer without one is left out (Lambda API,
// ListLayers).
func (s *Service) ListLayers(ctx context.Context, in *awslambda.ListLayersInput) (*awslambda.ListLayersOutput, error) {
	c := lambda.CallerFrom(ctx)
	after, err := decodeMarker(in.Marker)
	if err != nil {
		return nil, err
	}
	page := newPage[types.LayersListItem](in.MaxItems)
	for _, name := range s.view.layerNames(home{c.Account, c.Region}, string(after)) {
		if page.full() {
			break
		}
		if name == string(after) {
			continue
		}
		id := layerID{Account: c.Account, Region: c.Region, Name: name}
		l := s.view.layer(id)
		for _, n := range l.numbers() {
			v := l.versions[n].value
			if !v.fits(in.CompatibleRuntime, in.CompatibleArchitecture) {
				continue
			}
			page.add(marker(name), types.LayersListItem{
				LayerName: new(name), LayerArn: new(id.arn()), LatestMatchingVersion: listedLayer(id, n, v),
			})
			break
		}
	}
	return &awslambda.ListLayersOutput{Layers: page.items, NextMarker: page.marker()}, nil
}

// ListLayerVersions shows the versions of a layer that fit the filters, newest
// first; a layer that does not exist has none (Lambda API, ListLayerVersions). The
// marker is the last number shown, so that pages stay true when versions come and go.
func (s *Service) ListLayerVersions(ctx context.Context, in *awslambda.ListLayerVersionsInput) (*awslambda.ListLayerVersionsOutput, error) {
	id, err := resolveOwnLayer(lambda.CallerFrom(ctx), "ListLayerVersions", in.LayerName)
	if err != nil {
		return nil, err
	}
	after, err := decodeMarker(in.Marker)
	if err != nil {
		return nil, err
	}
	var below int64
	if after != "" {
		if below, err = strconv.ParseInt(string(after), 10, 64); err != nil {
			return nil, invalid("The provided marker is invalid.")
		}
	}
	page := newPage[types.LayerVersionsListItem](in.MaxItems)
	l := s.view.layer(id)
	for _, n := range l.numbers() {
		v := l.versions[n].value
		if after != "" && n >= below || !v.fits(in.CompatibleRuntime, in.CompatibleArchitecture) {
			continue
		}
		page.add(marker(strconv.FormatInt(n, 10)), *listedLayer(id, n, v))
	}
	return &awslambda.ListLayerVersionsOutput{LayerVersions: page.items, NextMarker: page.marker()}, nil
}

// fits says whether a version names a runtime and an architecture as compatible;
// empty ones ask for nothing.
func (v layerVersionRecord) fits(runtime types.Runtime, arch types.Architecture) bool {
	return (runtime == "" || slices.Contains(v.Runtimes, string(runtime))) &&
		(arch == "" || slices.Contains(v.Architectures, string(arch)))
}
