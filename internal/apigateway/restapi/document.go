package restapi

import (
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
)

// Document is one API as it is kept: the API's own records in the SDK's types, whose
// members are those of AWS's API and only ever grow.
type Document struct {
	API         types.RestApi
	Resources   map[string]types.Resource
	Authorizers map[string]types.Authorizer
	Responses   map[string]types.GatewayResponse
	Models      map[string]types.Model
	Validators  map[string]types.RequestValidator
	Stages      map[string]types.Stage
	Deployments map[string]types.Deployment
}

// Snapshot is what a deployment deployed. Its ID is API.DEPLOYMENT.
type Snapshot struct {
	API         types.RestApi
	Resources   map[string]types.Resource
	Authorizers map[string]types.Authorizer
	Responses   map[string]types.GatewayResponse
	Validators  map[string]types.RequestValidator
}

// Plan is a usage plan with its keys.
type Plan struct {
	types.UsagePlan
	Keys map[string]bool // by the key's ID
}

// Usage is how much of its quota a key has used in a plan. Its ID is PLAN.KEY.
type Usage struct {
	Days map[string]int64 // by date, such as 2026-01-31
}

// Key is an API key with its value.
type Key types.ApiKey

// Account is what an account set for all of its APIs in a region.
type Account struct{ CloudWatchRole *string }

// The quotas of an API (API Gateway quotas, "REST API quotas").
const (
	resourcesMax   = 300
	authorizersMax = 10
	stagesMax      = 10
	keysMax        = 10000
	plansMax       = 300
	tagsMax        = 50
	// deploymentsMax bounds what one API keeps of its past; AWS names no number.
	deploymentsMax = 500
)
