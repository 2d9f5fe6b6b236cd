package httpapi

import (
	"context"
	"slices"
	"strings"

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

func (s *Service) createAPI(ctx context.Context, in *gw.CreateApiInput) (*gw.CreateApiOutput, error) {
	if in.ProtocolType == types.ProtocolTypeWebsocket {
		return nil, desk.NotServed("WebSocket APIs")
	}
	if in.ProtocolType != types.ProtocolTypeHttp {
		return nil, desk.BadRequest("Invalid protocol specified. Must be one of [HTTP, WEBSOCKET]")
	}
	if aws.ToString(in.Name) == "" {
		return nil, desk.BadRequest("Name is required")
	}
	if err := checkCors(in.CorsConfiguration); err != nil {
		return nil, err
	}
	p := desk.Place(ctx, new(shelf.NewID(10)))
	d := &Document{API: *shape.As[types.Api](in)}
	s.complete(p, &d.API)
	var more []store.Change
	if err := s.cfg.PassRole.InPlaceOf(ctx, nil, in.CredentialsArn); err != nil {
		return nil, err
	}
	if in.Target != nil {
		if err := d.quick(in.Target, in.RouteKey, in.CredentialsArn, s); err != nil {
			return nil, err
		}
		var err error
		if more, err = s.redeploy(p, d); err != nil {
			return nil, err
		}
	} else if in.RouteKey != nil {
		return nil, desk.BadRequest("A target must be specified along with a route key")
	}
	if err := s.apis.Create(ctx, p, *d, more...); err != nil {
		return nil, err
	}
	return shape.As[gw.CreateApiOutput](&d.API), nil
}

// complete fills in what every API has.
func (s *Service) complete(p shelf.Place, a *types.Api) {
	a.ApiId, a.ApiEndpoint = &p.ID, aws.String(s.cfg.Endpoint(p.ID, p.Region))
	a.CreatedDate = aws.Time(s.cfg.Now().UTC())
	a.RouteSelectionExpression = orDefault(a.RouteSelectionExpression, "$request.method $request.path")
	a.ApiKeySelectionExpression = orDefault(a.ApiKeySelectionExpression, "$request.header.x-api-key")
	if a.DisableExecuteApiEndpoint == nil {
		a.DisableExecuteApiEndpoint = aws.Bool(false)
	}
	if a.IpAddressType == "" {
		a.IpAddressType = types.IpAddressTypeIpv4
	}
	if a.Tags == nil {
		a.Tags = map[string]string{}
	}
}

func orDefault(p *string, def string) *string {
	if p == nil || *p == "" {
		return &def
	}
	return p
}

// quick makes what quick create makes: an integration, a route to it and a stage.
func (d *Document) quick(target, routeKey, credentials *string, s *Service) error {
	i := quickIntegration(*target)
	i.CredentialsArn = credentials
	key := aws.ToString(orDefault(routeKey, "$default"))
	if err := checkRouteKey(key); err != nil {
		return err
	}
	d.Integrations = desk.Put(d.Integrations, *i.IntegrationId, i)
	id := shelf.NewID(7)
	d.Routes = desk.Put(d.Routes, id, types.Route{
		ApiGatewayManaged: aws.Bool(true), RouteId: &id, RouteKey: &key, ApiKeyRequired: aws.Bool(false),
		AuthorizationType: types.AuthorizationTypeNone, Target: aws.String("integrations/" + *i.IntegrationId),
	})
	now := aws.Time(s.cfg.Now().UTC())
	d.Stages = desk.Put(d.Stages, defaultStage, types.Stage{
		ApiGatewayManaged: aws.Bool(true), StageName: new(defaultStage), AutoDeploy: aws.Bool(true), CreatedDate: now, LastUpdatedDate: now,
		DefaultRouteSettings: &types.RouteSettings{DetailedMetricsEnabled: aws.Bool(false)}, RouteSettings: map[string]types.RouteSettings{},
		StageVariables: map[string]string{}, Tags: map[string]string{},
	})
	return nil
}

func quickIntegration(target string) types.Integration {
	id := shelf.NewID(7)
	i := types.Integration{
		ApiGatewayManaged: aws.Bool(true), IntegrationId: &id, ConnectionType: types.ConnectionTypeInternet,
		IntegrationType: types.IntegrationTypeHttpProxy, IntegrationMethod: new("ANY"), IntegrationUri: &target,
		PayloadFormatVersion: new("1.0"), TimeoutInMillis: aws.Int32(timeoutMaxMillis),
	}
	if _, ok := door.FunctionARN(target); ok {
		i.IntegrationType, i.IntegrationMethod, i.PayloadFormatVersion = types.IntegrationTypeAwsProxy, new("POST"), new("2.0")
	}
	return i
}

// checkCors refuses rules that browsers would not take.
func checkCors(c *types.Cors) error {
	if c == nil {
		return nil
	}
	if aws.ToBool(c.AllowCredentials) {
		if slices.Contains(c.AllowOrigins, "*") {
			return desk.BadRequest("allowOrigin [*] cannot be used when allowCredentials is true")
		}
	}
	for _, o := range c.AllowOrigins {
		if o != "*" && !strings.Contains(o, "://") {
			return desk.BadRequest("Invalid allowOrigin: %s", o)
		}
	}
	return nil
}

func (s *Service) getAPI(ctx context.Context, in *gw.GetApiInput) (*gw.GetApiOutput, error) {
	e, err := s.get(ctx, in.ApiId)
	if err != nil {
		return nil, err
	}
	return shape.As[gw.GetApiOutput](&e.Doc.API), nil
}

func (s *Service) getAPIs(ctx context.Context, in *gw.GetApisInput) (*gw.GetApisOutput, error) {
	c := lambda.CallerFrom(ctx)
	all := map[string]types.Api{}
	for _, e := range s.apis.List(c.Account, c.Region) {
		all[e.ID] = e.Doc.API
	}
	items, next, err := page(all, in.MaxResults, in.NextToken)
	return &gw.GetApisOutput{Items: items, NextToken: next}, err
}

func (s *Service) updateAPI(ctx context.Context, in *gw.UpdateApiInput) (*gw.UpdateApiOutput, error) {
	if err := checkCors(in.CorsConfiguration); err != nil {
		return nil, err
	}
	if err := s.cfg.PassRole.InPlaceOf(ctx, nil, in.CredentialsArn); err != nil {
		return nil, err
	}
	var out *gw.UpdateApiOutput
	err := s.edit(ctx, in.ApiId, func(_ shelf.Place, d *Document) error {
		id := d.API.ApiId
		shape.Patch(&d.API, in)
		d.API.ApiId = id
		if err := d.requick(in); err != nil {
			return err
		}
		out = shape.As[gw.UpdateApiOutput](&d.API)
		return nil
	})
	return out, err
}

// requick changes what quick create made.
func (d *Document) requick(in *gw.UpdateApiInput) error {
	if in.RouteKey == nil && in.Target == nil && in.CredentialsArn == nil {
		return nil
	}
	for id, r := range d.Routes {
		if !aws.ToBool(r.ApiGatewayManaged) {
			continue
		}
		if in.RouteKey != nil {
			if err := checkRouteKey(*in.RouteKey); err != nil {
				return err
			}
			r.RouteKey = in.RouteKey
			d.Routes[id] = r
		}
		old, ok := d.Integrations[strings.TrimPrefix(aws.ToString(r.Target), "integrations/")]
		if !ok {
			continue
		}
		if in.Target != nil {
			made := quickIntegration(*in.Target)
			made.IntegrationId, made.CredentialsArn = old.IntegrationId, old.CredentialsArn
			old = made
		}
		if in.CredentialsArn != nil {
			old.CredentialsArn = in.CredentialsArn
		}
		d.Integrations[*old.IntegrationId] = old
		return nil
	}
	return desk.BadRequest("Target, route key and credentials can be changed of an API that was made with them only")
}

func (s *Service) deleteAPI(ctx context.Context, in *gw.DeleteApiInput) (*gw.DeleteApiOutput, error) {
	e, err := s.get(ctx, in.ApiId)
	if err != nil {
		return nil, err
	}
	var more []store.Change
	for id := range e.Doc.Deployments {
		more = append(more, s.snapshots.Drop(desk.SnapshotPlace(e.Place, id)))
	}
	return &gw.DeleteApiOutput{}, s.apis.Delete(ctx, e.Place, more...)
}

func (s *Service) deleteCors(ctx context.Context, in *gw.DeleteCorsConfigurationInput) (*gw.DeleteCorsConfigurationOutput, error) {
	return &gw.DeleteCorsConfigurationOutput{}, s.edit(ctx, in.ApiId, func(_ shelf.Place, d *Document) error {
		d.API.CorsConfiguration = nil
		return nil
	})
}
