package relay_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/hearthfaas/hearth/internal/awsapi"
	"github.com/hearthfaas/hearth/internal/counter"
	"github.com/hearthfaas/hearth/internal/frontend"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/relay"
	"github.com/hearthfaas/hearth/internal/rpc"
)

const (
	account = "000000000000"
	region  = "eu-west-1"
)

// house is a control process with the real edge, frontend invoker and counter, workers
// that are made up, and a frontend process before it; all over real connections.
type house struct {
	direct, via string // addresses of the edge and of the frontend process
	control     *relay.Control
	front       *relay.Frontend
	identity    *rpc.Client
	authority   *rpc.Authority
	server      string // the control process's port for other processes

	stopControl func()
	serve       func(t *testing.T, listen string) (addr string, stop func())

	mu      sync.Mutex // guards what follows
	run     func(ctx context.Context, inv *lambda.Invocation) (lambda.Result, error)
	runs    int
	release chan struct{} // what a slow function waits for
	ended   []string      // environments that were given back, and how
	carry   func(context.Context) context.Context
}

// keys is the one access key.
type keys struct{}

func (keys) Lookup(_ context.Context, id, _ string) (awsapi.Identity, error) {
	if id != "AKID" {
		return awsapi.Identity{}, awsapi.ErrUnknownKey
	}
	return awsapi.Identity{SecretAccessKey: "secret", Caller: lambda.Caller{
		Kind: lambda.PrincipalRoot, Account: account, ARN: "arn:aws:iam::" + account + ":root", UserID: account, AccessKeyID: id,
	}}, nil
}

// gate allows all but the function "secret".
type gate struct{}

func (gate) AuthorizeOperation(context.Context, lambda.Caller, string, string, any) error { return nil }

func (gate) Authorize(_ context.Context, c lambda.Caller, action, resource string) error {
	if strings.HasSuffix(resource, ":secret") {
		return lambda.Errorf(lambda.CodeAccessDenied, "User: %s is not authorized to perform: %s on resource: %s", c.ARN, action, resource)
	}
	return nil
}

func (h *house) Lookup(id lambda.FunctionID, qualifier string) (frontend.Target, error) {
	if id.Name == "missing" {
		return frontend.Target{}, lambda.Errorf(lambda.CodeResourceNotFound, "Function not found: %s", id.QualifiedARN(qualifier))
	}
	return frontend.Target{
		Version: &lambda.Version{Function: id, Version: "$LATEST", MemoryMB: 128, Timeout: 10 * time.Second}, State: lambda.StateActive,
	}, nil
}

// environment is on a worker, or in the control process for functions called local.
type environment struct {
	house *house
	local bool
}

func (e *environment) Invoke(ctx context.Context, inv *lambda.Invocation) (lambda.Result, error) {
	inv.Start = time.Now()
	inv.Deadline = inv.Start.Add(10 * time.Second)
	switch {
	case inv.Carrier == nil:
	case e.local:
		payload, err := inv.Carrier.Fetch(ctx)
		if err != nil {
			return lambda.Result{}, err
		}
		if len(inv.Payload) == 0 {
			inv.Payload = payload
		}
	default:
		e.house.mu.Lock()
		carry := e.house.carry
		e.house.mu.Unlock()
		if carry != nil {
			ctx = carry(ctx)
		}
		result, err := inv.Carrier.Carry(ctx, lambda.Address{Worker: "w:1", Name: "w", Session: "s", Environment: "e"}, inv)
		if err == nil && result.Payload != nil {
			panic("a payload came along")
		}
		return result, err
	}
	return e.house.perform(ctx, inv)
}

func (h *house) perform(ctx context.Context, inv *lambda.Invocation) (lambda.Result, error) {
	h.mu.Lock()
	h.runs++
	run := h.run
	h.mu.Unlock()
	if run != nil {
		return run(ctx, inv)
	}
	return function(inv)
}

