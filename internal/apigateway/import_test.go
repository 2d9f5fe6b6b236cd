package apigateway

import (
	"strings"
	"testing"

	v1 "github.com/aws/aws-sdk-go-v2/service/apigateway"
	v1types "github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	v2 "github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
)

// openAPI3 describes an HTTP API with everything that is read.
const openAPI3 = `
openapi: 3.0.1
info: {title: pets, version: 7}
servers: [{url: "https://x/{basePath}", variables: {basePath: {default: v1}}}]
x-amazon-apigateway-cors: {allowOrigins: ["https://page"], allowMethods: [GET]}
paths:
  /pets/{id}:
    get:
      operationId: getPet
      security: [{token: [read]}]
      x-amazon-apigateway-integration: {$ref: '#/components/x-amazon-apigateway-integrations/f'}
    x-amazon-apigateway-any-method:
      x-amazon-apigateway-integration: {$ref: '#/components/x-amazon-apigateway-integrations/f'}
  /$default:
    x-amazon-apigateway-any-method:
      security: [{asks: []}]
      x-amazon-apigateway-integration: {$ref: '#/components/x-amazon-apigateway-integrations/f'}
components:
  securitySchemes:
    token:
      type: oauth2
      x-amazon-apigateway-authorizer:
        type: jwt
        identitySource: $request.header.Authorization
        jwtConfiguration: {issuer: "https://issuer", audience: [me]}
    asks:
      type: apiKey
      x-amazon-apigateway-authorizer:
        type: request
        identitySource: $request.header.Key
        authorizerUri: AUTHORIZER
        authorizerPayloadFormatVersion: "2.0"
        enableSimpleResponses: true
  x-amazon-apigateway-integrations:
    f: {type: aws_proxy, uri: FUNCTION, payloadFormatVersion: "2.0", httpMethod: POST}
`

func TestHTTPAPIsAreImported(t *testing.T) {
	f := start(t)
	ctx, c := t.Context(), f.v2()
	route := f.function("route", func(e map[string]any) (any, error) { return e["routeKey"], nil })
	asks := f.function("asks", func(map[string]any) (any, error) { return map[string]any{"isAuthorized": true}, nil })
	text := strings.NewReplacer("FUNCTION", route, "AUTHORIZER", "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/"+asks+"/invocations").Replace(openAPI3)
	api := must[*v2.ImportApiOutput](t)(c.ImportApi(ctx, &v2.ImportApiInput{Body: &text, Basepath: new("prepend")}))
	if *api.Name != "pets" || *api.Version != "7" || api.CorsConfiguration.AllowOrigins[0] != "https://page" {
		t.Errorf("the API is %+v", api)
	}
	must[*v2.CreateStageOutput](t)(c.CreateStage(ctx, &v2.CreateStageInput{ApiId: api.ApiId, StageName: new("$default"), AutoDeploy: new(true)}))
	f.want("POST", *api.ApiId, "/v1/pets/1", "", 200, "ANY /v1/pets/{id}")
	f.want("GET", *api.ApiId, "/v1/pets/1", "", 401, `{"message":"Unauthorized"}`)
	f.want("GET", *api.ApiId, "/v1/pets/1", "", 200, "GET /v1/pets/{id}", "Authorization", `{"iss":"https://issuer","aud":"me","exp":4000000000,"scope":"read"}`)
	f.want("GET", *api.ApiId, "/other", "", 200, "$default", "Key", "k")
	if got := must[*v2.GetIntegrationsOutput](t)(c.GetIntegrations(ctx, &v2.GetIntegrationsInput{ApiId: api.ApiId})); len(got.Items) != 1 {
		t.Errorf("%d integrations, want one that all routes share", len(got.Items))
	}
	must[*v2.ReimportApiOutput](t)(c.ReimportApi(ctx, &v2.ReimportApiInput{ApiId: api.ApiId, Body: &text}))
	f.want("POST", *api.ApiId, "/pets/1", "", 200, "ANY /pets/{id}")
	for _, bad := range []string{"", "{}", strings.Replace(text, "aws_proxy", "aws", 1), strings.Replace(text, "token: [read]", "nobody: []", 1)} {
		if _, err := c.ImportApi(ctx, &v2.ImportApiInput{Body: &bad}); code(err) != "BadRequestException" {
			t.Errorf("%.40q: got %v", bad, err)
		}
	}
}

