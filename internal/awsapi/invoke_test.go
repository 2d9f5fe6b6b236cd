package awsapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/smithy-go/aws-http-auth/credentials"
	"github.com/aws/smithy-go/aws-http-auth/sigv4"

	"github.com/hearthfaas/hearth/internal/lambda"
)

func TestTheInvokePathIsToldFromOthers(t *testing.T) {
	cases := []struct {
		name, method, target, want string
	}{
		{"a name", "POST", "/2015-03-31/functions/f/invocations", "f"},
		{"with the slash of older SDKs", "POST", "/2015-03-31/functions/f/invocations/", "f"},
		{"an escaped ARN", "POST", "/2015-03-31/functions/a%3Ab%2Fc/invocations?Qualifier=1", "a%3Ab%2Fc"},
		{"another method", "GET", "/2015-03-31/functions/f/invocations", ""},
		{"no name", "POST", "/2015-03-31/functions//invocations", ""},
		{"another operation", "POST", "/2015-03-31/functions/f/aliases", ""},
		{"a deeper path", "POST", "/2015-03-31/functions/a/b/invocations", ""},
		{"a function called invocations", "POST", "/2015-03-31/functions/invocations", ""},
		{"another version of the API", "POST", "/2021-11-15/functions/f/response-streaming-invocations", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, ok := invokePath(httptest.NewRequest(c.method, c.target, nil))
			if !ok {
				got = ""
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// discard is a ResponseWriter that costs nothing.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

type constant struct{ out InvokeOutput }

func (c constant) Invoke(context.Context, InvokeInput) (InvokeOutput, error) { return c.out, nil }

func (c constant) InvokeStream(context.Context, InvokeInput, lambda.Sink) (InvokeOutput, error) {
	return c.out, nil
}

// BenchmarkInvoke is the edge's own part of a signed invoke: everything but the
// HTTP server below it and the invoker behind it.
func BenchmarkInvoke(b *testing.B) {
	payload := []byte(`{"key":"value"}`)
	out := InvokeOutput{Status: 200, ExecutedVersion: "$LATEST", TraceID: "Root=1-2"}
	out.Result.Payload = payload
	now := time.Now()
	edge, err := New(Config{
		Identities: keyring{"AKIDGOOD": {secret: "right"}}, Authorizer: &gate{}, Invoker: constant{out},
		Region: "us-east-1", Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	body := bytes.NewReader(payload)
	r := httptest.NewRequest("POST", "/2015-03-31/functions/hello/invocations", body)
	if err := sigv4.New().SignRequest(&sigv4.SignRequestInput{
		Request: r, PayloadHash: sha(payload), Service: "lambda", Region: "us-east-1", Time: now,
		Credentials: credentials.Credentials{AccessKeyID: "AKIDGOOD", SecretAccessKey: "right"},
	}); err != nil {
		b.Fatal(err)
	}
	w := discard{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		body.Reset(payload)
		r.Body = io.NopCloser(body)
		edge.ServeHTTP(w, r)
	}
	if w.header.Get("X-Amz-Executed-Version") == "" {
		b.Fatal("the benchmark measured a refusal")
	}
}

func sha(b []byte) []byte {
	sum := sha256.Sum256(b)
	return sum[:]
}
