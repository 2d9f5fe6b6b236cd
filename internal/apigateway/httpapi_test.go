package apigateway

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	gw "github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/hearthfaas/hearth/internal/store/mem"
)

// httpAPI makes an API with a stage that deploys by itself.
func (f *fixture) httpAPI(stage string, with func(*gw.CreateApiInput)) string {
	f.t.Helper()
	in := &gw.CreateApiInput{Name: new("api"), ProtocolType: types.ProtocolTypeHttp}
	if with != nil {
		with(in)
	}
	api := must[*gw.CreateApiOutput](f.t)(f.v2().CreateApi(f.t.Context(), in))
	must[*gw.CreateStageOutput](f.t)(f.v2().CreateStage(f.t.Context(), &gw.CreateStageInput{ApiId: api.ApiId, StageName: &stage, AutoDeploy: new(true), StageVariables: map[string]string{"fn": "echo"}}))
	return *api.ApiId
}

// lambdaRoute leads a key to a function.
func (f *fixture) lambdaRoute(api, key, arn, version string, with ...func(*gw.CreateRouteInput)) {
	f.t.Helper()
	i := must[*gw.CreateIntegrationOutput](f.t)(f.v2().CreateIntegration(f.t.Context(), &gw.CreateIntegrationInput{
		ApiId: &api, IntegrationType: types.IntegrationTypeAwsProxy, IntegrationUri: &arn, PayloadFormatVersion: &version,
	}))
	in := &gw.CreateRouteInput{ApiId: &api, RouteKey: &key, Target: new("integrations/" + *i.IntegrationId)}
	for _, w := range with {
		w(in)
	}
	must[*gw.CreateRouteOutput](f.t)(f.v2().CreateRoute(f.t.Context(), in))
}

// echo answers with the event.
func echo(event map[string]any) (any, error) { return event, nil }

func TestRoutesAreSelectedAsTheGuideSays(t *testing.T) {
	f := start(t)
	api := f.httpAPI("$default", nil)
	keys := []string{"GET /pets/dog/1", "GET /pets/dog/{id}", "GET /pets/{proxy+}", "ANY /{proxy+}", "$default", "POST /pets/{kind}/{id}", "ANY /pets/{kind}"}
	for i, key := range keys {
		name := "f" + string(rune('0'+i))
		f.lambdaRoute(api, key, f.function(name, func(map[string]any) (any, error) { return key, nil }), "2.0")
	}
	for _, c := range []struct{ method, path, want string }{
		{"GET", "/pets/dog/1", "GET /pets/dog/1"},
		{"GET", "/pets/dog/2", "GET /pets/dog/{id}"},
		{"GET", "/pets/cat/1", "GET /pets/{proxy+}"},
		{"POST", "/pets/cat/1", "POST /pets/{kind}/{id}"},
		{"POST", "/test/5", "ANY /{proxy+}"},
		{"PUT", "/pets/cat", "ANY /pets/{kind}"},
		{"GET", "/pets/cat", "ANY /pets/{kind}"},
		{"GET", "/", "$default"},
		{"GET", "", "$default"},
	} {
		f.want(c.method, api, c.path, "", 200, c.want)
	}
}

