package httpevent

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// sample is a request with something in every place.
func sample() *Request {
	r := httptest.NewRequest("POST", "http://id.execute-api.us-east-1.localhost:4566/stage/p/1?a=1&a=2&b=x%20y", strings.NewReader(""))
	r.Header.Set("Content-Type", "text/plain")
	r.Header.Set("User-Agent", "curl")
	r.Header.Add("X-Two", "1")
	r.Header.Add("X-Two", "2")
	r.Header.Set("Cookie", "c=1; d=2")
	r.Header.Set("Connection", "close")
	r.Header.Set("X-Forwarded-For", "9.9.9.9")
	r.RemoteAddr = "1.2.3.4:999"
	return &Request{
		HTTP: r, Body: []byte("hello"), Path: "/p/1", StagePath: "/stage/p/1",
		RequestID: "JKJaXmPLvHcESHA=", ExtendedID: "TWegAcC4EowCHnA=", TraceID: "Root=1-2-3",
		Time: time.Date(2020, 3, 12, 19, 3, 58, 390e6, time.UTC), Account: "123456789012", APIID: "id",
		Domain: "id.execute-api.us-east-1.localhost", Stage: "stage", RouteKey: "POST /p/{id}",
		Resource: "/p/{id}", ResourceID: "roq9wj", DeploymentID: "dep",
		PathParameters: map[string]string{"id": "1"}, StageVariables: map[string]string{"k": "v"},
	}
}

// The events of the API Gateway developer guide, as this package writes them.
const (
	goldenV2 = `{"version":"2.0","routeKey":"POST /p/{id}","rawPath":"/stage/p/1","rawQueryString":"a=1&a=2&b=x%20y","cookies":["c=1","d=2"],
"headers":{"content-type":"text/plain","host":"id.execute-api.us-east-1.localhost:4566","user-agent":"curl","x-amzn-trace-id":"Root=1-2-3","x-forwarded-for":"9.9.9.9, 1.2.3.4","x-forwarded-port":"4566","x-forwarded-proto":"http","x-two":"1,2"},
"queryStringParameters":{"a":"1,2","b":"x y"},
"requestContext":{"accountId":"123456789012","apiId":"id","authorizer":{"jwt":{"claims":{"sub":"me"},"scopes":["read"]}},"domainName":"id.execute-api.us-east-1.localhost","domainPrefix":"id",
"http":{"method":"POST","path":"/stage/p/1","protocol":"HTTP/1.1","sourceIp":"1.2.3.4","userAgent":"curl"},
"requestId":"JKJaXmPLvHcESHA=","routeKey":"POST /p/{id}","stage":"stage","time":"12/Mar/2020:19:03:58 +0000","timeEpoch":1584039838390},
"pathParameters":{"id":"1"},"stageVariables":{"k":"v"},"body":"hello","isBase64Encoded":false}`

	goldenV1 = `{"resource":"/p/{id}","path":"/p/1","httpMethod":"POST",
"headers":{"Content-Type":"text/plain","Cookie":"c=1; d=2","Host":"id.execute-api.us-east-1.localhost:4566","User-Agent":"curl","X-Amzn-Trace-Id":"Root=1-2-3","X-Forwarded-For":"9.9.9.9, 1.2.3.4","X-Forwarded-Port":"4566","X-Forwarded-Proto":"http","X-Two":"2"},
"multiValueHeaders":{"Content-Type":["text/plain"],"Cookie":["c=1; d=2"],"Host":["id.execute-api.us-east-1.localhost:4566"],"User-Agent":["curl"],"X-Amzn-Trace-Id":["Root=1-2-3"],"X-Forwarded-For":["9.9.9.9, 1.2.3.4"],"X-Forwarded-Port":["4566"],"X-Forwarded-Proto":["http"],"X-Two":["1","2"]},
"queryStringParameters":{"a":"2","b":"x y"},"multiValueQueryStringParameters":{"a":["1","2"],"b":["x y"]},
"pathParameters":{"id":"1"},"stageVariables":{"k":"v"},
"requestContext":{"resourceId":"roq9wj","authorizer":{"principalId":"u"},"resourcePath":"/p/{id}","httpMethod":"POST","extendedRequestId":"TWegAcC4EowCHnA=","requestTime":"12/Mar/2020:19:03:58 +0000","path":"/stage/p/1","accountId":"123456789012","protocol":"HTTP/1.1","stage":"stage","domainPrefix":"id","requestTimeEpoch":1584039838390,"requestId":"JKJaXmPLvHcESHA=",
"identity":{"cognitoIdentityPoolId":null,"accountId":null,"cognitoIdentityId":null,"caller":null,"sourceIp":"1.2.3.4","principalOrgId":null,"accessKey":null,"cognitoAuthenticationType":null,"cognitoAuthenticationProvider":null,"userArn":null,"userAgent":"curl","user":null},
"domainName":"id.execute-api.us-east-1.localhost","deploymentId":"dep","apiId":"id"},
"body":"hello","isBase64Encoded":false}`
)

