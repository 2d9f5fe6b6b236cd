package httpapi

import (
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/hearthfaas/hearth/internal/apigateway/desk"
	"github.com/hearthfaas/hearth/internal/apigateway/shelf"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

// Document is one API as it is kept: the API's own records in the SDK's types, whose
// members are those of AWS's API and only ever grow.
type Document struct {
	API          types.Api
	Routes       map[string]types.Route
	Integrations map[string]types.Integration
	Authorizers  map[string]types.Authorizer
	Stages       map[string]types.Stage
	Deployments  map[string]types.Deployment
}

// Snapshot is what a deployment deployed. Its ID is API.DEPLOYMENT.
type Snapshot struct {
	Routes       map[string]types.Route
	Integrations map[string]types.Integration
	Authorizers  map[string]types.Authorizer
}

func (d *Document) snapshot() Snapshot {
	return Snapshot{Routes: d.Routes, Integrations: d.Integrations, Authorizers: d.Authorizers}
}

// The quotas of an API (API Gateway quotas, "HTTP API quotas").
const (
	routesMax       = 300
	integrationsMax = 300
	authorizersMax  = 10
	stagesMax       = 10
	// deploymentsMax bounds what one API keeps of its past; AWS names no number.
	deploymentsMax = 500
)

// deploy makes a deployment of the document as it is.
func (s *Service) deploy(p shelf.Place, d *Document, description *string, auto bool) (types.Deployment, store.Change, error) {
	made := types.Deployment{
		AutoDeployed: &auto, CreatedDate: aws.Time(s.cfg.Now().UTC()), DeploymentId: aws.String(shelf.NewID(6)),
		DeploymentStatus: types.DeploymentStatusDeployed, Description: description,
	}
	if !auto && len(d.Deployments) >= deploymentsMax {
		return made, store.Change{}, lambda.Errorf(codeTooMany, "Too many deployments; delete those that no stage uses.")
	}
	d.Deployments = desk.Put(d.Deployments, *made.DeploymentId, made)
	change, err := s.snapshots.Put(desk.SnapshotPlace(p, *made.DeploymentId), d.snapshot())
	return made, change, err
}

// redeploy gives the stages that deploy by themselves a new deployment, and drops the
// one before. Others see a change when somebody deploys it.
func (s *Service) redeploy(p shelf.Place, d *Document) ([]store.Change, error) {
	if !slices.ContainsFunc(slices.Collect(maps.Values(d.Stages)), func(st types.Stage) bool { return aws.ToBool(st.AutoDeploy) }) {
		return nil, nil
	}
	made, change, err := s.deploy(p, d, aws.String("Automatic deployment triggered by changes to the Api configuration"), true)
	if err != nil {
		return nil, err
	}
	for name, st := range d.Stages {
		if aws.ToBool(st.AutoDeploy) {
			st.DeploymentId = made.DeploymentId
			st.LastDeploymentStatusMessage = aws.String("Successfully deployed stage with deployment ID '" + *made.DeploymentId + "'")
			d.Stages[name] = st
		}
	}
	return append(s.dropUnused(p, d), change), nil
}

// dropUnused drops automatic deployments that no stage uses any more.
func (s *Service) dropUnused(p shelf.Place, d *Document) []store.Change {
	used := map[string]bool{}
	for _, st := range d.Stages {
		used[aws.ToString(st.DeploymentId)] = true
	}
	var changes []store.Change
	for id, dep := range d.Deployments {
		if aws.ToBool(dep.AutoDeployed) && !used[id] {
			delete(d.Deployments, id)
			changes = append(changes, s.snapshots.Drop(desk.SnapshotPlace(p, id)))
		}
	}
	return changes
}