// function echoes its event, or fails when it is told to.
func function(inv *lambda.Invocation) (lambda.Result, error) {
	r := lambda.Result{Payload: inv.Payload}
	if strings.Contains(inv.InvokedFunctionARN, "failing") {
		r = lambda.Result{Payload: []byte(`{"errorMessage":"no"}`), FunctionError: lambda.Unhandled, ErrorType: "Error"}
	}
	if strings.Contains(inv.InvokedFunctionARN, "silent") {
		r.Payload = nil
	}
	if strings.Contains(inv.InvokedFunctionARN, "undelivered") {
		return lambda.Result{}, fmt.Errorf("a test: %w", lambda.ErrNotDelivered)
	}
	if strings.Contains(inv.InvokedFunctionARN, "broken") {
		return lambda.Result{}, errors.New("the worker was lost")
	}
	if inv.Tail {
		r.LogTail = fmt.Appendf(nil, "REPORT of %s for %q by %q\n", inv.InvokedFunctionARN, inv.ClientContext, inv.TenantID)
	}
	r.ColdStart = &lambda.ColdStart{Fetch: 1, Unpack: 2, Sandbox: 3, Assign: 4, Init: 5 * time.Millisecond}
	return r, nil
}

func (h *house) Acquire(_ context.Context, v *lambda.Version) (*environment, bool, error) {
	return &environment{h, strings.HasPrefix(v.Function.Name, "local")}, strings.Contains(v.Function.Name, "cold"), nil
}

func (h *house) Return(_ *environment, healthy bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended = append(h.ended, fmt.Sprint(healthy))
}

func (h *house) Accept(_ context.Context, ev frontend.Event) error {
	if string(ev.Payload) != `{"e":1}` {
		return fmt.Errorf("the event is %q", ev.Payload)
	}
	return nil
}

type unobserved struct{}

func (unobserved) Began(*lambda.Version, *lambda.Invocation) frontend.Running { return unobserved{} }
func (unobserved) Throttled(*lambda.Version, *lambda.Invocation)              {}
func (unobserved) Ended(*lambda.Invocation, bool)                             {}
func (unobserved) Abandoned()                                                 {}

type invoker struct {
	f *frontend.Frontend[counter.Slot, *environment]
}

func (i invoker) Invoke(ctx context.Context, in awsapi.InvokeInput) (awsapi.InvokeOutput, error) {
	out, err := i.f.Invoke(ctx, frontend.Input(in))
	return awsapi.InvokeOutput(out), err
}

func (i invoker) InvokeStream(ctx context.Context, in awsapi.InvokeInput, sink lambda.Sink) (awsapi.InvokeOutput, error) {
	out, err := i.f.InvokeStream(ctx, frontend.Input(in), sink)
	return awsapi.InvokeOutput(out), err
}

// site is an address of its own on which everything is answered.
type site struct{}

func (site) Serves(r *http.Request) bool { return strings.HasPrefix(r.Host, "site.") }
func (site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	client, _, _ := net.SplitHostPort(r.RemoteAddr)
	_, _ = fmt.Fprintf(w, "site %s %s %d %x tls=%t %s %s", r.Method, r.RequestURI, len(body), sha256.Sum256(body), r.TLS != nil, client, r.Header.Get("X-Forwarded-For"))
}

