package sns

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"
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
	topicPrefix = "arn:aws:sns:us-east-1:000000000000:"
	queueARN    = "arn:aws:sqs:us-east-1:000000000000:q"
	fifoARN     = "arn:aws:sqs:us-east-1:000000000000:q.fifo"
	functionARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
	// fast makes the 20 seconds between an HTTP endpoint's attempts 20 ms.
	fast = 1000
)

// fixture is a Service behind the edge, with targets that the test scripts.
type fixture struct {
	*Service
	t       testing.TB
	cfg     Config
	dir     string
	targets *targets
	url     string
	edge    http.Handler
	mu      sync.Mutex // guards now and edge
	now     func() time.Time
	stop    func()
}

func open(t testing.TB, edit ...func(*Config)) *fixture {
	t.Helper()
	f := &fixture{t: t, dir: t.TempDir(), targets: &targets{got: make(chan Delivery, 1000)}, now: time.Now}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		edge := f.edge
		f.mu.Unlock()
		edge.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	f.url = server.URL
	f.cfg = Config{
		Store: mem.New(), Targets: f.targets, Authorizer: everybody{}, BaseURL: server.URL, TimeScale: fast,
		CheckPolicy: func(string) error { return nil },
		Now: func() time.Time {
			f.mu.Lock()
			defer f.mu.Unlock()
			return f.now()
		},
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	for _, fn := range edit {
		fn(&f.cfg)
	}
	f.start()
	t.Cleanup(func() { f.end() })
	return f
}

// start opens the service on what is on disk and has it deliver.
func (f *fixture) start() {
	f.t.Helper()
	var err error
	if f.cfg.Queue, err = queue.Open(f.t.Context(), queue.Config{Dir: f.dir, Now: f.cfg.Now, Log: f.cfg.Log}); err != nil {
		f.t.Fatal(err)
	}
	if f.Service, err = Open(f.t.Context(), f.cfg); err != nil {
		f.t.Fatal(err)
	}
	edge, err := awsapi.New(awsapi.Config{
		Services: []*wire.Service{f.API()}, Identities: keyring{}, Authorizer: everybody{}, Invoker: nobody{},
		Sites: []awsapi.Site{f.Service}, Region: region, Now: time.Now, Log: f.cfg.Log,
	})
	if err != nil {
		f.t.Fatal(err)
	}
	f.mu.Lock()
	f.edge = edge
	f.mu.Unlock()
	f.run()
}

func (f *fixture) run() {
	ctx, cancel := context.WithCancel(context.WithoutCancel(f.t.Context()))
	done := make(chan error, 1)
	s := f.Service
	go func() { done <- s.Run(ctx) }()
	f.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			f.t.Errorf("Run ended with %v", err)
		}
	})
}

func (f *fixture) end() {
	f.stop()
	if err := f.cfg.Queue.Close(); err != nil {
		f.t.Errorf("close the queues: %v", err)
	}
}

// pass moves the clock.
func (f *fixture) pass(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := f.now
	f.now = func() time.Time { return before().Add(d) }
}

// as is AWS's own client of an account.
func (f *fixture) as(id string) *awssns.Client {
	return awssns.New(awssns.Options{
		BaseEndpoint: &f.url, Region: region, RetryMaxAttempts: 1, HTTPClient: awshttp.New(),
		Credentials: credentials.NewStaticCredentialsProvider(id, "secret", ""),
	})
}

func (f *fixture) client() *awssns.Client { return f.as(account) }

// keyring knows an access key for each account, named as the account.
type keyring struct{}

func (keyring) Lookup(_ context.Context, id, _ string) (awsapi.Identity, error) {
	return awsapi.Identity{SecretAccessKey: "secret", Caller: lambda.Caller{
		Kind: lambda.PrincipalRoot, Account: id, ARN: "arn:aws:iam::" + id + ":root", UserID: id, AccessKeyID: id,
	}}, nil
}

type everybody struct{}

func (everybody) AuthorizeOperation(context.Context, lambda.Caller, string, string, any) error {
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
	got chan Delivery

	mu     sync.Mutex // guards answer
	answer func(Delivery) error
}

func (x *targets) Deliver(_ context.Context, d Delivery) error {
	x.mu.Lock()
	answer := x.answer
	x.mu.Unlock()
	if answer != nil {
		if err := answer(d); err != nil {
			return err
		}
	}
	x.got <- d
	return nil
}

func (x *targets) script(answer func(Delivery) error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.answer = answer
}

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// next is the next delivery.
func (f *fixture) next() Delivery {
	f.t.Helper()
	select {
	case d := <-f.targets.got:
		return d
	case <-time.After(patience):
		f.t.Fatal("nothing was delivered")
		return Delivery{}
	}
}

// must is for calls that are not what the test is about.
func must[T any](out T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

func (f *fixture) topicWith(name string, attributes map[string]string) *string {
	f.t.Helper()
	return must(f.client().CreateTopic(f.t.Context(), &awssns.CreateTopicInput{Name: &name, Attributes: attributes}))(f.t).TopicArn
}

func (f *fixture) subscribeTo(arn *string, protocol, endpoint string, attributes map[string]string) *string {
	f.t.Helper()
	return must(f.client().Subscribe(f.t.Context(), &awssns.SubscribeInput{
		TopicArn: arn, Protocol: &protocol, Endpoint: &endpoint, Attributes: attributes, ReturnSubscriptionArn: true,
	}))(f.t).SubscriptionArn
}

func (f *fixture) publishText(arn *string, text string) string {
	f.t.Helper()
	return *must(f.client().Publish(f.t.Context(), &awssns.PublishInput{TopicArn: arn, Message: &text}))(f.t).MessageId
}

// refusedWith checks an error's code, status and text; a text that ends in "…" is a
// beginning.
func refusedWith(t testing.TB, err error, code string, status int, text string) {
	t.Helper()
	var api smithy.APIError
	var res interface{ HTTPStatusCode() int }
	if !errors.As(err, &api) || !errors.As(err, &res) {
		t.Errorf("got %v, want %s", err, code)
		return
	}
	if api.ErrorCode() != code || res.HTTPStatusCode() != status || !begins(api.ErrorMessage(), text) {
		t.Errorf("got %s, %d, %q\nwant %s, %d, %q", api.ErrorCode(), res.HTTPStatusCode(), api.ErrorMessage(), code, status, text)
	}
}

func begins(got, want string) bool {
	if head, ok := cutEllipsis(want); ok {
		return len(got) >= len(head) && got[:len(head)] == head
	}
	return got == want
}

func cutEllipsis(s string) (string, bool) {
	const mark = "…"
	if len(s) >= len(mark) && s[len(s)-len(mark):] == mark {
		return s[:len(s)-len(mark)], true
	}
	return s, false
}

// sent is an envelope as a queue's reader sees it.
type sent struct {
	Type, MessageID, TopicArn, Message, Timestamp, SignatureVersion, Signature, SigningCertURL, UnsubscribeURL, SequenceNumber, Token, SubscribeURL string
	Subject                                                                                                                                         *string
	MessageAttributes                                                                                                                               map[string]shownAttribute
}

func read(t testing.TB, body []byte) sent {
	t.Helper()
	var s sent
	if err := json.Unmarshal(body, &s); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return s
}

var str = aws.String
