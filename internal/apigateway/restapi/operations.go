package restapi

import (
	gw "github.com/aws/aws-sdk-go-v2/service/apigateway"

	"github.com/hearthfaas/hearth/internal/apigateway/desk"
	"github.com/hearthfaas/hearth/internal/wire"
)

// Operations are what the service can do (Amazon API Gateway API reference). Policies
// know them as HTTP methods on paths.
func (s *Service) Operations() []wire.Operation {
	type parts = []*string
	return []wire.Operation{
		desk.On("CreateRestApi", "POST", s.createAPI, func(*gw.CreateRestApiInput) parts { return parts{new("restapis")} }),
		desk.On("GetRestApis", "GET", s.getAPIs, func(*gw.GetRestApisInput) parts { return parts{new("restapis")} }),
		desk.On("ImportRestApi", "POST", s.importAPI, func(*gw.ImportRestApiInput) parts { return parts{new("restapis")} }),
		desk.On("GetRestApi", "GET", s.getAPI, func(in *gw.GetRestApiInput) parts { return parts{new("restapis"), in.RestApiId} }),
		desk.On("UpdateRestApi", "PATCH", s.updateAPI, func(in *gw.UpdateRestApiInput) parts { return parts{new("restapis"), in.RestApiId} }),
		desk.On("PutRestApi", "PUT", s.putAPI, func(in *gw.PutRestApiInput) parts { return parts{new("restapis"), in.RestApiId} }),
		desk.On("DeleteRestApi", "DELETE", s.deleteAPI, func(in *gw.DeleteRestApiInput) parts { return parts{new("restapis"), in.RestApiId} }),
		desk.On("GetAccount", "GET", s.getAccount, func(*gw.GetAccountInput) parts { return parts{new("account")} }),
		desk.On("UpdateAccount", "PATCH", s.updateAccount, func(*gw.UpdateAccountInput) parts { return parts{new("account")} }),
		desk.On("CreateResource", "POST", s.createResource, func(in *gw.CreateResourceInput) parts {
			return parts{new("restapis"), in.RestApiId, new("resources"), in.ParentId}
		}),
		desk.On("GetResources", "GET", s.getResources, func(in *gw.GetResourcesInput) parts { return parts{new("restapis"), in.RestApiId, new("resources")} }),
		desk.On("GetResource", "GET", s.getResource, func(in *gw.GetResourceInput) parts {
			return parts{new("restapis"), in.RestApiId, new("resources"), in.ResourceId}
		}),
		desk.On("UpdateResource", "PATCH", s.updateResource, func(in *gw.UpdateResourceInput) parts {
			return parts{new("restapis"), in.RestApiId, new("resources"), in.ResourceId}
		}),
		desk.On("DeleteResource", "DELETE", s.deleteResource, func(in *gw.DeleteResourceInput) parts {
			return parts{new("restapis"), in.RestApiId, new("resources"), in.ResourceId}
		}),
		desk.On("PutMethod", "PUT", s.putMethod, func(in *gw.PutMethodInput) parts {
			return parts{new("restapis"), in.RestApiId, new("resources"), in.ResourceId, new("methods"), in.HttpMethod}
		}),
		desk.On("PutMethodResponse", "PUT", s.putMethodResponse, func(in *gw.PutMethodResponseInput) parts {
			return parts{new("restapis"), in.RestApiId, new("resources"), in.ResourceId, new("methods"), in.HttpMethod, new("responses"), in.StatusCode}
		}),
		desk.On("PutIntegration", "PUT", s.putIntegration, func(in *gw.PutIntegrationInput) parts {
			return parts{new("restapis"), in.RestApiId, new("resources"), in.ResourceId, new("methods"), in.HttpMethod, new("integration")}
		}),
		desk.On("PutIntegrationResponse", "PUT", s.putIntegrationResponse, func(in *gw.PutIntegrationResponseInput) parts {
			return parts{new("restapis"), in.RestApiId, new("resources"), in.ResourceId, new("methods"), in.HttpMethod, new("integration"), new("responses"), in.StatusCode}
		}),
		desk.On("PutGatewayResponse", "PUT", s.putGatewayResponse, func(in *gw.PutGatewayResponseInput) parts {
			return parts{new("restapis"), in.RestApiId, new("gatewayresponses"), new(string(in.ResponseType))}
		}),
		desk.On("GetMethod", "GET", s.getMethod, func(in *gw.GetMethodInput) parts {
			return parts{new("restapis"), in.RestApiId, new("resources"), in.ResourceId, new("methods"), in.HttpMethod}
		}),
		desk.On("GetMethodResponse", "GET", s.getMethodResponse, func(in *gw.GetMethodResponseInput) parts {
			return parts{new("restapis"), in.RestApiId, new("resources"), in.ResourceId, new("methods"), in.HttpMethod, new("responses"), in.StatusCode}
		}),
		desk.On("GetIntegration", "GET", s.getIntegration, func(in *gw.GetIntegrationInput) parts {
			return parts{new("restapis"), in.RestApiId, new("resources"), in.ResourceId, new("methods"), in.HttpMethod, new("integration")}
		}),
		desk.On("GetIntegrationResponse", "GET", s.getIntegrationResponse, func(in *gw.GetIntegrationResponseInput) parts {
			return parts{new("restapis"), in.RestApiId, new("resources"), in.ResourceId, new("methods"), in.HttpMethod, new("integration"), new("responses"), in.StatusCode}
		}),
		desk.On("GetGatewayResponse", "GET", s.getGatewayResponse, func(in *gw.GetGatewayResponseInput) parts {
			return parts{new("restapis"), in.RestApiId, new("gatewayresponses"), new(string(in.ResponseType))}
		}),
		desk.On("UpdateMethod", "PATCH", s.updateMethod, func(in *gw.UpdateMethodInput) parts {
			return parts{new("restapis"), in.RestApiId, new("resources"), in.ResourceId, new("methods"), in.HttpMethod}
		}),
		desk.On("UpdateMethodResponse", "PATCH", s.updateMethodResponse, func(in *gw.UpdateMethodResponseInput) parts {
			return parts{new("restapis"), in.RestApiId, new("resources"), in.ResourceId, new("methods"), in.HttpMethod, new("responses"), in.StatusCode}
		}),
		desk.On("UpdateIntegration", "PATCH", s.updateIntegration, func(in *gw.UpdateIntegrationInput) parts {
			return parts{new("restapis"), in.RestApiId, new("resources"), in.ResourceId, new("methods"), in.HttpMethod, new("integration")}
		}),
		desk.On("UpdateIntegrationResponse", "PATCH", s.updateIntegrationResponse, func(in *gw.UpdateIntegrationResponseInput) parts {
			return parts{new("restapis"), in.RestApiId, new("resources"), in.ResourceId, new("methods"), in.HttpMethod, new("integration"), new("responses"), in.StatusCode}
		}),
		desk.On("UpdateGatewayResponse", "PATCH", s.updateGatewayResponse, func(in *gw.UpdateGatewayResponseInput) parts {
			return parts{new("restapis"), in.RestApiId, new("gatewayresponses"), new(string(in.ResponseType))}
		}),
		desk.On("DeleteMethod", "DELETE", s.deleteMethod, func(in *gw.DeleteMethodInput) parts {
			return parts{new("restapis"), in.RestApiId, new("resources"), in.ResourceId, new("methods"), in.HttpMethod}
		}),
		desk.On("DeleteMethodResponse", "DELETE", s.deleteMethodResponse, func(in *gw.DeleteMethodResponseInput) parts {
			return parts{new("restapis"), in.RestApiId, new("resources"), in.ResourceId, new("methods"), in.HttpMethod, new("responses"), in.StatusCode}
		}),
		desk.On("DeleteIntegration", "DELETE", s.deleteIntegration, func(in *gw.DeleteIntegrationInput) parts {
			return parts{new("restapis"), in.RestApiId, new("resources"), in.ResourceId, new("methods"), in.HttpMethod, new("integration")}
		}),
		desk.On("DeleteIntegrationResponse", "DELETE", s.deleteIntegrationResponse, func(in *gw.DeleteIntegrationResponseInput) parts {
			return parts{new("restapis"), in.RestApiId, new("resources"), in.ResourceId, new("methods"), in.HttpMethod, new("integration"), new("responses"), in.StatusCode}
		}),
		desk.On("DeleteGatewayResponse", "DELETE", s.deleteGatewayResponse, func(in *gw.DeleteGatewayResponseInput) parts {
			return parts{new("restapis"), in.RestApiId, new("gatewayresponses"), new(string(in.ResponseType))}
		}),
		desk.On("GetGatewayResponses", "GET", s.getGatewayResponses, func(in *gw.GetGatewayResponsesInput) parts {
			return parts{new("restapis"), in.RestApiId, new("gatewayresponses")}
		}),
		desk.On("CreateDeployment", "POST", s.createDeployment, func(in *gw.CreateDeploymentInput) parts {
			return parts{new("restapis"), in.RestApiId, new("deployments")}
		}),
		desk.On("GetDeployments", "GET", s.getDeployments, func(in *gw.GetDeploymentsInput) parts {
			return parts{new("restapis"), in.RestApiId, new("deployments")}
		}),
		desk.On("GetDeployment", "GET", s.getDeployment, func(in *gw.GetDeploymentInput) parts {
			return parts{new("restapis"), in.RestApiId, new("deployments"), in.DeploymentId}
		}),
		desk.On("UpdateDeployment", "PATCH", s.updateDeployment, func(in *gw.UpdateDeploymentInput) parts {
			return parts{new("restapis"), in.RestApiId, new("deployments"), in.DeploymentId}
		}),
		desk.On("DeleteDeployment", "DELETE", s.deleteDeployment, func(in *gw.DeleteDeploymentInput) parts {
			return parts{new("restapis"), in.RestApiId, new("deployments"), in.DeploymentId}
		}),
		desk.On("CreateStage", "POST", s.createStage, func(in *gw.CreateStageInput) parts { return parts{new("restapis"), in.RestApiId, new("stages")} }),
		desk.On("GetStages", "GET", s.getStages, func(in *gw.GetStagesInput) parts { return parts{new("restapis"), in.RestApiId, new("stages")} }),
		desk.On("GetStage", "GET", s.getStage, func(in *gw.GetStageInput) parts {
			return parts{new("restapis"), in.RestApiId, new("stages"), in.StageName}
		}),
		desk.On("UpdateStage", "PATCH", s.updateStage, func(in *gw.UpdateStageInput) parts {
			return parts{new("restapis"), in.RestApiId, new("stages"), in.StageName}
		}),
		desk.On("DeleteStage", "DELETE", s.deleteStage, func(in *gw.DeleteStageInput) parts {
			return parts{new("restapis"), in.RestApiId, new("stages"), in.StageName}
		}),
		desk.On("CreateAuthorizer", "POST", s.createAuthorizer, func(in *gw.CreateAuthorizerInput) parts {
			return parts{new("restapis"), in.RestApiId, new("authorizers")}
		}),
		desk.On("GetAuthorizers", "GET", s.getAuthorizers, func(in *gw.GetAuthorizersInput) parts {
			return parts{new("restapis"), in.RestApiId, new("authorizers")}
		}),
		desk.On("GetAuthorizer", "GET", s.getAuthorizer, func(in *gw.GetAuthorizerInput) parts {
			return parts{new("restapis"), in.RestApiId, new("authorizers"), in.AuthorizerId}
		}),
		desk.On("UpdateAuthorizer", "PATCH", s.updateAuthorizer, func(in *gw.UpdateAuthorizerInput) parts {
			return parts{new("restapis"), in.RestApiId, new("authorizers"), in.AuthorizerId}
		}),
		desk.On("DeleteAuthorizer", "DELETE", s.deleteAuthorizer, func(in *gw.DeleteAuthorizerInput) parts {
			return parts{new("restapis"), in.RestApiId, new("authorizers"), in.AuthorizerId}
		}),
		desk.On("CreateRequestValidator", "POST", s.createValidator, func(in *gw.CreateRequestValidatorInput) parts {
			return parts{new("restapis"), in.RestApiId, new("requestvalidators")}
		}),
		desk.On("GetRequestValidators", "GET", s.getValidators, func(in *gw.GetRequestValidatorsInput) parts {
			return parts{new("restapis"), in.RestApiId, new("requestvalidators")}
		}),
		desk.On("GetRequestValidator", "GET", s.getValidator, func(in *gw.GetRequestValidatorInput) parts {
			return parts{new("restapis"), in.RestApiId, new("requestvalidators"), in.RequestValidatorId}
		}),
		desk.On("UpdateRequestValidator", "PATCH", s.updateValidator, func(in *gw.UpdateRequestValidatorInput) parts {
			return parts{new("restapis"), in.RestApiId, new("requestvalidators"), in.RequestValidatorId}
		}),
		desk.On("DeleteRequestValidator", "DELETE", s.deleteValidator, func(in *gw.DeleteRequestValidatorInput) parts {
			return parts{new("restapis"), in.RestApiId, new("requestvalidators"), in.RequestValidatorId}
		}),
		desk.On("CreateModel", "POST", s.createModel, func(in *gw.CreateModelInput) parts { return parts{new("restapis"), in.RestApiId, new("models")} }),
		desk.On("GetModels", "GET", s.getModels, func(in *gw.GetModelsInput) parts { return parts{new("restapis"), in.RestApiId, new("models")} }),
		desk.On("GetModel", "GET", s.getModel, func(in *gw.GetModelInput) parts {
			return parts{new("restapis"), in.RestApiId, new("models"), in.ModelName}
		}),
		desk.On("UpdateModel", "PATCH", s.updateModel, func(in *gw.UpdateModelInput) parts {
			return parts{new("restapis"), in.RestApiId, new("models"), in.ModelName}
		}),
		desk.On("DeleteModel", "DELETE", s.deleteModel, func(in *gw.DeleteModelInput) parts {
			return parts{new("restapis"), in.RestApiId, new("models"), in.ModelName}
		}),
		desk.On("FlushStageAuthorizersCache", "DELETE", s.flushAuthorizers, func(in *gw.FlushStageAuthorizersCacheInput) parts {
			return parts{new("restapis"), in.RestApiId, new("stages"), in.StageName, new("cache"), new("authorizers")}
		}),
		desk.On("FlushStageCache", "DELETE", s.flushCache, func(in *gw.FlushStageCacheInput) parts {
			return parts{new("restapis"), in.RestApiId, new("stages"), in.StageName, new("cache"), new("data")}
		}),
		desk.On("CreateApiKey", "POST", s.createKey, func(*gw.CreateApiKeyInput) parts { return parts{new("apikeys")} }),
		desk.On("GetApiKeys", "GET", s.getKeys, func(*gw.GetApiKeysInput) parts { return parts{new("apikeys")} }),
		desk.On("GetApiKey", "GET", s.getKey, func(in *gw.GetApiKeyInput) parts { return parts{new("apikeys"), in.ApiKey} }),
		desk.On("UpdateApiKey", "PATCH", s.updateKey, func(in *gw.UpdateApiKeyInput) parts { return parts{new("apikeys"), in.ApiKey} }),
		desk.On("DeleteApiKey", "DELETE", s.deleteKey, func(in *gw.DeleteApiKeyInput) parts { return parts{new("apikeys"), in.ApiKey} }),
		desk.On("CreateUsagePlan", "POST", s.createPlan, func(*gw.CreateUsagePlanInput) parts { return parts{new("usageplans")} }),
		desk.On("GetUsagePlans", "GET", s.getPlans, func(*gw.GetUsagePlansInput) parts { return parts{new("usageplans")} }),
		desk.On("GetUsagePlan", "GET", s.getPlan, func(in *gw.GetUsagePlanInput) parts { return parts{new("usageplans"), in.UsagePlanId} }),
		desk.On("UpdateUsagePlan", "PATCH", s.updatePlan, func(in *gw.UpdateUsagePlanInput) parts { return parts{new("usageplans"), in.UsagePlanId} }),
		desk.On("DeleteUsagePlan", "DELETE", s.deletePlan, func(in *gw.DeleteUsagePlanInput) parts { return parts{new("usageplans"), in.UsagePlanId} }),
		desk.On("CreateUsagePlanKey", "POST", s.createPlanKey, func(in *gw.CreateUsagePlanKeyInput) parts {
			return parts{new("usageplans"), in.UsagePlanId, new("keys")}
		}),
		desk.On("GetUsagePlanKeys", "GET", s.getPlanKeys, func(in *gw.GetUsagePlanKeysInput) parts {
			return parts{new("usageplans"), in.UsagePlanId, new("keys")}
		}),
		desk.On("GetUsagePlanKey", "GET", s.getPlanKey, func(in *gw.GetUsagePlanKeyInput) parts {
			return parts{new("usageplans"), in.UsagePlanId, new("keys"), in.KeyId}
		}),
		desk.On("DeleteUsagePlanKey", "DELETE", s.deletePlanKey, func(in *gw.DeleteUsagePlanKeyInput) parts {
			return parts{new("usageplans"), in.UsagePlanId, new("keys"), in.KeyId}
		}),
		desk.On("GetUsage", "GET", s.getUsage, func(in *gw.GetUsageInput) parts { return parts{new("usageplans"), in.UsagePlanId, new("usage")} }),
		desk.On("TagResource", "PUT", s.tagResource, func(in *gw.TagResourceInput) parts { return parts{new("tags"), in.ResourceArn} }),
		desk.On("UntagResource", "DELETE", s.untagResource, func(in *gw.UntagResourceInput) parts { return parts{new("tags"), in.ResourceArn} }),
		desk.On("GetTags", "GET", s.getTags, func(in *gw.GetTagsInput) parts { return parts{new("tags"), in.ResourceArn} }),
	}
}
