package compat

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	resttypes "github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/golang-jwt/jwt/v5"

	"github.com/hearthfaas/hearth/internal/harness"
)

// tellAuthorizer answers with what its event says of the caller.
const tellAuthorizer = `exports.handler = async (event) => ({
  statusCode: 200, headers: { "content-type": "application/json" },
  body: JSON.stringify(event.requestContext.authorizer ?? null),
});`

// httpAPI is an HTTP API over a function, whose routes a test adds.
type httpAPI struct {
	t        *testing.T
	gw       *apigatewayv2.Client
	id       string
	endpoint string
	target   string
}

const functionPrefix = "arn:aws:lambda:us-east-1:000000000000:function:"

func newHTTPAPI(t *testing.T, h *harness.Hearth, function string) *httpAPI {
	t.Helper()
	ctx, gw := t.Context(), apigatewayv2.NewFromConfig(h.AWS())
	made, err := gw.CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: new("guarded"), ProtocolType: types.ProtocolTypeHttp})
	if err != nil {
		t.Fatal(err)
	}
	i, err := gw.CreateIntegration(ctx, &apigatewayv2.CreateIntegrationInput{
		ApiId: made.ApiId, IntegrationType: types.IntegrationTypeAwsProxy, PayloadFormatVersion: new("2.0"), IntegrationUri: new(functionPrefix + function),
	})
	if err == nil {
		_, err = gw.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: made.ApiId, StageName: new("$default"), AutoDeploy: new(true)})
	}
	if err != nil {
		t.Fatal(err)
	}
	return &httpAPI{t, gw, *made.ApiId, *made.ApiEndpoint, "integrations/" + *i.IntegrationId}
}

func (a *httpAPI) route(key string, kind types.AuthorizationType, authorizer *string, scopes ...string) {
	a.t.Helper()
	_, err := a.gw.CreateRoute(a.t.Context(), &apigatewayv2.CreateRouteInput{
		ApiId: &a.id, RouteKey: &key, Target: &a.target, AuthorizationType: kind, AuthorizerId: authorizer, AuthorizationScopes: scopes,
	})
	if err != nil {
		a.t.Fatal(err)
	}
}

// letAPI lets an API invoke a function.
func letAPI(t *testing.T, h *harness.Hearth, function, api string) {
	t.Helper()
	_, err := lambda.NewFromConfig(h.AWS()).AddPermission(t.Context(), &lambda.AddPermissionInput{
		FunctionName: &function, StatementId: new("api-" + api), Action: new("lambda:InvokeFunction"), Principal: new("apigateway.amazonaws.com"),
		SourceArn: new("arn:aws:execute-api:us-east-1:000000000000:" + api + "/*"),
	})
	if err != nil {
		t.Fatal(err)
	}
}

// issuer signs tokens and shows its public keys, as an identity provider does.
type issuer struct {
	t    *testing.T
	name string
	mu   sync.Mutex // guards keys
	keys []map[string]string
}

func newIssuer(t *testing.T, name string) (i *issuer, url string) {
	t.Helper()
	i = &issuer{t: t, name: name}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(map[string]any{"keys": i.keys}); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	return i, server.URL
}

func (i *issuer) show(key map[string]string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = append(i.keys, key)
}

func encoded(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// rsaKey makes a key that the issuer shows.
func (i *issuer) rsaKey(id string) *rsa.PrivateKey {
	i.t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		i.t.Fatal(err)
	}
	i.show(map[string]string{
		"kty": "RSA", "kid": id, "use": "sig", "alg": "RS256", "n": encoded(key.N.Bytes()), "e": encoded(big.NewInt(int64(key.E)).Bytes()),
	})
	return key
}

func (i *issuer) ecKey(id string) *ecdsa.PrivateKey {
	i.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		i.t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		i.t.Fatal(err)
	}
	i.show(map[string]string{"kty": "EC", "kid": id, "use": "sig", "alg": "ES256", "crv": "P-256", "x": encoded(point[1:33]), "y": encoded(point[33:])})
	return key
}

