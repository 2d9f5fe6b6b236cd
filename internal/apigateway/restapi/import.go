package restapi

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	gw "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/hearthfaas/hearth/internal/apigateway/desk"
	"github.com/hearthfaas/hearth/internal/apigateway/openapi"
	"github.com/hearthfaas/hearth/internal/apigateway/shape"
	"github.com/hearthfaas/hearth/internal/apigateway/shelf"
	"github.com/hearthfaas/hearth/internal/store"
)

func (s *Service) importAPI(ctx context.Context, in *gw.ImportRestApiInput) (*gw.ImportRestApiOutput, error) {
	from, err := parse(in.Body)
	if err != nil {
		return nil, err
	}
	p := desk.Place(ctx, new(shelf.NewID(10)))
	d := &Document{}
	if kind := in.Parameters["endpointConfigurationTypes"]; kind != "" {
		from.EndpointTypes = []string{kind}
	}
	d.describe(from)
	if err := s.complete(p, d); err != nil {
		return nil, err
	}
	if err := d.read(from, in.Parameters["basepath"], in.FailOnWarnings); err != nil {
		return nil, err
	}
	if err := s.mayPassAll(ctx, d); err != nil {
		return nil, err
	}
	if err := s.apis.Create(ctx, p, *d); err != nil {
		return nil, err
	}
	return shape.As[gw.ImportRestApiOutput](&d.API), nil
}

// putAPI merges a description into an API, or lets it overwrite all but the stages and
// deployments.
func (s *Service) putAPI(ctx context.Context, in *gw.PutRestApiInput) (*gw.PutRestApiOutput, error) {
	from, err := parse(in.Body)
	if err != nil {
		return nil, err
	}
	var out *gw.PutRestApiOutput
	err = s.change(ctx, in.RestApiId, func(p shelf.Place, d *Document) ([]store.Change, error) {
		if in.Mode == types.PutModeOverwrite {
			root := d.Resources[aws.ToString(d.API.RootResourceId)]
			root.ResourceMethods = nil
			d.Resources = map[string]types.Resource{*root.Id: root}
			d.Authorizers, d.Responses, d.Validators, d.Models = nil, nil, nil, nil
			d.API.BinaryMediaTypes = nil
		}
		created := d.API.CreatedDate
		d.describe(from)
		if err := s.complete(p, d); err != nil {
			return nil, err
		}
		d.API.CreatedDate = created
		if err := d.read(from, in.Parameters["basepath"], in.FailOnWarnings); err != nil {
			return nil, err
		}
		if err := s.mayPassAll(ctx, d); err != nil {
			return nil, err
		}
		out = shape.As[gw.PutRestApiOutput](&d.API)
		return nil, nil
	})
	return out, err
}

// mayPassAll asks for every role of a document.
func (s *Service) mayPassAll(ctx context.Context, d *Document) error {
	for _, r := range d.Resources {
		for _, m := range r.ResourceMethods {
			if m.MethodIntegration == nil {
				continue
			}
			if err := s.cfg.PassRole.InPlaceOf(ctx, nil, m.MethodIntegration.Credentials); err != nil {
				return err
			}
		}
	}
	for _, a := range d.Authorizers {
		if err := s.cfg.PassRole.InPlaceOf(ctx, nil, a.AuthorizerCredentials); err != nil {
			return err
		}
	}
	return nil
}

func parse(body []byte) (*openapi.Document, error) {
	from, err := openapi.Parse(body)
	if err != nil {
		return nil, desk.BadRequest("Invalid OpenAPI input: %s", err)
	}
	if from.Title == "" {
		return nil, desk.BadRequest("Invalid OpenAPI input: the title is missing")
	}
	return from, nil
}

