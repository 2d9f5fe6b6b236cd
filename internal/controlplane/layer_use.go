package controlplane

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// layersMax is how many layers a function may have (Lambda quotas page).
const layersMax = 5

// checkLayers applies the rules on a list of layers that need no look at the layers,
// in AWS's order.
func checkLayers(arns []string, region string) error {
	if len(arns) > layersMax {
		return invalid("Cannot reference more than %d layers.", layersMax)
	}
	seen := make(map[layerID]string)
	for _, arn := range arns {
		id, n, versioned, ok := parseLayerARN(arn)
		switch {
		case !ok || !versioned:
			return invalid(msgNoSuchLayer, arn)
		case id.Region != region:
			return invalid("Layers are not in the same region as the function. Layers are expected to be in region %s.", region)
		case n < 1:
			return invalid(msgLayerVersionBelowOne)
		}
		if other, twice := seen[id]; twice {
			return invalid("Two different versions of the same layer are not allowed to be referenced in the same function. %s and %s are versions of the same layer.", other, arn)
		}
		seen[id] = arn
	}
	return nil
}

// layersFor finds the layers that a function of a region is to have, for a caller
// who must be allowed to use them. Until release their packages stay, even when they
// are deleted meanwhile.
func (s *Service) layersFor(ctx context.Context, region string, arns []string) (refs []layerRef, release func(), err error) {
	if err := checkLayers(arns, region); err != nil {
		return nil, nil, err
	}
	for _, arn := range arns {
		id, n, _, _ := parseLayerARN(arn)
		if err := s.mayGetLayer(ctx, id, n, s.view.layer(id).versions[n].value); err != nil {
			return nil, nil, err
		}
	}
	s.view.mu.Lock()
	defer s.view.mu.Unlock()
	for _, arn := range arns {
		id, n, _, _ := parseLayerARN(arn)
		v, ok := s.view.layerLocked(id).versions[n]
		if !ok {
			return nil, nil, invalid(msgNoSuchLayer, arn)
		}
		code := v.value.Code
		refs = append(refs, layerRef{ARN: id.versionARN(n), Digest: code.Digest, Size: code.Size, UnpackedSize: code.UnpackedSize})
	}
	held := settings{Layers: refs}
	s.view.useLayers(held)
	return refs, func() {
		s.view.mu.Lock()
		defer s.view.mu.Unlock()
		s.view.unuseLayers(held)
	}, nil
}

// checkUnpacked bounds what a function's package and layers unpack to together
// (Lambda quotas page: 250 MB).
func checkUnpacked(s settings) error {
	var layers int64
	for _, l := range s.Layers {
		layers += l.UnpackedSize
	}
	switch total := s.Code.UnpackedSize + layers; {
	case layers > lambda.UnzippedMax:
		return invalid("Layers consume more than the available size of %d bytes", lambda.UnzippedMax)
	case total > lambda.UnzippedMax:
		return invalid("Function code combined with layers exceeds the maximum allowed size of %d bytes. The actual size is %d bytes.", lambda.UnzippedMax, total)
	}
	return nil
}

// renderLayers shows the layers of a version, nil when it has none.
func renderLayers(layers []layerRef) []types.Layer {
	var out []types.Layer
	for _, l := range layers {
		out = append(out, types.Layer{Arn: new(l.ARN), CodeSize: l.Size})
	}
	return out
}
