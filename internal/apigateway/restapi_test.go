package apigateway

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	gw "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/hearthfaas/hearth/internal/store/mem"
)

// rest is a REST API under construction.
type rest struct {
	*fixture
	c    *gw.Client
	id   string
	root string
}

func (f *fixture) restAPI(with func(*gw.CreateRestApiInput)) *rest {
	f.t.Helper()
	in := &gw.CreateRestApiInput{Name: new("api")}
	if with != nil {
		with(in)
	}
	c := f.v1()
	api := must[*gw.CreateRestApiOutput](f.t)(c.CreateRestApi(f.t.Context(), in))
	return &rest{f, c, *api.Id, *api.RootResourceId}
}

// resource makes a resource and those above it.
func (r *rest) resource(path string) *string {
	r.t.Helper()
	at := r.root
	for part := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		if part == "" {
			continue
		}
		next := ""
		all := must[*gw.GetResourcesOutput](r.t)(r.c.GetResources(r.t.Context(), &gw.GetResourcesInput{RestApiId: &r.id, Limit: new(int32(500))}))
		for _, one := range all.Items {
			if one.ParentId != nil && *one.ParentId == at && *one.PathPart == part {
				next = *one.Id
			}
		}
		if next == "" {
			next = *must[*gw.CreateResourceOutput](r.t)(r.c.CreateResource(r.t.Context(), &gw.CreateResourceInput{RestApiId: &r.id, ParentId: &at, PathPart: &part})).Id
		}
		at = next
	}
	return &at
}

// uri is what a REST integration calls a function.
func uri(arn string) *string {
	return new("arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/" + arn + "/invocations")
}

// proxy leads a method to a function.
func (r *rest) proxy(method, path, arn string, with ...func(*gw.PutMethodInput)) {
	r.t.Helper()
	in := &gw.PutMethodInput{RestApiId: &r.id, ResourceId: r.resource(path), HttpMethod: &method, AuthorizationType: new("NONE")}
	for _, w := range with {
		w(in)
	}
	must[*gw.PutMethodOutput](r.t)(r.c.PutMethod(r.t.Context(), in))
	must[*gw.PutIntegrationOutput](r.t)(r.c.PutIntegration(r.t.Context(), &gw.PutIntegrationInput{
		RestApiId: &r.id, ResourceId: in.ResourceId, HttpMethod: &method, Type: types.IntegrationTypeAwsProxy, IntegrationHttpMethod: new("POST"), Uri: uri(arn),
	}))
}

func (r *rest) deploy(stage string) *string {
	r.t.Helper()
	return must[*gw.CreateDeploymentOutput](r.t)(r.c.CreateDeployment(r.t.Context(), &gw.CreateDeploymentInput{RestApiId: &r.id, StageName: &stage})).Id
}

// says answers with a text.
func (f *fixture) says(name, text string) string {
	return f.function(name, func(map[string]any) (any, error) { return map[string]any{"statusCode": 200, "body": text}, nil })
}

func TestRESTAPIsFindTheirMethods(t *testing.T) {
	f := start(t)
	r := f.restAPI(nil)
	for i, key := range []string{"GET /", "GET /pets", "ANY /pets/{id}", "GET /pets/dog", "GET /{proxy+}", "POST /pets/{id}/{rest+}"} {
		method, path, _ := strings.Cut(key, " ")
		r.proxy(method, path, f.says("f"+string(rune('0'+i)), key))
	}
	r.deploy("dev")
	for _, c := range []struct{ method, path, want string }{
		{"GET", "/dev", "GET /"},
		{"GET", "/dev/", "GET /"},
		{"GET", "/dev/pets", "GET /pets"},
		{"GET", "/dev/pets/", "GET /pets"},
		{"GET", "/dev/pets/dog", "GET /pets/dog"},
		{"PUT", "/dev/pets/dog", "ANY /pets/{id}"},
		{"GET", "/dev/pets/cat", "ANY /pets/{id}"},
		{"POST", "/dev/pets/cat/a/b", "POST /pets/{id}/{rest+}"},
		{"GET", "/dev/pets/cat/a/b", "GET /{proxy+}"},
		{"GET", "/dev/x", "GET /{proxy+}"},
	} {
		f.want(c.method, r.id, c.path, "", 200, c.want)
	}
	f.want("DELETE", r.id, "/dev/x", "", 403, `{"message":"Missing Authentication Token"}`)
	f.want("GET", r.id, "/prod/x", "", 403, `{"message":"Forbidden"}`)
}

