package restapi

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	gw "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/hearthfaas/hearth/internal/apigateway/desk"
	"github.com/hearthfaas/hearth/internal/apigateway/shape"
)

// anyMethod stands for every method.
const anyMethod = "ANY"

var httpMethods = []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", anyMethod}

// method finds a method, and returns how to keep a changed one.
func (d *Document) method(resource, name *string) (types.Method, func(types.Method), error) {
	r, ok := d.Resources[aws.ToString(resource)]
	if !ok {
		return types.Method{}, nil, desk.NotFound("Resource")
	}
	m, ok := r.ResourceMethods[aws.ToString(name)]
	if !ok {
		return types.Method{}, nil, desk.NotFound("Method")
	}
	return m, func(m types.Method) {
		r.ResourceMethods[*name] = m
		d.Resources[*r.Id] = r
	}, nil
}

func (s *Service) putMethod(ctx context.Context, in *gw.PutMethodInput) (*gw.PutMethodOutput, error) {
	m := *shape.As[types.Method](in)
	err := s.edit(ctx, in.RestApiId, func(d *Document) error {
		r, ok := d.Resources[aws.ToString(in.ResourceId)]
		if !ok {
			return desk.NotFound("Resource")
		}
		if _, there := r.ResourceMethods[aws.ToString(in.HttpMethod)]; there {
			return conflict("Method already exists for this resource")
		}
		if err := d.checkMethod(&m); err != nil {
			return err
		}
		r.ResourceMethods = desk.Put(r.ResourceMethods, *m.HttpMethod, m)
		d.Resources[*r.Id] = r
		return nil
	})
	return shape.As[gw.PutMethodOutput](&m), err
}

// checkMethod refuses what AWS would.
func (d *Document) checkMethod(m *types.Method) error {
	if !slices.Contains(httpMethods, aws.ToString(m.HttpMethod)) {
		return desk.BadRequest("Invalid HttpMethod specified. Valid options are GET,PUT,POST,DELETE,PATCH,OPTIONS,HEAD,ANY")
	}
	a, ok := d.Authorizers[aws.ToString(m.AuthorizerId)]
	switch kind := aws.ToString(m.AuthorizationType); kind {
	case "NONE", "AWS_IAM":
	case "CUSTOM":
		if !ok || a.Type == types.AuthorizerTypeCognitoUserPools {
			return desk.BadRequest("Invalid authorizer ID specified. Setting the authorization type to CUSTOM or COGNITO_USER_POOLS requires a valid authorizer.")
		}
	case "COGNITO_USER_POOLS":
		return desk.NotServed("Cognito user pools")
	default:
		return desk.BadRequest("Invalid Authorization Type specified: %s", kind)
	}
	if id := aws.ToString(m.RequestValidatorId); id != "" {
		if _, ok := d.Validators[id]; !ok {
			return desk.NotFound("Request Validator")
		}
	}
	if m.ApiKeyRequired == nil {
		m.ApiKeyRequired = aws.Bool(false)
	}
	return nil
}