// swagger2 describes a REST API.
const swagger2 = `{
"swagger": "2.0", "info": {"title": "things", "version": "1", "description": "d"}, "basePath": "/prod",
"x-amazon-apigateway-binary-media-types": ["image/png"],
"x-amazon-apigateway-request-validators": {"params": {"validateRequestParameters": true}},
"x-amazon-apigateway-request-validator": "params",
"x-amazon-apigateway-gateway-responses": {"DEFAULT_4XX": {"responseParameters": {"gatewayresponse.header.Access-Control-Allow-Origin": "'*'"}}},
"securityDefinitions": {
  "api_key": {"type": "apiKey", "name": "x-api-key", "in": "header"},
  "asks": {"type": "apiKey", "name": "Authorization", "in": "header", "x-amazon-apigateway-authtype": "custom",
    "x-amazon-apigateway-authorizer": {"type": "token", "authorizerUri": "AUTHORIZER", "authorizerResultTtlInSeconds": 0}}},
"definitions": {"Thing": {"type": "object"}},
"paths": {
  "/things/{id}": {
    "get": {"parameters": [{"name": "id", "in": "path", "required": true}, {"name": "q", "in": "query", "required": true}],
      "x-amazon-apigateway-integration": {"type": "aws_proxy", "httpMethod": "POST", "uri": "FUNCTION"}},
    "post": {"security": [{"asks": []}], "x-amazon-apigateway-integration": {"type": "AWS_PROXY", "httpMethod": "POST", "uri": "FUNCTION"}},
    "put": {"security": [{"api_key": []}], "x-amazon-apigateway-integration": {"type": "AWS_PROXY", "httpMethod": "POST", "uri": "FUNCTION"}},
    "options": {"responses": {"200": {"headers": {"Access-Control-Allow-Origin": {"type": "string"}}}},
      "x-amazon-apigateway-integration": {"type": "mock", "requestTemplates": {"application/json": "{\"statusCode\": 200}"},
        "responses": {"default": {"statusCode": "200", "responseParameters": {"method.response.header.Access-Control-Allow-Origin": "'*'"}}}}}}}}`

func TestRESTAPIsAreImported(t *testing.T) {
	f := start(t)
	ctx, c := t.Context(), f.v1()
	say := f.function("say", func(e map[string]any) (any, error) {
		return map[string]any{"statusCode": 200, "body": e["httpMethod"].(string) + " " + e["resource"].(string)}, nil
	})
	asks := f.function("asks", func(e map[string]any) (any, error) {
		return map[string]any{"principalId": "p", "policyDocument": map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{"Effect": "Allow", "Action": "execute-api:*", "Resource": "*"}}}}, nil
	})
	text := strings.NewReplacer("FUNCTION", *uri(say), "AUTHORIZER", *uri(asks)).Replace(swagger2)
	api := must[*v1.ImportRestApiOutput](t)(c.ImportRestApi(ctx, &v1.ImportRestApiInput{Body: []byte(text), Parameters: map[string]string{"endpointConfigurationTypes": "REGIONAL"}}))
	if *api.Name != "things" || api.EndpointConfiguration.Types[0] != v1types.EndpointTypeRegional || api.BinaryMediaTypes[0] != "image/png" {
		t.Errorf("the API is %+v", api)
	}
	r := &rest{f, c, *api.Id, ""}
	r.deploy("dev")
	f.want("GET", r.id, "/dev/things/1?q=2", "", 200, "GET /things/{id}")
	if got := f.want("GET", r.id, "/dev/things/1", "", 400, `{"message":"Missing required request parameters: [q]"}`); got.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("headers %v", got.header)
	}
	f.want("POST", r.id, "/dev/things/1", "", 200, "POST /things/{id}", "Authorization", "x")
	f.want("POST", r.id, "/dev/things/1", "", 401, `{"message":"Unauthorized"}`)
	f.want("PUT", r.id, "/dev/things/1", "", 403, `{"message":"Forbidden"}`)
	if got := f.want("OPTIONS", r.id, "/dev/things/1", "", 200, ""); got.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("headers %v", got.header)
	}
	other := strings.Replace(text, "/things/{id}", "/more", 1)
	must[*v1.PutRestApiOutput](t)(c.PutRestApi(ctx, &v1.PutRestApiInput{RestApiId: api.Id, Body: []byte(other), Mode: v1types.PutModeMerge}))
	r.deploy("dev")
	f.want("POST", r.id, "/dev/more", "", 200, "POST /more", "Authorization", "x")
	f.want("GET", r.id, "/dev/things/1?q=2", "", 200, "GET /things/{id}")
	must[*v1.PutRestApiOutput](t)(c.PutRestApi(ctx, &v1.PutRestApiInput{RestApiId: api.Id, Body: []byte(other), Mode: v1types.PutModeOverwrite, Parameters: map[string]string{"basepath": "prepend"}}))
	r.deploy("dev")
	f.want("GET", r.id, "/dev/things/1?q=2", "", 403, `{"message":"Missing Authentication Token"}`)
	f.want("POST", r.id, "/dev/prod/more", "", 200, "POST /prod/more", "Authorization", "x")
	if _, err := c.ImportRestApi(ctx, &v1.ImportRestApiInput{Body: []byte(`{"swagger":"1.0"}`)}); code(err) != "BadRequestException" {
		t.Errorf("got %v", err)
	}
}
