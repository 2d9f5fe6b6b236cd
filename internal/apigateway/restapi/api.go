package restapi

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	gw "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/hearthfaas/hearth/internal/apigateway/desk"
	"github.com/hearthfaas/hearth/internal/apigateway/shape"
	"github.com/hearthfaas/hearth/internal/apigateway/shelf"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

func (s *Service) createAPI(ctx context.Context, in *gw.CreateRestApiInput) (*gw.CreateRestApiOutput, error) {
	if aws.ToString(in.Name) == "" {
		return nil, desk.BadRequest("No Name specified")
	}
	p := desk.Place(ctx, new(shelf.NewID(10)))
	d := &Document{}
	if from := in.CloneFrom; from != nil {
		e, ok := s.apis.Get(desk.Place(ctx, from))
		if !ok {
			return nil, desk.NoAPI(desk.Place(ctx, from))
		}
		copied, err := shelf.Clone(e.Doc)
		if err == nil {
			err = s.mayPassAll(ctx, copied)
		}
		if err != nil {
			return nil, err
		}
		d = copied
		d.Stages, d.Deployments = nil, nil
	}
	shape.Patch(&d.API, in)
	if err := s.complete(p, d); err != nil {
		return nil, err
	}
	if err := s.apis.Create(ctx, p, *d); err != nil {
		return nil, err
	}
	return shape.As[gw.CreateRestApiOutput](&d.API), nil
}

// complete fills in what every API has.
func (s *Service) complete(p shelf.Place, d *Document) error {
	a := &d.API
	a.Id, a.CreatedDate = &p.ID, aws.Time(s.cfg.Now().UTC().Truncate(1e9))
	if a.ApiKeySource == "" {
		a.ApiKeySource = types.ApiKeySourceTypeHeader
	}
	if a.EndpointConfiguration == nil {
		a.EndpointConfiguration = &types.EndpointConfiguration{Types: []types.EndpointType{types.EndpointTypeEdge}}
	}
	if a.EndpointConfiguration.IpAddressType == "" {
		a.EndpointConfiguration.IpAddressType = types.IpAddressTypeIpv4
	}
	if len(a.EndpointConfiguration.Types) != 1 {
		return desk.BadRequest("The endpoint configuration has one type")
	}
	if a.EndpointConfiguration.Types[0] == types.EndpointTypePrivate {
		return desk.NotServed("private endpoints")
	}
	if d.Resources == nil {
		root := shelf.NewID(10)
		a.RootResourceId = &root
		d.Resources = map[string]types.Resource{root: {Id: &root, Path: new("/")}}
	}
	if d.Models == nil {
		d.Models = map[string]types.Model{}
		for name, schema := range map[string]string{
			"Empty": `{"$schema": "http://json-schema.org/draft-04/schema#","title" : "Empty Schema","type" : "object"}`,
			"Error": `{"$schema" : "http://json-schema.org/draft-04/schema#","title" : "Error Schema","type" : "object","properties" : {"message" : { "type" : "string" }}}`,
		} {
			d.Models[name] = types.Model{Id: new(shelf.NewID(6)), Name: new(name), ContentType: new("application/json"), Schema: new(schema)}
		}
	}
	expandPolicy(p, a)
	return nil
}

// expandPolicy writes the short form of resources out, execute-api:/stage/….
func expandPolicy(p shelf.Place, a *types.RestApi) {
	if a.Policy != nil {
		a.Policy = new(strings.ReplaceAll(*a.Policy, `"execute-api:/`, `"arn:aws:execute-api:`+p.Region+":"+p.Account+":"+p.ID+"/"))
		if *a.Policy == "" {
			a.Policy = nil
		}
	}
}