func TestHTTPAPIsAnswer(t *testing.T) {
	f := start(t)
	arn := f.function("echo", echo)
	api := f.httpAPI("dev", nil)
	f.lambdaRoute(api, "GET /p/{id}", arn, "2.0")
	f.lambdaRoute(api, "GET /one/{rest+}", strings.Replace(arn, "echo", "${stageVariables.fn}", 1), "1.0")
	f.lambdaRoute(api, "GET /fail", f.function("fail", func(map[string]any) (any, error) { return nil, errors.New("no") }), "2.0")
	f.lambdaRoute(api, "GET /denied", functionARN("denied"), "2.0")
	f.lambdaRoute(api, "GET /full", f.function("full", func(map[string]any) (any, error) {
		return map[string]any{"statusCode": 201, "body": "hi", "headers": map[string]string{"X-A": "b"}, "cookies": []string{"c=1"}}, nil
	}), "2.0")
	f.want("GET", api, "/dev/fail", "", 500, `{"message":"Internal Server Error"}`)
	f.want("GET", api, "/dev/denied", "", 500, `{"message":"Internal Server Error"}`)
	f.want("GET", api, "/dev/nothing", "", 404, `{"message":"Not Found"}`)
	f.want("POST", api, "/dev/p/1", "", 404, `{"message":"Not Found"}`)
	f.want("GET", api, "/p/1", "", 404, `{"message":"Not Found"}`) // there is no $default stage
	f.want("GET", "nobody", "/", "", 403, `{"message":"Forbidden"}`)
	full := f.want("GET", api, "/dev/full", "", 201, "hi")
	if full.header.Get("X-A") != "b" || full.header.Get("Set-Cookie") != "c=1" || full.header.Get("Content-Type") != "text/plain; charset=utf-8" || full.header.Get("Apigw-Requestid") == "" {
		t.Errorf("headers %v", full.header)
	}
	two := f.call("GET", api, "/dev/p/a%2Fb%20c?x=1&x=2", "").body
	for _, want := range []string{
		`"routeKey":"GET /p/{id}"`, `"rawPath":"/dev/p/a/b c"`, `"pathParameters":{"id":"a/b c"}`, `"stage":"dev"`, `"queryStringParameters":{"x":"1,2"}`,
		`"accountId":"` + account + `"`, `"domainName":"` + api + `.execute-api.us-east-1.localhost"`, `"stageVariables":{"fn":"echo"}`,
	} {
		if !strings.Contains(two, want) {
			t.Errorf("2.0: no %s in %s", want, two)
		}
	}
	f.peers.mu.Lock()
	last := f.peers.sources[len(f.peers.sources)-1]
	f.peers.mu.Unlock()
	if want := "arn:aws:execute-api:us-east-1:" + account + ":" + api + "/dev/GET/p/{id}"; last != want {
		t.Errorf("the function's policy was asked about %s, want %s", last, want)
	}
	// An event of format 1.0 is no response of it.
	f.want("GET", api, "/dev/one/a/b", "", 500, `{"message":"Internal Server Error"}`)
	f.function("echo", func(e map[string]any) (any, error) {
		return map[string]any{"statusCode": 200, "body": e["version"].(string) + " " + e["resource"].(string) + " " + e["path"].(string) + " " + e["requestContext"].(map[string]any)["path"].(string)}, nil
	})
	f.want("GET", api, "/dev/one/a/b", "", 200, "1.0 /one/{rest+} /one/a/b /dev/one/a/b")
	if got := f.call("GET", api, "/dev/full", strings.Repeat("x", 10<<20+1)); got.status != 413 {
		t.Errorf("a body of over 10 MiB: got %d %s", got.status, got.body)
	}
}