func encode(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(b.String())
}

func TestEventsAreThoseOfTheGuide(t *testing.T) {
	v2 := sample().V2(&V2Authorizer{JWT: &V2JWT{Claims: map[string]string{"sub": "me"}, Scopes: []string{"read"}}})
	v1 := sample().V1(V1Identity{}, map[string]any{"principalId": "u"})
	for _, c := range []struct{ what, got, want string }{
		{"2.0", encode(t, v2), goldenV2}, {"1.0", encode(t, v1), goldenV1},
	} {
		if want := strings.ReplaceAll(c.want, "\n", ""); c.got != want {
			t.Errorf("format %s:\n%s\nwant\n%s", c.what, c.got, want)
		}
	}
}

// variants are the events beside those two, after the parts that they share with them.
func variants() map[string]any {
	url := sample()
	url.Account, url.Stage, url.RouteKey, url.Domain = "anonymous", "$default", "$default", "id.lambda-url.us-east-1.localhost"
	url.StagePath, url.PathParameters, url.StageVariables = "", nil, nil
	iam := &V2Authorizer{IAM: &V2IAM{AccessKey: "AKIA", AccountID: "123456789012", CallerID: "AIDA", UserARN: "arn:u", UserID: "AIDA"}}
	rest := sample()
	rest.PathParameters, rest.StageVariables, rest.HTTP.URL.RawQuery = nil, nil, ""
	key, id := "the key", "its id"
	return map[string]any{
		"url":                     url.V2(nil),
		"url, IAM":                url.V2(iam),
		"2.0, Lambda":             sample().V2(&V2Authorizer{Lambda: map[string]any{"n": 1, "ok": true}}),
		"2.0 authorizer":          sample().V2(nil).Authorizer("arn:route", []string{"one", "two"}),
		"1.0 HTTP API":            sample().V1(V1Identity{}, nil).HTTPAPI(),
		"1.0 HTTP API authorizer": sample().V1(V1Identity{}, nil).HTTPAPI().Authorizer("arn:route", []string{"one"}),
		"REST authorizer":         rest.V1(V1Identity{}, nil).Authorizer("arn:method", []string{"one"}),
		"REST, API key":           sample().V1(V1Identity{APIKey: &key, APIKeyID: &id}, nil),
	}
}

