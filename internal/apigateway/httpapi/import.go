package httpapi

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	gw "github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/hearthfaas/hearth/internal/apigateway/desk"
	"github.com/hearthfaas/hearth/internal/apigateway/openapi"
	"github.com/hearthfaas/hearth/internal/apigateway/shape"
	"github.com/hearthfaas/hearth/internal/apigateway/shelf"
)

func (s *Service) importAPI(ctx context.Context, in *gw.ImportApiInput) (*gw.ImportApiOutput, error) {
	p := desk.Place(ctx, new(shelf.NewID(10)))
	d := &Document{}
	if err := d.read(in.Body, in.Basepath, in.FailOnWarnings); err != nil {
		return nil, err
	}
	if err := s.mayPassAll(ctx, d); err != nil {
		return nil, err
	}
	s.complete(p, &d.API)
	if err := s.apis.Create(ctx, p, *d); err != nil {
		return nil, err
	}
	return shape.As[gw.ImportApiOutput](&d.API), nil
}

// reimportAPI replaces everything but the stages and deployments.
func (s *Service) reimportAPI(ctx context.Context, in *gw.ReimportApiInput) (*gw.ReimportApiOutput, error) {
	var out *gw.ReimportApiOutput
	err := s.edit(ctx, in.ApiId, func(p shelf.Place, d *Document) error {
		next := &Document{Stages: d.Stages, Deployments: d.Deployments}
		if err := next.read(in.Body, in.Basepath, in.FailOnWarnings); err != nil {
			return err
		}
		if err := s.mayPassAll(ctx, next); err != nil {
			return err
		}
		created, tags := d.API.CreatedDate, d.API.Tags
		s.complete(p, &next.API)
		next.API.CreatedDate, next.API.Tags = created, tags
		*d = *next
		out = shape.As[gw.ReimportApiOutput](&d.API)
		return nil
	})
	return out, err
}

// mayPassAll asks for every role of a document.
func (s *Service) mayPassAll(ctx context.Context, d *Document) error {
	for _, i := range d.Integrations {
		if err := s.cfg.PassRole.InPlaceOf(ctx, nil, i.CredentialsArn); err != nil {
			return err
		}
	}
	for _, a := range d.Authorizers {
		if err := s.cfg.PassRole.InPlaceOf(ctx, nil, a.AuthorizerCredentialsArn); err != nil {
			return err
		}
	}
	return nil
}

// reading is a description on its way into a document.
type reading struct {
	*Document
	from        *openapi.Document
	authorizers map[string]string // by scheme
	made        map[*openapi.Integration]string
}

// read fills a document from an OpenAPI 3 description.
func (d *Document) read(body, basepath *string, strict *bool) error {
	from, err := openapi.Parse([]byte(aws.ToString(body)))
	if err != nil {
		return desk.BadRequest("Invalid OpenAPI input: %s", err)
	}
	if from.Title == "" {
		return desk.BadRequest("Invalid OpenAPI input: the title is missing")
	}
	d.API.Name, d.API.ProtocolType = &from.Title, types.ProtocolTypeHttp
	d.API.Version, d.API.Description = some(from.Version), some(from.Description)
	if c := from.Cors; c != nil {
		d.API.CorsConfiguration = &types.Cors{
			AllowCredentials: c.AllowCredentials, AllowHeaders: c.AllowHeaders, AllowMethods: c.AllowMethods,
			AllowOrigins: c.AllowOrigins, ExposeHeaders: c.ExposeHeaders, MaxAge: c.MaxAge,
		}
		if err := checkCors(d.API.CorsConfiguration); err != nil {
			return err
		}
	}
	r := &reading{Document: d, from: from, authorizers: map[string]string{}, made: map[*openapi.Integration]string{}}
	for i := range from.Operations {
		if err := r.add(&from.Operations[i], aws.ToString(basepath)); err != nil {
			return err
		}
	}
	if aws.ToBool(strict) && len(d.API.ImportInfo) > 0 {
		return desk.BadRequest("Warnings found during import: %v", d.API.ImportInfo)
	}
	return nil
}