func TestStagesAndDeployments(t *testing.T) {
	f := start(t)
	ctx, c := t.Context(), f.v2()
	say := func(word string) string {
		return f.function(word, func(map[string]any) (any, error) { return word, nil })
	}
	api := must[*gw.CreateApiOutput](t)(c.CreateApi(ctx, &gw.CreateApiInput{Name: new("a"), ProtocolType: types.ProtocolTypeHttp, Target: new(say("quick"))}))
	f.want("GET", *api.ApiId, "/any/path", "", 200, "quick")
	if _, err := c.CreateDeployment(ctx, &gw.CreateDeploymentInput{ApiId: api.ApiId, StageName: new("$default")}); code(err) != "BadRequestException" {
		t.Errorf("a deployment to a stage that deploys by itself: %v", err)
	}
	must[*gw.CreateStageOutput](t)(c.CreateStage(ctx, &gw.CreateStageInput{ApiId: api.ApiId, StageName: new("held")}))
	f.want("GET", *api.ApiId, "/held/x", "", 404, `{"message":"Not Found"}`)
	first := must[*gw.CreateDeploymentOutput](t)(c.CreateDeployment(ctx, &gw.CreateDeploymentInput{ApiId: api.ApiId, StageName: new("held")}))
	f.want("GET", *api.ApiId, "/held/x", "", 200, "quick")
	must[*gw.UpdateApiOutput](t)(c.UpdateApi(ctx, &gw.UpdateApiInput{ApiId: api.ApiId, Target: new(say("changed"))}))
	f.want("GET", *api.ApiId, "/x", "", 200, "changed")
	f.want("GET", *api.ApiId, "/held/x", "", 200, "quick")
	second := must[*gw.CreateDeploymentOutput](t)(c.CreateDeployment(ctx, &gw.CreateDeploymentInput{ApiId: api.ApiId}))
	must[*gw.UpdateStageOutput](t)(c.UpdateStage(ctx, &gw.UpdateStageInput{ApiId: api.ApiId, StageName: new("held"), DeploymentId: second.DeploymentId}))
	f.want("GET", *api.ApiId, "/held/x", "", 200, "changed")
	if _, err := c.DeleteDeployment(ctx, &gw.DeleteDeploymentInput{ApiId: api.ApiId, DeploymentId: second.DeploymentId}); code(err) != "BadRequestException" {
		t.Errorf("a deployment in use was deleted: %v", err)
	}
	must[*gw.DeleteDeploymentOutput](t)(c.DeleteDeployment(ctx, &gw.DeleteDeploymentInput{ApiId: api.ApiId, DeploymentId: first.DeploymentId}))
	if got := must[*gw.GetDeploymentsOutput](t)(c.GetDeployments(ctx, &gw.GetDeploymentsInput{ApiId: api.ApiId})); len(got.Items) != 2 {
		t.Errorf("%d deployments, want the second and the automatic one", len(got.Items))
	}
	must[*gw.DeleteApiOutput](t)(c.DeleteApi(ctx, &gw.DeleteApiInput{ApiId: api.ApiId}))
	f.want("GET", *api.ApiId, "/x", "", 403, `{"message":"Forbidden"}`)
	if _, err := c.GetApi(ctx, &gw.GetApiInput{ApiId: api.ApiId}); code(err) != "NotFoundException" {
		t.Errorf("got %v", err)
	}
}

func TestAPIsOutliveARestart(t *testing.T) {
	st := mem.New()
	p := &peers{functions: map[string]func(map[string]any) (any, error){}, now: time.Unix(1e9, 0)}
	f := startOn(t, st, p)
	api := f.httpAPI("$default", nil)
	f.lambdaRoute(api, "GET /x", f.function("echo", func(map[string]any) (any, error) { return "x", nil }), "2.0")
	f = startOn(t, st, p)
	f.want("GET", api, "/x", "", 200, "x")
}