func some(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// describe takes what a description says of the API as a whole.
func (d *Document) describe(from *openapi.Document) {
	d.API.Name = &from.Title
	if from.Version != "" {
		d.API.Version = &from.Version
	}
	if from.Description != "" {
		d.API.Description = &from.Description
	}
	if from.Policy != "" {
		d.API.Policy = &from.Policy
	}
	if from.BinaryMediaTypes != nil {
		d.API.BinaryMediaTypes = from.BinaryMediaTypes
	}
	if from.APIKeySource != "" {
		d.API.ApiKeySource = types.ApiKeySourceType(from.APIKeySource)
	}
	if len(from.EndpointTypes) > 0 {
		d.API.EndpointConfiguration = &types.EndpointConfiguration{Types: []types.EndpointType{types.EndpointType(from.EndpointTypes[0])}}
	}
}

// reading is a description on its way into a document.
type reading struct {
	*Document
	from       *openapi.Document
	validators map[string]string // by name
}

// read adds what a description has to a document.
func (d *Document) read(from *openapi.Document, basepath string, strict bool) error {
	r := &reading{Document: d, from: from, validators: map[string]string{}}
	for name, schema := range from.Models {
		d.Models = desk.Put(d.Models, name, types.Model{Id: new(shelf.NewID(6)), Name: &name, ContentType: new("application/json"), Schema: new(string(schema))})
	}
	for name, v := range from.Validators {
		id := shelf.NewID(6)
		r.validators[name] = id
		d.Validators = desk.Put(d.Validators, id, types.RequestValidator{Id: &id, Name: &name, ValidateRequestBody: v.Body, ValidateRequestParameters: v.Parameters})
	}
	for kind, response := range from.Responses {
		g := types.GatewayResponse{
			ResponseType: types.GatewayResponseType(kind), StatusCode: some(string(response.StatusCode)),
			ResponseParameters: response.ResponseParameters, ResponseTemplates: response.ResponseTemplates,
		}
		if err := checkGatewayResponse(&g); err != nil {
			return err
		}
		d.Responses = desk.Put(d.Responses, kind, g)
	}
	d.API.Warnings = nil
	for i := range from.Operations {
		if err := r.add(&from.Operations[i], basepath); err != nil {
			return err
		}
	}
	if strict && len(d.API.Warnings) > 0 {
		return desk.BadRequest("Warnings found during import: %v", d.API.Warnings)
	}
	return nil
}

// at finds the resource of a path, and makes those on the way that are not there.
func (d *Document) at(path string) (types.Resource, error) {
	at := d.Resources[aws.ToString(d.API.RootResourceId)]
	for part := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		if part == "" {
			continue
		}
		var next *types.Resource
		for _, r := range d.Resources {
			if aws.ToString(r.ParentId) == *at.Id && aws.ToString(r.PathPart) == part {
				next = &r
				break
			}
		}
		if next == nil {
			made, err := d.addResource(*at.Id, part)
			if err != nil {
				return made, err
			}
			next = &made
		}
		at = *next
	}
	return at, nil
}

// add makes the method of an operation.
func (r *reading) add(op *openapi.Operation, basepath string) error {
	path, err := r.from.Based(op.Path, basepath)
	if err != nil {
		return desk.BadRequest("%s", err)
	}
	at, err := r.at(path)
	if err != nil {
		return err
	}
	m := types.Method{HttpMethod: &op.Method, OperationName: some(op.ID), AuthorizationType: new("NONE"), ApiKeyRequired: new(false)}
	for _, p := range op.Parameters {
		place := map[string]string{"query": "querystring", "header": "header", "path": "path"}[p.In]
		if place != "" {
			m.RequestParameters = desk.Put(m.RequestParameters, "method.request."+place+"."+p.Name, p.Required)
		}
	}
	name := op.Validator
	if name == "" {
		name = r.from.Validator
	}
	if id, ok := r.validators[name]; ok {
		m.RequestValidatorId = &id
	}
	if err := r.secure(&m, op); err != nil {
		return err
	}
	for status, response := range op.Responses {
		mr := types.MethodResponse{StatusCode: &status}
		for header := range response.Headers {
			mr.ResponseParameters = desk.Put(mr.ResponseParameters, "method.response.header."+header, false)
		}
		m.MethodResponses = desk.Put(m.MethodResponses, status, mr)
	}
	if op.Integration == nil {
		r.API.Warnings = append(r.API.Warnings, "No integration defined for "+op.Method+" "+op.Path)
	} else if m.MethodIntegration, err = r.integration(&m, op.Integration, *at.Id); err != nil {
		return err
	}
	if err := r.checkMethod(&m); err != nil {
		return err
	}
	at.ResourceMethods = desk.Put(at.ResourceMethods, op.Method, m)
	r.Resources[*at.Id] = at
	return nil
}