func TestRESTAPIsAnswer(t *testing.T) {
	f := start(t)
	r := f.restAPI(func(in *gw.CreateRestApiInput) { in.BinaryMediaTypes = []string{"image/*"} })
	r.proxy("ANY", "/e/{id}", f.function("event", func(e map[string]any) (any, error) {
		ctx := e["requestContext"].(map[string]any)
		return map[string]any{"statusCode": 200, "body": strings.Join([]string{
			e["resource"].(string), e["path"].(string), e["httpMethod"].(string), ctx["path"].(string), ctx["stage"].(string), ctx["resourcePath"].(string),
			e["pathParameters"].(map[string]any)["id"].(string),
		}, "|")}, nil
	}))
	r.proxy("GET", "/full", f.function("full", func(map[string]any) (any, error) {
		return map[string]any{"statusCode": "201", "headers": map[string]any{"X-A": "1"}, "multiValueHeaders": map[string]any{"Set-Cookie": []string{"a=1", "b=2"}}, "body": "AAE=", "isBase64Encoded": true}, nil
	}))
	r.proxy("POST", "/body", f.function("body", func(e map[string]any) (any, error) {
		if e["isBase64Encoded"] == true {
			return map[string]any{"statusCode": 200, "body": "base64 " + e["body"].(string)}, nil
		}
		return map[string]any{"statusCode": 200, "body": "text " + e["body"].(string)}, nil
	}))
	r.proxy("GET", "/fail", f.function("fail", func(map[string]any) (any, error) { return nil, errors.New("no") }))
	r.proxy("GET", "/bad", f.function("bad", func(map[string]any) (any, error) { return map[string]any{"a": 1}, nil }))
	r.proxy("GET", "/denied", functionARN("nobody"))
	r.deploy("dev")
	f.want("PUT", r.id, "/dev/e/1?q=2", "", 200, "/e/{id}|/e/1|PUT|/dev/e/1|dev|/e/{id}|1")
	full := f.want("GET", r.id, "/dev/full", "", 201, "\x00\x01", "Accept", "image/png,*/*")
	if full.header.Get("X-A") != "1" || len(full.header.Values("Set-Cookie")) != 2 || full.header.Get("Content-Type") != "application/json" || full.header.Get("X-Amz-Apigw-Id") == "" {
		t.Errorf("headers %v", full.header)
	}
	f.want("GET", r.id, "/dev/full", "", 201, "AAE=") // what is not asked for as binary stays base64
	f.want("POST", r.id, "/dev/body", "\x01", 200, "base64 AQ==", "Content-Type", "image/gif")
	f.want("POST", r.id, "/dev/body", "x", 200, "text x", "Content-Type", "application/octet-stream")
	f.want("GET", r.id, "/dev/fail", "", 502, `{"message":"Internal server error"}`)
	f.want("GET", r.id, "/dev/bad", "", 502, `{"message":"Internal server error"}`)
	f.want("GET", r.id, "/dev/denied", "", 500, `{"message":"Internal server error"}`)
}