func TestHTTPAPIsCheckTokens(t *testing.T) {
	f := start(t)
	api := f.httpAPI("$default", nil)
	a := must[*gw.CreateAuthorizerOutput](t)(f.v2().CreateAuthorizer(t.Context(), &gw.CreateAuthorizerInput{
		ApiId: &api, Name: new("jwt"), AuthorizerType: types.AuthorizerTypeJwt, IdentitySource: []string{"$request.header.Authorization"},
		JwtConfiguration: &types.JWTConfiguration{Issuer: new("https://issuer"), Audience: []string{"me"}},
	}))
	jwt := func(scopes ...string) func(*gw.CreateRouteInput) {
		return func(in *gw.CreateRouteInput) {
			in.AuthorizationType, in.AuthorizerId, in.AuthorizationScopes = types.AuthorizationTypeJwt, a.AuthorizerId, scopes
		}
	}
	who := f.function("who", func(e map[string]any) (any, error) {
		return e["requestContext"].(map[string]any)["authorizer"], nil
	})
	f.lambdaRoute(api, "GET /", who, "2.0", jwt())
	f.lambdaRoute(api, "GET /scoped", who, "2.0", jwt("read", "write"))
	const good = `{"iss":"https://issuer","aud":["me","x"],"exp":4000000000,"scope":"write all","n":1,"list":["a","b"],"yes":true}`
	claims := `{"jwt":{"claims":{"aud":"[me x]","exp":"4000000000","iss":"https://issuer","list":"[a b]","n":"1","scope":"write all","yes":"true"},"scopes":null}}`
	f.want("GET", api, "/", "", 200, claims, "Authorization", "Bearer "+good)
	f.want("GET", api, "/", "", 200, claims, "Authorization", good)
	f.want("GET", api, "/scoped", "", 200, strings.Replace(claims, "null", `["write","all"]`, 1), "Authorization", "bearer "+good)
	if got := f.want("GET", api, "/", "", 401, `{"message":"Unauthorized"}`); got.header.Get("Www-Authenticate") != "Bearer" {
		t.Errorf("headers %v", got.header)
	}
	for _, bad := range []string{
		"nonsense", `{"iss":"https://other","aud":"me","exp":4000000000}`, `{"iss":"https://issuer","aud":"you","exp":4000000000}`,
		`{"iss":"https://issuer","aud":"me","exp":1}`, `{"iss":"https://issuer","aud":"me"}`, `{"iss":"https://issuer","aud":"me","exp":4000000000,"nbf":3999999999}`,
	} {
		f.want("GET", api, "/", "", 401, `{"message":"Unauthorized"}`, "Authorization", bad)
	}
	f.want("GET", api, "/", "", 200, `{"jwt":{"claims":{"client_id":"me","exp":"4000000000","iss":"https://issuer"},"scopes":null}}`, "Authorization", `{"iss":"https://issuer","client_id":"me","exp":4000000000}`)
	f.want("GET", api, "/scoped", "", 403, `{"message":"Forbidden"}`, "Authorization", `{"iss":"https://issuer","aud":"me","exp":4000000000,"scope":"other"}`)
}

func TestHTTPAPIsAskLambdaAuthorizers(t *testing.T) {
	f := start(t)
	api := f.httpAPI("$default", nil)
	add := func(name, arn, version string, simple bool, ttl int32) *string {
		return must[*gw.CreateAuthorizerOutput](t)(f.v2().CreateAuthorizer(t.Context(), &gw.CreateAuthorizerInput{
			ApiId: &api, Name: &name, AuthorizerType: types.AuthorizerTypeRequest, IdentitySource: []string{"$request.header.Key"},
			AuthorizerUri:                  aws.String("arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/" + arn + "/invocations"),
			AuthorizerPayloadFormatVersion: &version, EnableSimpleResponses: aws.Bool(simple), AuthorizerResultTtlInSeconds: &ttl,
		})).AuthorizerId
	}
	by := func(id *string) func(*gw.CreateRouteInput) {
		return func(in *gw.CreateRouteInput) {
			in.AuthorizationType, in.AuthorizerId = types.AuthorizationTypeCustom, id
		}
	}
	simple := f.function("simple", func(e map[string]any) (any, error) {
		if e["type"] != "REQUEST" || e["routeArn"] != "arn:aws:execute-api:us-east-1:"+account+":"+api+"/$default/GET/simple" {
			return nil, errors.New("what is this")
		}
		return map[string]any{"isAuthorized": e["identitySource"].([]any)[0] == "good", "context": map[string]any{"n": 1, "s": "x"}}, nil
	})
	iam := f.function("iam", func(e map[string]any) (any, error) {
		if e["identitySource"] == "throw" {
			return nil, errors.New("Unauthorized")
		}
		return map[string]any{"principalId": "p", "context": map[string]any{"k": "v"}, "policyDocument": map[string]any{"Version": "2012-10-17", "Statement": []any{
			map[string]any{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "arn:aws:execute-api:*:*:" + api + "/*/GET/iam/" + e["identitySource"].(string)},
		}}}, nil
	})
	who := f.function("who", func(e map[string]any) (any, error) { return e["requestContext"].(map[string]any)["authorizer"], nil })
	f.lambdaRoute(api, "GET /simple", who, "2.0", by(add("simple", simple, "2.0", true, 60)))
	f.lambdaRoute(api, "GET /iam/{x}", who, "2.0", by(add("iam", iam, "1.0", false, 60)))
	f.lambdaRoute(api, "GET /broken", who, "2.0", by(add("broken", f.function("broken", func(map[string]any) (any, error) { return "yes", nil }), "2.0", true, 0)))
	f.want("GET", api, "/simple", "", 200, `{"lambda":{"n":1,"s":"x"}}`, "Key", "good")
	f.want("GET", api, "/simple", "", 403, `{"message":"Forbidden"}`, "Key", "bad")
	f.want("GET", api, "/simple", "", 401, `{"message":"Unauthorized"}`)
	f.want("GET", api, "/simple", "", 200, `{"lambda":{"n":1,"s":"x"}}`, "Key", "good")
	if n := f.peers.called("simple"); n != 2 {
		t.Errorf("the authorizer ran %d times, want once for each identity", n)
	}
	f.peers.pass(61 * time.Second)
	f.call("GET", api, "/simple", "", "Key", "good")
	if n := f.peers.called("simple"); n != 3 {
		t.Errorf("the authorizer ran %d times, want a third time after its verdict's life", n)
	}
	f.want("GET", api, "/iam/a", "", 200, `{"lambda":{"k":"v"}}`, "Key", "a")
	f.want("GET", api, "/iam/b", "", 403, `{"message":"Forbidden"}`, "Key", "a") // the same verdict, another request
	f.want("GET", api, "/iam/b", "", 401, `{"message":"Unauthorized"}`, "Key", "throw")
	f.want("GET", api, "/broken", "", 500, `{"message":"Internal Server Error"}`, "Key", "a")
}