// TestEachEventHasItsKeys compares the names of all members with those that the guides
// of API Gateway and Lambda show.
func TestEachEventHasItsKeys(t *testing.T) {
	const (
		http2     = " requestContext.http.method requestContext.http.path requestContext.http.protocol requestContext.http.sourceIp requestContext.http.userAgent"
		context2  = " requestContext.accountId requestContext.apiId requestContext.domainName requestContext.domainPrefix" + http2 + " requestContext.requestId requestContext.routeKey requestContext.stage requestContext.time requestContext.timeEpoch"
		request2  = "cookies headers queryStringParameters rawPath rawQueryString routeKey version" + context2
		body      = " body isBase64Encoded"
		identity1 = " requestContext.identity.accessKey requestContext.identity.accountId requestContext.identity.caller requestContext.identity.cognitoAuthenticationProvider requestContext.identity.cognitoAuthenticationType requestContext.identity.cognitoIdentityId requestContext.identity.cognitoIdentityPoolId requestContext.identity.principalOrgId requestContext.identity.sourceIp requestContext.identity.user requestContext.identity.userAgent requestContext.identity.userArn"
		context1  = " requestContext.accountId requestContext.apiId requestContext.deploymentId requestContext.domainName requestContext.domainPrefix requestContext.extendedRequestId requestContext.httpMethod" + identity1 + " requestContext.path requestContext.protocol requestContext.requestId requestContext.requestTime requestContext.requestTimeEpoch requestContext.resourceId requestContext.resourcePath requestContext.stage"
		request1  = "headers httpMethod multiValueHeaders multiValueQueryStringParameters path pathParameters queryStringParameters resource stageVariables" + context1
		iam       = " requestContext.authorizer.iam.accessKey requestContext.authorizer.iam.accountId requestContext.authorizer.iam.callerId requestContext.authorizer.iam.cognitoIdentity requestContext.authorizer.iam.principalOrgId requestContext.authorizer.iam.userArn requestContext.authorizer.iam.userId"
	)
	made := variants()
	for what, want := range map[string]string{
		"url":                     request2 + body,
		"url, IAM":                request2 + body + iam,
		"2.0, Lambda":             request2 + body + " pathParameters stageVariables requestContext.authorizer.lambda.n requestContext.authorizer.lambda.ok",
		"2.0 authorizer":          request2 + " pathParameters stageVariables type routeArn identitySource",
		"1.0 HTTP API":            request1 + body + " version",
		"1.0 HTTP API authorizer": request1 + " version type methodArn identitySource authorizationToken",
		"REST authorizer":         request1 + " type methodArn",
		"REST, API key":           request1 + body + " requestContext.identity.apiKey requestContext.identity.apiKeyId",
	} {
		var event map[string]any
		if err := json.Unmarshal([]byte(encode(t, made[what])), &event); err != nil {
			t.Fatal(err)
		}
		got, wanted := names("", event), strings.Fields(want)
		slices.Sort(wanted)
		if !slices.Equal(got, wanted) {
			t.Errorf("%s has\n%q, want\n%q", what, got, wanted)
		}
	}
}

// open are the members whose own members are the request's.
var open = []string{"headers", "multiValueHeaders", "queryStringParameters", "multiValueQueryStringParameters", "pathParameters", "stageVariables"}

// names are the paths of an event's members, in order.
func names(at string, event map[string]any) (out []string) {
	for name, value := range event {
		path := strings.TrimPrefix(at+"."+name, ".")
		if inner, ok := value.(map[string]any); ok && !slices.Contains(open, path) {
			out = append(out, names(path, inner)...)
			continue
		}
		out = append(out, path)
	}
	slices.Sort(out)
	return out
}

// TestAWSsOwnTypesLoseNothing decodes events into the types of aws-lambda-go, encodes
// them again, and looks for every value that went in. Its types of the older authorizers'
// events have too few members for that.
func TestAWSsOwnTypesLoseNothing(t *testing.T) {
	made := variants()
	for _, c := range []struct {
		event string
		into  any
		// unknown are the members that the types do not have.
		unknown []string
	}{
		{encode(t, made["url"]), new(events.LambdaFunctionURLRequest), []string{"requestContext.routeKey", "requestContext.stage", "routeKey"}},
		{encode(t, made["url, IAM"]), new(events.LambdaFunctionURLRequest), []string{"requestContext.routeKey", "requestContext.stage", "routeKey"}},
		{encode(t, made["2.0, Lambda"]), new(events.APIGatewayV2HTTPRequest), nil},
		{encode(t, made["2.0 authorizer"]), new(events.APIGatewayV2CustomAuthorizerV2Request), nil},
		{encode(t, made["1.0 HTTP API"]), new(events.APIGatewayProxyRequest), []string{"version", "requestContext.requestTimeEpoch", "requestContext.deploymentId"}},
		{encode(t, made["REST, API key"]), new(events.APIGatewayProxyRequest), []string{"requestContext.requestTimeEpoch", "requestContext.deploymentId"}},
		{goldenV2, new(events.APIGatewayV2HTTPRequest), nil},
		{goldenV1, new(events.APIGatewayProxyRequest), []string{"requestContext.requestTimeEpoch", "requestContext.deploymentId"}},
	} {
		if err := json.Unmarshal([]byte(c.event), c.into); err != nil {
			t.Fatal(err)
		}
		var before, after map[string]any
		if err := json.Unmarshal([]byte(c.event), &before); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(encode(t, c.into)), &after); err != nil {
			t.Fatal(err)
		}
		lost(t, "", before, after, c.unknown)
	}
}

