package functionurl

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/hearthfaas/hearth/internal/httpevent"
	"github.com/hearthfaas/hearth/internal/lambda"
)

const id = "abcdefghijklmnopqrstuvwxyz012345"

// peers are working stand-ins for the rest of a node.
type peers struct {
	target  Target
	refuse  error // of the permission
	result  lambda.Result
	err     error
	stream  []string // what the function writes, of kind
	kind    string
	invoked int
}

func (p *peers) URL(asked string) (Target, bool) { return p.target, asked == id }

func (p *peers) Caller(*http.Request, string, string, []byte, lambda.RequestID) (lambda.Caller, error) {
	return lambda.Caller{}, lambda.Errorf(lambda.CodeMissingAuthentication, "Missing Authentication Token")
}

func (p *peers) Authorize(_ context.Context, c lambda.Caller, action, arn string) error {
	if action != "lambda:InvokeFunctionUrl" || c.FunctionURLAuth == "" || arn != p.target.Function.ARN() {
		return errors.New("what is this")
	}
	return p.refuse
}

func (p *peers) Invoke(context.Context, Call) (lambda.Result, error) {
	p.invoked++
	return p.result, p.err
}

func (p *peers) InvokeStream(ctx context.Context, _ Call, sink lambda.Sink) (lambda.Result, error) {
	p.invoked++
	if p.err != nil || len(p.stream) == 0 {
		return p.result, p.err
	}
	if err := sink.Begin(ctx, lambda.StreamHead{ContentType: p.kind}); err != nil {
		return lambda.Result{}, err
	}
	for _, part := range p.stream {
		if err := sink.Write(ctx, []byte(part)); err != nil {
			return lambda.Result{}, err
		}
	}
	return p.result, nil
}