// integration makes an operation's integration.
func (r *reading) integration(m *types.Method, from *openapi.Integration, resource string) (*types.Integration, error) {
	i := &types.Integration{
		Type: types.IntegrationType(strings.ToUpper(from.Type)), Uri: some(from.URI), HttpMethod: some(from.HTTPMethod), Credentials: some(from.Credentials),
		ConnectionType: types.ConnectionType(from.ConnectionType), PassthroughBehavior: some(strings.ToUpper(from.PassthroughBehavior)),
		ContentHandling: types.ContentHandlingStrategy(from.ContentHandling), TimeoutInMillis: from.TimeoutInMillis,
		RequestParameters: from.RequestParameters, RequestTemplates: from.RequestTemplates, CacheNamespace: &resource,
	}
	if err := checkIntegration(i); err != nil {
		return nil, err
	}
	for pattern, response := range from.Responses {
		ir := types.IntegrationResponse{
			StatusCode: some(string(response.StatusCode)), ResponseParameters: response.ResponseParameters,
			ResponseTemplates: response.ResponseTemplates, ContentHandling: types.ContentHandlingStrategy(response.ContentHandling),
		}
		if pattern != "default" {
			ir.SelectionPattern = &pattern
		}
		if err := checkIntegrationResponse(m, &ir); err != nil {
			return nil, err
		}
		i.IntegrationResponses = desk.Put(i.IntegrationResponses, *ir.StatusCode, ir)
	}
	return i, nil
}

// secure gives a method the authorizer of the operation's first security requirement,
// and the need of a key where that is among them.
func (r *reading) secure(m *types.Method, op *openapi.Operation) error {
	if op.Auth == "AWS_IAM" {
		m.AuthorizationType = new("AWS_IAM")
	}
	for _, requirement := range op.Security {
		for name, scopes := range requirement {
			scheme, ok := r.from.Schemes[name]
			switch {
			case !ok:
				return desk.BadRequest("The security scheme %s is not there", name)
			case scheme.AuthType == "awsSigv4":
				m.AuthorizationType = new("AWS_IAM")
			case scheme.Authorizer != nil:
				id, err := r.authorizer(name, &scheme)
				if err != nil {
					return err
				}
				m.AuthorizationType, m.AuthorizerId = new("CUSTOM"), &id
				if len(scopes) > 0 {
					m.AuthorizationScopes = slices.Clone(scopes)
				}
			case scheme.Type == "apiKey" && strings.EqualFold(scheme.Name, "x-api-key"):
				m.ApiKeyRequired = new(true)
			}
		}
	}
	return nil
}

// authorizer makes the authorizer of a scheme, or finds the one of its name.
func (r *reading) authorizer(name string, scheme *openapi.Scheme) (string, error) {
	for id, a := range r.Authorizers {
		if aws.ToString(a.Name) == name {
			return id, nil
		}
	}
	from, id := scheme.Authorizer, shelf.NewID(6)
	a := types.Authorizer{
		Id: &id, Name: &name, Type: types.AuthorizerType(strings.ToUpper(from.Type)), AuthType: some(scheme.AuthType), AuthorizerUri: some(from.URI),
		AuthorizerCredentials: some(from.Credentials), AuthorizerResultTtlInSeconds: from.ResultTTLInSeconds,
		IdentitySource: some(strings.Join(from.IdentitySource, ",")), IdentityValidationExpression: some(from.Validation),
	}
	if a.IdentitySource == nil && scheme.In == "header" && scheme.Name != "" && scheme.Name != "Unused" {
		a.IdentitySource = new("method.request.header." + scheme.Name)
	}
	if err := checkAuthorizer(&a); err != nil {
		return "", err
	}
	r.Authorizers = desk.Put(r.Authorizers, id, a)
	return id, nil
}
