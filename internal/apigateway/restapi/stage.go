package restapi

import (
	"context"
	"maps"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	gw "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/hearthfaas/hearth/internal/apigateway/desk"
	"github.com/hearthfaas/hearth/internal/apigateway/door"
	"github.com/hearthfaas/hearth/internal/apigateway/shape"
	"github.com/hearthfaas/hearth/internal/apigateway/shelf"
	"github.com/hearthfaas/hearth/internal/store"
)

// The limits of an account's requests (API Gateway quotas, "account-level throttling"),
// which method settings begin with.
const (
	burstDefault = 5000
	rateDefault  = 10000
)

var stageName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,128}$`)

func (s *Service) createDeployment(ctx context.Context, in *gw.CreateDeploymentInput) (*gw.CreateDeploymentOutput, error) {
	if in.CanarySettings != nil {
		return nil, desk.NotServed("canary releases")
	}
	var made types.Deployment
	err := s.change(ctx, in.RestApiId, func(p shelf.Place, d *Document) ([]store.Change, error) {
		if err := d.deployable(); err != nil {
			return nil, err
		}
		if len(d.Deployments) >= deploymentsMax {
			return nil, tooMany("Deployments for this API")
		}
		now := aws.Time(s.cfg.Now().UTC().Truncate(1e9))
		made = types.Deployment{Id: new(shelf.NewID(6)), CreatedDate: now, Description: in.Description}
		d.Deployments = desk.Put(d.Deployments, *made.Id, made)
		change, err := s.snapshots.Put(desk.SnapshotPlace(p, *made.Id), Snapshot{
			API: d.API, Resources: d.Resources, Authorizers: d.Authorizers, Responses: d.Responses, Validators: d.Validators,
		})
		if err != nil {
			return nil, err
		}
		if name := aws.ToString(in.StageName); name != "" {
			st, there := d.Stages[name]
			if !there {
				st = types.Stage{StageName: &name, CreatedDate: now, Description: in.StageDescription, TracingEnabled: aws.ToBool(in.TracingEnabled)}
				if err := d.checkStage(&st); err != nil {
					return nil, err
				}
			}
			if len(in.Variables) > 0 {
				st.Variables = in.Variables
			}
			st.DeploymentId, st.LastUpdatedDate = made.Id, now
			d.Stages = desk.Put(d.Stages, name, st)
		}
		return []store.Change{change}, nil
	})
	return shape.As[gw.CreateDeploymentOutput](&made), err
}

// deployable says whether every method has an integration, and there is one.
func (d *Document) deployable() error {
	methods := 0
	for _, r := range d.Resources {
		for _, m := range r.ResourceMethods {
			methods++
			if m.MethodIntegration == nil {
				return desk.BadRequest("No integration defined for method")
			}
		}
	}
	if methods == 0 {
		return desk.BadRequest("The REST API doesn't contain any methods")
	}
	return nil
}

// summary is what a deployment has, for answers that ask for it.
func (s *Service) summary(p shelf.Place, deployment string) map[string]map[string]types.MethodSnapshot {
	e, ok := s.snapshots.Get(desk.SnapshotPlace(p, deployment))
	if !ok {
		return nil
	}
	out := map[string]map[string]types.MethodSnapshot{}
	for _, r := range e.Doc.Resources {
		for name, m := range r.ResourceMethods {
			out[*r.Path] = desk.Put(out[*r.Path], name, types.MethodSnapshot{ApiKeyRequired: aws.ToBool(m.ApiKeyRequired), AuthorizationType: m.AuthorizationType})
		}
	}
	return out
}

func (s *Service) getDeployment(ctx context.Context, in *gw.GetDeploymentInput) (*gw.GetDeploymentOutput, error) {
	d, err := s.get(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	dep, ok := d.Deployments[aws.ToString(in.DeploymentId)]
	if !ok {
		return nil, desk.NotFound("Deployment")
	}
	out := shape.As[gw.GetDeploymentOutput](&dep)
	for _, what := range in.Embed {
		if strings.EqualFold(what, "apisummary") {
			out.ApiSummary = s.summary(desk.Place(ctx, in.RestApiId), *dep.Id)
		}
	}
	return out, nil
}

func (s *Service) getDeployments(ctx context.Context, in *gw.GetDeploymentsInput) (*gw.GetDeploymentsOutput, error) {
	d, err := s.get(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	items, next := page(d.Deployments, in.Limit, in.Position)
	return &gw.GetDeploymentsOutput{Items: items, Position: next}, nil
}

func (s *Service) updateDeployment(ctx context.Context, in *gw.UpdateDeploymentInput) (*gw.UpdateDeploymentOutput, error) {
	var out *gw.UpdateDeploymentOutput
	err := s.edit(ctx, in.RestApiId, func(d *Document) error {
		dep, ok := d.Deployments[aws.ToString(in.DeploymentId)]
		if !ok {
			return desk.NotFound("Deployment")
		}
		if err := patch(&dep, in.PatchOperations, nil); err != nil {
			return err
		}
		d.Deployments[*dep.Id] = dep
		out = shape.As[gw.UpdateDeploymentOutput](&dep)
		return nil
	})
	return out, err
}

func (s *Service) deleteDeployment(ctx context.Context, in *gw.DeleteDeploymentInput) (*gw.DeleteDeploymentOutput, error) {
	return &gw.DeleteDeploymentOutput{}, s.change(ctx, in.RestApiId, func(p shelf.Place, d *Document) ([]store.Change, error) {
		id := aws.ToString(in.DeploymentId)
		if _, ok := d.Deployments[id]; !ok {
			return nil, desk.NotFound("Deployment")
		}
		for _, st := range d.Stages {
			if aws.ToString(st.DeploymentId) == id {
				return nil, desk.BadRequest("Active stages pointing to this deployment must be moved or deleted")
			}
		}
		delete(d.Deployments, id)
		return []store.Change{s.snapshots.Drop(desk.SnapshotPlace(p, id))}, nil
	})
}

func (s *Service) createStage(ctx context.Context, in *gw.CreateStageInput) (*gw.CreateStageOutput, error) {
	if in.CanarySettings != nil {
		return nil, desk.NotServed("canary releases")
	}
	if in.CacheClusterEnabled {
		return nil, desk.NotServed("caches of answers")
	}
	st := *shape.As[types.Stage](in)
	now := aws.Time(s.cfg.Now().UTC().Truncate(1e9))
	st.CreatedDate, st.LastUpdatedDate = now, now
	err := s.edit(ctx, in.RestApiId, func(d *Document) error {
		if _, ok := d.Stages[aws.ToString(in.StageName)]; ok {
			return conflict("Stage already exists")
		}
		if _, ok := d.Deployments[aws.ToString(in.DeploymentId)]; !ok {
			return desk.NotFound("Deployment")
		}
		if err := d.checkStage(&st); err != nil {
			return err
		}
		d.Stages = desk.Put(d.Stages, *st.StageName, st)
		return nil
	})
	return shape.As[gw.CreateStageOutput](&st), err
}

// checkStage refuses what AWS would and fills in the defaults.
func (d *Document) checkStage(st *types.Stage) error {
	if !stageName.MatchString(aws.ToString(st.StageName)) {
		return desk.BadRequest("Stage name only allows a-zA-Z0-9_")
	}
	if len(d.Stages) >= stagesMax {
		return tooMany("Stages for this API")
	}
	if st.CacheClusterStatus == "" {
		st.CacheClusterStatus = types.CacheClusterStatusNotAvailable
	}
	if st.MethodSettings == nil {
		st.MethodSettings = map[string]types.MethodSetting{}
	}
	return nil
}

func (s *Service) getStage(ctx context.Context, in *gw.GetStageInput) (*gw.GetStageOutput, error) {
	d, err := s.get(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	st, ok := d.Stages[aws.ToString(in.StageName)]
	if !ok {
		return nil, desk.NotFound("stage")
	}
	return shape.As[gw.GetStageOutput](&st), nil
}

func (s *Service) getStages(ctx context.Context, in *gw.GetStagesInput) (*gw.GetStagesOutput, error) {
	d, err := s.get(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	out := &gw.GetStagesOutput{Item: []types.Stage{}}
	for _, st := range sorted(d.Stages) {
		if in.DeploymentId == nil || aws.ToString(st.DeploymentId) == *in.DeploymentId {
			out.Item = append(out.Item, st)
		}
	}
	return out, nil
}

func (s *Service) updateStage(ctx context.Context, in *gw.UpdateStageInput) (*gw.UpdateStageOutput, error) {
	var out *gw.UpdateStageOutput
	err := s.edit(ctx, in.RestApiId, func(d *Document) error {
		st, ok := d.Stages[aws.ToString(in.StageName)]
		if !ok {
			return desk.NotFound("stage")
		}
		st.MethodSettings = maps.Clone(st.MethodSettings)
		if err := patch(&st, in.PatchOperations, patchStage(&st)); err != nil {
			return err
		}
		if _, ok := d.Deployments[aws.ToString(st.DeploymentId)]; !ok {
			return desk.NotFound("Deployment")
		}
		if st.CacheClusterEnabled {
			return desk.NotServed("caches of answers")
		}
		st.LastUpdatedDate = aws.Time(s.cfg.Now().UTC().Truncate(1e9))
		d.Stages[*st.StageName] = st
		out = shape.As[gw.UpdateStageOutput](&st)
		return nil
	})
	return out, err
}

// settings are the members of a method's settings by the end of their patch path.
var settings = map[string]func(*types.MethodSetting, string){
	"metrics/enabled":                             func(m *types.MethodSetting, v string) { m.MetricsEnabled = v == "true" },
	"logging/loglevel":                            func(m *types.MethodSetting, v string) { m.LoggingLevel = &v },
	"logging/datatrace":                           func(m *types.MethodSetting, v string) { m.DataTraceEnabled = v == "true" },
	"throttling/burstlimit":                       func(m *types.MethodSetting, v string) { m.ThrottlingBurstLimit = int32(number(v)) },
	"throttling/ratelimit":                        func(m *types.MethodSetting, v string) { m.ThrottlingRateLimit = number(v) },
	"caching/enabled":                             func(m *types.MethodSetting, v string) { m.CachingEnabled = v == "true" },
	"caching/ttlinseconds":                        func(m *types.MethodSetting, v string) { m.CacheTtlInSeconds = int32(number(v)) },
	"caching/dataencrypted":                       func(m *types.MethodSetting, v string) { m.CacheDataEncrypted = v == "true" },
	"caching/requireauthorizationforcachecontrol": func(m *types.MethodSetting, v string) { m.RequireAuthorizationForCacheControl = v == "true" },
	"caching/unauthorizedcachecontrolheaderstrategy": func(m *types.MethodSetting, v string) {
		m.UnauthorizedCacheControlHeaderStrategy = types.UnauthorizedCacheControlHeaderStrategy(v)
	},
}

// settingsDefault are the settings of a method of which one was set.
func settingsDefault() types.MethodSetting {
	return types.MethodSetting{
		CacheTtlInSeconds: 300, LoggingLevel: new("OFF"), RequireAuthorizationForCacheControl: true,
		ThrottlingBurstLimit: burstDefault, ThrottlingRateLimit: rateDefault,
		UnauthorizedCacheControlHeaderStrategy: types.UnauthorizedCacheControlHeaderStrategySucceedWithResponseHeader,
	}
}

// patchStage takes the operations on method settings, /{path}/{method}/throttling/…,
// and refuses those on what is not served.
func patchStage(st *types.Stage) func(types.PatchOperation, []string) (bool, error) {
	return func(op types.PatchOperation, path []string) (bool, error) {
		n := len(path)
		if path[0] == "canarySettings" {
			return false, desk.NotServed("canary releases")
		}
		if n < 2 {
			return false, nil
		}
		set, ok := settings[strings.ToLower(path[n-2]+"/"+path[n-1])]
		if n >= 4 && ok {
			key := strings.TrimPrefix(strings.Join(path[:n-2], "/"), "/")
			m, there := st.MethodSettings[key]
			if !there {
				m = settingsDefault()
			}
			set(&m, aws.ToString(op.Value))
			st.MethodSettings = desk.Put(st.MethodSettings, key, m)
			return true, nil
		}
		if op.Op == types.OpRemove && n == 2 {
			key := strings.TrimPrefix(strings.Join(path, "/"), "/")
			if _, there := st.MethodSettings[key]; there {
				delete(st.MethodSettings, key)
				return true, nil
			}
		}
		if path[0] == "accessLogSettings" && op.Op == types.OpRemove && n == 1 {
			st.AccessLogSettings = nil
			return true, nil
		}
		return false, nil
	}
}

func (s *Service) deleteStage(ctx context.Context, in *gw.DeleteStageInput) (*gw.DeleteStageOutput, error) {
	p := desk.Place(ctx, in.RestApiId)
	name := aws.ToString(in.StageName)
	for _, plan := range s.plans.List(p.Account, p.Region) {
		for _, st := range plan.Doc.ApiStages {
			if aws.ToString(st.ApiId) == p.ID && aws.ToString(st.Stage) == name {
				return nil, desk.BadRequest("Cannot delete stage: it is part of the usage plan %s", plan.ID)
			}
		}
	}
	return &gw.DeleteStageOutput{}, s.edit(ctx, in.RestApiId, func(d *Document) error {
		if _, ok := d.Stages[name]; !ok {
			return desk.NotFound("stage")
		}
		delete(d.Stages, name)
		return nil
	})
}

func (s *Service) flushAuthorizers(ctx context.Context, in *gw.FlushStageAuthorizersCacheInput) (*gw.FlushStageAuthorizersCacheOutput, error) {
	d, err := s.get(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	if _, ok := d.Stages[aws.ToString(in.StageName)]; !ok {
		return nil, desk.NotFound("stage")
	}
	s.cfg.Door.Verdicts.Forget(door.VerdictPrefix(*in.RestApiId, *in.StageName))
	return &gw.FlushStageAuthorizersCacheOutput{}, nil
}

func (s *Service) flushCache(ctx context.Context, in *gw.FlushStageCacheInput) (*gw.FlushStageCacheOutput, error) {
	d, err := s.get(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	if _, ok := d.Stages[aws.ToString(in.StageName)]; !ok {
		return nil, desk.NotFound("stage")
	}
	return &gw.FlushStageCacheOutput{}, nil // there is none to flush
}
