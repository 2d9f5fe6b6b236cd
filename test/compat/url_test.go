package compat

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/harness"
)

// webFunction answers what the path asks for.
const webFunction = `
exports.handler = async (event) => {
  switch (event.rawPath) {
  case '/event': return event;
  case '/full': return { statusCode: 201, headers: { 'X-One': 'a', 'Access-Control-Allow-Origin': 'https://own' }, cookies: ['a=1; Path=/', 'b=2'], body: 'text' };
  case '/binary': return { statusCode: 200, headers: { 'Content-Type': 'image/png' }, isBase64Encoded: true, body: Buffer.from([0, 255, 1]).toString('base64') };
  case '/string': return 'just text';
  case '/list': return [1, 2];
  case '/null': return null;
  case '/throw': throw new Error('no');
  case '/bad': return { statusCode: 'x' };
  case '/slow': return new Promise(() => setTimeout(() => {}, 60000));
  }
  return { statusCode: 404, body: 'nothing at ' + event.rawPath };
};`

// streamFunction writes a prelude and two parts.
const streamFunction = `
exports.handler = awslambda.streamifyResponse(async (event, out) => {
  if (event.rawPath === '/plain') { out.write('as '); out.end('it is'); return; }
  if (event.rawPath === '/late') { out.write('half'); await new Promise(r => setTimeout(r, 50)); throw new Error('late'); }
  if (event.rawPath === '/early') { throw new Error('early'); }
  out = awslambda.HttpResponseStream.from(out, { statusCode: 202, headers: { 'Content-Type': 'text/event-stream', 'X-From': 'prelude' }, cookies: ['s=1'] });
  out.write('first,');
  out.end('second');
});`

// site calls function URLs and APIs by their names, which lead to the node without DNS.
type site struct {
	t      *testing.T
	client *http.Client
}

func newSite(t *testing.T, h *harness.Hearth) site {
	t.Helper()
	var d net.Dialer
	to := strings.TrimPrefix(h.Endpoint, "http://")
	tr := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) { return d.DialContext(ctx, network, to) }}
	t.Cleanup(tr.CloseIdleConnections)
	return site{t, &http.Client{Transport: tr, Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// call is a request; h are pairs of header names and values.
func (s site) call(method, url, body string, h ...string) (answer, error) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i+1 < len(h); i += 2 {
		req.Header.Add(h[i], h[i+1])
	}
	return s.do(req)
}

func (s site) do(req *http.Request) (answer, error) {
	res, err := s.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, string(text)}, err
}

// want checks a status and a body.
func (s site) want(method, url, body string, status int, text string, h ...string) answer {
	s.t.Helper()
	got, err := s.call(method, url, body, h...)
	if err != nil || got.status != status || got.body != text {
		s.t.Errorf("%s %s: got %d %q %v\nwant %d %q", method, url, got.status, got.body, err, status, text)
	}
	return got
}

// signed signs a request for a service as AWS's tools do.
func signed(t testing.TB, cfg aws.Config, service, method, url, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(t.Context(), keys, req, hex.EncodeToString(sum[:]), service, cfg.Region, time.Now()); err != nil {
		t.Fatal(err)
	}
	return req
}

