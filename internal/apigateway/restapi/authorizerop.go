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
	"github.com/hearthfaas/hearth/internal/apigateway/shelf"
)

// The bounds of how long a verdict is remembered (API reference, CreateAuthorizer).
const (
	verdictMaxSec     = 3600
	verdictDefaultSec = 300
)

func (s *Service) createAuthorizer(ctx context.Context, in *gw.CreateAuthorizerInput) (*gw.CreateAuthorizerOutput, error) {
	a := *shape.As[types.Authorizer](in)
	a.Id = new(shelf.NewID(6))
	if err := checkAuthorizer(&a); err != nil {
		return nil, err
	}
	if err := s.cfg.PassRole.InPlaceOf(ctx, nil, a.AuthorizerCredentials); err != nil {
		return nil, err
	}
	err := s.edit(ctx, in.RestApiId, func(d *Document) error {
		if len(d.Authorizers) >= authorizersMax {
			return tooMany("Authorizers for this API")
		}
		for _, other := range d.Authorizers {
			if aws.ToString(other.Name) == aws.ToString(a.Name) {
				return desk.BadRequest("Authorizer name must be unique. Authorizer %s already exists in this RestApi.", aws.ToString(a.Name))
			}
		}
		d.Authorizers = desk.Put(d.Authorizers, *a.Id, a)
		return nil
	})
	return shape.As[gw.CreateAuthorizerOutput](&a), err
}

// checkAuthorizer refuses what AWS would and fills in the defaults.
func checkAuthorizer(a *types.Authorizer) error {
	switch a.Type {
	case types.AuthorizerTypeToken, types.AuthorizerTypeRequest:
	case types.AuthorizerTypeCognitoUserPools:
		return desk.NotServed("Cognito user pools")
	default:
		return desk.BadRequest("Invalid authorizer type: %s", a.Type)
	}
	if aws.ToString(a.Name) == "" {
		return desk.BadRequest("Authorizer name cannot be empty")
	}
	if _, ok := door.FunctionARN(aws.ToString(a.AuthorizerUri)); !ok || !strings.Contains(*a.AuthorizerUri, ":lambda:path/") {
		return desk.BadRequest("Invalid Authorizer URI: %s. Authorizer URI should be a valid API Gateway ARN that represents a Lambda function invocation.", aws.ToString(a.AuthorizerUri))
	}
	a.AuthType = orDefault(a.AuthType, "custom")
	if a.AuthorizerResultTtlInSeconds == nil {
		a.AuthorizerResultTtlInSeconds = aws.Int32(verdictDefaultSec)
	}
	if t := *a.AuthorizerResultTtlInSeconds; t < 0 || t > verdictMaxSec {
		return desk.BadRequest("Authorizer result TTL must be between 0 and %d", verdictMaxSec)
	}
	if e := aws.ToString(a.IdentityValidationExpression); e != "" {
		if _, err := regexp.Compile(e); err != nil {
			return desk.BadRequest("Invalid identity validation expression: %s", e)
		}
	}
	source := aws.ToString(a.IdentitySource)
	if source == "" && (a.Type == types.AuthorizerTypeToken || *a.AuthorizerResultTtlInSeconds > 0) {
		return desk.BadRequest("Identity source must be specified for an authorizer that remembers its verdicts or reads a token")
	}
	for one := range strings.SplitSeq(source, ",") {
		if one = strings.TrimSpace(one); one != "" && !identitySource(one, a.Type) {
			return desk.BadRequest("Invalid mapping expression specified: %s", one)
		}
	}
	return nil
}

// identitySource says whether an authorizer may take its caller's identity from there.
func identitySource(s string, kind types.AuthorizerType) bool {
	prefixes := []string{"method.request.header."}
	if kind == types.AuthorizerTypeRequest {
		prefixes = append(prefixes, "method.request.querystring.", "context.", "stageVariables.")
	}
	for _, prefix := range prefixes {
		if rest, ok := strings.CutPrefix(s, prefix); ok && rest != "" {
			return true
		}
	}
	return false
}

func (s *Service) getAuthorizer(ctx context.Context, in *gw.GetAuthorizerInput) (*gw.GetAuthorizerOutput, error) {
	d, err := s.get(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	a, ok := d.Authorizers[aws.ToString(in.AuthorizerId)]
	if !ok {
		return nil, desk.NotFound("Authorizer")
	}
	return shape.As[gw.GetAuthorizerOutput](&a), nil
}

func (s *Service) getAuthorizers(ctx context.Context, in *gw.GetAuthorizersInput) (*gw.GetAuthorizersOutput, error) {
	d, err := s.get(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	items, next := page(d.Authorizers, in.Limit, in.Position)
	return &gw.GetAuthorizersOutput{Items: items, Position: next}, nil
}

func (s *Service) updateAuthorizer(ctx context.Context, in *gw.UpdateAuthorizerInput) (*gw.UpdateAuthorizerOutput, error) {
	var out *gw.UpdateAuthorizerOutput
	err := s.edit(ctx, in.RestApiId, func(d *Document) error {
		a, ok := d.Authorizers[aws.ToString(in.AuthorizerId)]
		if !ok {
			return desk.NotFound("Authorizer")
		}
		before := a.AuthorizerCredentials
		if err := patch(&a, in.PatchOperations, nil); err != nil {
			return err
		}
		if err := s.cfg.PassRole.InPlaceOf(ctx, before, a.AuthorizerCredentials); err != nil {
			return err
		}
		if err := checkAuthorizer(&a); err != nil {
			return err
		}
		d.Authorizers[*a.Id] = a
		out = shape.As[gw.UpdateAuthorizerOutput](&a)
		return nil
	})
	return out, err
}

func (s *Service) deleteAuthorizer(ctx context.Context, in *gw.DeleteAuthorizerInput) (*gw.DeleteAuthorizerOutput, error) {
	return &gw.DeleteAuthorizerOutput{}, s.edit(ctx, in.RestApiId, func(d *Document) error {
		id := aws.ToString(in.AuthorizerId)
		if _, ok := d.Authorizers[id]; !ok {
			return desk.NotFound("Authorizer")
		}
		for _, r := range d.Resources {
			for _, m := range r.ResourceMethods {
				if aws.ToString(m.AuthorizerId) == id {
					return conflict("Cannot delete authorizer '%s' because it is referenced by a method", aws.ToString(d.Authorizers[id].Name))
				}
			}
		}
		delete(d.Authorizers, id)
		return nil
	})
}
