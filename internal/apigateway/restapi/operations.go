package restapi

import (
	gw "github.com/aws/aws-sdk-go-v2/service/apigateway"

	"github.com/hearthfaas/hearth/internal/wire"
)

// Operations are what the service can do (Amazon API Gateway API reference). Policies
// know them as HTTP methods on paths.
func (s *Service) Operations() []wire.Operation {
	type parts = []*string
	return []wire.Operation{
		on("CreateRestApi", "POST", s.createAPI, func(*gw.CreateRestApiInput) parts { return parts{new("restapis")} }),
		on("GetRestApis", "GET", s.getAPIs, func(*gw.GetRestApisInput) parts { return parts{new("restapis")} }),
		on("ImportRestApi", "POST", s.importAPI, func(*gw.ImportRestApiInput) parts { return parts{new("restapis")} }),
		on("GetRestApi", "GET", s.getAPI, func(in *gw.GetRestApiInput) parts { return parts{new("restapis"), in.RestApiId} }),
		on("UpdateRestApi", "PATCH", s.updateAPI, func(in *gw.UpdateRestApiInput) parts { return parts{new("restapis"), in.RestApiId} }),
		on("PutRestApi", "PUT", s.putAPI, func(in *gw.PutRestApiInput) parts { return parts{new("restapis"), in.RestApiId} }),
		on("DeleteRestApi", "DELETE", s.deleteAPI, func(in *gw.DeleteRestApiInput) parts { return parts{new("restapis"), in.RestApiId} }),
		on("GetAccount", "GET", s.getAccount, func(*gw.GetAccountInput) parts { return parts{new("account")} }),
		on("UpdateAccount", "PATCH", s.updateAccount, func(*gw.UpdateAccountInput) parts { return parts{new("account")} }),
		on("CreateResource", "POST", s.createResource, func(in *gw.CreateResourceInput) parts {
			return parts{new("restapis"), in.RestApiId, new("resources"), in.ParentId}
		}),
		on("GetResources", "GET", s.getResources, func(in *gw.GetResourcesInput) parts { return parts{new("restapis"), in.RestApiId, new("resources")} }),
		on("GetResource", "GET", s.getResource, func(in *gw.GetResourceInput) parts {
			return parts{new("restapis"), in.RestApiId, new("resources"), in.ResourceId}
		}),
		on("UpdateResource", "PATCH", s.updateResource, func(in *gw.UpdateResourceInput) parts {
			return parts{new("restapis"), in.RestApiId, new("resources"), in.ResourceId}
		}),
		on("DeleteResource", "DELETE", s.deleteResource, func(in *gw.DeleteResourceInput) parts {
			return parts{new("restapis"), in.RestApiId, new("resources"), in.ResourceId}
		}),
		on("PutMethod", "PUT", s.putMethod, func(in *gw.PutMethodInput) parts {
			return parts{new("restapis"), in.RestApiId, new("resources"), in.ResourceId, new("methods"), in.HttpMethod}
		}),
		on("PutMethodResponse", "PUT", s.putMethodResponse, func(in *gw.PutMethodResponseInput) parts {
			return parts{new("restapis"), in.RestApiId, new("resources"), in.ResourceId, new("methods"), in.HttpMethod, new("responses"), in.StatusCode}
		}),
		on("PutIntegration", "PUT", s.putIntegration, func(in *gw.PutIntegrationInput) parts {
			return parts{new("restapis"), in.RestApiId, new("resources"), in.ResourceId, new("methods"), in.HttpMethod, new("integration")}
		}),
		on("PutIntegrationResponse", "PUT", s.putIntegrationResponse, func(in *gw.PutIntegrationResponseInput) parts {
			return parts{new("restapis"), in.RestApiId, new("resources"), in.ResourceId, new("methods"), in.HttpMethod, new("integration"), new("responses"), in.StatusCode}
		}),
		on("PutGatewayResponse", "PUT", s.putGatewayResponse, func(in *gw.PutGatewayResponseInput) parts {
			return parts{new("restapis"), in.RestApiId, new("gatewayresponses"), new(string(in.ResponseType))}
		}),
		on("GetMethod", "GET", s.getMethod, func(in *gw.GetMethodInput) parts {
			return parts{new("restapis"), in.RestApiId, new("resources"), in.ResourceId, new("methods"), in.HttpMethod}
		}),
		on("GetMethodResponse", "GET", s.getMethodResponse, func(in *gw.GetMethodResponseInput) parts {
			return parts{new("restapis"), in.RestApiId, new("resources"), in.ResourceId, new("methods"), in.HttpMethod, new("responses"), in.StatusCode}
		}),
		on("GetIntegration", "GET", s.getIntegration, func(in *gw.GetIntegrationInput) parts {
			return parts{new("restapis"), in.RestApiId, new("resources"), in.ResourceId, new("methods"), in.HttpMethod, new("integration")}
		}),
		on("GetIntegrationResponse", "GET", s.getIntegrationResponse, func(in *gw.GetIntegrationResponseInput) parts {
			return parts{new("restapis"), in.RestApiId, new("resources"), in.ResourceId, new("methods"), in.HttpMethod, new("integration"), new("responses"), in.StatusCode}
		}),
		on("GetGatewayResponse", "GET", s.getGatewayResponse, func(in *gw.GetGatewayResponseInput) parts {
			return parts{new("restapis"), in.RestApiId, new("gatewayresponses"), new(string(in.ResponseType))}
		}),
		on("UpdateMethod", "PATCH", s.updateMethod, func(in *gw.UpdateMethodInput) parts {
			return parts{new("restapis"), in.RestApiId, new("resources"), in.ResourceId, new("methods"), in.HttpMethod}
		}),
		on("UpdateMethodResponse", "PATCH", s.updateMethodResponse, func(in *gw.UpdateMethodResponseInput) parts {
			return parts{new("restapis"), in.RestApiId, new("resources"), in.ResourceId, new("methods"), in.HttpMethod, new("responses"), in.StatusCode}
		}),
		on("UpdateIntegration", "PATCH", s.updateIntegration, func(in *gw.UpdateIntegrationInput) parts {
			return parts{new("restapis"), in.RestApiId, new("resources"), in.ResourceId, new("methods"), in.HttpMethod, new("integration")}
		}),
		on("UpdateIntegrationResponse", "PATCH", s.updateIntegrationResponse, func(in *gw.UpdateIntegrationResponseInput) parts {
			return parts{new("restapis"), in.RestApiId, new("resources"), in.ResourceId, new("methods"), in.HttpMethod, new("integration"), new("responses"), in.StatusCode}
		}),
		on("UpdateGatewayResponse", "PATCH", s.updateGatewayResponse, func(in *gw.UpdateGatewayResponseInput) parts {
			return parts{new("restapis"), in.RestApiId, new("gatewayresponses"), new(string(in.ResponseType))}
		}),
		on("DeleteMethod", "DELETE", s.deleteMethod, func(in *gw.DeleteMethodInput) parts {
			return parts{new("restapis"), in.RestApiId, new("resources"), in.ResourceId, new("methods"), in.HttpMethod}
		}),
		on("DeleteMethodResponse", "DELETE", s.deleteMethodResponse, func(in *gw.DeleteMethodResponseInput) parts {
			return parts{new("restapis"), in.RestApiId, new("resources"), in.ResourceId, new("methods"), in.HttpMethod, new("responses"), in.StatusCode}
		}),
		on("DeleteIntegration", "DELETE", s.deleteIntegration, func(in *gw.DeleteIntegrationInput) parts {
			return parts{new("restapis"), in.RestApiId, new("resources"), in.ResourceId, new("methods"), in.HttpMethod, new("integration")}
		}),
		on("DeleteIntegrationResponse", "DELETE", s.deleteIntegrationResponse, func(in *gw.DeleteIntegrationResponseInput) parts {
			return parts{new("restapis"), in.RestApiId, new("resources"), in.ResourceId, new("methods"), in.HttpMethod, new("integration"), new("responses"), in.StatusCode}
		}),
		on("DeleteGatewayResponse", "DELETE", s.deleteGatewayResponse, func(in *gw.DeleteGatewayResponseInput) parts {
			return parts{new("restapis"), in.RestApiId, new("gatewayresponses"), new(string(in.ResponseType))}
		}),
		on("GetGatewayResponses", "GET", s.getGatewayResponses, func(in *gw.GetGatewayResponsesInput) parts {
			return parts{new("restapis"), in.RestApiId, new("gatewayresponses")}
		}),
		on("CreateDeployment", "POST", s.createDeployment, func(in *gw.CreateDeploymentInput) parts {
			return parts{new("restapis"), in.RestApiId, new("deployments")}
		}),
		on("GetDeployments", "GET", s.getDeployments, func(in *gw.GetDeploymentsInput) parts {
			return parts{new("restapis"), in.RestApiId, new("deployments")}
		}),
		on("GetDeployment", "GET", s.getDeployment, func(in *gw.GetDeploymentInput) parts {
			return parts{new("restapis"), in.RestApiId, new("deployments"), in.DeploymentId}
		}),
		on("UpdateDeployment", "PATCH", s.updateDeployment, func(in *gw.UpdateDeploymentInput) parts {
			return parts{new("restapis"), in.RestApiId, new("deployments"), in.DeploymentId}
		}),
		on("DeleteDeployment", "DELETE", s.deleteDeployment, func(in *gw.DeleteDeploymentInput) parts {
			return parts{new("restapis"), in.RestApiId, new("deployments"), in.DeploymentId}
		}),
		on("CreateStage", "POST", s.createStage, func(in *gw.CreateStageInput) parts { return parts{new("restapis"), in.RestApiId, new("stages")} }),
		on("GetStages", "GET", s.getStages, func(in *gw.GetStagesInput) parts { return parts{new("restapis"), in.RestApiId, new("stages")} }),
		on("GetStage", "GET", s.getStage, func(in *gw.GetStageInput) parts {
			return parts{new("restapis"), in.RestApiId, new("stages"), in.StageName}
		}),
		on("UpdateStage", "PATCH", s.updateStage, func(in *gw.UpdateStageInput) parts {
			return parts{new("restapis"), in.RestApiId, new("stages"), in.StageName}
		}),
		on("DeleteStage", "DELETE", s.deleteStage, func(in *gw.DeleteStageInput) parts {
			return parts{new("restapis"), in.RestApiId, new("stages"), in.StageName}
		}),
		on("CreateAuthorizer", "POST", s.createAuthorizer, func(in *gw.CreateAuthorizerInput) parts {
			return parts{new("restapis"), in.RestApiId, new("authorizers")}
		}),
		on("GetAuthorizers", "GET", s.getAuthorizers, func(in *gw.GetAuthorizersInput) parts {
			return parts{new("restapis"), in.RestApiId, new("authorizers")}
		}),
		on("GetAuthorizer", "GET", s.getAuthorizer, func(in *gw.GetAuthorizerInput) parts {
			return parts{new("restapis"), in.RestApiId, new("authorizers"), in.AuthorizerId}
		}),
		on("UpdateAuthorizer", "PATCH", s.updateAuthorizer, func(in *gw.UpdateAuthorizerInput) parts {
			return parts{new("restapis"), in.RestApiId, new("authorizers"), in.AuthorizerId}
		}),
		on("DeleteAuthorizer", "DELETE", s.deleteAuthorizer, func(in *gw.DeleteAuthorizerInput) parts {
			return parts{new("restapis"), in.RestApiId, new("authorizers"), in.AuthorizerId}
		}),
		on("CreateRequestValidator", "POST", s.createValidator, func(in *gw.CreateRequestValidatorInput) parts {
			return parts{new("restapis"), in.RestApiId, new("requestvalidators")}
		}),
		on("GetRequestValidators", "GET", s.getValidators, func(in *gw.GetRequestValidatorsInput) parts {
			return parts{new("restapis"), in.RestApiId, new("requestvalidators")}
		}),
		on("GetRequestValidator", "GET", s.getValidator, func(in *gw.GetRequestValidatorInput) parts {
			return parts{new("restapis"), in.RestApiId, new("requestvalidators"), in.RequestValidatorId}
		}),
		on("UpdateRequestValidator", "PATCH", s.updateValidator, func(in *gw.UpdateRequestValidatorInput) parts {
			return parts{new("restapis"), in.RestApiId, new("requestvalidators"), in.RequestValidatorId}
		}),
		on("DeleteRequestValidator", "DELETE", s.deleteValidator, func(in *gw.DeleteRequestValidatorInput) parts {
			return parts{new("restapis"), in.RestApiId, new("requestvalidators"), in.RequestValidatorId}
		}),
		on("CreateModel", "POST", s.createModel, func(in *gw.CreateModelInput) parts { return parts{new("restapis"), in.RestApiId, new("models")} }),
		on("GetModels", "GET", s.getModels, func(in *gw.GetModelsInput) parts { return parts{new("restapis"), in.RestApiId, new("models")} }),
		on("GetModel", "GET", s.getModel, func(in *gw.GetModelInput) parts {
			return parts{new("restapis"), in.RestApiId, new("models"), in.ModelName}
		}),
		on("UpdateModel", "PATCH", s.updateModel, func(in *gw.UpdateModelInput) parts {
			return parts{new("restapis"), in.RestApiId, new("models"), in.ModelName}
		}),
		on("DeleteModel", "DELETE", s.deleteModel, func(in *gw.DeleteModelInput) parts {
			return parts{new("restapis"), in.RestApiId, new("models"), in.ModelName}
		}),
		on("FlushStageAuthorizersCache", "DELETE", s.flushAuthorizers, func(in *gw.FlushStageAuthorizersCacheInput) parts {
			return parts{new("restapis"), in.RestApiId, new("stages"), in.StageName, new("cache"), new("authorizers")}
		}),
		on("FlushStageCache", "DELETE", s.flushCache, func(in *gw.FlushStageCacheInput) parts {
			return parts{new("restapis"), in.RestApiId, new("stages"), in.StageName, new("cache"), new("data")}
		}),
		on("CreateApiKey", "POST", s.createKey, func(*gw.CreateApiKeyInput) parts { return parts{new("apikeys")} }),
		on("GetApiKeys", "GET", s.getKeys, func(*gw.GetApiKeysInput) parts { return parts{new("apikeys")} }),
		on("GetApiKey", "GET", s.getKey, func(in *gw.GetApiKeyInput) parts { return parts{new("apikeys"), in.ApiKey} }),
		on("UpdateApiKey", "PATCH", s.updateKey, func(in *gw.UpdateApiKeyInput) parts { return parts{new("apikeys"), in.ApiKey} }),
		on("DeleteApiKey", "DELETE", s.deleteKey, func(in *gw.DeleteApiKeyInput) parts { return parts{new("apikeys"), in.ApiKey} }),
		on("CreateUsagePlan", "POST", s.createPlan, func(*gw.CreateUsagePlanInput) parts { return parts{new("usageplans")} }),
		on("GetUsagePlans", "GET", s.getPlans, func(*gw.GetUsagePlansInput) parts { return parts{new("usageplans")} }),
		on("GetUsagePlan", "GET", s.getPlan, func(in *gw.GetUsagePlanInput) parts { return parts{new("usageplans"), in.UsagePlanId} }),
		on("UpdateUsagePlan", "PATCH", s.updatePlan, func(in *gw.UpdateUsagePlanInput) parts { return parts{new("usageplans"), in.UsagePlanId} }),
		on("DeleteUsagePlan", "DELETE", s.deletePlan, func(in *gw.DeleteUsagePlanInput) parts { return parts{new("usageplans"), in.UsagePlanId} }),
		on("CreateUsagePlanKey", "POST", s.createPlanKey, func(in *gw.CreateUsagePlanKeyInput) parts {
			return parts{new("usageplans"), in.UsagePlanId, new("keys")}
		}),
		on("GetUsagePlanKeys", "GET", s.getPlanKeys, func(in *gw.GetUsagePlanKeysInput) parts {
			return parts{new("usageplans"), in.UsagePlanId, new("keys")}
		}),
		on("GetUsagePlanKey", "GET", s.getPlanKey, func(in *gw.GetUsagePlanKeyInput) parts {
			return parts{new("usageplans"), in.UsagePlanId, new("keys"), in.KeyId}
		}),
		on("DeleteUsagePlanKey", "DELETE", s.deletePlanKey, func(in *gw.DeleteUsagePlanKeyInput) parts {
			return parts{new("usageplans"), in.UsagePlanId, new("keys"), in.KeyId}
		}),
		on("GetUsage", "GET", s.getUsage, func(in *gw.GetUsageInput) parts { return parts{new("usageplans"), in.UsagePlanId, new("usage")} }),
		on("TagResource", "PUT", s.tagResource, func(in *gw.TagResourceInput) parts { return parts{new("tags"), in.ResourceArn} }),
		on("UntagResource", "DELETE", s.untagResource, func(in *gw.UntagResourceInput) parts { return parts{new("tags"), in.ResourceArn} }),
		on("GetTags", "GET", s.getTags, func(in *gw.GetTagsInput) parts { return parts{new("tags"), in.ResourceArn} }),
	}
}