func TestHTTPAPIsWithSignaturesLimitsAndRulesForPages(t *testing.T) {
	f := start(t)
	api := f.httpAPI("$default", func(in *gw.CreateApiInput) {
		in.CorsConfiguration = &types.Cors{AllowOrigins: []string{"https://*"}, AllowMethods: []string{"*"}, AllowHeaders: []string{"x"}}
	})
	who := f.function("who", func(e map[string]any) (any, error) { return e["requestContext"].(map[string]any)["authorizer"], nil })
	f.lambdaRoute(api, "GET /iam", who, "2.0", func(in *gw.CreateRouteInput) { in.AuthorizationType = types.AuthorizationTypeAwsIam })
	f.lambdaRoute(api, "GET /limited", f.function("ok", func(map[string]any) (any, error) { return "ok", nil }), "2.0")
	f.want("GET", api, "/iam", "", 403, `{"message":"Forbidden"}`)
	f.want("GET", api, "/iam", "", 403, `{"message":"Forbidden"}`, "Authorization", "other")
	f.want("GET", api, "/iam", "", 200, `{"iam":{"accessKey":"allowed","accountId":"000000000000","callerId":"AIDA","cognitoIdentity":null,"principalOrgId":null,"userArn":"arn:aws:iam::000000000000:user/u","userId":"AIDA"}}`, "Authorization", "allowed")
	asked := f.want("OPTIONS", api, "/limited", "", 204, "", "Origin", "https://page", "Access-Control-Request-Method", "GET")
	if asked.header.Get("Access-Control-Allow-Origin") != "https://page" {
		t.Errorf("preflight: %v", asked.header)
	}
	must[*gw.UpdateStageOutput](t)(f.v2().UpdateStage(t.Context(), &gw.UpdateStageInput{ApiId: &api, StageName: new("$default"), RouteSettings: map[string]types.RouteSettings{
		"GET /limited": {ThrottlingBurstLimit: new(int32(2)), ThrottlingRateLimit: new(1.0)},
	}}))
	f.want("GET", api, "/limited", "", 200, "ok")
	if got := f.want("GET", api, "/limited", "", 200, "ok", "Origin", "https://page"); got.header.Get("Access-Control-Allow-Origin") != "https://page" {
		t.Errorf("headers %v", got.header)
	}
	f.want("GET", api, "/limited", "", 429, `{"message":"Too Many Requests"}`)
	f.peers.pass(time.Second)
	f.want("GET", api, "/limited", "", 200, "ok")
	must[*gw.UpdateApiOutput](t)(f.v2().UpdateApi(t.Context(), &gw.UpdateApiInput{ApiId: &api, DisableExecuteApiEndpoint: new(true)}))
	f.want("GET", api, "/limited", "", 404, `{"message":"Not Found"}`)
}