func site(t testing.TB, p *peers) *Site {
	t.Helper()
	p.target.Function = lambda.FunctionID{Account: "000000000000", Region: "us-east-1", Name: "f"}
	return New(Config{
		Functions: p, Signatures: p, Authorizer: p, Invoker: p, Now: func() time.Time { return time.Unix(1e9, 0) },
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
}

func serve(t testing.TB, p *peers, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	site(t, p).ServeHTTP(deadlines{w}, r)
	return w
}

// deadlines is a recorder that takes deadlines, as connections do.
type deadlines struct{ *httptest.ResponseRecorder }

func (deadlines) SetWriteDeadline(time.Time) error { return nil }

func TestAddresses(t *testing.T) {
	s := &Site{}
	for _, c := range []struct {
		url  string
		want address
		ok   bool
	}{
		{"http://" + id + ".lambda-url.us-east-1.localhost:4566/a/b?c", address{id, "us-east-1", "/a/b"}, true},
		{"http://" + strings.ToUpper(id) + ".lambda-url.eu-west-1.on.aws", address{id, "eu-west-1", "/"}, true},
		{"http://127.0.0.1/_aws/lambda-url/" + id + "/a%20b", address{id, "", "/a b"}, true},
		{"http://127.0.0.1/_aws/lambda-url/" + id, address{id, "", "/"}, true},
		{"http://127.0.0.1/2015-03-31/functions/f/invocations", address{}, false},
	} {
		r := httptest.NewRequest("GET", c.url, nil)
		if ok := s.Serves(r); ok != c.ok || ok && parse(r) != c.want {
			t.Errorf("%s: got %v %+v", c.url, ok, parse(r))
		}
	}
}

func TestWhatTheClientSees(t *testing.T) {
	failed := lambda.Result{FunctionError: lambda.Unhandled, Payload: []byte(`{"errorMessage":"no"}`)}
	for _, c := range []struct {
		name   string
		peers  peers
		status int
		body   string
	}{
		{"a result", peers{result: lambda.Result{Payload: []byte(`{"statusCode":201,"body":"x"}`)}}, 201, "x"},
		{"a failure", peers{result: failed}, 502, functionFailed},
		{"no permission", peers{refuse: lambda.Errorf(lambda.CodeAccessDenied, "")}, 403, forbidden},
		{"no permission to invoke", peers{err: lambda.Errorf(lambda.CodeAccessDenied, "")}, 403, forbidden},
		{"no signature", peers{target: Target{IAM: true}}, 403, forbidden},
		{"a throttle", peers{err: lambda.Throttled(lambda.ReasonConcurrentInvocationLimit)}, 429, `{"Reason":"ConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}`},
		{"a function that is not Active", peers{err: lambda.Errorf(lambda.CodeResourceConflict, "")}, 502, functionFailed},
		{"a fault of ours", peers{err: errors.New("disk")}, 500, `{"Message":null}`},
		{"a stream", peers{target: Target{Streaming: true}, kind: "text/plain", stream: []string{"a", "b"}}, 200, "ab"},
		{"a prelude in parts", peers{target: Target{Streaming: true}, kind: lambda.ContentTypeHTTP, stream: []string{`{"status`, "Code\":202}\x00\x00\x00", "\x00\x00\x00\x00\x00x", "y"}}, 202, "xy"},
		{"a broken prelude", peers{target: Target{Streaming: true}, kind: lambda.ContentTypeHTTP, stream: []string{"no\x00\x00\x00\x00\x00\x00\x00\x00x"}}, 502, functionFailed},
		{"a prelude without end", peers{target: Target{Streaming: true}, kind: lambda.ContentTypeHTTP, stream: []string{strings.Repeat("x", httpevent.PreludeMax), "y", "z"}}, 502, functionFailed},
		{"an answer in one piece", peers{target: Target{Streaming: true}, kind: lambda.ContentTypeJSON, stream: []string{`{"statusCode":204}`}}, 204, ""},
		{"a failure before the first byte", peers{target: Target{Streaming: true}, result: failed}, 502, functionFailed},
		{"a throttled stream", peers{target: Target{Streaming: true}, err: lambda.Errorf(lambda.CodeTooManyRequests, "Rate Exceeded.")}, 429, `{"Reason":"","Type":"User","message":"Rate Exceeded."}`},
	} {
		w := serve(t, &c.peers, httptest.NewRequest("GET", "http://"+id+".lambda-url.us-east-1.localhost/", nil))
		if w.Code != c.status || w.Body.String() != c.body {
			t.Errorf("%s: got %d %q, want %d %q", c.name, w.Code, w.Body, c.status, c.body)
		}
	}
}

func TestAnotherRegionsNameIsNoAddress(t *testing.T) {
	p := &peers{}
	if w := serve(t, p, httptest.NewRequest("GET", "http://"+id+".lambda-url.eu-west-1.localhost/", nil)); w.Code != 403 || p.invoked > 0 {
		t.Errorf("got %d, %d invokes", w.Code, p.invoked)
	}
}

func TestPreflightsInvokeNothing(t *testing.T) {
	p := &peers{target: Target{IAM: true, Cors: &httpevent.Cors{AllowOrigins: []string{"*"}, AllowMethods: []string{"*"}}}}
	r := httptest.NewRequest("OPTIONS", "http://"+id+".lambda-url.us-east-1.localhost/", nil)
	r.Header.Set("Origin", "https://page")
	r.Header.Set("Access-Control-Request-Method", "PUT")
	if w := serve(t, p, r); w.Code != 200 || p.invoked > 0 || w.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("got %d %v, %d invokes", w.Code, w.Header(), p.invoked)
	}
}

func FuzzAddress(f *testing.F) {
	f.Add(id+".lambda-url.us-east-1.localhost", "/a")
	f.Add("127.0.0.1", "/_aws/lambda-url/"+id+"/x")
	f.Add(".lambda-url.", "*")
	f.Fuzz(func(t *testing.T, host, path string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Host, r.URL.Path = host, path
		if !(&Site{}).Serves(r) {
			return
		}
		if a := parse(r); !strings.HasPrefix(a.path, "/") {
			t.Errorf("%q %q: %+v", host, path, a)
		}
		serve(t, &peers{result: lambda.Result{Payload: []byte("1")}}, r)
	})
}