func open(t *testing.T) *house {
	t.Helper()
	h := &house{release: make(chan struct{})}
	quiet := slog.New(slog.DiscardHandler)
	count := counter.New(counter.Config{AccountConcurrency: 100})
	none := 0
	count.SetReserved(lambda.FunctionID{Account: account, Region: region, Name: "throttled"}, &none)
	invokes := frontend.New[counter.Slot, *environment](h, gate{}, count, h, h, unobserved{}, quiet)
	edge, err := awsapi.New(awsapi.Config{
		Identities: keys{}, Authorizer: gate{}, Invoker: invoker{invokes}, Region: region, Now: time.Now, Log: quiet,
		Sites: []awsapi.Site{site{}},
	})
	if err != nil {
		t.Fatal(err)
	}
	direct := httptest.NewServer(edge)
	t.Cleanup(direct.Close)
	h.direct = direct.Listener.Addr().String()

	authority, err := rpc.OpenAuthority(filepath.Join(t.TempDir(), "cluster"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	h.authority = authority
	h.control = relay.NewControl(edge, func(r *http.Request) string { return rpc.CallerOf(r).Name }, quiet)
	h.serve = func(t *testing.T, listen string) (addr string, stop func()) {
		t.Helper()
		server := rpc.NewServer(authority.Identity(), quiet)
		authority.Mount(server)
		server.Mount(relay.Prefix, h.control, rpc.Frontend)
		server.MountAPI(relay.APIPrefix, relay.Passed(edge), rpc.Frontend)
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", listen)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- server.Run(ctx, l) }()
		return l.Addr().String(), sync.OnceFunc(func() { cancel(); <-done })
	}
	h.server, h.stopControl = h.serve(t, "127.0.0.1:0")
	t.Cleanup(func() { h.stopControl() })

	token, _, err := authority.NewToken(rpc.Frontend, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	h.identity, err = rpc.NewClient(t.TempDir(), rpc.Frontend, h.server, time.Now, quiet)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.identity.Join(t.Context(), "f1", token); err != nil {
		t.Fatal(err)
	}
	h.start(t, h.identity.Control(), quiet)
	return h
}

// reopen opens the control process's port again.
func (h *house) reopen(t *testing.T) {
	t.Helper()
	_, h.stopControl = h.serve(t, h.server)
}

func (h *house) start(t *testing.T, control http.RoundTripper, log *slog.Logger) {
	t.Helper()
	h.front = relay.New(relay.Config{
		Control: control, Fault: frontend.Fault, PayloadMax: awsapi.InvokeBodyMax, Log: log,
		Run: func(ctx context.Context, to lambda.Address, inv *lambda.Invocation) (lambda.Result, error) {
			if want := (lambda.Address{Worker: "w:1", Name: "w", Session: "s", Environment: "e"}); to != want {
				return lambda.Result{}, fmt.Errorf("sent to %+v", to)
			}
			return h.perform(ctx, inv)
		},
	})
	ready := make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.front.Run(ctx, func() { close(ready) }) }()
	server := httptest.NewServer(h.front)
	h.via = server.Listener.Addr().String()
	t.Cleanup(func() { server.Close(); cancel(); <-done })
	select {
	case <-ready:
	case <-time.After(10 * time.Second):
		t.Fatal("the frontend did not find its control process")
	}
}

// call is a request of a test.
type call struct {
	method, path string
	header       map[string]string
	payload      []byte
	secret       string // what it is signed with; "" signs with the right one
	chunked      bool
	host         string
	unsigned     bool
	tamper       func(*http.Request)
}

// result is what a client sees of an answer.
type result struct {
	Status int
	Header http.Header
	Body   string
}

func (c call) send(t *testing.T, addr string) result {
	t.Helper()
	var body io.Reader = bytes.NewReader(c.payload)
	if c.chunked {
		body = io.MultiReader(body) // its length is not known
	}
	method := c.method
	if method == "" {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+addr+c.path, body)
	if err != nil {
		t.Fatal(err)
	}
	// The same host for both ways, so that nothing else differs.
	r.Host = "hearth.test"
	if c.host != "" {
		r.Host = c.host
	}
	for name, value := range c.header {
		r.Header.Set(name, value)
	}
	if !c.unsigned {
		sign(t, r, c.payload, c.secret)
	}
	if c.tamper != nil {
		c.tamper(r)
	}
	res, err := (&http.Transport{DisableKeepAlives: true, DisableCompression: true}).RoundTrip(r)
	if err != nil {
		t.Error(err)
		return result{}
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Error(err)
		return result{}
	}
	for _, name := range []string{"Date", "X-Amzn-Requestid"} {
		if res.Header.Get(name) == "" && !strings.HasPrefix(r.Host, "site.") {
			t.Errorf("no %s in the answer", name)
		}
		res.Header.Del(name)
	}
	return result{res.StatusCode, res.Header, string(text)}
}

// sign signs a request, with the right secret unless another is given.
func sign(t *testing.T, r *http.Request, payload []byte, secret ...string) {
	t.Helper()
	sum := sha256.Sum256(payload)
	key := cmp.Or(cmp.Or(secret...), "secret")
	err := v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: key}, r,
		hex.EncodeToString(sum[:]), "lambda", region, time.Now())
	if err != nil {
		t.Error(err)
	}
}

func invocations(name string) string { return "/2015-03-31/functions/" + name + "/invocations" }
