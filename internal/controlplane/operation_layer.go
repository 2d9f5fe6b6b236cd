package controlplane

import (
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/wire"
)

// layerOperations are those on layers. Reading a version asks for permission itself:
// the version's own policy may let in callers of other accounts.
func (s *Service) layerOperations() []wire.Operation {
	get := opOn(s, "GetLayerVersion", s.GetLayerVersion, nil)
	byARN := opOn(s, "GetLayerVersionByArn", s.GetLayerVersionByArn, nil)
	get.OwnVerdict, byARN.OwnVerdict = true, true
	return []wire.Operation{
		get,
		byARN,
		opOn(s, "PublishLayerVersion", s.PublishLayerVersion, func(c lambda.Caller, in *awslambda.PublishLayerVersionInput) string {
			return layerResource(c, in.LayerName, nil)
		}),
		opOn(s, "ListLayers", s.ListLayers, nil),
		opOn(s, "ListLayerVersions", s.ListLayerVersions, nil),
		opOn(s, "DeleteLayerVersion", s.DeleteLayerVersion, func(c lambda.Caller, in *awslambda.DeleteLayerVersionInput) string {
			return layerResource(c, in.LayerName, in.VersionNumber)
		}),
		opOn(s, "AddLayerVersionPermission", s.AddLayerVersionPermission, func(c lambda.Caller, in *awslambda.AddLayerVersionPermissionInput) string {
			return layerResource(c, in.LayerName, in.VersionNumber)
		}),
		opOn(s, "RemoveLayerVersionPermission", s.RemoveLayerVersionPermission, func(c lambda.Caller, in *awslambda.RemoveLayerVersionPermissionInput) string {
			return layerResource(c, in.LayerName, in.VersionNumber)
		}),
		opOn(s, "GetLayerVersionPolicy", s.GetLayerVersionPolicy, func(c lambda.Caller, in *awslambda.GetLayerVersionPolicyInput) string {
			return layerResource(c, in.LayerName, in.VersionNumber)
		}),
	}
}