// token is a good token, after changes.
func (i *issuer) token(method jwt.SigningMethod, key any, id string, change func(jwt.MapClaims)) string {
	i.t.Helper()
	now := time.Now()
	claims := jwt.MapClaims{
		"iss": i.name, "aud": []string{"other", "orders"}, "sub": "ann", "scope": "read list", "groups": []string{"a", "b"},
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	if change != nil {
		change(claims)
	}
	made := jwt.NewWithClaims(method, claims)
	made.Header["kid"] = id
	text, err := made.SignedString(key)
	if err != nil {
		i.t.Fatal(err)
	}
	return text
}

// Goal: an HTTP API lets in who has a token of its issuer, for it, in time and with a
// route's scope, and nobody else. Method: an issuer on loopback signs with a library of
// its own; each kind of bad token differs from the good one in one thing.
func TestTokensOfAnIssuerOpenAnHTTPAPI(t *testing.T) {
	t.Parallel()
	const name = "https://login.example.com/pool"
	i, url := newIssuer(t, name)
	key, curve := i.rsaKey("one"), i.ecKey("two")
	h := up(t, "oidc_keys:", "  "+name+": "+url)
	makeFunction(t, h, "tell", tellAuthorizer)
	api := newHTTPAPI(t, h, "tell")
	letAPI(t, h, "tell", api.id)
	made, err := api.gw.CreateAuthorizer(t.Context(), &apigatewayv2.CreateAuthorizerInput{
		ApiId: &api.id, Name: new("jwt"), AuthorizerType: types.AuthorizerTypeJwt, IdentitySource: []string{"$request.header.Authorization"},
		JwtConfiguration: &types.JWTConfiguration{Issuer: new(name), Audience: []string{"orders"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	api.route("GET /any", types.AuthorizationTypeJwt, made.AuthorizerId)
	api.route("GET /read", types.AuthorizationTypeJwt, made.AuthorizerId, "read", "admin")
	api.route("GET /write", types.AuthorizationTypeJwt, made.AuthorizerId, "write")

	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	good := i.token(jwt.SigningMethodRS256, key, "one", nil)
	parts := strings.Split(good, ".")
	set := func(name string, value any) func(jwt.MapClaims) { return func(c jwt.MapClaims) { c[name] = value } }
	rs := func(change func(jwt.MapClaims)) string { return i.token(jwt.SigningMethodRS256, key, "one", change) }
	s := newSite(t, h)
	for _, c := range []struct {
		name, path, token string
		status            int
	}{
		{"a good one", "/any", good, 200},
		{"one of the other key", "/any", i.token(jwt.SigningMethodES256, curve, "two", nil), 200},
		{"no prefix", "/any", "bare:" + good, 200},
		{"client_id in the place of aud", "/any", rs(func(c jwt.MapClaims) { delete(c, "aud"); c["client_id"] = "orders" }), 200},
		{"one of several scopes", "/read", good, 200},
		{"a scope that is missing", "/write", good, 403},
		{"none", "/any", "", 401},
		{"no token", "/any", "abc", 401},
		{"another audience", "/any", rs(set("aud", "other")), 401},
		{"another issuer", "/any", rs(set("iss", name+"/")), 401},
		{"expired", "/any", rs(set("exp", time.Now().Add(-time.Minute).Unix())), 401},
		{"without an end", "/any", rs(func(c jwt.MapClaims) { delete(c, "exp") }), 401},
		{"not valid yet", "/any", rs(set("nbf", time.Now().Add(time.Hour).Unix())), 401},
		{"signed by a stranger", "/any", i.token(jwt.SigningMethodRS256, other, "one", nil), 401},
		{"of a key that nobody shows", "/any", i.token(jwt.SigningMethodRS256, other, "three", nil), 401},
		{"not signed", "/any", i.token(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "one", nil), 401},
		{"signed with the public key as a secret", "/any", i.token(jwt.SigningMethodHS256, public, "one", nil), 401},
		{"the payload of another", "/any", parts[0] + "." + strings.Split(rs(set("sub", "eve")), ".")[1] + "." + parts[2], 401},
	} {
		var header []string
		if bare, ok := strings.CutPrefix(c.token, "bare:"); ok {
			header = []string{"Authorization", bare}
		} else if c.token != "" {
			header = []string{"Authorization", "Bearer " + c.token}
		}
		got, err := s.call("GET", api.endpoint+c.path, "", header...)
		if err != nil || got.status != c.status {
			t.Errorf("%s: got %d %s %v, want %d", c.name, got.status, got.body, err, c.status)
		}
		if c.status != 200 && c.token != "" && !strings.HasPrefix(got.header.Get("Www-Authenticate"), "Bearer ") {
			t.Errorf("%s: the refusal says %q", c.name, got.header.Get("Www-Authenticate"))
		}
	}
	got, err := s.call("GET", api.endpoint+"/read", "", "Authorization", "Bearer "+good)
	var told struct {
		JWT struct {
			Claims map[string]string
			Scopes []string
		}
	}
	if err != nil || json.Unmarshal([]byte(got.body), &told) != nil || told.JWT.Claims["sub"] != "ann" || told.JWT.Claims["groups"] != "[a b]" ||
		told.JWT.Claims["aud"] != "[other orders]" || fmt.Sprint(told.JWT.Scopes) != "[read list]" {
		t.Errorf("the function was told %s, %v", got.body, err)
	}
	// A key that the issuer has from now on.
	later := i.rsaKey("later")
	if got, err := s.call("GET", api.endpoint+"/any", "", "Authorization", "Bearer "+i.token(jwt.SigningMethodRS256, later, "later", nil)); err != nil || got.status != 200 {
		t.Errorf("with a key that is new: got %d %s, %v", got.status, got.body, err)
	}
}

// decide is an authorizer in all the forms there are: the caller's word says what it
// answers, the environment of the function in which form.
const decide = `
let asked = 0;
exports.handler = async (event) => {
  const header = (name) => (event.headers ?? {})[name] ?? (event.headers ?? {})[name.toLowerCase()];
  const word = event.authorizationToken ?? header("Word") ?? (event.queryStringParameters ?? {}).word;
  const arn = event.methodArn ?? event.routeArn;
  asked++;
  const context = { word, asked, form: event.version ?? event.type, deep: true };
  switch (word) {
  case "throw": throw new Error("broken");
  case "Unauthorized": throw "Unauthorized";
  case "error": throw new Error("Unauthorized");
  case "nonsense": return { isAuthorized: "perhaps", policyDocument: "none" };
  }
  if (event.version === "2.0" && event.routeKey.includes("simple")) return { isAuthorized: word === "allow", context };
  const statement = { Action: "execute-api:Invoke", Effect: word === "deny" ? "Deny" : "Allow", Resource: word === "silent" ? arn + "/other" : arn };
  return { principalId: "ann", policyDocument: { Version: "2012-10-17", Statement: [statement] }, context };
};`

func TestLambdaAuthorizersGuardAnHTTPAPI(t *testing.T) {
	t.Parallel()
	h := up(t)
	makeFunction(t, h, "tell", tellAuthorizer)
	makeFunction(t, h, "decide", decide)
	api := newHTTPAPI(t, h, "tell")
	letAPI(t, h, "tell", api.id)
	letAPI(t, h, "decide", api.id)
	for _, a := range []struct {
		path, version string
		simple        bool
		ttl           int32
	}{{"/simple", "2.0", true, 0}, {"/policy2", "2.0", false, 0}, {"/policy1", "1.0", false, 0}, {"/simple/kept", "2.0", true, 300}} {
		made, err := api.gw.CreateAuthorizer(t.Context(), &apigatewayv2.CreateAuthorizerInput{
			ApiId: &api.id, Name: new(strings.ReplaceAll(a.path, "/", "-")), AuthorizerType: types.AuthorizerTypeRequest, IdentitySource: []string{"$request.header.Word"},
			AuthorizerUri:                  new("arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/" + functionPrefix + "decide/invocations"),
			AuthorizerPayloadFormatVersion: &a.version, EnableSimpleResponses: &a.simple, AuthorizerResultTtlInSeconds: &a.ttl,
		})
		if err != nil {
			t.Fatal(err)
		}
		api.route("GET "+a.path, types.AuthorizationTypeCustom, made.AuthorizerId)
	}
	s := newSite(t, h)
	for path, form := range map[string]string{"/simple": "2.0", "/policy2": "2.0", "/policy1": "1.0"} {
		got, err := s.call("GET", api.endpoint+path, "", "Word", "allow")
		var told struct{ Lambda map[string]any }
		if err != nil || got.status != 200 || json.Unmarshal([]byte(got.body), &told) != nil || told.Lambda["word"] != "allow" || told.Lambda["form"] != form || told.Lambda["deep"] != true {
			t.Errorf("%s: the function was told %d %s, %v", path, got.status, got.body, err)
		}
		s.want("GET", api.endpoint+path, "", 401, `{"message":"Unauthorized"}`)
		s.want("GET", api.endpoint+path, "", 403, `{"message":"Forbidden"}`, "Word", "deny")
		s.want("GET", api.endpoint+path, "", 500, `{"message":"Internal Server Error"}`, "Word", "throw")
		s.want("GET", api.endpoint+path, "", 500, `{"message":"Internal Server Error"}`, "Word", "nonsense")
		s.want("GET", api.endpoint+path, "", 401, `{"message":"Unauthorized"}`, "Word", "error")
		if path != "/simple" {
			s.want("GET", api.endpoint+path, "", 403, `{"message":"Forbidden"}`, "Word", "silent")
		}
	}
	first := s.want("GET", api.endpoint+"/simple/kept", "", 200, s.body("GET", api.endpoint+"/simple/kept", "Word", "allow"), "Word", "allow")
	if second := s.body("GET", api.endpoint+"/simple/kept", "Word", "allow"); second != first.body {
		t.Errorf("a verdict that is kept: got %s, then %s", first.body, second)
	}
}

// body is an answer's.
func (s site) body(method, url string, h ...string) string {
	s.t.Helper()
	got, err := s.call(method, url, "", h...)
	if err != nil {
		s.t.Fatal(err)
	}
	return got.body
}

func TestLambdaAuthorizersGuardARESTAPI(t *testing.T) {
	t.Parallel()
	h := up(t)
	makeFunction(t, h, "tell", tellAuthorizer)
	makeFunction(t, h, "decide", decide)
	ctx, gw := t.Context(), apigateway.NewFromConfig(h.AWS())
	api, err := gw.CreateRestApi(ctx, &apigateway.CreateRestApiInput{Name: new("guarded")})
	if err != nil {
		t.Fatal(err)
	}
	letAPI(t, h, "tell", *api.Id)
	letAPI(t, h, "decide", *api.Id)
	uri := func(function string) *string {
		return new("arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/" + functionPrefix + function + "/invocations")
	}
	for _, a := range []struct {
		path string
		in   apigateway.CreateAuthorizerInput
	}{
		{"token", apigateway.CreateAuthorizerInput{Type: resttypes.AuthorizerTypeToken, IdentitySource: new("method.request.header.Word"), IdentityValidationExpression: new("[A-Za-z]+")}},
		{"request", apigateway.CreateAuthorizerInput{Type: resttypes.AuthorizerTypeRequest, IdentitySource: new("method.request.querystring.word"), AuthorizerResultTtlInSeconds: new(int32(0))}},
	} {
		a.in.RestApiId, a.in.Name, a.in.AuthorizerUri = api.Id, &a.path, uri("decide")
		made, err := gw.CreateAuthorizer(ctx, &a.in)
		if err != nil {
			t.Fatal(err)
		}
		resource, err := gw.CreateResource(ctx, &apigateway.CreateResourceInput{RestApiId: api.Id, ParentId: api.RootResourceId, PathPart: &a.path})
		if err == nil {
			_, err = gw.PutMethod(ctx, &apigateway.PutMethodInput{RestApiId: api.Id, ResourceId: resource.Id, HttpMethod: new("GET"), AuthorizationType: new("CUSTOM"), AuthorizerId: made.Id})
		}
		if err == nil {
			_, err = gw.PutIntegration(ctx, &apigateway.PutIntegrationInput{
				RestApiId: api.Id, ResourceId: resource.Id, HttpMethod: new("GET"), Type: resttypes.IntegrationTypeAwsProxy, IntegrationHttpMethod: new("POST"), Uri: uri("tell"),
			})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := gw.CreateDeployment(ctx, &apigateway.CreateDeploymentInput{RestApiId: api.Id, StageName: new("v1")}); err != nil {
		t.Fatal(err)
	}
	s := newSite(t, h)
	endpoint := "http://" + *api.Id + ".execute-api.us-east-1.localhost/v1"
	for path, form := range map[string]string{"/token": "TOKEN", "/request": "REQUEST"} {
		ask := func(word string) (url string, header []string) {
			if path == "/token" {
				return endpoint + path, []string{"Word", word}
			}
			return endpoint + path + "?word=" + word, nil
		}
		url, header := ask("allow")
		got, err := s.call("GET", url, "", header...)
		var told map[string]any
		if err != nil || got.status != 200 || json.Unmarshal([]byte(got.body), &told) != nil || told["principalId"] != "ann" || told["word"] != "allow" ||
			told["form"] != form || told["deep"] != "true" {
			t.Errorf("%s: the function was told %d %s, %v", path, got.status, got.body, err)
		}
		again := s.body("GET", url, header...)
		if kept := again == got.body; kept != (path == "/token") {
			t.Errorf("%s: told %s, then %s", path, got.body, again)
		}
		s.want("GET", endpoint+path, "", 401, `{"message":"Unauthorized"}`)
		for word, want := range map[string]struct {
			status int
			body   string
		}{
			"deny":   {403, `{"Message":"User is not authorized to access this resource with an explicit deny in an identity-based policy"}`},
			"silent": {403, `{"Message":"User is not authorized to access this resource"}`},
			"error":  {401, `{"message":"Unauthorized"}`},
			"throw":  {500, `{"message":null}`},
		} {
			url, header := ask(word)
			s.want("GET", url, "", want.status, want.body, header...)
		}
	}
	s.want("GET", endpoint+"/token", "", 401, `{"message":"Unauthorized"}`, "Word", "123") // not what the expression allows
}
