package compat

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/awshttp"
	"github.com/hearthfaas/hearth/internal/harness"
	hearth "github.com/hearthfaas/hearth/internal/node"
)

const (
	apiRegion = "us-east-1"
	apiPrefix = "arn:aws:lambda:us-east-1:000000000000:"
	// absent is a mapping, alias or version that does not exist.
	absentUUID = "00000000-0000-4000-8000-000000000000"
)

// api is a Hearth within this process and a client of it, as the SDK is used, which
// remembers what went over the wire.
type api struct {
	*lambda.Client
	t        testing.TB
	endpoint string
	role     string
	wire     *recorder
}

// answer is a response as it came over the wire.
type answer struct {
	status int
	header http.Header
	body   string
}

// recorder keeps the last answer of a client.
type recorder struct {
	mu   sync.Mutex
	last answer
}

var sdkHTTP = awshttp.New()

// Do meets aws.HTTPClient.
func (r *recorder) Do(req *http.Request) (*http.Response, error) {
	res, err := sdkHTTP.Do(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	_ = res.Body.Close()
	res.Body = io.NopCloser(bytes.NewReader(body))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = answer{res.StatusCode, res.Header, string(body)}
	return res, nil
}

func (r *recorder) answer() answer {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

// serve starts a Hearth without sandboxes in this process: what these tests look at
// happens before any function runs.
func serve(t testing.TB, edits ...func(*hearth.Config)) *api {
	t.Helper()
	dir, err := os.MkdirTemp(scratch, "node-")
	if err != nil {
		t.Fatal(err)
	}
	cfg := hearth.Default()
	cfg.Listen, cfg.DataDir, cfg.Isolation = "127.0.0.1:0", filepath.Join(dir, "data"), "process"
	cfg.Path, cfg.Home = os.Getenv("PATH"), os.Getenv("HOME")
	for _, edit := range edits {
		edit(&cfg)
	}
	n, err := hearth.New(cfg, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("the node ended with %v", err)
		}
	})
	select {
	case <-n.Ready():
	case err := <-done:
		done <- nil
		t.Fatalf("the node did not start: %v", err)
	}
	a := &api{t: t, endpoint: "http://" + n.Addr(), wire: &recorder{}}
	a.Client = a.in(apiRegion)
	role, err := iam.NewFromConfig(a.config(apiRegion)).CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: new("r"), AssumeRolePolicyDocument: new(trust)})
	if err != nil {
		t.Fatal(err)
	}
	a.role = *role.Role.Arn
	return a
}

func (a *api) config(region string) aws.Config {
	return aws.Config{
		Region: region, BaseEndpoint: new(a.endpoint), HTTPClient: a.wire,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
	}
}

// in is a client in a region.
func (a *api) in(region string) *lambda.Client { return lambda.NewFromConfig(a.config(region)) }

// request is a signed request that no SDK would send.
type request struct{ method, path, body string }

// call carries out an operation: an Input of the SDK, or a request.
func (a *api) call(in any) error {
	if r, ok := in.(request); ok {
		return a.send(r)
	}
	name := strings.TrimSuffix(reflect.TypeOf(in).Elem().Name(), "Input")
	m := reflect.ValueOf(a.Client).MethodByName(name)
	if !m.IsValid() {
		a.t.Fatalf("%T is no operation's input", in)
	}
	out := m.Call([]reflect.Value{reflect.ValueOf(a.t.Context()), reflect.ValueOf(in)})
	err, _ := reflect.TypeAssert[error](out[1])
	return err
}

func (a *api) send(r request) error {
	req, err := http.NewRequestWithContext(a.t.Context(), r.method, a.endpoint+r.path, strings.NewReader(r.body))
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(r.body))
	err = v4.NewSigner().SignHTTP(a.t.Context(), aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"},
		req, hex.EncodeToString(sum[:]), "lambda", apiRegion, time.Now())
	if err != nil {
		return err
	}
	if _, err := a.wire.Do(req); err != nil {
		return err
	}
	if last := a.wire.answer(); last.status >= http.StatusBadRequest {
		return fmt.Errorf("status %d", last.status)
	}
	return nil
}

// do carries out an operation that must go well and returns what was answered.
func (a *api) do(in any) answer {
	a.t.Helper()
	if err := a.call(in); err != nil {
		a.t.Fatalf("%T: %v\n%s", in, err, a.wire.answer().body)
	}
	return a.wire.answer()
}

// envelope is how an exception looks on the wire (Lambda API reference, errors).
type envelope struct {
	status   int
	member   string
	modelled bool // has the member Type
}

var envelopes = map[string]envelope{
	"AccessDeniedException":                         {403, "Message", false},
	"CodeSigningConfigNotFoundException":            {404, "Message", true},
	"InvalidParameterValueException":                {400, "message", true},
	"NotImplementedException":                       {501, "message", false},
	"PolicyLengthExceededException":                 {400, "message", true},
	"PreconditionFailedException":                   {412, "message", true},
	"ProvisionedConcurrencyConfigNotFoundException": {404, "message", true},
	"RequestEntityTooLargeException":                {413, "message", false},
	"ResourceConflictException":                     {409, "message", true},
	"ResourceNotFoundException":                     {404, "Message", true},
	"SerializationException":                        {400, "message", false},
	"UnknownOperationException":                     {404, "message", false},
	"ValidationException":                           {400, "message", false},
}

// refusal is an operation that must not go well, and AWS's answer to it.
type refusal struct {
	name    string
	in      any
	code    string
	message string
	bare    bool // without the member Type, where the exception else has it
}