func some(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// add makes the route of an operation.
func (r *reading) add(op *openapi.Operation, basepath string) error {
	path, err := r.from.Based(op.Path, basepath)
	if err != nil {
		return desk.BadRequest("%s", err)
	}
	key := op.Method + " " + path
	if op.Path == "/"+defaultRoute {
		key = defaultRoute
	}
	id := shelf.NewID(7)
	route := types.Route{RouteId: &id, RouteKey: &key, OperationName: some(op.ID)}
	if op.Integration == nil {
		r.API.ImportInfo = append(r.API.ImportInfo, fmt.Sprintf("Unable to create integration for resource at path '%s': there is none. Ignoring.", op.Path))
	} else {
		integration, err := r.integration(op.Integration)
		if err != nil {
			return err
		}
		route.Target = new("integrations/" + integration)
	}
	if err := r.secure(&route, op); err != nil {
		return err
	}
	if err := r.checkRoute(&route); err != nil {
		return err
	}
	if len(r.Routes) >= routesMax {
		return desk.BadRequest("An API has %d routes at most", routesMax)
	}
	r.Routes = desk.Put(r.Routes, id, route)
	return nil
}

// integration makes an integration, once for all operations that share it.
func (r *reading) integration(from *openapi.Integration) (string, error) {
	if id, ok := r.made[from]; ok {
		return id, nil
	}
	id := shelf.NewID(7)
	i := types.Integration{
		IntegrationId: &id, IntegrationUri: some(from.URI), IntegrationMethod: some(from.HTTPMethod), CredentialsArn: some(from.Credentials),
		ConnectionType: types.ConnectionType(from.ConnectionType), PayloadFormatVersion: some(from.PayloadFormatVersion),
		IntegrationSubtype: some(from.Subtype), Description: some(from.Description), RequestParameters: from.RequestParameters,
	}
	if from.TimeoutInMillis != 0 {
		i.TimeoutInMillis = &from.TimeoutInMillis
	}
	switch from.Type {
	case "aws_proxy", "AWS_PROXY":
		i.IntegrationType = types.IntegrationTypeAwsProxy
	case "http_proxy", "HTTP_PROXY", "http", "HTTP":
		i.IntegrationType = types.IntegrationTypeHttpProxy
	default:
		return "", desk.BadRequest("Invalid integration type: %s", from.Type)
	}
	if err := checkIntegration(&i); err != nil {
		return "", err
	}
	r.Integrations = desk.Put(r.Integrations, id, i)
	r.made[from] = id
	return id, nil
}

// secure gives a route the authorizer of the operation's first security requirement.
func (r *reading) secure(route *types.Route, op *openapi.Operation) error {
	for _, requirement := range op.Security {
		for name, scopes := range requirement {
			scheme, ok := r.from.Schemes[name]
			switch {
			case !ok:
				return desk.BadRequest("The security scheme %s is not there", name)
			case scheme.AuthType == "awsSigv4":
				route.AuthorizationType = types.AuthorizationTypeAwsIam
				return nil
			case scheme.Authorizer == nil:
				r.API.ImportInfo = append(r.API.ImportInfo, fmt.Sprintf("The security scheme %s has no authorizer. Ignoring.", name))
				continue
			}
			id, err := r.authorizer(name, &scheme)
			if err != nil {
				return err
			}
			route.AuthorizerId, route.AuthorizationType = &id, types.AuthorizationTypeCustom
			if r.Authorizers[id].AuthorizerType == types.AuthorizerTypeJwt {
				route.AuthorizationType, route.AuthorizationScopes = types.AuthorizationTypeJwt, scopes
			}
			return nil
		}
	}
	return nil
}

// authorizer makes the authorizer of a scheme, once.
func (r *reading) authorizer(name string, scheme *openapi.Scheme) (string, error) {
	if id, ok := r.authorizers[name]; ok {
		return id, nil
	}
	from, id := scheme.Authorizer, shelf.NewID(6)
	a := types.Authorizer{
		AuthorizerId: &id, Name: &name, AuthorizerUri: some(from.URI), AuthorizerCredentialsArn: some(from.Credentials),
		IdentitySource: from.IdentitySource, AuthorizerResultTtlInSeconds: from.ResultTTLInSeconds,
	}
	switch from.Type {
	case "jwt":
		a.AuthorizerType = types.AuthorizerTypeJwt
		if from.JWT != nil {
			a.JwtConfiguration = &types.JWTConfiguration{Issuer: some(from.JWT.Issuer), Audience: from.JWT.Audience}
		}
	case "request":
		a.AuthorizerType = types.AuthorizerTypeRequest
		a.AuthorizerPayloadFormatVersion, a.EnableSimpleResponses = some(from.PayloadFormatVersion), &from.EnableSimple
	default:
		return "", desk.BadRequest("Invalid authorizer type: %s", from.Type)
	}
	if err := checkAuthorizer(&a); err != nil {
		return "", err
	}
	r.Authorizers = desk.Put(r.Authorizers, id, a)
	r.authorizers[name] = id
	return id, nil
}
