package s3

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// keyring knows one account's root key, and another's.
type keyring struct{}

func (keyring) Lookup(_ context.Context, id, _ string) (string, lambda.Caller, error) {
	account, ok := map[string]string{"AKIDGOOD": "000000000000", "AKIDOTHER": "111111111111"}[id]
	if !ok {
		return "", lambda.Caller{}, ErrUnknownKey
	}
	return "secret", lambda.Caller{
		Kind: lambda.PrincipalRoot, Account: account, ARN: "arn:aws:iam::" + account + ":root", UserID: account, AccessKeyID: id,
	}, nil
}

// gate allows everything but the actions that it lists.
type gate struct {
	mu     sync.Mutex
	denied map[string]bool
	asked  []Question
}

func (g *gate) Authorize(_ context.Context, c lambda.Caller, q Question) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked = append(g.asked, q)
	if g.denied[q.Action] {
		return lambda.Errorf(lambda.CodeAccessDenied, "User: %s is not authorized to perform: %s", c.ARN, q.Action)
	}
	return nil
}

func (g *gate) CheckPolicy(document string) error {
	if strings.Contains(document, "nonsense") {
		return errors.New("Policy has invalid resource")
	}
	return nil
}

// bench is a service behind a server, with AWS's client.
type bench struct {
	*awss3.Client
	service *Service
	server  *httptest.Server
	gate    *gate
	dir     string
	cfg     Config

	mu     sync.Mutex
	now    time.Time
	events []Event
	refuse bool // events
}

func newBench(t *testing.T) *bench {
	t.Helper()
	return benchAt(t, t.TempDir())
}

func benchAt(t *testing.T, dir string) *bench {
	t.Helper()
	b := &bench{gate: &gate{denied: map[string]bool{}}, dir: dir, now: time.Now()}
	b.cfg = Config{
		Dir: b.dir, Identities: keyring{}, Authorizer: b.gate, Region: "us-east-1", Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { b.mu.Lock(); defer b.mu.Unlock(); return b.now },
		Events: func(_ context.Context, e Event) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			if b.refuse {
				return errors.New("the destination is down")
			}
			b.events = append(b.events, e)
			return nil
		},
	}
	b.open(t)
	b.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { b.service.ServeHTTP(w, r) }))
	t.Cleanup(func() {
		b.server.Close()
		if err := b.service.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	b.Client = b.client("AKIDGOOD")
	return b
}

func (b *bench) open(t testing.TB) {
	t.Helper()
	var err error
	if b.service, err = Open(context.Background(), b.cfg); err != nil {
		t.Fatal(err)
	}
}

// reopen closes the service and opens it again on the same directory.
func (b *bench) reopen(t *testing.T) {
	t.Helper()
	if err := b.service.Close(); err != nil {
		t.Fatal(err)
	}
	b.open(t)
}

func (b *bench) client(key string, options ...func(*awss3.Options)) *awss3.Client {
	return awss3.New(awss3.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(b.server.URL), UsePathStyle: true, RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
		Credentials: credentials.NewStaticCredentialsProvider(key, "secret", ""), RetryMaxAttempts: 1,
	}, options...)
}

// make makes a bucket.
func (b *bench) make(t *testing.T, name string) {
	t.Helper()
	if _, err := b.CreateBucket(t.Context(), &awss3.CreateBucketInput{Bucket: &name}); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) put(t *testing.T, bucket, key, text string) *awss3.PutObjectOutput {
	t.Helper()
	out, err := b.PutObject(t.Context(), &awss3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(text)})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// code is the code of an error of the API, or what else it says.
func code(err error) string {
	var e smithy.APIError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.ErrorCode()
	}
	return err.Error()
}
