package sqs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"github.com/hearthfaas/hearth/internal/awsapi"
	"github.com/hearthfaas/hearth/internal/awshttp"
	"github.com/hearthfaas/hearth/internal/iam/policy"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/queue"
	"github.com/hearthfaas/hearth/internal/store"
	"github.com/hearthfaas/hearth/internal/store/mem"
	"github.com/hearthfaas/hearth/internal/wire"
)

const (
	account = "123456789012"
	other   = "210987654321"
	region  = "eu-central-1"
)

// noon is the present of most tests.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// fixture is SQS behind a real edge, with a clock that the test moves.
type fixture struct {
	*Service
	t      testing.TB
	dir    string
	store  store.Store
	engine *queue.Engine
	server *httptest.Server
	*sqs.Client

	mu     sync.Mutex // guards what follows
	at     time.Time
	denied string // an action that nobody may
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{t: t, dir: t.TempDir(), store: mem.New(), at: noon}
	f.open()
	t.Cleanup(f.close)
	return f
}

func (f *fixture) clock() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.at
}

func (f *fixture) pass(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at = f.at.Add(d)
}

func (f *fixture) deny(action string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.denied = action
}

func (f *fixture) open() {
	f.t.Helper()
	var err error
	if f.engine, err = queue.Open(context.Background(), queue.Config{Dir: f.dir, Now: f.clock}); err != nil {
		f.t.Fatal(err)
	}
	f.Service, err = Open(context.Background(), Config{
		Queues: f.engine, Store: f.store, Now: f.clock,
		CheckPolicy: func(document string) error { _, err := policy.Parse(policy.Resource, document); return err },
		Allow: func(ctx context.Context, action, arn string, in any) error {
			return f.AuthorizeOperation(ctx, lambda.CallerFrom(ctx), action, arn, in)
		},
	})
	if err != nil {
		f.t.Fatal(err)
	}
	edge, err := awsapi.New(awsapi.Config{
		Services: []*wire.Service{f.API()}, Identities: f, Authorizer: f, Invoker: nobody{},
		Region: region, Now: time.Now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		f.t.Fatal(err)
	}
	f.server = httptest.NewServer(edge)
	f.Client = f.as("test")
}

// as is a client with a key; the key "test" is of account, any other that account's
// own.
func (f *fixture) as(key string) *sqs.Client {
	return sqs.New(sqs.Options{
		BaseEndpoint: &f.server.URL, Region: region, RetryMaxAttempts: 1, HTTPClient: awshttp.New(),
		Credentials: credentials.NewStaticCredentialsProvider(key, "secret", ""),
	})
}

func (f *fixture) close() {
	f.EndPolls()
	f.server.Close()
	if err := f.engine.Close(); err != nil {
		f.t.Errorf("close: %v", err)
	}
}

func (f *fixture) reopen() {
	f.t.Helper()
	f.close()
	f.open()
}

// Lookup meets awsapi.Identities.
func (f *fixture) Lookup(_ context.Context, key, _ string) (awsapi.Identity, error) {
	id := account
	if key != "test" {
		id = key
	}
	return awsapi.Identity{SecretAccessKey: "secret", Caller: caller(id)}, nil
}

func caller(id string) lambda.Caller {
	return lambda.Caller{Kind: lambda.PrincipalUser, Account: id, ARN: "arn:aws:iam::" + id + ":user/u", UserID: "AIDAEXAMPLE" + id, Region: region}
}

// AuthorizeOperation meets awsapi.Authorizer: all may do all but what is denied.
func (f *fixture) AuthorizeOperation(_ context.Context, _ lambda.Caller, action, resource string, _ any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.denied != "" && action+" "+resource == f.denied {
		return lambda.Errorf(lambda.CodeAccessDenied, "not authorized to perform: %s on resource: %s", action, resource)
	}
	return nil
}

func (f *fixture) named(name string) queue.Name {
	return queue.Name{Account: account, Region: region, Kind: kind, Name: name}
}

type nobody struct{ awsapi.Invoker }

func (f *fixture) ctx() context.Context { return f.t.Context() }

// make makes a queue and returns its URL.
func (f *fixture) make(name string, attributes ...string) *string {
	f.t.Helper()
	in := &sqs.CreateQueueInput{QueueName: &name, Attributes: pairs(attributes)}
	if strings.HasSuffix(name, fifoSuffix) {
		in.Attributes["FifoQueue"] = "true"
	}
	out, err := f.CreateQueue(f.ctx(), in)
	if err != nil {
		f.t.Fatal(err)
	}
	return out.QueueUrl
}

func pairs(attributes []string) map[string]string {
	m := map[string]string{}
	for i := 0; i+1 < len(attributes); i += 2 {
		m[attributes[i]] = attributes[i+1]
	}
	return m
}

func (f *fixture) attributes(url *string) map[string]string {
	f.t.Helper()
	out, err := f.GetQueueAttributes(f.ctx(), &sqs.GetQueueAttributesInput{QueueUrl: url, AttributeNames: []attributeName{"All"}})
	if err != nil {
		f.t.Fatal(err)
	}
	return out.Attributes
}

func (f *fixture) set(url *string, attributes ...string) error {
	_, err := f.SetQueueAttributes(f.ctx(), &sqs.SetQueueAttributesInput{QueueUrl: url, Attributes: pairs(attributes)})
	return err
}

func (f *fixture) send(url *string, bodies ...string) {
	f.t.Helper()
	for _, b := range bodies {
		if _, err := f.SendMessage(f.ctx(), &sqs.SendMessageInput{QueueUrl: url, MessageBody: &b}); err != nil {
			f.t.Fatal(err)
		}
	}
}

func (f *fixture) receive(url *string, change ...func(*sqs.ReceiveMessageInput)) []message {
	f.t.Helper()
	in := &sqs.ReceiveMessageInput{
		QueueUrl: url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []systemName{"All"},
	}
	for _, c := range change {
		c(in)
	}
	out, err := f.ReceiveMessage(f.ctx(), in)
	if err != nil {
		f.t.Fatal(err)
	}
	return out.Messages
}

func bodies(messages []message) string {
	var out []string
	for _, m := range messages {
		out = append(out, *m.Body)
	}
	return strings.Join(out, " ")
}

// wantError checks the code that a client sees, the HTTP status, and that the message
// has a text.
func wantError(t testing.TB, err error, code string, status int, text string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) {
		t.Errorf("got %v, want %s", err, code)
		return
	}
	if api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), text) {
		t.Errorf("got %s: %s\nwant %s: …%s…", api.ErrorCode(), api.ErrorMessage(), code, text)
	}
	if answer, ok := errors.AsType[interface {
		error
		HTTPStatusCode() int
	}](err); !ok || answer.HTTPStatusCode() != status {
		t.Errorf("%s: got status %v, want %d", code, err, status)
	}
}

// post sends a request as it is, signed.
func (f *fixture) post(path, contentType, target, body string) (status int, header http.Header, answer string) {
	f.t.Helper()
	req, err := http.NewRequestWithContext(f.ctx(), http.MethodPost, f.server.URL+path, strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	if target != "" {
		req.Header.Set("X-Amz-Target", target)
	}
	sum := sha256.Sum256([]byte(body))
	keys := aws.Credentials{AccessKeyID: "test", SecretAccessKey: "secret"}
	if err := v4.NewSigner().SignHTTP(f.ctx(), keys, req, hex.EncodeToString(sum[:]), "sqs", region, time.Now()); err != nil {
		f.t.Fatal(err)
	}
	res, err := f.server.Client().Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer res.Body.Close()
	var b bytes.Buffer
	if _, err := io.Copy(&b, res.Body); err != nil {
		f.t.Fatal(err)
	}
	return res.StatusCode, res.Header, b.String()
}