func TestDeploymentsOfRESTAPIsAreSnapshots(t *testing.T) {
	f := start(t)
	r := f.restAPI(nil)
	ctx := t.Context()
	if _, err := r.c.CreateDeployment(ctx, &gw.CreateDeploymentInput{RestApiId: &r.id}); code(err) != "BadRequestException" {
		t.Errorf("an API without methods was deployed: %v", err)
	}
	r.proxy("GET", "/a", f.says("one", "one"))
	first := r.deploy("dev")
	r.proxy("GET", "/b", f.says("two", "two"))
	f.want("GET", r.id, "/dev/b", "", 403, `{"message":"Missing Authentication Token"}`)
	r.deploy("dev")
	f.want("GET", r.id, "/dev/b", "", 200, "two")
	must[*gw.UpdateStageOutput](t)(r.c.UpdateStage(ctx, &gw.UpdateStageInput{RestApiId: &r.id, StageName: new("dev"), PatchOperations: []types.PatchOperation{
		{Op: types.OpReplace, Path: new("/deploymentId"), Value: first},
		{Op: types.OpReplace, Path: new("/variables/x"), Value: new("y")},
		{Op: types.OpReplace, Path: new("/*/*/throttling/rateLimit"), Value: new("1")},
		{Op: types.OpReplace, Path: new("/*/*/throttling/burstLimit"), Value: new("1")},
	}}))
	f.want("GET", r.id, "/dev/b", "", 403, `{"message":"Missing Authentication Token"}`)
	f.want("GET", r.id, "/dev/a", "", 200, "one")
	f.want("GET", r.id, "/dev/a", "", 429, `{"message":"Too Many Requests"}`)
	st := must[*gw.GetStageOutput](t)(r.c.GetStage(ctx, &gw.GetStageInput{RestApiId: &r.id, StageName: new("dev")}))
	if st.Variables["x"] != "y" || st.MethodSettings["*/*"].ThrottlingBurstLimit != 1 {
		t.Errorf("the stage is %+v", st)
	}
	dep := must[*gw.GetDeploymentOutput](t)(r.c.GetDeployment(ctx, &gw.GetDeploymentInput{RestApiId: &r.id, DeploymentId: first, Embed: []string{"apisummary"}}))
	if len(dep.ApiSummary) != 1 || *dep.ApiSummary["/a"]["GET"].AuthorizationType != "NONE" {
		t.Errorf("the first deployment has %v", dep.ApiSummary)
	}
	if _, err := r.c.DeleteDeployment(ctx, &gw.DeleteDeploymentInput{RestApiId: &r.id, DeploymentId: first}); code(err) != "BadRequestException" {
		t.Errorf("a deployment in use was deleted: %v", err)
	}
}

func TestRESTAPIsMockCORS(t *testing.T) {
	f := start(t)
	r := f.restAPI(nil)
	ctx := t.Context()
	at := r.resource("/x")
	must[*gw.PutMethodOutput](t)(r.c.PutMethod(ctx, &gw.PutMethodInput{RestApiId: &r.id, ResourceId: at, HttpMethod: new("OPTIONS"), AuthorizationType: new("NONE")}))
	must[*gw.PutMethodResponseOutput](t)(r.c.PutMethodResponse(ctx, &gw.PutMethodResponseInput{RestApiId: &r.id, ResourceId: at, HttpMethod: new("OPTIONS"), StatusCode: new("200"), ResponseParameters: map[string]bool{"method.response.header.Access-Control-Allow-Origin": true}}))
	must[*gw.PutIntegrationOutput](t)(r.c.PutIntegration(ctx, &gw.PutIntegrationInput{RestApiId: &r.id, ResourceId: at, HttpMethod: new("OPTIONS"), Type: types.IntegrationTypeMock, RequestTemplates: map[string]string{"application/json": `{"statusCode": 200}`}}))
	in := &gw.PutIntegrationResponseInput{
		RestApiId: &r.id, ResourceId: at, HttpMethod: new("OPTIONS"), StatusCode: new("200"),
		ResponseParameters: map[string]string{"method.response.header.Access-Control-Allow-Origin": "'*'"},
		ResponseTemplates:  map[string]string{"application/json": `{"stage":"$context.stage","q":"$input.params('q')"}`},
	}
	must[*gw.PutIntegrationResponseOutput](t)(r.c.PutIntegrationResponse(ctx, in))
	r.deploy("dev")
	if got := f.want("OPTIONS", r.id, "/dev/x?q=1", "", 200, `{"stage":"dev","q":"1"}`); got.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("headers %v", got.header)
	}
	in.ResponseTemplates = map[string]string{"application/json": `#set($x = $util.parseJson($input.body))`}
	if _, err := r.c.PutIntegrationResponse(ctx, in); code(err) != "NotImplementedException" {
		t.Errorf("a template that would have to run: %v", err)
	}
}

