package httpapi

import (
	"context"
	"maps"
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
)

// The bounds of an integration's timeout (API Gateway quotas, "HTTP API quotas").
const (
	timeoutMinMillis = 50
	timeoutMaxMillis = 30000
)

func (s *Service) createIntegration(ctx context.Context, in *gw.CreateIntegrationInput) (*gw.CreateIntegrationOutput, error) {
	i := *shape.As[types.Integration](in)
	i.IntegrationId = new(shelf.NewID(7))
	if err := checkIntegration(&i); err != nil {
		return nil, err
	}
	if err := s.cfg.PassRole.InPlaceOf(ctx, nil, i.CredentialsArn); err != nil {
		return nil, err
	}
	err := s.edit(ctx, in.ApiId, func(_ shelf.Place, d *Document) error {
		if len(d.Integrations) >= integrationsMax {
			return lambda.Errorf(codeTooMany, "Maximum number of Integrations for this API has been reached.")
		}
		d.Integrations = desk.Put(d.Integrations, *i.IntegrationId, i)
		return nil
	})
	return shape.As[gw.CreateIntegrationOutput](&i), err
}

// checkIntegration refuses what AWS would, and what is not served here, and fills in
// the defaults.
func checkIntegration(i *types.Integration) error {
	switch {
	case i.ConnectionType == types.ConnectionTypeVpcLink:
		return desk.NotServed("VPC links")
	case aws.ToString(i.IntegrationSubtype) != "":
		return desk.NotServed("integrations with AWS services other than Lambda")
	case i.TlsConfig != nil && aws.ToString(i.TlsConfig.ServerNameToVerify) != "":
		return desk.NotServed("TLS names of private integrations")
	}
	if i.ConnectionType == "" {
		i.ConnectionType = types.ConnectionTypeInternet
	}
	i.PayloadFormatVersion = orDefault(i.PayloadFormatVersion, "1.0")
	if i.TimeoutInMillis == nil {
		i.TimeoutInMillis = aws.Int32(timeoutMaxMillis)
	}
	if t := *i.TimeoutInMillis; t < timeoutMinMillis || t > timeoutMaxMillis {
		return desk.BadRequest("Timeout should be between %d and %d milliseconds", timeoutMinMillis, timeoutMaxMillis)
	}
	uri := aws.ToString(i.IntegrationUri)
	switch i.IntegrationType {
	case types.IntegrationTypeAwsProxy:
		if !slices.Contains([]string{"1.0", "2.0"}, *i.PayloadFormatVersion) {
			return desk.BadRequest("Invalid PayloadFormatVersion: %s", *i.PayloadFormatVersion)
		}
		if _, ok := door.FunctionARN(door.Variables(uri, nil)); !ok {
			return desk.BadRequest("Invalid integration URI specified")
		}
		i.IntegrationMethod = orDefault(i.IntegrationMethod, "POST")
	case types.IntegrationTypeHttpProxy:
		if *i.PayloadFormatVersion != "1.0" {
			return desk.BadRequest("PayloadFormatVersion 1.0 is the only one of HTTP_PROXY integrations")
		}
		if !strings.HasPrefix(uri, "http://") && !strings.HasPrefix(uri, "https://") && !strings.HasPrefix(uri, "${stageVariables.") {
			return desk.BadRequest("Invalid HTTP endpoint specified for URI")
		}
		if aws.ToString(i.IntegrationMethod) == "" {
			return desk.BadRequest("HttpMethod must be specified for HTTP_PROXY integrations")
		}
	case types.IntegrationTypeAws, types.IntegrationTypeHttp, types.IntegrationTypeMock:
		return desk.BadRequest("HTTP APIs have integrations of the types AWS_PROXY and HTTP_PROXY only")
	default:
		return desk.BadRequest("Invalid integration type: %s", i.IntegrationType)
	}
	return checkMapping(i)
}

func (s *Service) getIntegration(ctx context.Context, in *gw.GetIntegrationInput) (*gw.GetIntegrationOutput, error) {
	return partOf[gw.GetIntegrationOutput](ctx, s, in.ApiId, in.IntegrationId, "Integration", func(d *Document) map[string]types.Integration { return d.Integrations })
}

func (s *Service) getIntegrations(ctx context.Context, in *gw.GetIntegrationsInput) (*gw.GetIntegrationsOutput, error) {
	items, next, err := partsOf(ctx, s, in.ApiId, in.MaxResults, in.NextToken, func(d *Document) map[string]types.Integration { return d.Integrations })
	return &gw.GetIntegrationsOutput{Items: items, NextToken: next}, err
}

func (s *Service) updateIntegration(ctx context.Context, in *gw.UpdateIntegrationInput) (*gw.UpdateIntegrationOutput, error) {
	var out *gw.UpdateIntegrationOutput
	err := s.edit(ctx, in.ApiId, func(_ shelf.Place, d *Document) error {
		i, ok := d.Integrations[aws.ToString(in.IntegrationId)]
		if !ok {
			return desk.NotFound("Integration")
		}
		before := i.RequestParameters
		if err := s.cfg.PassRole.InPlaceOf(ctx, i.CredentialsArn, in.CredentialsArn); err != nil {
			return err
		}
		shape.Patch(&i, in)
		if in.RequestParameters != nil {
			i.RequestParameters = merge(before, in.RequestParameters)
		}
		if err := checkIntegration(&i); err != nil {
			return err
		}
		d.Integrations[*i.IntegrationId] = i
		out = shape.As[gw.UpdateIntegrationOutput](&i)
		return nil
	})
	return out, err
}

// merge adds parameters to those that are there; an empty one goes.
func merge(before, change map[string]string) map[string]string {
	out := map[string]string{}
	maps.Copy(out, before)
	for name, value := range change {
		if out[name] = value; value == "" {
			delete(out, name)
		}
	}
	return out
}

func (s *Service) deleteIntegration(ctx context.Context, in *gw.DeleteIntegrationInput) (*gw.DeleteIntegrationOutput, error) {
	return &gw.DeleteIntegrationOutput{}, s.edit(ctx, in.ApiId, func(_ shelf.Place, d *Document) error {
		id := aws.ToString(in.IntegrationId)
		if _, ok := d.Integrations[id]; !ok {
			return desk.NotFound("Integration")
		}
		for _, r := range d.Routes {
			if aws.ToString(r.Target) == "integrations/"+id {
				return lambda.Errorf(desk.CodeConflict, "Cannot delete Integration %s. Integration is referenced by a Route", id)
			}
		}
		delete(d.Integrations, id)
		return nil
	})
}