func lost(t *testing.T, at string, before, after map[string]any, unknown []string) {
	t.Helper()
	for name, want := range before {
		path := strings.TrimPrefix(at+"."+name, ".")
		got, there := after[name]
		if inner, ok := want.(map[string]any); ok {
			next, _ := got.(map[string]any)
			lost(t, path, inner, next, unknown)
			continue
		}
		if want == nil || want == false || slices.Contains(unknown, path) {
			continue
		}
		if !there || encode(t, got) != encode(t, want) {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
	}
}

func TestWhatIsEmptyIsAbsentOrNull(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	q := &Request{HTTP: r, Path: "/"}
	if got := encode(t, q.V2(nil)); strings.Contains(got, "null") || strings.Contains(got, "cookies") || strings.Contains(got, "queryString\"") || strings.Contains(got, "Parameters") || strings.Contains(got, `"body"`) {
		t.Errorf("2.0: %s", got)
	}
	got := encode(t, q.V1(V1Identity{}, nil))
	for _, name := range []string{"queryStringParameters", "multiValueQueryStringParameters", "pathParameters", "stageVariables", "body"} {
		if !strings.Contains(got, `"`+name+`":null`) {
			t.Errorf("1.0: %s is not null in %s", name, got)
		}
	}
}

func TestBodiesByContentType(t *testing.T) {
	for _, c := range []struct {
		contentType, body, want string
		base64                  bool
	}{
		{"application/json; charset=utf-8", `{}`, `{}`, false},
		{"text/html", "é", "é", false},
		{"Application/XML", "<a/>", "<a/>", false},
		{"", "plain", "plain", false},
		{"text/plain", "\xff", "/w==", true},
		{"application/x-www-form-urlencoded", "a=1", "YT0x", true},
		{"application/vnd.api+json", "{}", "e30=", true},
		{"image/png", "x", "eA==", true},
		{"; broken", "x", "x", false},
	} {
		r := httptest.NewRequest("POST", "/", nil)
		r.Header.Set("Content-Type", c.contentType)
		e := (&Request{HTTP: r, Body: []byte(c.body)}).V2(nil)
		if *e.Body != c.want || e.IsBase64Encoded != c.base64 {
			t.Errorf("%q: got %q %v", c.contentType, *e.Body, e.IsBase64Encoded)
		}
	}
}

func TestResponsesOfFormat2(t *testing.T) {
	for _, c := range []struct {
		in     string
		status int // 0: malformed
		kind   string
		body   string
	}{
		{`{"a":1}`, 200, "application/json", `{"a":1}`},
		{` [1, 2] `, 200, "application/json", `[1, 2]`},
		{`"text \"q\""`, 200, "application/json", `text "q"`},
		{`3`, 200, "application/json", `3`},
		{`true`, 200, "application/json", `true`},
		{`null`, 200, "application/json", `null`},
		{`{"statusCode":204}`, 204, "x/default", ``},
		{`{"statusCode":"201","body":"b"}`, 201, "x/default", `b`},
		{`{"statusCode":200.0,"body":null}`, 200, "x/default", ``},
		{`{"statusCode":200,"headers":{"content-TYPE":"a/b","n":1},"body":{"x":[1]}}`, 200, "a/b", `{"x":[1]}`},
		{`{"statusCode":200,"body":"aGk=","isBase64Encoded":true}`, 200, "x/default", `hi`},
		{`{"statusCode":200,"body":"?","isBase64Encoded":true}`, 0, "", ``},
		{`{"statusCode":99}`, 0, "", ``},
		{`{"statusCode":null}`, 0, "", ``},
		{`{"statusCode":{}}`, 0, "", ``},
		{`{"statusCode":200,"headers":[]}`, 0, "", ``},
		{`{"statusCode":200,"headers":{"a":{}}}`, 0, "", ``},
		{`no JSON`, 0, "", ``},
		{``, 0, "", ``},
	} {
		got, err := ReadV2([]byte(c.in), "x/default")
		if (err != nil) != (c.status == 0) || got.Status != c.status && c.status != 0 {
			t.Errorf("%s: got %d %v", c.in, got.Status, err)
			continue
		}
		if err == nil && (got.Header.Get("Content-Type") != c.kind || string(got.Body) != c.body) {
			t.Errorf("%s: got %q %q", c.in, got.Header.Get("Content-Type"), got.Body)
		}
	}
}

func TestResponsesOfFormat1(t *testing.T) {
	got, err := ReadV1([]byte(`{"statusCode":200,"headers":{"a":"1","B":"2"},"multiValueHeaders":{"b":["3",4]},"body":"aGk=","isBase64Encoded":true}`), true)
	if err != nil || string(got.Body) != "hi" || !maps.EqualFunc(got.Header, http.Header{"A": {"1"}, "B": {"3", "4"}}, slices.Equal) {
		t.Errorf("got %+v %v", got, err)
	}
	if got, err := ReadV1([]byte(`{"statusCode":200,"body":"aGk=","isBase64Encoded":true}`), false); err != nil || string(got.Body) != "aGk=" || !got.Base64 {
		t.Errorf("got %+v %v", got, err)
	}
	for _, bad := range []string{`{}`, `"text"`, `[]`, `null`, `{"body":"x"}`, `{"statusCode":200,"body":{}}`, `{"statusCode":200,"body":1}`, `{"statusCode":"ok"}`} {
		if got, err := ReadV1([]byte(bad), true); err == nil {
			t.Errorf("%s: got %+v", bad, got)
		}
	}
}

func TestWhatIsWrittenIsHTTP(t *testing.T) {
	w := httptest.NewRecorder()
	(&Response{
		Status: 201, Cookies: []string{"a=1", "b=2\r\nX: y"}, Body: []byte("hi"),
		Header: http.Header{"X-Bad": {"a\r\nSet-Cookie: evil"}, "bad name": {"x"}, "Date": {"then"}, "Content-Length": {"9"}},
	}).Write(w)
	h := w.Result().Header
	if h.Get("Content-Length") != "2" || h.Get("X-Amzn-Remapped-Date") != "then" || h.Get("X-Amzn-Remapped-Content-Length") != "9" ||
		h.Get("X-Bad") != "a Set-Cookie: evil" || len(h.Values("Set-Cookie")) != 2 || h.Get("bad name") != "" {
		t.Errorf("headers %v", h)
	}
}

func FuzzReadV2(f *testing.F) {
	for _, s := range []string{`{"statusCode":200,"headers":{"a":"b"},"body":"x"}`, `"x"`, `{"statusCode":"1e3"}`, "{\"statusCode\":200}\x00\x00\x00\x00\x00\x00\x00\x00body"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		check := func(r Response, err error) {
			if err == nil && (r.Status < statusMin || r.Status > statusMax || r.Header == nil) {
				t.Errorf("%q gave %+v", payload, r)
			}
			if err == nil {
				r.Write(httptest.NewRecorder()) // never panics
			}
		}
		check(ReadV2(payload, "text/plain"))
		check(ReadV1(payload, true))
		if prelude, _, ok := CutPrelude(payload); ok {
			check(ReadPrelude(prelude, "text/plain"))
		}
	})
}

func FuzzV2OfAnyRequest(f *testing.F) {
	f.Add("/a/%20b", "a=1&b", "text/plain", "k=v", []byte("x"))
	f.Add("/", "%zz=;&=&a=%", "\x00", ";;=", []byte{0xff})
	f.Fuzz(func(t *testing.T, path, rawQuery, contentType, cookie string, body []byte) {
		r := httptest.NewRequest("POST", "/", nil)
		r.URL.Path, r.URL.RawQuery = path, rawQuery
		r.Header["Content-Type"], r.Header["Cookie"] = []string{contentType}, []string{cookie}
		q := &Request{HTTP: r, Body: body, Path: path}
		if !json.Valid([]byte(encode(t, q.V2(nil)))) || !json.Valid([]byte(encode(t, q.V1(V1Identity{}, nil)))) {
			t.Error("an event is no JSON")
		}
	})
}