// openURL gives a function a URL that all may call.
func openURL(t *testing.T, c *lambda.Client, name string, with func(*lambda.CreateFunctionUrlConfigInput)) string {
	t.Helper()
	in := &lambda.CreateFunctionUrlConfigInput{FunctionName: &name, AuthType: types.FunctionUrlAuthTypeNone}
	if with != nil {
		with(in)
	}
	out, err := c.CreateFunctionUrlConfig(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	for id, p := range map[string]lambda.AddPermissionInput{
		"url":    {Action: new("lambda:InvokeFunctionUrl"), FunctionUrlAuthType: types.FunctionUrlAuthTypeNone},
		"invoke": {Action: new("lambda:InvokeFunction"), InvokedViaFunctionUrl: new(true)},
	} {
		p.FunctionName, p.StatementId, p.Principal, p.Qualifier = &name, &id, new("*"), in.Qualifier
		if _, err := c.AddPermission(t.Context(), &p); err != nil {
			t.Fatal(err)
		}
	}
	return *out.FunctionUrl
}

func makeFunction(t *testing.T, h *harness.Hearth, name, source string) {
	t.Helper()
	if err := harness.Create(t.Context(), h.AWS(), harness.Function{Name: name, Runtime: node, Files: map[string]string{"index.js": source}, Timeout: 2}); err != nil {
		t.Fatal(err)
	}
}

const forbiddenURL = `{"Message":"Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"}`

func TestFunctionURLsAnswer(t *testing.T) {
	h := up(t)
	makeFunction(t, h, "web", webFunction)
	s, c := newSite(t, h), lambda.NewFromConfig(h.AWS())
	url := strings.TrimSuffix(openURL(t, c, "web", nil), "/")

	got, err := s.call("POST", url+"/event?a=1&a=2&b=x%20y", "hello", "Content-Type", "text/plain", "Cookie", "k=v; l=w", "X-Twice", "1", "X-Twice", "2")
	var e events.APIGatewayV2HTTPRequest
	if err == nil {
		err = json.Unmarshal([]byte(got.body), &e)
	}
	if err != nil || got.status != 200 {
		t.Fatalf("got %d %s %v", got.status, got.body, err)
	}
	id, _, _ := strings.Cut(strings.TrimPrefix(url, "http://"), ".")
	for _, c := range []struct{ what, got, want string }{
		{"version", e.Version, "2.0"},
		{"routeKey", e.RouteKey, "$default"},
		{"rawPath", e.RawPath, "/event"},
		{"rawQueryString", e.RawQueryString, "a=1&a=2&b=x%20y"},
		{"a", e.QueryStringParameters["a"], "1,2"},
		{"b", e.QueryStringParameters["b"], "x y"},
		{"cookies", strings.Join(e.Cookies, "|"), "k=v|l=w"},
		{"x-twice", e.Headers["x-twice"], "1,2"},
		{"body", e.Body, "hello"},
		{"account", e.RequestContext.AccountID, "anonymous"},
		{"apiId", e.RequestContext.APIID, id},
		{"prefix", e.RequestContext.DomainPrefix, id},
		{"domain", e.RequestContext.DomainName, id + ".lambda-url.us-east-1.localhost"},
		{"stage", e.RequestContext.Stage, "$default"},
		{"method", e.RequestContext.HTTP.Method, "POST"},
		{"source", e.RequestContext.HTTP.SourceIP, "127.0.0.1"},
		{"forwarded", e.Headers["x-forwarded-for"], "127.0.0.1"},
		{"request id", e.RequestContext.RequestID, got.header.Get("X-Amzn-Requestid")},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", c.what, c.got, c.want)
		}
	}
	if strings.Contains(got.body, "pathParameters") || strings.Contains(got.body, "authorizer") || !strings.Contains(got.body, `"isBase64Encoded":false`) {
		t.Errorf("the event is %s", got.body)
	}

	full := s.want("GET", url+"/full", "", 201, "text")
	if full.header.Get("X-One") != "a" || strings.Join(full.header.Values("Set-Cookie"), "|") != "a=1; Path=/|b=2" || full.header.Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", full.header)
	}
	if b := s.want("GET", url+"/binary", "", 200, "\x00\xff\x01"); b.header.Get("Content-Type") != "image/png" {
		t.Errorf("headers %v", b.header)
	}
	s.want("GET", url+"/string", "", 200, "just text")
	s.want("DELETE", url+"/list", "", 200, "[1,2]")
	s.want("GET", url+"/null", "", 200, "null")
	s.want("GET", url+"/throw", "", 502, "Internal Server Error")
	s.want("GET", url+"/bad", "", 502, "Internal Server Error")
	s.want("GET", url+"/slow", "", 502, "Internal Server Error")
	s.want("PATCH", url, "", 404, "nothing at /")
	s.want("GET", h.Endpoint+"/_aws/lambda-url/"+id+"/string", "", 200, "just text")
	s.want("GET", h.Endpoint+"/_aws/lambda-url/"+id, "", 404, "nothing at /")
	s.want("GET", strings.Replace(url, id, "nobody", 1)+"/", "", 403, `{"Message":null}`)
	s.want("POST", url+"/event", strings.Repeat("x", 6<<20+1), 413, `{"Message":"Exceeded maximum allowed payload size (6291456 bytes)."}`, "Content-Type", "text/plain")
	if bin, err := s.call("POST", url+"/event", "\x00\x01", "Content-Type", "application/octet-stream"); err != nil || !strings.Contains(bin.body, `"body":"AAE=","isBase64Encoded":true`) {
		t.Errorf("got %s %v", bin.body, err)
	}

	t.Run("without reserved concurrency calls are throttled", func(t *testing.T) {
		if _, err := c.PutFunctionConcurrency(t.Context(), &lambda.PutFunctionConcurrencyInput{FunctionName: new("web"), ReservedConcurrentExecutions: new(int32(0))}); err != nil {
			t.Fatal(err)
		}
		s.want("GET", url+"/string", "", 429, `{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}`)
		if _, err := c.DeleteFunctionConcurrency(t.Context(), &lambda.DeleteFunctionConcurrencyInput{FunctionName: new("web")}); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("both statements of the policy are needed", func(t *testing.T) {
		for _, id := range []string{"invoke", "url"} {
			if _, err := c.RemovePermission(t.Context(), &lambda.RemovePermissionInput{FunctionName: new("web"), StatementId: &id}); err != nil {
				t.Fatal(err)
			}
			if got := s.want("GET", url+"/string", "", 403, forbiddenURL); got.header.Get("X-Amzn-Errortype") != "AccessDeniedException" {
				t.Errorf("headers %v", got.header)
			}
		}
	})
}

func TestFunctionURLsWithSignaturesAndRulesForPages(t *testing.T) {
	h := up(t)
	makeFunction(t, h, "web", webFunction)
	s, c := newSite(t, h), lambda.NewFromConfig(h.AWS())
	made, err := c.CreateFunctionUrlConfig(t.Context(), &lambda.CreateFunctionUrlConfigInput{
		FunctionName: new("web"), AuthType: types.FunctionUrlAuthTypeAwsIam,
		Cors: &types.Cors{AllowOrigins: []string{"https://page"}, AllowMethods: []string{"GET", "POST"}, AllowHeaders: []string{"x-mine"}, ExposeHeaders: []string{"x-one"}, AllowCredentials: new(true), MaxAge: new(int32(60))},
	})
	if err != nil {
		t.Fatal(err)
	}
	url := strings.TrimSuffix(*made.FunctionUrl, "/")
	s.want("GET", url+"/string", "", 403, forbiddenURL)
	got, err := s.do(signed(t, h.AWS(), "lambda", "POST", url+"/event?q=a%2Fb", "body"))
	var e events.APIGatewayV2HTTPRequest
	if err == nil {
		err = json.Unmarshal([]byte(got.body), &e)
	}
	if err != nil || got.status != 200 || e.RequestContext.Authorizer == nil || e.RequestContext.Authorizer.IAM == nil {
		t.Fatalf("got %d %s %v", got.status, got.body, err)
	}
	if who := e.RequestContext.Authorizer.IAM; who.AccessKey != "test" || who.AccountID != "000000000000" || who.UserARN != "arn:aws:iam::000000000000:root" || e.RequestContext.AccountID != "000000000000" {
		t.Errorf("the caller is %+v", who)
	}
	if _, leaked := e.Headers["authorization"]; leaked {
		t.Error("the signature reached the function")
	}
	if got, err := s.do(signed(t, h.AWS(), "s3", "GET", url+"/string", "")); err != nil || got.status != 403 || !strings.Contains(got.body, "'lambda'") {
		t.Errorf("signed for another service: got %d %s %v", got.status, got.body, err)
	}
	altered := signed(t, h.AWS(), "lambda", "POST", url+"/event", "one")
	altered.Body, altered.GetBody = io.NopCloser(bytes.NewReader([]byte("two"))), nil
	if got, err := s.do(altered); err != nil || got.status != 403 {
		t.Errorf("another body than was signed: got %d %s %v", got.status, got.body, err)
	}

	asked := s.want("OPTIONS", url+"/full", "", 200, "", "Origin", "https://page", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "X-Mine")
	for name, want := range map[string]string{
		"Allow-Origin": "https://page", "Allow-Credentials": "true", "Allow-Methods": "GET,POST", "Allow-Headers": "x-mine", "Max-Age": "60",
	} {
		if got := asked.header.Get("Access-Control-" + name); got != want {
			t.Errorf("preflight: %s is %q, want %q", name, got, want)
		}
	}
	for _, no := range [][]string{
		{"Origin", "https://other", "Access-Control-Request-Method", "POST"},
		{"Origin", "https://page", "Access-Control-Request-Method", "DELETE"},
		{"Origin", "https://page", "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "x-other"},
	} {
		if got := s.want("OPTIONS", url+"/", "", 200, "", no...); got.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%v was allowed: %v", no, got.header)
		}
	}
	req := signed(t, h.AWS(), "lambda", "GET", url+"/full", "")
	req.Header.Set("Origin", "https://page")
	if got, err := s.do(req); err != nil || got.header.Get("Access-Control-Allow-Origin") != "https://page" || got.header.Get("Access-Control-Expose-Headers") != "x-one" || got.status != 201 {
		t.Errorf("got %d %v %v", got.status, got.header, err)
	}
}

func TestFunctionURLsStream(t *testing.T) {
	h := up(t)
	makeFunction(t, h, "stream", streamFunction)
	makeFunction(t, h, "web", webFunction)
	s, c := newSite(t, h), lambda.NewFromConfig(h.AWS())
	streaming := func(in *lambda.CreateFunctionUrlConfigInput) { in.InvokeMode = types.InvokeModeResponseStream }
	url := strings.TrimSuffix(openURL(t, c, "stream", streaming), "/")
	got := s.want("GET", url+"/", "", 202, "first,second")
	if got.header.Get("Content-Type") != "text/event-stream" || got.header.Get("X-From") != "prelude" || got.header.Get("Set-Cookie") != "s=1" {
		t.Errorf("headers %v", got.header)
	}
	if got := s.want("GET", url+"/plain", "", 200, "as it is"); got.header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("headers %v", got.header)
	}
	s.want("GET", url+"/early", "", 502, "Internal Server Error")
	if got, err := s.call("GET", url+"/late", ""); err == nil {
		t.Errorf("a stream that broke off ended well: %+v", got)
	}
	whole := strings.TrimSuffix(openURL(t, c, "web", streaming), "/")
	s.want("GET", whole+"/full", "", 201, "text")

	if _, err := c.UpdateFunctionUrlConfig(t.Context(), &lambda.UpdateFunctionUrlConfigInput{FunctionName: new("stream"), InvokeMode: types.InvokeModeBuffered}); err != nil {
		t.Fatal(err)
	}
	s.want("GET", url+"/", "", 202, "first,second")
}

// TestAFunctionURLPassesPartsOnAtOnce reads the first part of an answer while the
// function still waits before it writes the second.
func TestAFunctionURLPassesPartsOnAtOnce(t *testing.T) {
	h := up(t)
	makeFunction(t, h, "stream", `
exports.handler = awslambda.streamifyResponse(async (event, out) => {
  out.write('one\n');
  await new Promise(r => setTimeout(r, 700));
  out.end('two\n');
});`)
	s := newSite(t, h)
	url := openURL(t, lambda.NewFromConfig(h.AWS()), "stream", func(in *lambda.CreateFunctionUrlConfigInput) { in.InvokeMode = types.InvokeModeResponseStream })
	s.want("GET", url, "", 200, "one\ntwo\n") // warm
	req, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	res, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if line, err := bufio.NewReader(res.Body).ReadString('\n'); err != nil || line != "one\n" || time.Since(start) > 600*time.Millisecond {
		t.Errorf("got %q %v after %v, want the first part before the second is written", line, err, time.Since(start))
	}
}
