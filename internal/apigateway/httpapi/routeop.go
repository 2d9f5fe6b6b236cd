package httpapi

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	gw "github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/hearthfaas/hearth/internal/apigateway/desk"
	"github.com/hearthfaas/hearth/internal/apigateway/shape"
	"github.com/hearthfaas/hearth/internal/apigateway/shelf"
	"github.com/hearthfaas/hearth/internal/lambda"
)

func (s *Service) createRoute(ctx context.Context, in *gw.CreateRouteInput) (*gw.CreateRouteOutput, error) {
	r := *shape.As[types.Route](in)
	r.RouteId = new(shelf.NewID(7))
	err := s.edit(ctx, in.ApiId, func(_ shelf.Place, d *Document) error {
		if len(d.Routes) >= routesMax {
			return lambda.Errorf(codeTooMany, "Maximum number of Routes for this API has been reached.")
		}
		if err := d.checkRoute(&r); err != nil {
			return err
		}
		d.Routes = desk.Put(d.Routes, *r.RouteId, r)
		return nil
	})
	return shape.As[gw.CreateRouteOutput](&r), err
}

// checkRoute refuses what AWS would and fills in the defaults.
func (d *Document) checkRoute(r *types.Route) error {
	if err := checkRouteKey(aws.ToString(r.RouteKey)); err != nil {
		return err
	}
	for id, other := range d.Routes {
		if id != *r.RouteId && aws.ToString(other.RouteKey) == *r.RouteKey {
			return lambda.Errorf(desk.CodeConflict, "Route with key %s already exists for this API", *r.RouteKey)
		}
	}
	if aws.ToBool(r.ApiKeyRequired) {
		return desk.BadRequest("ApiKeyRequired is not currently supported for HTTP APIs")
	}
	r.ApiKeyRequired = aws.Bool(false)
	if r.AuthorizationType == "" {
		r.AuthorizationType = types.AuthorizationTypeNone
	}
	if target := aws.ToString(r.Target); target != "" {
		id, ok := strings.CutPrefix(target, "integrations/")
		if _, there := d.Integrations[id]; !ok || !there {
			return desk.BadRequest("Invalid target specified: %s", target)
		}
	}
	return d.checkRouteAuthorizer(r)
}

func (d *Document) checkRouteAuthorizer(r *types.Route) error {
	a, ok := d.Authorizers[aws.ToString(r.AuthorizerId)]
	switch r.AuthorizationType {
	case types.AuthorizationTypeJwt, types.AuthorizationTypeCustom:
		want := types.AuthorizerTypeJwt
		if r.AuthorizationType == types.AuthorizationTypeCustom {
			want = types.AuthorizerTypeRequest
		}
		if !ok || a.AuthorizerType != want {
			return desk.BadRequest("Invalid authorizer identifier specified for authorization type %s", r.AuthorizationType)
		}
	case types.AuthorizationTypeNone, types.AuthorizationTypeAwsIam:
	default:
		return desk.BadRequest("Invalid authorization type: %s", r.AuthorizationType)
	}
	return nil
}

// methods are what a route key may begin with.
var methods = map[string]bool{
	"ANY": true, "GET": true, "POST": true, "PUT": true, "PATCH": true, "DELETE": true, "HEAD": true, "OPTIONS": true,
}

// checkRouteKey refuses keys that no request can have.
func checkRouteKey(key string) error {
	if key == defaultRoute {
		return nil
	}
	method, path, ok := strings.Cut(key, " ")
	if !ok || !methods[method] || !strings.HasPrefix(path, "/") {
		return desk.BadRequest("The provided route key is not formatted properly for HTTP protocol. Format should be \"<HTTP METHOD> /<RESOURCE PATH>\" or \"$default\"")
	}
	parts := strings.Split(path[1:], "/")
	seen := map[string]bool{}
	for i, part := range parts {
		name, param := parameter(part)
		switch {
		case !param && strings.ContainsAny(part, "{}"):
			return desk.BadRequest("The provided route key contains an invalid path parameter: %s", part)
		case param && (name == "" || seen[name]):
			return desk.BadRequest("The provided route key contains an invalid or repeated path parameter: %s", part)
		case param && strings.HasSuffix(part, "+}") && i != len(parts)-1:
			return desk.BadRequest("The greedy path parameter %s must be at the end of the path", part)
		}
		seen[name] = param
	}
	return nil
}

// parameter is the name of a path parameter, {name} or {name+}.
func parameter(part string) (string, bool) {
	if !strings.HasPrefix(part, "{") || !strings.HasSuffix(part, "}") {
		return "", false
	}
	return strings.TrimSuffix(part[1:len(part)-1], "+"), true
}

func (s *Service) getRoute(ctx context.Context, in *gw.GetRouteInput) (*gw.GetRouteOutput, error) {
	return partOf[gw.GetRouteOutput](ctx, s, in.ApiId, in.RouteId, "Route", func(d *Document) map[string]types.Route { return d.Routes })
}

func (s *Service) getRoutes(ctx context.Context, in *gw.GetRoutesInput) (*gw.GetRoutesOutput, error) {
	items, next, err := partsOf(ctx, s, in.ApiId, in.MaxResults, in.NextToken, func(d *Document) map[string]types.Route { return d.Routes })
	return &gw.GetRoutesOutput{Items: items, NextToken: next}, err
}

func (s *Service) updateRoute(ctx context.Context, in *gw.UpdateRouteInput) (*gw.UpdateRouteOutput, error) {
	var out *gw.UpdateRouteOutput
	err := s.edit(ctx, in.ApiId, func(_ shelf.Place, d *Document) error {
		r, ok := d.Routes[aws.ToString(in.RouteId)]
		if !ok {
			return desk.NotFound("Route")
		}
		shape.Patch(&r, in)
		if in.AuthorizationType == types.AuthorizationTypeNone || in.AuthorizationType == types.AuthorizationTypeAwsIam {
			r.AuthorizerId = nil
		}
		if err := d.checkRoute(&r); err != nil {
			return err
		}
		d.Routes[*r.RouteId] = r
		out = shape.As[gw.UpdateRouteOutput](&r)
		return nil
	})
	return out, err
}

func (s *Service) deleteRoute(ctx context.Context, in *gw.DeleteRouteInput) (*gw.DeleteRouteOutput, error) {
	return &gw.DeleteRouteOutput{}, s.edit(ctx, in.ApiId, func(_ shelf.Place, d *Document) error {
		if _, ok := d.Routes[aws.ToString(in.RouteId)]; !ok {
			return desk.NotFound("Route")
		}
		delete(d.Routes, *in.RouteId)
		return nil
	})
}

func (s *Service) deleteRouteRequestParameter(ctx context.Context, in *gw.DeleteRouteRequestParameterInput) (*gw.DeleteRouteRequestParameterOutput, error) {
	return &gw.DeleteRouteRequestParameterOutput{}, s.edit(ctx, in.ApiId, func(_ shelf.Place, d *Document) error {
		r, ok := d.Routes[aws.ToString(in.RouteId)]
		if !ok {
			return desk.NotFound("Route")
		}
		delete(r.RequestParameters, aws.ToString(in.RequestParameterKey))
		return nil
	})
}