func TestRESTAPIsAskLambdaAuthorizers(t *testing.T) {
	f := start(t)
	r := f.restAPI(nil)
	ctx := t.Context()
	answer := func(effect, resource string) any {
		return map[string]any{"principalId": "me", "context": map[string]any{"n": 1, "b": true}, "policyDocument": map[string]any{"Version": "2012-10-17", "Statement": []any{
			map[string]any{"Effect": effect, "Action": "execute-api:Invoke", "Resource": resource},
		}}}
	}
	token := f.function("token", func(e map[string]any) (any, error) {
		switch e["authorizationToken"] {
		case "allow":
			return answer("Allow", e["methodArn"].(string)), nil
		case "deny":
			return answer("Deny", "*"), nil
		case "unauthorized":
			return nil, errors.New("Unauthorized")
		}
		return "nothing", nil
	})
	request := f.function("request", func(e map[string]any) (any, error) {
		if e["type"] != "REQUEST" || e["queryStringParameters"].(map[string]any)["k"] != "x" {
			return nil, errors.New("what is this")
		}
		return answer("Allow", "*"), nil
	})
	a := must[*gw.CreateAuthorizerOutput](t)(r.c.CreateAuthorizer(ctx, &gw.CreateAuthorizerInput{RestApiId: &r.id, Name: new("t"), Type: types.AuthorizerTypeToken, AuthorizerUri: uri(token), IdentitySource: new("method.request.header.Auth"), IdentityValidationExpression: new("[a-z]+")}))
	b := must[*gw.CreateAuthorizerOutput](t)(r.c.CreateAuthorizer(ctx, &gw.CreateAuthorizerInput{RestApiId: &r.id, Name: new("r"), Type: types.AuthorizerTypeRequest, AuthorizerUri: uri(request), IdentitySource: new("method.request.querystring.k"), AuthorizerResultTtlInSeconds: new(int32(0))}))
	by := func(id *string) func(*gw.PutMethodInput) {
		return func(in *gw.PutMethodInput) { in.AuthorizationType, in.AuthorizerId = new("CUSTOM"), id }
	}
	who := f.function("who", func(e map[string]any) (any, error) {
		au := e["requestContext"].(map[string]any)["authorizer"].(map[string]any)
		return map[string]any{"statusCode": 200, "body": au["principalId"].(string) + au["n"].(string) + au["b"].(string)}, nil
	})
	r.proxy("GET", "/t", who, by(a.Id))
	r.proxy("GET", "/t2", who, by(a.Id))
	r.proxy("GET", "/r", who, by(b.Id))
	must[*gw.PutGatewayResponseOutput](t)(r.c.PutGatewayResponse(ctx, &gw.PutGatewayResponseInput{
		RestApiId: &r.id, ResponseType: types.GatewayResponseTypeUnauthorized, StatusCode: new("418"),
		ResponseParameters: map[string]string{"gatewayresponse.header.X-Why": "'because'"},
		ResponseTemplates:  map[string]string{"application/json": `{"oops":$context.error.messageString,"at":"$context.stage"}`},
	}))
	r.deploy("dev")
	f.want("GET", r.id, "/dev/t", "", 200, "me1true", "Auth", "allow")
	f.want("GET", r.id, "/dev/t2", "", 403, `{"Message":"User is not authorized to access this resource"}`, "Auth", "allow") // what was remembered allows the other method only
	f.want("GET", r.id, "/dev/t", "", 403, `{"Message":"User is not authorized to access this resource with an explicit deny in an identity-based policy"}`, "Auth", "deny")
	for _, refused := range []string{"unauthorized", "", "123"} {
		got := f.want("GET", r.id, "/dev/t", "", 418, `{"oops":"Unauthorized","at":"dev"}`, "Auth", refused)
		if got.header.Get("X-Why") != "because" {
			t.Errorf("headers %v", got.header)
		}
	}
	f.want("GET", r.id, "/dev/t", "", 500, `{"message":null}`, "Auth", "broken")
	if n := f.peers.called("token"); n != 4 {
		t.Errorf("the authorizer ran %d times, want once for each valid token", n)
	}
	for range 2 {
		f.want("GET", r.id, "/dev/r?k=x", "", 200, "me1true")
	}
	if n := f.peers.called("request"); n != 2 {
		t.Errorf("an authorizer that remembers nothing ran %d times, want 2", n)
	}
}