func (s *Service) getAPI(ctx context.Context, in *gw.GetRestApiInput) (*gw.GetRestApiOutput, error) {
	d, err := s.get(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	return shape.As[gw.GetRestApiOutput](&d.API), nil
}

func (s *Service) getAPIs(ctx context.Context, in *gw.GetRestApisInput) (*gw.GetRestApisOutput, error) {
	c := lambda.CallerFrom(ctx)
	all := map[string]types.RestApi{}
	for _, e := range s.apis.List(c.Account, c.Region) {
		all[e.ID] = e.Doc.API
	}
	items, next := page(all, in.Limit, in.Position)
	return &gw.GetRestApisOutput{Items: items, Position: next}, nil
}

func (s *Service) updateAPI(ctx context.Context, in *gw.UpdateRestApiInput) (*gw.UpdateRestApiOutput, error) {
	var out *gw.UpdateRestApiOutput
	err := s.change(ctx, in.RestApiId, func(p shelf.Place, d *Document) ([]store.Change, error) {
		if err := patch(&d.API, in.PatchOperations, patchEndpoint(&d.API)); err != nil {
			return nil, err
		}
		expandPolicy(p, &d.API)
		out = shape.As[gw.UpdateRestApiOutput](&d.API)
		return nil, nil
	})
	return out, err
}

// patchEndpoint takes the one list whose items are replaced by the kind before.
func patchEndpoint(a *types.RestApi) func(types.PatchOperation, []string) (bool, error) {
	return func(op types.PatchOperation, path []string) (bool, error) {
		switch {
		case len(path) >= 2 && path[0] == "endpointConfiguration" && path[1] == "types":
			kind := types.EndpointType(aws.ToString(op.Value))
			if kind == types.EndpointTypePrivate {
				return false, desk.NotServed("private endpoints")
			}
			a.EndpointConfiguration.Types = []types.EndpointType{kind}
			return true, nil
		case path[0] == "id" || path[0] == "rootResourceId" || path[0] == "tags":
			return false, desk.BadRequest("Invalid patch path '%s' specified for op '%s'", aws.ToString(op.Path), op.Op)
		}
		return false, nil
	}
}

func (s *Service) deleteAPI(ctx context.Context, in *gw.DeleteRestApiInput) (*gw.DeleteRestApiOutput, error) {
	p := desk.Place(ctx, in.RestApiId)
	e, ok := s.apis.Get(p)
	if !ok {
		return nil, desk.NoAPI(p)
	}
	for _, plan := range s.plans.List(p.Account, p.Region) {
		for _, st := range plan.Doc.ApiStages {
			if aws.ToString(st.ApiId) == p.ID {
				return nil, desk.BadRequest("Cannot delete API: it is part of the usage plan %s", plan.ID)
			}
		}
	}
	var more []store.Change
	for id := range e.Doc.Deployments {
		more = append(more, s.snapshots.Drop(desk.SnapshotPlace(p, id)))
	}
	return &gw.DeleteRestApiOutput{}, s.apis.Delete(ctx, p, more...)
}

func (s *Service) getAccount(ctx context.Context, _ *gw.GetAccountInput) (*gw.GetAccountOutput, error) {
	e, ok := s.accounts.Get(accountPlace(ctx))
	if !ok {
		return shape.As[gw.GetAccountOutput](account(nil)), nil
	}
	return shape.As[gw.GetAccountOutput](account(e.Doc.CloudWatchRole)), nil
}

// accountPlace is where an account's own settings are.
func accountPlace(ctx context.Context) shelf.Place {
	c := lambda.CallerFrom(ctx)
	return shelf.Place{Account: c.Account, Region: c.Region, ID: c.Account + "." + c.Region}
}

// account shows an account's settings with AWS's limits.
func account(role *string) *gw.GetAccountOutput {
	return &gw.GetAccountOutput{
		ApiKeyVersion: new("4"), CloudwatchRoleArn: role, Features: []string{"UsagePlans"},
		ThrottleSettings: &types.ThrottleSettings{BurstLimit: burstDefault, RateLimit: rateDefault},
	}
}

func (s *Service) updateAccount(ctx context.Context, in *gw.UpdateAccountInput) (*gw.UpdateAccountOutput, error) {
	p := accountPlace(ctx)
	var a Account
	if e, ok := s.accounts.Get(p); ok {
		a = *e.Doc
	}
	shown := account(a.CloudWatchRole)
	if err := patch(shown, in.PatchOperations, nil); err != nil {
		return nil, err
	}
	a.CloudWatchRole = shown.CloudwatchRoleArn
	if aws.ToString(a.CloudWatchRole) == "" {
		a.CloudWatchRole, shown.CloudwatchRoleArn = nil, nil
	}
	change, err := s.accounts.Put(p, a)
	if err == nil {
		_, err = s.cfg.Store.Apply(ctx, change)
	}
	return shape.As[gw.UpdateAccountOutput](shown), err
}