func (s *Service) getMethod(ctx context.Context, in *gw.GetMethodInput) (*gw.GetMethodOutput, error) {
	d, err := s.get(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	m, _, err := d.method(in.ResourceId, in.HttpMethod)
	return shape.As[gw.GetMethodOutput](&m), err
}

func (s *Service) updateMethod(ctx context.Context, in *gw.UpdateMethodInput) (*gw.UpdateMethodOutput, error) {
	var out *gw.UpdateMethodOutput
	err := s.edit(ctx, in.RestApiId, func(d *Document) error {
		m, keep, err := d.method(in.ResourceId, in.HttpMethod)
		if err != nil {
			return err
		}
		if err := patch(&m, in.PatchOperations, nil); err != nil {
			return err
		}
		if err := d.checkMethod(&m); err != nil {
			return err
		}
		keep(m)
		out = shape.As[gw.UpdateMethodOutput](&m)
		return nil
	})
	return out, err
}

func (s *Service) deleteMethod(ctx context.Context, in *gw.DeleteMethodInput) (*gw.DeleteMethodOutput, error) {
	return &gw.DeleteMethodOutput{}, s.edit(ctx, in.RestApiId, func(d *Document) error {
		if _, _, err := d.method(in.ResourceId, in.HttpMethod); err != nil {
			return err
		}
		delete(d.Resources[*in.ResourceId].ResourceMethods, *in.HttpMethod)
		return nil
	})
}

// statusCode is what a response may be called.
var statusCode = regexp.MustCompile(`^[1-5]\d\d$`)

func (s *Service) putMethodResponse(ctx context.Context, in *gw.PutMethodResponseInput) (*gw.PutMethodResponseOutput, error) {
	mr := *shape.As[types.MethodResponse](in)
	if !statusCode.MatchString(aws.ToString(in.StatusCode)) {
		return nil, desk.BadRequest("Invalid status code: %s", aws.ToString(in.StatusCode))
	}
	err := s.edit(ctx, in.RestApiId, func(d *Document) error {
		m, keep, err := d.method(in.ResourceId, in.HttpMethod)
		if err != nil {
			return err
		}
		if _, there := m.MethodResponses[*in.StatusCode]; there {
			return conflict("Response already exists for this resource")
		}
		m.MethodResponses = desk.Put(m.MethodResponses, *in.StatusCode, mr)
		keep(m)
		return nil
	})
	return shape.As[gw.PutMethodResponseOutput](&mr), err
}

func noResponse() error {
	return lambdaNotFound("Invalid Response status code specified")
}

func (s *Service) getMethodResponse(ctx context.Context, in *gw.GetMethodResponseInput) (*gw.GetMethodResponseOutput, error) {
	d, err := s.get(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	m, _, err := d.method(in.ResourceId, in.HttpMethod)
	if err != nil {
		return nil, err
	}
	mr, ok := m.MethodResponses[aws.ToString(in.StatusCode)]
	if !ok {
		return nil, noResponse()
	}
	return shape.As[gw.GetMethodResponseOutput](&mr), nil
}

func (s *Service) updateMethodResponse(ctx context.Context, in *gw.UpdateMethodResponseInput) (*gw.UpdateMethodResponseOutput, error) {
	var out *gw.UpdateMethodResponseOutput
	err := s.edit(ctx, in.RestApiId, func(d *Document) error {
		m, keep, err := d.method(in.ResourceId, in.HttpMethod)
		if err != nil {
			return err
		}
		mr, ok := m.MethodResponses[aws.ToString(in.StatusCode)]
		if !ok {
			return noResponse()
		}
		if err := patch(&mr, in.PatchOperations, nil); err != nil {
			return err
		}
		m.MethodResponses[*in.StatusCode] = mr
		keep(m)
		out = shape.As[gw.UpdateMethodResponseOutput](&mr)
		return nil
	})
	return out, err
}

func (s *Service) deleteMethodResponse(ctx context.Context, in *gw.DeleteMethodResponseInput) (*gw.DeleteMethodResponseOutput, error) {
	return &gw.DeleteMethodResponseOutput{}, s.edit(ctx, in.RestApiId, func(d *Document) error {
		m, keep, err := d.method(in.ResourceId, in.HttpMethod)
		if err != nil {
			return err
		}
		if _, ok := m.MethodResponses[aws.ToString(in.StatusCode)]; !ok {
			return noResponse()
		}
		delete(m.MethodResponses, *in.StatusCode)
		keep(m)
		return nil
	})
}

// velocity are what templates may not use here: they are filled in, not run.
var velocity = regexp.MustCompile(`(?m)(^\s*#(set|if|foreach|macro|define|parse)|#\{?(if|set|foreach|else|end)\b|\$!?\{?util\.|\$!?\{?input\.path)`)

func checkTemplates(templates map[string]string) error {
	for kind, text := range templates {
		if velocity.MatchString(text) {
			return desk.NotServed("Velocity templates beyond $input.body, $input.json('$'), $input.params('…'), $context.… and $stageVariables.… (" + kind + ")")
		}
	}
	return nil
}

func isStatic(s string) bool {
	return strings.HasPrefix(s, "'") && strings.HasSuffix(s, "'") && len(s) > 1
}
