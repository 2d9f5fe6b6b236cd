package httpapi

import (
	"context"
	"maps"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	gw "github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/hearthfaas/hearth/internal/apigateway/desk"
	"github.com/hearthfaas/hearth/internal/apigateway/door"
	"github.com/hearthfaas/hearth/internal/apigateway/shape"
	"github.com/hearthfaas/hearth/internal/apigateway/shelf"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

// The limits of a route of which only one is set: those of an account (API Gateway
// quotas, "account-level throttling").
const (
	rateDefault  = 10000
	burstDefault = 5000
)

// defaultStage is the stage that has no name in paths.
const defaultStage = "$default"

var stageNamePattern = regexp.MustCompile(`^(\$default|[a-zA-Z0-9_-]{1,128})$`)

func (s *Service) createStage(ctx context.Context, in *gw.CreateStageInput) (*gw.CreateStageOutput, error) {
	if !stageNamePattern.MatchString(aws.ToString(in.StageName)) {
		return nil, desk.BadRequest("Invalid stage name: %s", aws.ToString(in.StageName))
	}
	st := *shape.As[types.Stage](in)
	now := aws.Time(s.cfg.Now().UTC())
	st.CreatedDate, st.LastUpdatedDate = now, now
	if st.AutoDeploy == nil {
		st.AutoDeploy = aws.Bool(false)
	}
	completeStage(&st)
	err := s.change(ctx, in.ApiId, func(p shelf.Place, d *Document) ([]store.Change, error) {
		if _, ok := d.Stages[*st.StageName]; ok {
			return nil, lambda.Errorf(desk.CodeConflict, "Stage already exists")
		}
		if len(d.Stages) >= stagesMax {
			return nil, lambda.Errorf(codeTooMany, "Maximum number of Stages for this API has been reached.")
		}
		return s.putStage(p, d, &st)
	})
	return shape.As[gw.CreateStageOutput](&st), err
}

// completeStage fills in what AWS shows of every stage.
func completeStage(st *types.Stage) {
	if st.DefaultRouteSettings == nil {
		st.DefaultRouteSettings = &types.RouteSettings{}
	}
	if st.DefaultRouteSettings.DetailedMetricsEnabled == nil {
		st.DefaultRouteSettings.DetailedMetricsEnabled = aws.Bool(false)
	}
	if st.RouteSettings == nil {
		st.RouteSettings = map[string]types.RouteSettings{}
	}
	if st.StageVariables == nil {
		st.StageVariables = map[string]string{}
	}
	if st.Tags == nil {
		st.Tags = map[string]string{}
	}
}

// putStage keeps a stage, with a deployment of its own making if it wants one.
func (s *Service) putStage(p shelf.Place, d *Document, st *types.Stage) ([]store.Change, error) {
	var changes []store.Change
	switch id := aws.ToString(st.DeploymentId); {
	case aws.ToBool(st.AutoDeploy):
		made, change, err := s.deploy(p, d, new("Automatic deployment triggered by changes to the Api configuration"), true)
		if err != nil {
			return nil, err
		}
		st.DeploymentId = made.DeploymentId
		st.LastDeploymentStatusMessage = new("Successfully deployed stage with deployment ID '" + *made.DeploymentId + "'")
		changes = append(changes, change)
	case id != "":
		if _, ok := d.Deployments[id]; !ok {
			return nil, desk.BadRequest("Deployment ID %s does not exist", id)
		}
	}
	d.Stages = desk.Put(d.Stages, *st.StageName, *st)
	return append(changes, s.dropUnused(p, d)...), nil
}

func (s *Service) getStage(ctx context.Context, in *gw.GetStageInput) (*gw.GetStageOutput, error) {
	return partOf[gw.GetStageOutput](ctx, s, in.ApiId, in.StageName, "stage", func(d *Document) map[string]types.Stage { return d.Stages })
}

func (s *Service) getStages(ctx context.Context, in *gw.GetStagesInput) (*gw.GetStagesOutput, error) {
	items, next, err := partsOf(ctx, s, in.ApiId, in.MaxResults, in.NextToken, func(d *Document) map[string]types.Stage { return d.Stages })
	return &gw.GetStagesOutput{Items: items, NextToken: next}, err
}

func (s *Service) updateStage(ctx context.Context, in *gw.UpdateStageInput) (*gw.UpdateStageOutput, error) {
	var out *gw.UpdateStageOutput
	err := s.change(ctx, in.ApiId, func(p shelf.Place, d *Document) ([]store.Change, error) {
		st, ok := d.Stages[aws.ToString(in.StageName)]
		if !ok {
			return nil, desk.NotFound("stage")
		}
		if in.DeploymentId != nil && aws.ToBool(st.AutoDeploy) && (in.AutoDeploy == nil || *in.AutoDeploy) {
			return nil, desk.BadRequest("Deployment ID cannot be set on a stage with auto deploy")
		}
		settings, variables := maps.Clone(st.RouteSettings), maps.Clone(st.StageVariables)
		shape.Patch(&st, in)
		if in.RouteSettings != nil {
			maps.Copy(settings, in.RouteSettings)
			st.RouteSettings = settings
		}
		if in.StageVariables != nil {
			st.StageVariables = merge(variables, in.StageVariables)
		}
		if in.AccessLogSettings != nil && aws.ToString(in.AccessLogSettings.DestinationArn) == "" && aws.ToString(in.AccessLogSettings.Format) == "" {
			st.AccessLogSettings = nil
		}
		st.LastUpdatedDate = aws.Time(s.cfg.Now().UTC())
		completeStage(&st)
		changes, err := s.putStage(p, d, &st)
		out = shape.As[gw.UpdateStageOutput](&st)
		return changes, err
	})
	return out, err
}

func (s *Service) deleteStage(ctx context.Context, in *gw.DeleteStageInput) (*gw.DeleteStageOutput, error) {
	return &gw.DeleteStageOutput{}, s.change(ctx, in.ApiId, func(p shelf.Place, d *Document) ([]store.Change, error) {
		if _, ok := d.Stages[aws.ToString(in.StageName)]; !ok {
			return nil, desk.NotFound("stage")
		}
		delete(d.Stages, *in.StageName)
		return s.dropUnused(p, d), nil
	})
}

// editStage changes a stage without a new deployment.
func (s *Service) editStage(ctx context.Context, api, name *string, edit func(*types.Stage)) error {
	return s.change(ctx, api, func(_ shelf.Place, d *Document) ([]store.Change, error) {
		st, ok := d.Stages[aws.ToString(name)]
		if !ok {
			return nil, desk.NotFound("stage")
		}
		edit(&st)
		d.Stages[*name] = st
		return nil, nil
	})
}

func (s *Service) deleteAccessLogSettings(ctx context.Context, in *gw.DeleteAccessLogSettingsInput) (*gw.DeleteAccessLogSettingsOutput, error) {
	return &gw.DeleteAccessLogSettingsOutput{}, s.editStage(ctx, in.ApiId, in.StageName, func(st *types.Stage) { st.AccessLogSettings = nil })
}

func (s *Service) deleteRouteSettings(ctx context.Context, in *gw.DeleteRouteSettingsInput) (*gw.DeleteRouteSettingsOutput, error) {
	return &gw.DeleteRouteSettingsOutput{}, s.editStage(ctx, in.ApiId, in.StageName, func(st *types.Stage) {
		delete(st.RouteSettings, aws.ToString(in.RouteKey))
	})
}

func (s *Service) resetAuthorizersCache(ctx context.Context, in *gw.ResetAuthorizersCacheInput) (*gw.ResetAuthorizersCacheOutput, error) {
	e, err := s.get(ctx, in.ApiId)
	if err != nil {
		return nil, err
	}
	if _, ok := e.Doc.Stages[aws.ToString(in.StageName)]; !ok {
		return nil, desk.NotFound("stage")
	}
	s.cfg.Door.Verdicts.Forget(door.VerdictPrefix(e.ID, *in.StageName))
	return &gw.ResetAuthorizersCacheOutput{}, nil
}
