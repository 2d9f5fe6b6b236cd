package eventbridge

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	eb "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"

	"github.com/hearthfaas/hearth/internal/awsapi"
	"github.com/hearthfaas/hearth/internal/awshttp"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/queue"
	"github.com/hearthfaas/hearth/internal/store/mem"
	"github.com/hearthfaas/hearth/internal/wire"
)

const (
	account     = "000000000000"
	stranger    = "111122223333"
	region      = "us-east-1"
	prefix      = "arn:aws:events:us-east-1:000000000000:"
	functionARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
	queueARN    = "arn:aws:sqs:us-east-1:000000000000:q"
	deadARN     = "arn:aws:sqs:us-east-1:000000000000:dead"
)

// fixture is a Service with targets that the test scripts.
type fixture struct {
	*Service
	t       testing.TB
	cfg     Config
	dir     string
	targets *targets
	denied  map[string]bool // resources that nobody may use
	url     string
	stop    func()
}

// open opens a Service and has it deliver.
func open(t testing.TB, edit ...func(*Config)) *fixture {
	t.Helper()
	f := &fixture{t: t, dir: t.TempDir(), targets: &targets{}, denied: map[string]bool{}}
	f.cfg = Config{
		Store: mem.New(), Targets: f.targets, Authorizer: guard(f.denied),
		CheckPolicy: func(text string) error {
			if text == "bad" {
				return errors.New("no policy")
			}
			return nil
		},
		PassRole: func(_ context.Context, arn string) error {
			if arn == "arn:aws:iam::000000000000:role/not-yours" {
				return lambda.Errorf(lambda.CodeAccessDenied, "not yours")
			}
			return nil
		},
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})),
	}
	for _, fn := range edit {
		fn(&f.cfg)
	}
	f.start()
	t.Cleanup(func() { f.end() })
	return f
}

// start opens the service on what is on disk.
func (f *fixture) start() {
	f.t.Helper()
	ctx := context.Background()
	var err error
	if f.cfg.Queue, err = queue.Open(ctx, queue.Config{Dir: f.dir, Now: f.cfg.Now, Log: f.cfg.Log}); err != nil {
		f.t.Fatal(err)
	}
	if f.Service, err = Open(ctx, f.cfg); err != nil {
		f.t.Fatal(err)
	}
	running, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	s := f.Service
	go func() { done <- s.Run(running) }()
	f.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			f.t.Errorf("Run ended with %v", err)
		}
		if err := f.cfg.Queue.Close(); err != nil {
			f.t.Errorf("close the queues: %v", err)
		}
	})
}

func (f *fixture) end() { f.stop() }

// serve puts the service behind the edge.
func (f *fixture) serve() *fixture {
	f.t.Helper()
	edge, err := awsapi.New(awsapi.Config{
		Services: []*wire.Service{f.API()}, Identities: keyring{}, Authorizer: guard(f.denied), Invoker: nobody{},
		Region: region, Now: time.Now, Log: f.cfg.Log,
	})
	if err != nil {
		f.t.Fatal(err)
	}
	server := httptest.NewServer(edge)
	f.t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

// as is AWS's own client of an account.
func (f *fixture) as(id string) *eb.Client {
	return eb.New(eb.Options{
		BaseEndpoint: &f.url, Region: region, RetryMaxAttempts: 1, HTTPClient: awshttp.New(),
		Credentials: credentials.NewStaticCredentialsProvider(id, "secret", ""),
	})
}

func (f *fixture) client() *eb.Client { return f.as(account) }

// ctx is that of the account's owner, for calls without the wire.
func ctx() context.Context {
	return lambda.WithCaller(context.Background(), lambda.Caller{
		Kind: lambda.PrincipalRoot, Account: account, Region: region, ARN: "arn:aws:iam::" + account + ":root",
	})
}

// rule makes a rule on the default bus, with one target.
func (f *fixture) rule(name, pattern string, target types.Target) {
	f.t.Helper()
	f.ruleOn(defaultBus, name, pattern, target)
}

func (f *fixture) ruleOn(bus, name, pattern string, target types.Target) {
	f.t.Helper()
	if _, err := f.putRule(ctx(), &eb.PutRuleInput{Name: &name, EventPattern: &pattern, EventBusName: &bus}); err != nil {
		f.t.Fatal(err)
	}
	if target.Id == nil {
		target.Id = aws.String("t")
	}
	if _, err := f.putTargets(ctx(), &eb.PutTargetsInput{Rule: &name, EventBusName: &bus, Targets: []types.Target{target}}); err != nil {
		f.t.Fatal(err)
	}
}

func function() types.Target { return types.Target{Arn: aws.String(functionARN)} }

// put puts one event on the default bus and returns its id.
func (f *fixture) put(source, detail string) string {
	f.t.Helper()
	out, err := f.putEvents(ctx(), &eb.PutEventsInput{Entries: []types.PutEventsRequestEntry{
		{Source: &source, DetailType: aws.String("T"), Detail: &detail},
	}})
	if err != nil || out.FailedEntryCount != 0 {
		f.t.Fatalf("put an event: %v %+v", err, out)
	}
	return *out.Entries[0].EventId
}

// keyring knows an access key for each account, named as the account.
type keyring struct{}

func (keyring) Lookup(_ context.Context, id, _ string) (awsapi.Identity, error) {
	return awsapi.Identity{SecretAccessKey: "secret", Caller: lambda.Caller{
		Kind: lambda.PrincipalRoot, Account: id, ARN: "arn:aws:iam::" + id + ":root", UserID: id, AccessKeyID: id,
	}}, nil
}

// guard denies the resources that it names.
type guard map[string]bool

func (g guard) AuthorizeOperation(_ context.Context, _ lambda.Caller, action, resource string, _ any) error {
	if g[resource] {
		return lambda.Errorf(lambda.CodeAccessDenied, "no %s on %s", action, resource)
	}
	return nil
}

type nobody struct{}

func (nobody) Invoke(context.Context, awsapi.InvokeInput) (awsapi.InvokeOutput, error) {
	return awsapi.InvokeOutput{}, errors.New("nothing is invoked here")
}

func (nobody) InvokeStream(context.Context, awsapi.InvokeInput, lambda.Sink) (awsapi.InvokeOutput, error) {
	return awsapi.InvokeOutput{}, errors.New("nothing is invoked here")
}

// targets remembers what was delivered, and answers as the test says.
type targets struct {
	mu     sync.Mutex // guards what follows
	got    []Delivery
	tried  int
	answer func(Delivery) error
	deny   error // of MayPut
}

func (x *targets) Deliver(_ context.Context, d Delivery) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.tried++
	if x.answer != nil {
		if err := x.answer(d); err != nil {
			return err
		}
	}
	x.got = append(x.got, d)
	return nil
}

func (x *targets) MayPut(context.Context, Delivery) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.deny
}

// take is what was delivered since the last call.
func (x *targets) take() []Delivery {
	x.mu.Lock()
	defer x.mu.Unlock()
	got := x.got
	x.got = nil
	return got
}

func code(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode() + ": " + api.ErrorMessage()
	}
	if e, ok := errors.AsType[*lambda.Error](err); ok {
		return e.Code + ": " + e.Message
	}
	if err != nil {
		return err.Error()
	}
	return ""
}