func TestHTTPAPIsForwardRequests(t *testing.T) {
	f := start(t)
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			<-r.Context().Done()
			return
		}
		w.Header().Set("X-Path", r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("X-Added"))
		w.WriteHeader(418)
		_, _ = w.Write([]byte("tea"))
	}))
	t.Cleanup(behind.Close)
	api := f.httpAPI("$default", nil)
	add := func(key, uri string, with func(*gw.CreateIntegrationInput)) {
		t.Helper()
		in := &gw.CreateIntegrationInput{ApiId: &api, IntegrationType: types.IntegrationTypeHttpProxy, IntegrationMethod: new("ANY"), IntegrationUri: &uri}
		if with != nil {
			with(in)
		}
		i := must[*gw.CreateIntegrationOutput](t)(f.v2().CreateIntegration(t.Context(), in))
		must[*gw.CreateRouteOutput](t)(f.v2().CreateRoute(t.Context(), &gw.CreateRouteInput{ApiId: &api, RouteKey: &key, Target: new("integrations/" + *i.IntegrationId)}))
	}
	add("ANY /to/{proxy+}", behind.URL+"/{proxy}", func(in *gw.CreateIntegrationInput) {
		in.RequestParameters = map[string]string{"append:header.x-added": "$request.path.proxy/${context.stage}", "overwrite:querystring.q": "2"}
		in.ResponseParameters = map[string]map[string]string{"418": {"overwrite:statuscode": "200", "append:header.x-status": "was $response.statuscode"}}
	})
	add("GET /slow", behind.URL+"/slow", func(in *gw.CreateIntegrationInput) { in.TimeoutInMillis = new(int32(50)) })
	add("GET /gone", "http://127.0.0.1:1/", nil)
	got := f.want("PUT", api, "/to/a/b?q=1", "body", 200, "tea")
	if got.header.Get("X-Path") != "PUT /a/b?q=2 a/b/$default" || got.header.Get("X-Status") != "was 418" {
		t.Errorf("headers %v", got.header)
	}
	f.want("GET", api, "/slow", "", 503, `{"message":"Service Unavailable"}`)
	f.want("GET", api, "/gone", "", 503, `{"message":"Service Unavailable"}`)
}

