package controlplane

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/code"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
	"github.com/hearthfaas/hearth/internal/store/mem"
)

const (
	testAccount = "123456789012"
	testRegion  = "us-east-1"
	testRole    = "arn:aws:iam::123456789012:role/lambda"
	fARN        = "arn:aws:lambda:us-east-1:123456789012:function:f"
)

func caller() lambda.Caller {
	return lambda.Caller{
		Kind: lambda.PrincipalRoot, Account: testAccount, Region: testRegion,
		ARN: "arn:aws:iam::" + testAccount + ":root", BaseURL: "http://127.0.0.1:4566",
	}
}

// peers are the other components, as far as the tests need them.
type peers struct {
	mu      sync.Mutex
	retired []lambda.EnvironmentKey
	told    chan struct{}   // gets a token when something is retired
	warmed  []string        // ARN of each version that was prepared
	warm    func() error    // nil: at once and well
	gate    chan struct{}   // nil, or closed to let Warm go on
	trusted map[string]bool // roles that Lambda may assume
}

func (p *peers) CanLambdaAssume(_ context.Context, role, _, _ string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.trusted[role] {
		return invalid("The role defined for the function cannot be assumed by Lambda.")
	}
	return nil
}

func (p *peers) Check(name string) error {
	if name == "dotnet10" {
		return invalid("This host cannot run dotnet10.")
	}
	return nil
}

func (p *peers) Retire(key lambda.EnvironmentKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.retired = append(p.retired, key)
	select {
	case p.told <- struct{}{}:
	default:
	}
}

func (p *peers) prepare(ctx context.Context, v *lambda.Version) error {
	p.mu.Lock()
	gate := p.gate
	p.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.warmed = append(p.warmed, v.Function.QualifiedARN(v.Version))
	if p.warm != nil {
		return p.warm()
	}
	return nil
}

func (p *peers) retiredKeys() []lambda.EnvironmentKey {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]lambda.EnvironmentKey(nil), p.retired...)
}

// harness is a running Service with its peers.
type harness struct {
	*Service
	t     testing.TB
	peers *peers
	store store.Store
	ctx   context.Context // with the caller
	stop  func()          // ends Run and waits
}

func newMem() store.Store { return mem.New() }

func start(t testing.TB, with ...func(*Config)) *harness {
	return startOn(t, newMem(), &peers{}, with...)
}

func startOn(t testing.TB, st store.Store, p *peers, with ...func(*Config)) *harness {
	t.Helper()
	codes, err := code.Open(code.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	p.trusted = map[string]bool{testRole: true}
	p.told = make(chan struct{}, 1)
	cfg := Config{
		Store: st, Codes: codes, Roles: p, Runtimes: p, Environments: p, Warm: p.prepare,
		CodeURL: func(base string, d lambda.CodeDigest) string { return base + "/" + string(d) },
		Now:     time.Now, Log: slog.New(slog.DiscardHandler),
	}
	for _, w := range with {
		w(&cfg)
	}
	s := New(cfg)
	ctx, cancel := context.WithCancel(lambda.WithCaller(context.WithoutCancel(t.Context()), caller()))
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
	t.Cleanup(stop)
	<-s.Ready()
	return &harness{
		Service: s, t: t, peers: p, store: st, stop: stop,
		ctx: lambda.WithCaller(t.Context(), caller()),
	}
}

// await waits until a condition on the committed state holds.
func (h *harness) await(what string, cond func() bool) {
	h.t.Helper()
	limit := time.After(30 * time.Second)
	for {
		changed := h.view.next()
		if cond() {
			return
		}
		select {
		case <-changed:
		case <-limit:
			h.t.Fatalf("%s did not come about", what)
		}
	}
}

// awaitRetired waits until the owner of environments was told of all these keys.
func (h *harness) awaitRetired(keys ...lambda.EnvironmentKey) {
	h.t.Helper()
	limit := time.After(30 * time.Second)
	for {
		told := h.peers.retiredKeys()
		if !slices.ContainsFunc(keys, func(k lambda.EnvironmentKey) bool { return !slices.Contains(told, k) }) {
			return
		}
		select {
		case <-h.peers.told:
		case <-limit:
			h.t.Fatalf("retired %v, want %v", told, keys)
		}
	}
}

// awaitSettled waits until nothing of a function is in transition.
func (h *harness) awaitSettled(name string) {
	h.t.Helper()
	h.await(name+" settled", func() bool {
		f := h.view.function(fid(name))
		if unsettledVersion(f.record.value.Latest) {
			return false
		}
		for _, v := range f.versions {
			if unsettledVersion(v.value) {
				return false
			}
		}
		return true
	})
}

func fid(name string) lambda.FunctionID {
	return lambda.FunctionID{Account: testAccount, Region: testRegion, Name: name}
}

var zips = struct {
	sync.Mutex
	made map[string][]byte
}{made: make(map[string][]byte)}

// zipWith is a package with one file of that content.
func zipWith(body string) []byte {
	zips.Lock()
	defer zips.Unlock()
	if z, ok := zips.made[body]; ok {
		return z
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create("index.js")
	if err == nil {
		_, err = f.Write([]byte(body))
	}
	if err = errors.Join(err, w.Close()); err != nil {
		panic(err)
	}
	zips.made[body] = b.Bytes()
	return b.Bytes()
}

func createInput(name string) *awslambda.CreateFunctionInput {
	return &awslambda.CreateFunctionInput{
		FunctionName: new(name), Runtime: types.RuntimeNodejs20x, Handler: new("index.handler"),
		Role: new(testRole), Code: &types.FunctionCode{ZipFile: zipWith("v1")},
	}
}

// create makes a function and waits until it is Active.
func (h *harness) create(name string, with ...func(*awslambda.CreateFunctionInput)) *awslambda.CreateFunctionOutput {
	h.t.Helper()
	in := createInput(name)
	for _, w := range with {
		w(in)
	}
	out := must(h.CreateFunction(h.ctx, in))
	h.awaitSettled(name)
	return out
}

func (h *harness) updateCode(name, body string) *awslambda.UpdateFunctionCodeOutput {
	h.t.Helper()
	out := must(h.UpdateFunctionCode(h.ctx, &awslambda.UpdateFunctionCodeInput{FunctionName: new(name), ZipFile: zipWith(body)}))
	h.awaitSettled(name)
	return out
}

func (h *harness) publish(name string) string {
	h.t.Helper()
	return *must(h.PublishVersion(h.ctx, &awslambda.PublishVersionInput{FunctionName: new(name)})).Version
}

func (h *harness) config(name string) *awslambda.GetFunctionConfigurationOutput {
	h.t.Helper()
	return must(h.GetFunctionConfiguration(h.ctx, &awslambda.GetFunctionConfigurationInput{FunctionName: new(name)}))
}

func (h *harness) alias(name, version string) {
	h.t.Helper()
	must(h.CreateAlias(h.ctx, &awslambda.CreateAliasInput{FunctionName: new("f"), Name: new(name), FunctionVersion: new(version)}))
}

// must is for calls that the test is not about; it ends the test by panicking.
func must[T any](v T, err error) T {
	if err != nil {
		panic(fmt.Sprintf("unexpected: %v", err))
	}
	return v
}

// shows compares an error with "Code: message".
func shows(t testing.TB, err error, want string) {
	t.Helper()
	got := "no error"
	if err != nil {
		got = err.Error()
		if _, ok := errors.AsType[*lambda.Error](err); !ok {
			got = "not for the caller: " + got
		}
	}
	if want == "" {
		want = "no error"
	}
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
