package httpapi

import (
	gw "github.com/aws/aws-sdk-go-v2/service/apigatewayv2"

	"github.com/hearthfaas/hearth/internal/apigateway/desk"
	"github.com/hearthfaas/hearth/internal/wire"
)

// Operations are what the service can do (API Gateway V2 API reference). Policies
// know them as HTTP methods on paths.
func (s *Service) Operations() []wire.Operation {
	apis, routes, integrations := new("apis"), new("routes"), new("integrations")
	stages, deployments, authorizers := new("stages"), new("deployments"), new("authorizers")
	tags := new("tags")
	return []wire.Operation{
		desk.On("CreateApi", "POST", s.createAPI, func(*gw.CreateApiInput) []*string { return []*string{apis} }),
		desk.On("GetApis", "GET", s.getAPIs, func(*gw.GetApisInput) []*string { return []*string{apis} }),
		desk.On("ImportApi", "PUT", s.importAPI, func(*gw.ImportApiInput) []*string { return []*string{apis} }),
		desk.On("GetApi", "GET", s.getAPI, func(in *gw.GetApiInput) []*string { return []*string{apis, in.ApiId} }),
		desk.On("UpdateApi", "PATCH", s.updateAPI, func(in *gw.UpdateApiInput) []*string { return []*string{apis, in.ApiId} }),
		desk.On("ReimportApi", "PUT", s.reimportAPI, func(in *gw.ReimportApiInput) []*string { return []*string{apis, in.ApiId} }),
		desk.On("DeleteApi", "DELETE", s.deleteAPI, func(in *gw.DeleteApiInput) []*string { return []*string{apis, in.ApiId} }),
		desk.On("DeleteCorsConfiguration", "DELETE", s.deleteCors, func(in *gw.DeleteCorsConfigurationInput) []*string {
			return []*string{apis, in.ApiId, new("cors")}
		}),

		desk.On("CreateRoute", "POST", s.createRoute, func(in *gw.CreateRouteInput) []*string { return []*string{apis, in.ApiId, routes} }),
		desk.On("GetRoutes", "GET", s.getRoutes, func(in *gw.GetRoutesInput) []*string { return []*string{apis, in.ApiId, routes} }),
		desk.On("GetRoute", "GET", s.getRoute, func(in *gw.GetRouteInput) []*string { return []*string{apis, in.ApiId, routes, in.RouteId} }),
		desk.On("UpdateRoute", "PATCH", s.updateRoute, func(in *gw.UpdateRouteInput) []*string { return []*string{apis, in.ApiId, routes, in.RouteId} }),
		desk.On("DeleteRoute", "DELETE", s.deleteRoute, func(in *gw.DeleteRouteInput) []*string { return []*string{apis, in.ApiId, routes, in.RouteId} }),
		desk.On("DeleteRouteRequestParameter", "DELETE", s.deleteRouteRequestParameter, func(in *gw.DeleteRouteRequestParameterInput) []*string {
			return []*string{apis, in.ApiId, routes, in.RouteId, new("requestparameters"), in.RequestParameterKey}
		}),

		desk.On("CreateIntegration", "POST", s.createIntegration, func(in *gw.CreateIntegrationInput) []*string {
			return []*string{apis, in.ApiId, integrations}
		}),
		desk.On("GetIntegrations", "GET", s.getIntegrations, func(in *gw.GetIntegrationsInput) []*string { return []*string{apis, in.ApiId, integrations} }),
		desk.On("GetIntegration", "GET", s.getIntegration, func(in *gw.GetIntegrationInput) []*string {
			return []*string{apis, in.ApiId, integrations, in.IntegrationId}
		}),
		desk.On("UpdateIntegration", "PATCH", s.updateIntegration, func(in *gw.UpdateIntegrationInput) []*string {
			return []*string{apis, in.ApiId, integrations, in.IntegrationId}
		}),
		desk.On("DeleteIntegration", "DELETE", s.deleteIntegration, func(in *gw.DeleteIntegrationInput) []*string {
			return []*string{apis, in.ApiId, integrations, in.IntegrationId}
		}),

		desk.On("CreateStage", "POST", s.createStage, func(in *gw.CreateStageInput) []*string { return []*string{apis, in.ApiId, stages} }),
		desk.On("GetStages", "GET", s.getStages, func(in *gw.GetStagesInput) []*string { return []*string{apis, in.ApiId, stages} }),
		desk.On("GetStage", "GET", s.getStage, func(in *gw.GetStageInput) []*string { return []*string{apis, in.ApiId, stages, in.StageName} }),
		desk.On("UpdateStage", "PATCH", s.updateStage, func(in *gw.UpdateStageInput) []*string { return []*string{apis, in.ApiId, stages, in.StageName} }),
		desk.On("DeleteStage", "DELETE", s.deleteStage, func(in *gw.DeleteStageInput) []*string { return []*string{apis, in.ApiId, stages, in.StageName} }),
		desk.On("DeleteAccessLogSettings", "DELETE", s.deleteAccessLogSettings, func(in *gw.DeleteAccessLogSettingsInput) []*string {
			return []*string{apis, in.ApiId, stages, in.StageName, new("accesslogsettings")}
		}),
		desk.On("DeleteRouteSettings", "DELETE", s.deleteRouteSettings, func(in *gw.DeleteRouteSettingsInput) []*string {
			return []*string{apis, in.ApiId, stages, in.StageName, new("routesettings"), in.RouteKey}
		}),
		desk.On("ResetAuthorizersCache", "DELETE", s.resetAuthorizersCache, func(in *gw.ResetAuthorizersCacheInput) []*string {
			return []*string{apis, in.ApiId, stages, in.StageName, new("cache"), authorizers}
		}),

		desk.On("CreateDeployment", "POST", s.createDeployment, func(in *gw.CreateDeploymentInput) []*string { return []*string{apis, in.ApiId, deployments} }),
		desk.On("GetDeployments", "GET", s.getDeployments, func(in *gw.GetDeploymentsInput) []*string { return []*string{apis, in.ApiId, deployments} }),
		desk.On("GetDeployment", "GET", s.getDeployment, func(in *gw.GetDeploymentInput) []*string {
			return []*string{apis, in.ApiId, deployments, in.DeploymentId}
		}),
		desk.On("UpdateDeployment", "PATCH", s.updateDeployment, func(in *gw.UpdateDeploymentInput) []*string {
			return []*string{apis, in.ApiId, deployments, in.DeploymentId}
		}),
		desk.On("DeleteDeployment", "DELETE", s.deleteDeployment, func(in *gw.DeleteDeploymentInput) []*string {
			return []*string{apis, in.ApiId, deployments, in.DeploymentId}
		}),

		desk.On("CreateAuthorizer", "POST", s.createAuthorizer, func(in *gw.CreateAuthorizerInput) []*string { return []*string{apis, in.ApiId, authorizers} }),
		desk.On("GetAuthorizers", "GET", s.getAuthorizers, func(in *gw.GetAuthorizersInput) []*string { return []*string{apis, in.ApiId, authorizers} }),
		desk.On("GetAuthorizer", "GET", s.getAuthorizer, func(in *gw.GetAuthorizerInput) []*string {
			return []*string{apis, in.ApiId, authorizers, in.AuthorizerId}
		}),
		desk.On("UpdateAuthorizer", "PATCH", s.updateAuthorizer, func(in *gw.UpdateAuthorizerInput) []*string {
			return []*string{apis, in.ApiId, authorizers, in.AuthorizerId}
		}),
		desk.On("DeleteAuthorizer", "DELETE", s.deleteAuthorizer, func(in *gw.DeleteAuthorizerInput) []*string {
			return []*string{apis, in.ApiId, authorizers, in.AuthorizerId}
		}),

		desk.On("TagResource", "POST", s.tagResource, func(in *gw.TagResourceInput) []*string { return []*string{tags, in.ResourceArn} }),
		desk.On("UntagResource", "DELETE", s.untagResource, func(in *gw.UntagResourceInput) []*string { return []*string{tags, in.ResourceArn} }),
		desk.On("GetTags", "GET", s.getTags, func(in *gw.GetTagsInput) []*string { return []*string{tags, in.ResourceArn} }),
	}
}
