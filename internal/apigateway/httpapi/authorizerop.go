package httpapi

import (
	"context"
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

// The bounds of how long a verdict is remembered (API reference, CreateAuthorizer).
const (
	verdictMaxSec     = 3600
	verdictDefaultSec = 300
)

func (s *Service) createAuthorizer(ctx context.Context, in *gw.CreateAuthorizerInput) (*gw.CreateAuthorizerOutput, error) {
	a := *shape.As[types.Authorizer](in)
	a.AuthorizerId = new(shelf.NewID(6))
	if err := checkAuthorizer(&a); err != nil {
		return nil, err
	}
	if err := s.cfg.PassRole.InPlaceOf(ctx, nil, a.AuthorizerCredentialsArn); err != nil {
		return nil, err
	}
	err := s.edit(ctx, in.ApiId, func(_ shelf.Place, d *Document) error {
		if len(d.Authorizers) >= authorizersMax {
			return lambda.Errorf(codeTooMany, "Maximum number of Authorizers for this API has been reached.")
		}
		for _, other := range d.Authorizers {
			if aws.ToString(other.Name) == aws.ToString(a.Name) {
				return desk.BadRequest("Authorizer name must be unique. Authorizer %s already exists in this RestApi.", aws.ToString(a.Name))
			}
		}
		d.Authorizers = desk.Put(d.Authorizers, *a.AuthorizerId, a)
		return nil
	})
	return shape.As[gw.CreateAuthorizerOutput](&a), err
}

// checkAuthorizer refuses what AWS would and fills in the defaults.
func checkAuthorizer(a *types.Authorizer) error {
	if aws.ToString(a.Name) == "" {
		return desk.BadRequest("Authorizer name cannot be empty")
	}
	for _, source := range a.IdentitySource {
		if !identitySource(source) {
			return desk.BadRequest("Invalid mapping expression specified: %s", source)
		}
	}
	switch a.AuthorizerType {
	case types.AuthorizerTypeJwt:
		if a.JwtConfiguration == nil || aws.ToString(a.JwtConfiguration.Issuer) == "" || len(a.JwtConfiguration.Audience) == 0 {
			return desk.BadRequest("JWT authorizers need an issuer and an audience")
		}
		if !strings.HasPrefix(*a.JwtConfiguration.Issuer, "https://") && !strings.HasPrefix(*a.JwtConfiguration.Issuer, "http://") {
			return desk.BadRequest("Invalid issuer: %s. Issuer must be a valid URL", *a.JwtConfiguration.Issuer)
		}
		if len(a.IdentitySource) != 1 {
			return desk.BadRequest("JWT authorizers have one identity source")
		}
	case types.AuthorizerTypeRequest:
		return checkLambdaAuthorizer(a)
	default:
		return desk.BadRequest("Invalid authorizer type: %s", a.AuthorizerType)
	}
	return nil
}

func checkLambdaAuthorizer(a *types.Authorizer) error {
	if _, ok := door.FunctionARN(door.Variables(aws.ToString(a.AuthorizerUri), nil)); !ok {
		return desk.BadRequest("Invalid Authorizer URI: %s. Authorizer URI should be a valid API Gateway ARN that represents a Lambda function invocation.", aws.ToString(a.AuthorizerUri))
	}
	switch version := aws.ToString(a.AuthorizerPayloadFormatVersion); {
	case version == "":
		return desk.BadRequest("AuthorizerPayloadFormatVersion is a required parameter for REQUEST authorizer")
	case version != "1.0" && version != "2.0":
		return desk.BadRequest("AuthorizerPayloadFormatVersion must be one of 1.0 and 2.0")
	case version == "1.0" && aws.ToBool(a.EnableSimpleResponses):
		return desk.BadRequest("EnableSimpleResponses is supported with AuthorizerPayloadFormatVersion 2.0 only")
	}
	if ttl := a.AuthorizerResultTtlInSeconds; ttl != nil && (*ttl < 0 || *ttl > verdictMaxSec) {
		return desk.BadRequest("AuthorizerResultTtlInSeconds must be between 0 and %d", verdictMaxSec)
	}
	if a.AuthorizerResultTtlInSeconds == nil {
		a.AuthorizerResultTtlInSeconds = aws.Int32(0)
		if len(a.IdentitySource) > 0 {
			a.AuthorizerResultTtlInSeconds = aws.Int32(verdictDefaultSec)
		}
	}
	if *a.AuthorizerResultTtlInSeconds > 0 && len(a.IdentitySource) == 0 {
		return desk.BadRequest("Identity source is required when caching is enabled")
	}
	return nil
}

func (s *Service) getAuthorizer(ctx context.Context, in *gw.GetAuthorizerInput) (*gw.GetAuthorizerOutput, error) {
	return partOf[gw.GetAuthorizerOutput](ctx, s, in.ApiId, in.AuthorizerId, "authorizer", func(d *Document) map[string]types.Authorizer { return d.Authorizers })
}

func (s *Service) getAuthorizers(ctx context.Context, in *gw.GetAuthorizersInput) (*gw.GetAuthorizersOutput, error) {
	items, next, err := partsOf(ctx, s, in.ApiId, in.MaxResults, in.NextToken, func(d *Document) map[string]types.Authorizer { return d.Authorizers })
	return &gw.GetAuthorizersOutput{Items: items, NextToken: next}, err
}

func (s *Service) updateAuthorizer(ctx context.Context, in *gw.UpdateAuthorizerInput) (*gw.UpdateAuthorizerOutput, error) {
	var out *gw.UpdateAuthorizerOutput
	err := s.edit(ctx, in.ApiId, func(_ shelf.Place, d *Document) error {
		a, ok := d.Authorizers[aws.ToString(in.AuthorizerId)]
		if !ok {
			return desk.NotFound("authorizer")
		}
		if err := s.cfg.PassRole.InPlaceOf(ctx, a.AuthorizerCredentialsArn, in.AuthorizerCredentialsArn); err != nil {
			return err
		}
		shape.Patch(&a, in)
		if err := checkAuthorizer(&a); err != nil {
			return err
		}
		d.Authorizers[*a.AuthorizerId] = a
		out = shape.As[gw.UpdateAuthorizerOutput](&a)
		return nil
	})
	return out, err
}

func (s *Service) deleteAuthorizer(ctx context.Context, in *gw.DeleteAuthorizerInput) (*gw.DeleteAuthorizerOutput, error) {
	return &gw.DeleteAuthorizerOutput{}, s.edit(ctx, in.ApiId, func(_ shelf.Place, d *Document) error {
		id := aws.ToString(in.AuthorizerId)
		if _, ok := d.Authorizers[id]; !ok {
			return desk.NotFound("authorizer")
		}
		for _, r := range d.Routes {
			if aws.ToString(r.AuthorizerId) == id {
				return lambda.Errorf(desk.CodeConflict, "Cannot delete Authorizer %s. Authorizer is referenced by a Route", id)
			}
		}
		delete(d.Authorizers, id)
		return nil
	})
}