func TestHTTPAPIsRefuse(t *testing.T) {
	f := start(t)
	ctx, c := t.Context(), f.v2()
	api := f.httpAPI("$default", nil)
	f.lambdaRoute(api, "GET /taken", f.function("f", echo), "2.0")
	routes := must[*gw.GetRoutesOutput](t)(c.GetRoutes(ctx, &gw.GetRoutesInput{ApiId: &api}))
	taken := strings.TrimPrefix(*routes.Items[0].Target, "integrations/")
	for _, tt := range []struct {
		name string
		call func() error
		want string
	}{
		{"a WebSocket API", func() error {
			_, err := c.CreateApi(ctx, &gw.CreateApiInput{Name: new("w"), ProtocolType: types.ProtocolTypeWebsocket})
			return err
		}, "NotImplementedException"},
		{"a route key without a method", func() error {
			_, err := c.CreateRoute(ctx, &gw.CreateRouteInput{ApiId: &api, RouteKey: new("/x")})
			return err
		}, "BadRequestException"},
		{"a greedy parameter in the middle", func() error {
			_, err := c.CreateRoute(ctx, &gw.CreateRouteInput{ApiId: &api, RouteKey: new("GET /{a+}/b")})
			return err
		}, "BadRequestException"},
		{"a key that is taken", func() error {
			_, err := c.CreateRoute(ctx, &gw.CreateRouteInput{ApiId: &api, RouteKey: new("GET /taken")})
			return err
		}, "ConflictException"},
		{"a target that is none", func() error {
			_, err := c.CreateRoute(ctx, &gw.CreateRouteInput{ApiId: &api, RouteKey: new("GET /y"), Target: new("integrations/none")})
			return err
		}, "BadRequestException"},
		{"an integration in use", func() error {
			_, err := c.DeleteIntegration(ctx, &gw.DeleteIntegrationInput{ApiId: &api, IntegrationId: &taken})
			return err
		}, "ConflictException"},
		{"an API that is not there", func() error {
			_, err := c.GetRoutes(ctx, &gw.GetRoutesInput{ApiId: new("none")})
			return err
		}, "NotFoundException"},
		{"a stage that is there", func() error {
			_, err := c.CreateStage(ctx, &gw.CreateStageInput{ApiId: &api, StageName: new("$default")})
			return err
		}, "ConflictException"},
		{"credentials for every origin", func() error {
			_, err := c.UpdateApi(ctx, &gw.UpdateApiInput{ApiId: &api, CorsConfiguration: &types.Cors{AllowOrigins: []string{"*"}, AllowCredentials: new(true)}})
			return err
		}, "BadRequestException"},
		{"a timeout over 30 s", func() error {
			_, err := c.CreateIntegration(ctx, &gw.CreateIntegrationInput{ApiId: &api, IntegrationType: types.IntegrationTypeAwsProxy, IntegrationUri: new(functionARN("f")), TimeoutInMillis: new(int32(30001))})
			return err
		}, "BadRequestException"},
		{"a role that the caller may not pass", func() error {
			_, err := c.CreateIntegration(ctx, &gw.CreateIntegrationInput{ApiId: &api, IntegrationType: types.IntegrationTypeAwsProxy, IntegrationUri: new(functionARN("f")), CredentialsArn: new("arn:aws:iam::000000000000:role/other")})
			return err
		}, "AccessDeniedException"},
		{"an integration with SQS", func() error {
			_, err := c.CreateIntegration(ctx, &gw.CreateIntegrationInput{ApiId: &api, IntegrationType: types.IntegrationTypeAwsProxy, IntegrationSubtype: new("SQS-SendMessage")})
			return err
		}, "NotImplementedException"},
	} {
		if err := tt.call(); code(err) != tt.want {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.want)
		}
	}
}

func TestTagsOfHTTPAPIs(t *testing.T) {
	f := start(t)
	ctx, c := t.Context(), f.v2()
	api := f.httpAPI("dev", func(in *gw.CreateApiInput) { in.Tags = map[string]string{"a": "1"} })
	for _, arn := range []string{"arn:aws:apigateway:us-east-1::/apis/" + api, "arn:aws:apigateway:us-east-1::/apis/" + api + "/stages/dev"} {
		must[*gw.TagResourceOutput](t)(c.TagResource(ctx, &gw.TagResourceInput{ResourceArn: &arn, Tags: map[string]string{"b": "2"}}))
		must[*gw.UntagResourceOutput](t)(c.UntagResource(ctx, &gw.UntagResourceInput{ResourceArn: &arn, TagKeys: []string{"a"}}))
		if got := must[*gw.GetTagsOutput](t)(c.GetTags(ctx, &gw.GetTagsInput{ResourceArn: &arn})); len(got.Tags) != 1 || got.Tags["b"] != "2" {
			t.Errorf("%s: %v", arn, got.Tags)
		}
	}
	pages := 0
	for range 3 {
		f.httpAPI("x", nil)
	}
	var token *string
	for {
		out := must[*gw.GetApisOutput](t)(c.GetApis(ctx, &gw.GetApisInput{MaxResults: new("3"), NextToken: token}))
		pages++
		if token = out.NextToken; token == nil {
			break
		}
	}
	if pages != 2 {
		t.Errorf("4 APIs on pages of 3 are %d pages", pages)
	}
}
