package apigateway

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "github.com/aws/aws-sdk-go-v2/service/apigateway"
	v2 "github.com/aws/aws-sdk-go-v2/service/apigatewayv2"

	"github.com/hearthfaas/hearth/internal/apigateway/door"
	"github.com/hearthfaas/hearth/internal/iam/policy"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
	"github.com/hearthfaas/hearth/internal/store/mem"
	"github.com/hearthfaas/hearth/internal/wire/wiretest"
)

const (
	account = "000000000000"
	region  = "us-east-1"
)

// functionARN is a function's ARN, as integrations name it.
func functionARN(name string) string {
	return "arn:aws:lambda:" + region + ":" + account + ":function:" + name
}

// fixture is API Gateway with functions that are Go.
type fixture struct {
	*Service
	t      *testing.T
	url    string
	peers  *peers
	client *http.Client
}

// peers are working stand-ins for the rest of a node.
type peers struct {
	mu        sync.Mutex
	functions map[string]func(event map[string]any) (any, error)
	calls     map[string]int
	sources   []string
	now       time.Time
}

func (p *peers) Invoke(_ context.Context, c lambda.Caller, arn, _ string, payload []byte) (lambda.Result, error) {
	p.mu.Lock()
	name := arn[strings.LastIndexByte(arn, ':')+1:]
	f, ok := p.functions[name]
	if p.calls == nil {
		p.calls = map[string]int{}
	}
	p.calls[name]++
	p.sources = append(p.sources, c.SourceARN)
	p.mu.Unlock()
	if !ok {
		return lambda.Result{}, lambda.Errorf(lambda.CodeAccessDenied, "nobody lets %s invoke %s", c.ARN, arn)
	}
	var event map[string]any
	if err := json.Unmarshal(payload, &event); err != nil {
		return lambda.Result{}, err
	}
	out, err := f(event)
	if err != nil {
		text, failed := json.Marshal(map[string]string{"errorMessage": err.Error()})
		return lambda.Result{Payload: text, FunctionError: lambda.Unhandled}, failed
	}
	text, err := json.Marshal(out)
	return lambda.Result{Payload: text}, err
}

func (p *peers) As(context.Context, door.API, string, string) (lambda.Caller, error) {
	return lambda.Caller{Kind: lambda.PrincipalAssumedRole, Account: account}, nil
}

func (p *peers) AuthorizeWith(_ context.Context, c lambda.Caller, action, resource, document string) error {
	if document != "" {
		allowed, denied, err := p.Allows(document, action, resource, nil)
		if err != nil || denied {
			return lambda.Errorf(lambda.CodeAccessDenied, "denied")
		}
		if allowed {
			return nil
		}
	}
	if c.AccessKeyID != "allowed" {
		return lambda.Errorf(lambda.CodeAccessDenied, "%s may not %s on %s", c.ARN, action, resource)
	}
	return nil
}

// Caller takes the header's text for a key.
func (p *peers) Caller(r *http.Request, _, _ string, _ []byte, _ lambda.RequestID) (lambda.Caller, error) {
	key := r.Header.Get("Authorization")
	if key == "" {
		return lambda.Caller{}, lambda.Errorf(lambda.CodeMissingAuthentication, "Missing Authentication Token")
	}
	return lambda.Caller{Kind: lambda.PrincipalUser, Account: account, ARN: "arn:aws:iam::" + account + ":user/u", UserID: "AIDA", AccessKeyID: key}, nil
}

func (p *peers) Allows(document, action, resource string, keys map[string][]string) (allowed, denied bool, err error) {
	for _, kind := range []policy.Kind{policy.Identity, policy.Resource} {
		parsed, e := policy.Parse(kind, document)
		if err = e; err != nil {
			continue
		}
		d := policy.Evaluate([]policy.Source{{Policy: parsed}}, &policy.Request{Action: action, Resource: resource, Context: policy.Values(keys)})
		return d.Effect == policy.Allow, d.Effect == policy.Deny, nil
	}
	return false, false, err
}

// Verify takes the claims themselves for a token.
func (p *peers) Verify(_ context.Context, _, token string) ([]byte, error) {
	if !strings.HasPrefix(token, "{") {
		return nil, errors.New("no token")
	}
	return []byte(token), nil
}

func (p *peers) Now() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

func (p *peers) pass(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = p.now.Add(d)
}

func (p *peers) called(name string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[name]
}

func start(t *testing.T) *fixture {
	t.Helper()
	return startOn(t, mem.New(), &peers{functions: map[string]func(map[string]any) (any, error){}, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)})
}

func startOn(t *testing.T, st store.Store, p *peers) *fixture {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	s, err := Open(t.Context(), Config{
		Store: st, Endpoint: func(id, region string) string { return "http://" + id + ".execute-api." + region + ".localhost" },
		Peers: door.Peers{Invoker: p, Authorizer: p, Signatures: p, Policies: p, Keys: p, Client: door.NewClient(true), Now: p.Now, Log: log},
		PassRole: func(_ context.Context, role string) error {
			if strings.HasSuffix(role, "/other") {
				return lambda.Errorf(lambda.CodeAccessDenied, "may not pass %s", role)
			}
			return nil
		},
		Now: p.Now, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	f := &fixture{Service: s, t: t, peers: p}
	front := wiretest.New(t, lambda.Caller{Kind: lambda.PrincipalRoot, Account: account, Region: region}, f.V2(), f.V1())
	f.url = wiretest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.Serves(r) {
			s.ServeHTTP(w, r)
			return
		}
		front.ServeHTTP(w, r)
	}))
	tr := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, strings.TrimPrefix(f.url, "http://"))
	}}
	t.Cleanup(tr.CloseIdleConnections)
	f.client = &http.Client{Transport: tr}
	return f
}

func (f *fixture) v2() *v2.Client {
	return v2.New(v2.Options{BaseEndpoint: &f.url, Region: region, RetryMaxAttempts: 1, Credentials: wiretest.Keys})
}

func (f *fixture) v1() *v1.Client {
	return v1.New(v1.Options{BaseEndpoint: &f.url, Region: region, RetryMaxAttempts: 1, Credentials: wiretest.Keys})
}

// function makes a function.
func (f *fixture) function(name string, run func(event map[string]any) (any, error)) string {
	f.peers.mu.Lock()
	defer f.peers.mu.Unlock()
	f.peers.functions[name] = run
	return functionARN(name)
}

// answer is a response.
type answer struct {
	status int
	header http.Header
	body   string
}

// call sends a request to an API; h are pairs of header names and values.
func (f *fixture) call(method, id, path, body string, h ...string) answer {
	f.t.Helper()
	req, err := http.NewRequestWithContext(f.t.Context(), method, "http://"+id+".execute-api."+region+".localhost"+path, strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	for i := 0; i+1 < len(h); i += 2 {
		req.Header.Add(h[i], h[i+1])
	}
	res, err := f.client.Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(text)}
}

// want checks a status and a body.
func (f *fixture) want(method, id, path, body string, status int, text string, h ...string) answer {
	f.t.Helper()
	got := f.call(method, id, path, body, h...)
	if got.status != status || got.body != text {
		f.t.Errorf("%s %s: got %d %s\nwant %d %s", method, path, got.status, got.body, status, text)
	}
	return got
}

// must is for calls that a test needs to succeed.
func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// code is the name of a client's error.
func code(err error) string {
	var e interface{ ErrorCode() string }
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	return ""
}

// canceled is a context that has ended.
func canceled(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
