package restapi

import (
	"context"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	gw "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/hearthfaas/hearth/internal/apigateway/desk"
	"github.com/hearthfaas/hearth/internal/apigateway/door"
	"github.com/hearthfaas/hearth/internal/apigateway/shape"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// The bounds of an integration's timeout (API Gateway quotas, "REST API quotas").
const (
	timeoutMinMillis     = 50
	timeoutDefaultMillis = 29000
)

func lambdaNotFound(text string) *lambda.Error { return lambda.Errorf(desk.CodeNotFound, "%s", text) }

func (s *Service) putIntegration(ctx context.Context, in *gw.PutIntegrationInput) (*gw.PutIntegrationOutput, error) {
	i := *shape.As[types.Integration](in)
	i.HttpMethod = in.IntegrationHttpMethod
	if i.CacheNamespace == nil {
		i.CacheNamespace = in.ResourceId
	}
	if err := checkIntegration(&i); err != nil {
		return nil, err
	}
	if err := s.cfg.PassRole.InPlaceOf(ctx, nil, i.Credentials); err != nil {
		return nil, err
	}
	err := s.edit(ctx, in.RestApiId, func(d *Document) error {
		m, keep, err := d.method(in.ResourceId, in.HttpMethod)
		if err != nil {
			return err
		}
		m.MethodIntegration = &i
		keep(m)
		return nil
	})
	return shape.As[gw.PutIntegrationOutput](&i), err
}

// checkIntegration refuses what AWS would, and what is not served here, and fills in
// the defaults.
func checkIntegration(i *types.Integration) error {
	if aws.ToString(i.Credentials) == "arn:aws:iam::*:user/*" {
		return desk.NotServed("integrations with the credentials of their callers")
	}
	if i.ConnectionType == types.ConnectionTypeVpcLink {
		return desk.NotServed("VPC links")
	}
	if i.ResponseTransferMode == types.ResponseTransferModeStream {
		return desk.NotServed("streamed answers of REST APIs; function URLs stream")
	}
	if i.TimeoutInMillis == 0 {
		i.TimeoutInMillis = timeoutDefaultMillis
	}
	if i.TimeoutInMillis < timeoutMinMillis || i.TimeoutInMillis > timeoutDefaultMillis {
		return desk.BadRequest("Timeout should be between %d ms and %d ms", timeoutMinMillis, timeoutDefaultMillis)
	}
	i.PassthroughBehavior = orDefault(i.PassthroughBehavior, "WHEN_NO_MATCH")
	uri := aws.ToString(i.Uri)
	switch i.Type {
	case types.IntegrationTypeAwsProxy:
		if aws.ToString(i.HttpMethod) == "" {
			return desk.BadRequest("Enumeration value for HttpMethod must be non-empty")
		}
		if _, ok := door.FunctionARN(door.Variables(uri, map[string]string{})); !ok || !strings.Contains(uri, ":lambda:path/") {
			return desk.BadRequest("Invalid ARN specified in the request")
		}
	case types.IntegrationTypeHttpProxy, types.IntegrationTypeHttp:
		if aws.ToString(i.HttpMethod) == "" {
			return desk.BadRequest("Enumeration value for HttpMethod must be non-empty")
		}
		if !strings.HasPrefix(uri, "http://") && !strings.HasPrefix(uri, "https://") {
			return desk.BadRequest("Invalid HTTP endpoint specified for URI")
		}
	case types.IntegrationTypeMock:
	case types.IntegrationTypeAws:
		return desk.NotServed("integrations of the type AWS; AWS_PROXY invokes functions")
	default:
		return desk.BadRequest("Invalid Integration type: %s", i.Type)
	}
	return checkTemplates(i.RequestTemplates)
}

// integration finds a method's integration.
func (d *Document) integration(resource, name *string) (types.Method, func(types.Method), error) {
	m, keep, err := d.method(resource, name)
	if err == nil && m.MethodIntegration == nil {
		err = desk.NotFound("Integration")
	}
	return m, keep, err
}

func (s *Service) getIntegration(ctx context.Context, in *gw.GetIntegrationInput) (*gw.GetIntegrationOutput, error) {
	d, err := s.get(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	m, _, err := d.integration(in.ResourceId, in.HttpMethod)
	if err != nil {
		return nil, err
	}
	return shape.As[gw.GetIntegrationOutput](m.MethodIntegration), nil
}

func (s *Service) updateIntegration(ctx context.Context, in *gw.UpdateIntegrationInput) (*gw.UpdateIntegrationOutput, error) {
	var out *gw.UpdateIntegrationOutput
	err := s.edit(ctx, in.RestApiId, func(d *Document) error {
		m, keep, err := d.integration(in.ResourceId, in.HttpMethod)
		if err != nil {
			return err
		}
		before := m.MethodIntegration.Credentials
		if err := patch(m.MethodIntegration, in.PatchOperations, nil); err != nil {
			return err
		}
		if err := s.cfg.PassRole.InPlaceOf(ctx, before, m.MethodIntegration.Credentials); err != nil {
			return err
		}
		if err := checkIntegration(m.MethodIntegration); err != nil {
			return err
		}
		keep(m)
		out = shape.As[gw.UpdateIntegrationOutput](m.MethodIntegration)
		return nil
	})
	return out, err
}

func (s *Service) deleteIntegration(ctx context.Context, in *gw.DeleteIntegrationInput) (*gw.DeleteIntegrationOutput, error) {
	return &gw.DeleteIntegrationOutput{}, s.edit(ctx, in.RestApiId, func(d *Document) error {
		m, keep, err := d.integration(in.ResourceId, in.HttpMethod)
		if err != nil {
			return err
		}
		m.MethodIntegration = nil
		keep(m)
		return nil
	})
}

func (s *Service) putIntegrationResponse(ctx context.Context, in *gw.PutIntegrationResponseInput) (*gw.PutIntegrationResponseOutput, error) {
	ir := *shape.As[types.IntegrationResponse](in)
	err := s.edit(ctx, in.RestApiId, func(d *Document) error {
		m, keep, err := d.integration(in.ResourceId, in.HttpMethod)
		if err != nil {
			return err
		}
		if err := checkIntegrationResponse(&m, &ir); err != nil {
			return err
		}
		i := *m.MethodIntegration
		i.IntegrationResponses = desk.Put(i.IntegrationResponses, *in.StatusCode, ir)
		m.MethodIntegration = &i
		keep(m)
		return nil
	})
	return shape.As[gw.PutIntegrationResponseOutput](&ir), err
}

func checkIntegrationResponse(m *types.Method, ir *types.IntegrationResponse) error {
	mr, ok := m.MethodResponses[aws.ToString(ir.StatusCode)]
	if !ok {
		return noResponse()
	}
	for name := range ir.ResponseParameters {
		if _, ok := mr.ResponseParameters[name]; !ok {
			return desk.BadRequest("Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression parameter specified: %s]", name)
		}
	}
	if p := aws.ToString(ir.SelectionPattern); p != "" {
		if _, err := regexp.Compile(p); err != nil {
			return desk.BadRequest("Invalid selection pattern: %s", p)
		}
	}
	return checkTemplates(ir.ResponseTemplates)
}

func (s *Service) getIntegrationResponse(ctx context.Context, in *gw.GetIntegrationResponseInput) (*gw.GetIntegrationResponseOutput, error) {
	d, err := s.get(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	m, _, err := d.integration(in.ResourceId, in.HttpMethod)
	if err != nil {
		return nil, err
	}
	ir, ok := m.MethodIntegration.IntegrationResponses[aws.ToString(in.StatusCode)]
	if !ok {
		return nil, noResponse()
	}
	return shape.As[gw.GetIntegrationResponseOutput](&ir), nil
}

func (s *Service) updateIntegrationResponse(ctx context.Context, in *gw.UpdateIntegrationResponseInput) (*gw.UpdateIntegrationResponseOutput, error) {
	var out *gw.UpdateIntegrationResponseOutput
	err := s.edit(ctx, in.RestApiId, func(d *Document) error {
		m, keep, err := d.integration(in.ResourceId, in.HttpMethod)
		if err != nil {
			return err
		}
		ir, ok := m.MethodIntegration.IntegrationResponses[aws.ToString(in.StatusCode)]
		if !ok {
			return noResponse()
		}
		if err := patch(&ir, in.PatchOperations, nil); err != nil {
			return err
		}
		if err := checkIntegrationResponse(&m, &ir); err != nil {
			return err
		}
		m.MethodIntegration.IntegrationResponses[*in.StatusCode] = ir
		keep(m)
		out = shape.As[gw.UpdateIntegrationResponseOutput](&ir)
		return nil
	})
	return out, err
}

func (s *Service) deleteIntegrationResponse(ctx context.Context, in *gw.DeleteIntegrationResponseInput) (*gw.DeleteIntegrationResponseOutput, error) {
	return &gw.DeleteIntegrationResponseOutput{}, s.edit(ctx, in.RestApiId, func(d *Document) error {
		m, keep, err := d.integration(in.ResourceId, in.HttpMethod)
		if err != nil {
			return err
		}
		if _, ok := m.MethodIntegration.IntegrationResponses[aws.ToString(in.StatusCode)]; !ok {
			return noResponse()
		}
		delete(m.MethodIntegration.IntegrationResponses, *in.StatusCode)
		keep(m)
		return nil
	})
}