// refuses checks status, header and body to the letter.
func (a *api) refuses(t *testing.T, cases []refusal) {
	t.Helper()
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Helper()
			if err := a.call(tc.in); err == nil {
				t.Fatalf("%T went well: %s", tc.in, a.wire.answer().body)
			}
			got := a.wire.answer()
			e, ok := envelopes[tc.code]
			if !ok {
				t.Fatalf("the test knows no envelope of %s", tc.code)
			}
			body := map[string]string{e.member: tc.message}
			if e.modelled && !tc.bare {
				body["Type"] = "User"
			}
			var parsed map[string]string
			if err := json.Unmarshal([]byte(got.body), &parsed); err != nil {
				t.Fatalf("the body is not a flat object: %v\n%s", err, got.body)
			}
			if code := got.header.Get("X-Amzn-Errortype"); code != tc.code || got.status != e.status {
				t.Errorf("got %d %s, want %d %s", got.status, code, e.status, tc.code)
			}
			if !reflect.DeepEqual(parsed, body) {
				t.Errorf("got  %v\nwant %v", parsed, body)
			}
			headers(t, got)
		})
	}
}

// headers checks what every answer has.
func headers(t *testing.T, got answer) {
	t.Helper()
	if got.header.Get("X-Amzn-Requestid") == "" || got.header.Get("Date") == "" {
		t.Errorf("headers %v, want a request id and a date", got.header)
	}
	want := "application/json"
	if got.body == "" {
		want = ""
	}
	if kind := got.header.Get("Content-Type"); kind != want {
		t.Errorf("content type %q, want %q", kind, want)
	}
}

// shows compares an answer with a JSON text in which "*" stands for any string that
// is not empty and 0.5 for any number. Members that the text lacks must be absent.
func shows(t *testing.T, got answer, status int, want string) {
	t.Helper()
	headers(t, got)
	if got.status != status {
		t.Errorf("status %d, want %d", got.status, status)
	}
	if want == "" {
		if got.body != "" {
			t.Errorf("body %s, want none", got.body)
		}
		return
	}
	var g, w any
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatalf("the test's JSON: %v\n%s", err, want)
	}
	if err := json.Unmarshal([]byte(got.body), &g); err != nil {
		t.Fatalf("the body: %v\n%s", err, got.body)
	}
	for _, d := range differences("", g, w) {
		t.Error(d)
	}
}

// differences says where got is not as wanted, one sentence each.
func differences(at string, got, want any) []string {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return []string{fmt.Sprintf("%s: got %v, want an object", at, got)}
		}
		var all []string
		names := map[string]bool{}
		for n := range g {
			names[n] = true
		}
		for n := range w {
			names[n] = true
		}
		for n := range names {
			gv, has := g[n]
			wv, wanted := w[n]
			switch {
			case !has:
				all = append(all, fmt.Sprintf("%s.%s: absent, want %v", at, n, wv))
			case !wanted:
				all = append(all, fmt.Sprintf("%s.%s: got %v, want it absent", at, n, gv))
			default:
				all = append(all, differences(at+"."+n, gv, wv)...)
			}
		}
		slices.Sort(all)
		return all
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return []string{fmt.Sprintf("%s: got %v, want %v", at, got, want)}
		}
		var all []string
		for i := range w {
			all = append(all, differences(fmt.Sprintf("%s[%d]", at, i), g[i], w[i])...)
		}
		return all
	case string:
		if g, ok := got.(string); ok && w == "*" && g != "" {
			return nil
		}
	case float64:
		if _, ok := got.(float64); ok && w == 0.5 {
			return nil
		}
	}
	if !reflect.DeepEqual(got, want) {
		return []string{fmt.Sprintf("%s: got %v, want %v", at, got, want)}
	}
	return nil
}

// bootstrapZip is a package that every machine can run.
func bootstrapZip(t testing.TB, text string) []byte {
	t.Helper()
	zip, err := harness.ZipFiles(map[string]string{"bootstrap": text})
	if err != nil {
		t.Fatal(err)
	}
	return zip
}

func (a *api) input(name string) *lambda.CreateFunctionInput {
	return &lambda.CreateFunctionInput{
		FunctionName: new(name), Runtime: types.RuntimeProvidedal2023, Handler: new("bootstrap"), Role: new(a.role),
		Code: &types.FunctionCode{ZipFile: bootstrapZip(a.t, "#!/bin/sh\n")},
	}
}

// function makes a function and waits until it is Active.
func (a *api) function(name string, with ...func(*lambda.CreateFunctionInput)) {
	a.t.Helper()
	in := a.input(name)
	for _, w := range with {
		w(in)
	}
	a.do(in)
	a.settled(name)
}

// settled waits until a function's last change is through, as clients do.
func (a *api) settled(name string) {
	a.t.Helper()
	err := lambda.NewFunctionUpdatedV2Waiter(a.Client, func(o *lambda.FunctionUpdatedV2WaiterOptions) {
		o.MinDelay, o.MaxDelay = 5*time.Millisecond, 50*time.Millisecond
	}).Wait(a.t.Context(), &lambda.GetFunctionInput{FunctionName: new(name)}, time.Minute)
	if err != nil {
		a.t.Fatal(err)
	}
}

// update changes a function's code, and publishes the version of that.
func (a *api) publish(name, text string) {
	a.t.Helper()
	a.do(&lambda.UpdateFunctionCodeInput{FunctionName: new(name), ZipFile: bootstrapZip(a.t, text)})
	a.settled(name)
	a.do(&lambda.PublishVersionInput{FunctionName: new(name)})
}

// violation is the text of one broken constraint of the service's model.
func violation(value, path, constraint string) string {
	return "1 validation error detected: Value " + value + " at '" + path + "' failed to satisfy constraint: " + constraint
}
