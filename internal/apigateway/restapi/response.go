package restapi

import (
	"context"
	"maps"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	gw "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/hearthfaas/hearth/internal/apigateway/desk"
	"github.com/hearthfaas/hearth/internal/apigateway/shape"
)

// bodyDefault is the template of an answer that nobody changed.
const bodyDefault = `{"message":$context.error.messageString}`

// statuses are the answers that an API gives itself, with their statuses; "" keeps
// that of the more general one (API Gateway developer guide, "Gateway response types").
var statuses = map[string]string{
	"ACCESS_DENIED": "403", "API_CONFIGURATION_ERROR": "500", "AUTHORIZER_CONFIGURATION_ERROR": "500", "AUTHORIZER_FAILURE": "500",
	"BAD_REQUEST_BODY": "400", "BAD_REQUEST_PARAMETERS": "400", "DEFAULT_4XX": "", "DEFAULT_5XX": "", "EXPIRED_TOKEN": "403",
	"INTEGRATION_FAILURE": "504", "INTEGRATION_TIMEOUT": "504", "INVALID_API_KEY": "403", "INVALID_SIGNATURE": "403",
	"MISSING_AUTHENTICATION_TOKEN": "403", "QUOTA_EXCEEDED": "429", "REQUEST_TOO_LARGE": "413", "RESOURCE_NOT_FOUND": "404",
	"THROTTLED": "429", "UNAUTHORIZED": "401", "UNSUPPORTED_MEDIA_TYPE": "415", "WAF_FILTERED": "403",
}

// responseOf is an answer as it is set or, when it is not, by default.
func responseOf(set map[string]types.GatewayResponse, kind string) types.GatewayResponse {
	if r, ok := set[kind]; ok {
		return r
	}
	out := types.GatewayResponse{
		DefaultResponse: true, ResponseType: types.GatewayResponseType(kind),
		ResponseParameters: map[string]string{}, ResponseTemplates: map[string]string{"application/json": bodyDefault},
	}
	if status := statuses[kind]; status != "" {
		out.StatusCode = &status
	}
	general := "DEFAULT_4XX"
	if strings.HasPrefix(statuses[kind], "5") {
		general = "DEFAULT_5XX"
	}
	if g, ok := set[general]; ok && kind != general {
		out.ResponseParameters, out.ResponseTemplates = g.ResponseParameters, g.ResponseTemplates
		if g.StatusCode != nil {
			out.StatusCode = g.StatusCode
		}
	}
	return out
}

func (s *Service) putGatewayResponse(ctx context.Context, in *gw.PutGatewayResponseInput) (*gw.PutGatewayResponseOutput, error) {
	r := *shape.As[types.GatewayResponse](in)
	if err := checkGatewayResponse(&r); err != nil {
		return nil, err
	}
	err := s.edit(ctx, in.RestApiId, func(d *Document) error {
		d.Responses = desk.Put(d.Responses, string(in.ResponseType), r)
		return nil
	})
	return shape.As[gw.PutGatewayResponseOutput](&r), err
}

func checkGatewayResponse(r *types.GatewayResponse) error {
	status, ok := statuses[string(r.ResponseType)]
	if !ok {
		return desk.BadRequest("Invalid gateway response type: %s", r.ResponseType)
	}
	if n, err := strconv.Atoi(aws.ToString(r.StatusCode)); r.StatusCode != nil && (err != nil || n < 200 || n > 599) {
		return desk.BadRequest("Invalid status code: %s", *r.StatusCode)
	}
	if r.StatusCode == nil && status != "" {
		r.StatusCode = &status
	}
	if r.ResponseTemplates == nil {
		r.ResponseTemplates = map[string]string{"application/json": bodyDefault}
	}
	if r.ResponseParameters == nil {
		r.ResponseParameters = map[string]string{}
	}
	for name := range r.ResponseParameters {
		if !strings.HasPrefix(name, "gatewayresponse.header.") {
			return desk.BadRequest("Invalid mapping expression specified: %s", name)
		}
	}
	r.DefaultResponse = false
	return checkTemplates(r.ResponseTemplates)
}

func (s *Service) getGatewayResponse(ctx context.Context, in *gw.GetGatewayResponseInput) (*gw.GetGatewayResponseOutput, error) {
	d, err := s.get(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	if _, ok := statuses[string(in.ResponseType)]; !ok {
		return nil, desk.BadRequest("Invalid gateway response type: %s", in.ResponseType)
	}
	r := responseOf(d.Responses, string(in.ResponseType))
	return shape.As[gw.GetGatewayResponseOutput](&r), nil
}

func (s *Service) getGatewayResponses(ctx context.Context, in *gw.GetGatewayResponsesInput) (*gw.GetGatewayResponsesOutput, error) {
	d, err := s.get(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	all := map[string]types.GatewayResponse{}
	for kind := range statuses {
		all[kind] = responseOf(d.Responses, kind)
	}
	items, next := page(all, in.Limit, in.Position)
	return &gw.GetGatewayResponsesOutput{Items: items, Position: next}, nil
}

func (s *Service) updateGatewayResponse(ctx context.Context, in *gw.UpdateGatewayResponseInput) (*gw.UpdateGatewayResponseOutput, error) {
	var out *gw.UpdateGatewayResponseOutput
	err := s.edit(ctx, in.RestApiId, func(d *Document) error {
		r := responseOf(d.Responses, string(in.ResponseType))
		r.ResponseParameters, r.ResponseTemplates = maps.Clone(r.ResponseParameters), maps.Clone(r.ResponseTemplates)
		if err := patch(&r, in.PatchOperations, nil); err != nil {
			return err
		}
		if err := checkGatewayResponse(&r); err != nil {
			return err
		}
		d.Responses = desk.Put(d.Responses, string(in.ResponseType), r)
		out = shape.As[gw.UpdateGatewayResponseOutput](&r)
		return nil
	})
	return out, err
}

func (s *Service) deleteGatewayResponse(ctx context.Context, in *gw.DeleteGatewayResponseInput) (*gw.DeleteGatewayResponseOutput, error) {
	return &gw.DeleteGatewayResponseOutput{}, s.edit(ctx, in.RestApiId, func(d *Document) error {
		if _, ok := d.Responses[string(in.ResponseType)]; !ok {
			return lambdaNotFound("Gateway response type not defined on api")
		}
		delete(d.Responses, string(in.ResponseType))
		return nil
	})
}