func TestRESTAPIsWithKeysQuotasAndPolicies(t *testing.T) {
	st := mem.New()
	p := &peers{functions: map[string]func(map[string]any) (any, error){}, now: time.Date(2026, 1, 31, 23, 0, 0, 0, time.UTC)}
	f := startOn(t, st, p)
	r := f.restAPI(nil)
	ctx := t.Context()
	r.proxy("GET", "/k", f.says("ok", "ok"), func(in *gw.PutMethodInput) { in.ApiKeyRequired = true })
	r.proxy("GET", "/iam", f.says("ok", "ok"), func(in *gw.PutMethodInput) { in.AuthorizationType = new("AWS_IAM") })
	r.deploy("dev")
	key := must[*gw.CreateApiKeyOutput](t)(r.c.CreateApiKey(ctx, &gw.CreateApiKeyInput{Name: new("k"), Enabled: true}))
	plan := must[*gw.CreateUsagePlanOutput](t)(r.c.CreateUsagePlan(ctx, &gw.CreateUsagePlanInput{
		Name: new("p"), ApiStages: []types.ApiStage{{ApiId: &r.id, Stage: new("dev")}}, Quota: &types.QuotaSettings{Limit: 3, Period: types.QuotaPeriodTypeDay},
	}))
	forbidden := `{"message":"Forbidden"}`
	f.want("GET", r.id, "/dev/k", "", 403, forbidden)
	f.want("GET", r.id, "/dev/k", "", 403, forbidden, "X-Api-Key", *key.Value) // it is in no plan yet
	must[*gw.CreateUsagePlanKeyOutput](t)(r.c.CreateUsagePlanKey(ctx, &gw.CreateUsagePlanKeyInput{UsagePlanId: plan.Id, KeyId: key.Id, KeyType: new("API_KEY")}))
	f.want("GET", r.id, "/dev/k", "", 200, "ok", "X-Api-Key", *key.Value)
	f.want("GET", r.id, "/dev/k", "", 200, "ok", "X-Api-Key", *key.Value)
	f.Close() // and what was used so far is on disk
	if err := f.rest.Run(canceled(t)); err != nil {
		t.Fatal(err)
	}
	f = startOn(t, st, p)
	f.want("GET", r.id, "/dev/k", "", 200, "ok", "X-Api-Key", *key.Value)
	f.want("GET", r.id, "/dev/k", "", 429, `{"message":"Limit Exceeded"}`, "X-Api-Key", *key.Value)
	r.fixture, r.c = f, f.v1()
	used := must[*gw.GetUsageOutput](t)(r.c.GetUsage(ctx, &gw.GetUsageInput{UsagePlanId: plan.Id, StartDate: new("2026-01-30"), EndDate: new("2026-01-31")}))
	if days := used.Items[*key.Id]; len(days) != 2 || days[0][0] != 0 || days[0][1] != 3 || days[1][0] != 3 || days[1][1] != 0 {
		t.Errorf("usage %v", used.Items)
	}
	p.pass(time.Hour) // the next day
	f.want("GET", r.id, "/dev/k", "", 200, "ok", "X-Api-Key", *key.Value)
	must[*gw.UpdateUsagePlanOutput](t)(r.c.UpdateUsagePlan(ctx, &gw.UpdateUsagePlanInput{UsagePlanId: plan.Id, PatchOperations: []types.PatchOperation{
		{Op: types.OpRemove, Path: new("/quota")}, {Op: types.OpReplace, Path: new("/throttle/rateLimit"), Value: new("1")}, {Op: types.OpReplace, Path: new("/throttle/burstLimit"), Value: new("1")},
	}}))
	f.want("GET", r.id, "/dev/k", "", 200, "ok", "X-Api-Key", *key.Value)
	f.want("GET", r.id, "/dev/k", "", 429, `{"message":"Too Many Requests"}`, "X-Api-Key", *key.Value)
	must[*gw.UpdateApiKeyOutput](t)(r.c.UpdateApiKey(ctx, &gw.UpdateApiKeyInput{ApiKey: key.Id, PatchOperations: []types.PatchOperation{{Op: types.OpReplace, Path: new("/enabled"), Value: new("false")}}}))
	f.want("GET", r.id, "/dev/k", "", 403, forbidden, "X-Api-Key", *key.Value)

	f.want("GET", r.id, "/dev/iam", "", 403, `{"message":"Missing Authentication Token"}`)
	f.want("GET", r.id, "/dev/iam", "", 200, "ok", "Authorization", "allowed")
	if got := f.call("GET", r.id, "/dev/iam", "", "Authorization", "other"); got.status != 403 || !strings.Contains(got.body, "may not execute-api:Invoke") {
		t.Errorf("got %d %s", got.status, got.body)
	}
	must[*gw.UpdateRestApiOutput](t)(r.c.UpdateRestApi(ctx, &gw.UpdateRestApiInput{RestApiId: &r.id, PatchOperations: []types.PatchOperation{{
		Op: types.OpReplace, Path: new("/policy"), Value: new(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/dev/GET/k"},{"Effect":"Deny","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/dev/GET/iam"}]}`),
	}}}))
	r.deploy("dev")
	if got := f.call("GET", r.id, "/dev/iam", "", "Authorization", "allowed"); got.status != 403 {
		t.Errorf("the API's policy denies, but: %d %s", got.status, got.body)
	}
}

func TestRESTAPIsForwardAndValidate(t *testing.T) {
	f := start(t)
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Path", r.URL.RequestURI())
		w.WriteHeader(404)
		_, _ = w.Write([]byte("body"))
	}))
	t.Cleanup(behind.Close)
	r := f.restAPI(nil)
	ctx := t.Context()
	v := must[*gw.CreateRequestValidatorOutput](t)(r.c.CreateRequestValidator(ctx, &gw.CreateRequestValidatorInput{RestApiId: &r.id, Name: new("v"), ValidateRequestParameters: true}))
	at := r.resource("/to/{proxy+}")
	must[*gw.PutMethodOutput](t)(r.c.PutMethod(ctx, &gw.PutMethodInput{
		RestApiId: &r.id, ResourceId: at, HttpMethod: new("ANY"), AuthorizationType: new("NONE"), RequestValidatorId: v.Id,
		RequestParameters: map[string]bool{"method.request.path.proxy": true, "method.request.querystring.must": true, "method.request.header.may": false},
	}))
	must[*gw.PutIntegrationOutput](t)(r.c.PutIntegration(ctx, &gw.PutIntegrationInput{
		RestApiId: &r.id, ResourceId: at, HttpMethod: new("ANY"), Type: types.IntegrationTypeHttpProxy, IntegrationHttpMethod: new("ANY"), Uri: new(behind.URL + "/{proxy}"),
		RequestParameters: map[string]string{"integration.request.path.proxy": "method.request.path.proxy"},
	}))
	r.deploy("dev")
	f.want("GET", r.id, "/dev/to/a/b", "", 400, `{"message":"Missing required request parameters: [must]"}`)
	if got := f.want("GET", r.id, "/dev/to/a/b?must=1", "", 404, "body"); got.header.Get("X-Path") != "/a/b?must=1" {
		t.Errorf("headers %v", got.header)
	}
}

