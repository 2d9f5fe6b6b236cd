package httpapi

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	gw "github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/hearthfaas/hearth/internal/apigateway/desk"
	"github.com/hearthfaas/hearth/internal/apigateway/shape"
	"github.com/hearthfaas/hearth/internal/apigateway/shelf"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

func (s *Service) createDeployment(ctx context.Context, in *gw.CreateDeploymentInput) (*gw.CreateDeploymentOutput, error) {
	var out *gw.CreateDeploymentOutput
	err := s.change(ctx, in.ApiId, func(p shelf.Place, d *Document) ([]store.Change, error) {
		if len(d.Routes) == 0 {
			return nil, desk.BadRequest("At least one route is required before deploying the Api.")
		}
		st, there := d.Stages[aws.ToString(in.StageName)]
		if in.StageName != nil && !there {
			return nil, desk.NotFound("stage")
		}
		if aws.ToBool(st.AutoDeploy) {
			return nil, desk.BadRequest("Stage %s deploys by itself", *in.StageName)
		}
		made, change, err := s.deploy(p, d, in.Description, false)
		if err != nil {
			return nil, err
		}
		if there {
			st.DeploymentId, st.LastUpdatedDate = made.DeploymentId, made.CreatedDate
			d.Stages[*in.StageName] = st
		}
		out = shape.As[gw.CreateDeploymentOutput](&made)
		return []store.Change{change}, nil
	})
	return out, err
}

func (s *Service) getDeployment(ctx context.Context, in *gw.GetDeploymentInput) (*gw.GetDeploymentOutput, error) {
	return partOf[gw.GetDeploymentOutput](ctx, s, in.ApiId, in.DeploymentId, "Deployment", func(d *Document) map[string]types.Deployment { return d.Deployments })
}

func (s *Service) getDeployments(ctx context.Context, in *gw.GetDeploymentsInput) (*gw.GetDeploymentsOutput, error) {
	items, next, err := partsOf(ctx, s, in.ApiId, in.MaxResults, in.NextToken, func(d *Document) map[string]types.Deployment { return d.Deployments })
	return &gw.GetDeploymentsOutput{Items: items, NextToken: next}, err
}

func (s *Service) updateDeployment(ctx context.Context, in *gw.UpdateDeploymentInput) (*gw.UpdateDeploymentOutput, error) {
	var out *gw.UpdateDeploymentOutput
	err := s.change(ctx, in.ApiId, func(_ shelf.Place, d *Document) ([]store.Change, error) {
		dep, ok := d.Deployments[aws.ToString(in.DeploymentId)]
		if !ok {
			return nil, desk.NotFound("Deployment")
		}
		dep.Description = in.Description
		d.Deployments[*in.DeploymentId] = dep
		out = shape.As[gw.UpdateDeploymentOutput](&dep)
		return nil, nil
	})
	return out, err
}

func (s *Service) deleteDeployment(ctx context.Context, in *gw.DeleteDeploymentInput) (*gw.DeleteDeploymentOutput, error) {
	return &gw.DeleteDeploymentOutput{}, s.change(ctx, in.ApiId, func(p shelf.Place, d *Document) ([]store.Change, error) {
		id := aws.ToString(in.DeploymentId)
		if _, ok := d.Deployments[id]; !ok {
			return nil, desk.NotFound("Deployment")
		}
		for _, st := range d.Stages {
			if aws.ToString(st.DeploymentId) == id {
				return nil, lambda.Errorf(desk.CodeBadRequest, "Active stages with deployment ID %s exist; they must be moved or deleted before deleting the deployment", id)
			}
		}
		delete(d.Deployments, id)
		return []store.Change{s.snapshots.Drop(desk.SnapshotPlace(p, id))}, nil
	})
}