func TestRESTAPIsRefuse(t *testing.T) {
	f := start(t)
	r := f.restAPI(nil)
	ctx, c := t.Context(), r.c
	r.proxy("GET", "/a/{id}", f.says("f", "x"))
	for _, tt := range []struct {
		name string
		call func() error
		want string
	}{
		{"a sibling with another parameter", func() error {
			_, err := c.CreateResource(ctx, &gw.CreateResourceInput{RestApiId: &r.id, ParentId: r.resource("/a"), PathPart: new("{other}")})
			return err
		}, "BadRequestException"},
		{"a name that is taken", func() error {
			_, err := c.CreateResource(ctx, &gw.CreateResourceInput{RestApiId: &r.id, ParentId: &r.root, PathPart: new("a")})
			return err
		}, "ConflictException"},
		{"a name with a slash", func() error {
			_, err := c.CreateResource(ctx, &gw.CreateResourceInput{RestApiId: &r.id, ParentId: &r.root, PathPart: new("a/b")})
			return err
		}, "BadRequestException"},
		{"a method that is there", func() error {
			_, err := c.PutMethod(ctx, &gw.PutMethodInput{RestApiId: &r.id, ResourceId: r.resource("/a/{id}"), HttpMethod: new("GET"), AuthorizationType: new("NONE")})
			return err
		}, "ConflictException"},
		{"an authorizer that is not there", func() error {
			_, err := c.PutMethod(ctx, &gw.PutMethodInput{RestApiId: &r.id, ResourceId: &r.root, HttpMethod: new("GET"), AuthorizationType: new("CUSTOM"), AuthorizerId: new("x")})
			return err
		}, "BadRequestException"},
		{"the root's deletion", func() error {
			_, err := c.DeleteResource(ctx, &gw.DeleteResourceInput{RestApiId: &r.id, ResourceId: &r.root})
			return err
		}, "BadRequestException"},
		{"an integration of the type AWS", func() error {
			_, err := c.PutIntegration(ctx, &gw.PutIntegrationInput{RestApiId: &r.id, ResourceId: r.resource("/a/{id}"), HttpMethod: new("GET"), Type: types.IntegrationTypeAws, IntegrationHttpMethod: new("POST"), Uri: uri("x")})
			return err
		}, "NotImplementedException"},
		{"a role that the caller may not pass", func() error {
			_, err := c.PutIntegration(ctx, &gw.PutIntegrationInput{RestApiId: &r.id, ResourceId: r.resource("/a/{id}"), HttpMethod: new("GET"), Type: types.IntegrationTypeAwsProxy, IntegrationHttpMethod: new("POST"), Uri: uri(functionARN("f")), Credentials: new("arn:aws:iam::000000000000:role/other")})
			return err
		}, "AccessDeniedException"},
		{"a patch of nothing", func() error {
			_, err := c.UpdateRestApi(ctx, &gw.UpdateRestApiInput{RestApiId: &r.id, PatchOperations: []types.PatchOperation{{Op: types.OpReplace, Path: new("/nothing"), Value: new("x")}}})
			return err
		}, "BadRequestException"},
		{"an API that is not there", func() error {
			_, err := c.GetRestApi(ctx, &gw.GetRestApiInput{RestApiId: new("none")})
			return err
		}, "NotFoundException"},
		{"a key that is too short", func() error {
			_, err := c.CreateApiKey(ctx, &gw.CreateApiKeyInput{Value: new("short")})
			return err
		}, "BadRequestException"},
		{"Cognito", func() error {
			_, err := c.CreateAuthorizer(ctx, &gw.CreateAuthorizerInput{RestApiId: &r.id, Name: new("c"), Type: types.AuthorizerTypeCognitoUserPools})
			return err
		}, "NotImplementedException"},
	} {
		if err := tt.call(); code(err) != tt.want {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.want)
		}
	}
	must[*gw.DeleteResourceOutput](t)(c.DeleteResource(ctx, &gw.DeleteResourceInput{RestApiId: &r.id, ResourceId: r.resource("/a")}))
	if left := must[*gw.GetResourcesOutput](t)(c.GetResources(ctx, &gw.GetResourcesInput{RestApiId: &r.id})); len(left.Items) != 1 {
		t.Errorf("%d resources are left, want the root", len(left.Items))
	}
}
