package awsapi

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// events calls a function and returns its stream.
func events(t *testing.T, b *bench, in *awslambda.InvokeWithResponseStreamInput) (*awslambda.InvokeWithResponseStreamOutput, *awslambda.InvokeWithResponseStreamEventStream) {
	t.Helper()
	in.FunctionName = aws.String("f")
	out, err := awslambda.NewFromConfig(b.good()).InvokeWithResponseStream(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	s := out.GetStream()
	t.Cleanup(func() { _ = s.Close() })
	return out, s
}

// collect reads a stream to its end: the bytes, how many chunks they came in, and
// the last event, which must be the only one of its kind.
func collect(t *testing.T, s *awslambda.InvokeWithResponseStreamEventStream) (body []byte, chunks int, end types.InvokeWithResponseStreamCompleteEvent) {
	t.Helper()
	completed := false
	for e := range s.Events() {
		switch e := e.(type) {
		case *types.InvokeWithResponseStreamResponseEventMemberPayloadChunk:
			if completed {
				t.Error("a chunk after InvokeComplete")
			}
			body, chunks = append(body, e.Value.Payload...), chunks+1
		case *types.InvokeWithResponseStreamResponseEventMemberInvokeComplete:
			if completed {
				t.Error("a second InvokeComplete")
			}
			completed, end = true, e.Value
		}
	}
	if err := s.Err(); err != nil {
		t.Error(err)
	}
	if !completed {
		t.Error("the stream ended without InvokeComplete")
	}
	return body, chunks, end
}

func TestAChunkReachesTheCallerBeforeTheNextIsMade(t *testing.T) {
	b := newBench(t)
	seen := make(chan struct{})
	b.invoker.stream = func(ctx context.Context, in InvokeInput, sink lambda.Sink) (InvokeOutput, error) {
		b.invoker.last = in
		if err := sink.Begin(ctx, lambda.StreamHead{ContentType: "text/plain", ExecutedVersion: "7", TraceID: "Root=1"}); err != nil {
			return InvokeOutput{}, err
		}
		for _, part := range []string{"first", "second"} {
			if err := sink.Write(ctx, []byte(part)); err != nil {
				return InvokeOutput{}, err
			}
			<-seen
		}
		return InvokeOutput{Status: 200, Result: lambda.Result{LogTail: []byte("REPORT")}}, nil
	}
	out, s := events(t, b, &awslambda.InvokeWithResponseStreamInput{
		Qualifier: aws.String("prod"), Payload: []byte(`{"a":1}`), LogType: types.LogTypeTail,
		ClientContext: aws.String("e30="), TenantId: aws.String("blue"),
	})
	for _, want := range []string{"first", "second"} {
		chunk, ok := (<-s.Events()).(*types.InvokeWithResponseStreamResponseEventMemberPayloadChunk)
		if !ok || string(chunk.Value.Payload) != want {
			t.Fatalf("got %+v, want %q", chunk, want)
		}
		seen <- struct{}{}
	}
	if _, n, end := collect(t, s); n != 0 || end.ErrorCode != nil || end.ErrorDetails != nil || aws.ToString(end.LogResult) != "UkVQT1JU" {
		t.Errorf("got %d chunks, %+v", n, end)
	}
	if out.StatusCode != 200 || aws.ToString(out.ExecutedVersion) != "7" ||
		aws.ToString(out.ResponseStreamContentType) != "application/vnd.amazon.eventstream" {
		t.Errorf("got %+v", out)
	}
	in := b.invoker.last
	if in.FunctionName != "f" || in.Qualifier != "prod" || string(in.Payload) != `{"a":1}` || in.LogType != "Tail" ||
		in.ClientContext != "e30=" || in.TenantID != "blue" || in.Type != lambda.RequestResponse || in.Caller.Account == "" {
		t.Errorf("the invoker was given %+v", in)
	}
}

func TestAStreamTellsHowItEnded(t *testing.T) {
	big := bytes.Repeat([]byte("0123456789"), 50_000)
	for _, c := range []struct {
		name   string
		write  []byte
		result lambda.Result
		code   string
	}{
		{"well, with nothing written", nil, lambda.Result{}, ""},
		{"well, with more than a chunk", big, lambda.Result{}, ""},
		{"with an error before the first byte", nil, lambda.Result{FunctionError: "Unhandled", ErrorType: "Runtime.ExitError", Payload: []byte(`{"<":1}`)}, "Runtime.ExitError"},
		{"with an error in the middle", []byte("half"), lambda.Result{FunctionError: "Unhandled", ErrorType: "Sandbox.Timedout", Payload: []byte(`{}`)}, "Sandbox.Timedout"},
		{"with an exception of the function's own", []byte("half"), lambda.Result{FunctionError: "Unhandled", ErrorType: "Runtime.Unknown", Payload: []byte(`{}`)}, "Unhandled"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			b.invoker.stream = func(ctx context.Context, _ InvokeInput, sink lambda.Sink) (InvokeOutput, error) {
				if c.write != nil {
					if err := errors.Join(sink.Begin(ctx, lambda.StreamHead{}), sink.Write(ctx, c.write)); err != nil {
						return InvokeOutput{}, err
					}
				}
				return InvokeOutput{Status: 200, ExecutedVersion: "3", Result: c.result}, nil
			}
			_, s := events(t, b, &awslambda.InvokeWithResponseStreamInput{})
			body, _, end := collect(t, s)
			if !bytes.Equal(body, c.write) {
				t.Errorf("%d bytes arrived, %d were written", len(body), len(c.write))
			}
			if aws.ToString(end.ErrorCode) != c.code || aws.ToString(end.ErrorDetails) != string(c.result.Payload) || end.LogResult != nil {
				t.Errorf("got %q %q", aws.ToString(end.ErrorCode), aws.ToString(end.ErrorDetails))
			}
		})
	}
}

func TestWhatIsRefusedBeforeAStreamIsAnOrdinaryError(t *testing.T) {
	b := newBench(t)
	b.invoker.stream = func(context.Context, InvokeInput, lambda.Sink) (InvokeOutput, error) {
		return InvokeOutput{}, lambda.Throttled(lambda.ReasonConcurrentInvocationLimit)
	}
	_, err := awslambda.NewFromConfig(b.good()).InvokeWithResponseStream(t.Context(),
		&awslambda.InvokeWithResponseStreamInput{FunctionName: aws.String("f")})
	if _, ok := errors.AsType[*types.TooManyRequestsException](err); !ok {
		t.Errorf("got %v", err)
	}
	b.invoker.stream = func(context.Context, InvokeInput, lambda.Sink) (InvokeOutput, error) {
		t.Error("an unsigned request reached the invoker")
		return InvokeOutput{}, nil
	}
	res, err := b.client.Post(b.url+"/2021-11-15/functions/f/response-streaming-invocations", "", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 403 {
		t.Errorf("an unsigned request got %d", res.StatusCode)
	}
}

func TestADryRunOfAStreamHasNoBody(t *testing.T) {
	b := newBench(t)
	var got InvokeInput
	b.invoker.stream = func(_ context.Context, in InvokeInput, _ lambda.Sink) (InvokeOutput, error) {
		got = in
		return InvokeOutput{Status: 204, ExecutedVersion: "9"}, nil
	}
	var status int
	var version string
	_, err := awslambda.NewFromConfig(b.good(), func(o *awslambda.Options) {
		o.HTTPClient = peek{b.client, func(r *http.Response) { status, version = r.StatusCode, r.Header.Get("X-Amz-Executed-Version") }}
	}).InvokeWithResponseStream(t.Context(), &awslambda.InvokeWithResponseStreamInput{
		FunctionName: aws.String("f"), InvocationType: types.ResponseStreamingInvocationTypeDryRun,
	})
	if err != nil || status != 204 || version != "9" || got.Type != lambda.DryRun {
		t.Errorf("got %d, version %q, type %q, %v", status, version, got.Type, err)
	}
}

// peek shows a client's answers.
type peek struct {
	client *http.Client
	look   func(*http.Response)
}

func (p peek) Do(r *http.Request) (*http.Response, error) {
	res, err := p.client.Do(r)
	if err == nil {
		p.look(res)
	}
	return res, err
}

func TestAFaultAfterTheFirstByteIsToldAtTheEnd(t *testing.T) {
	b := newBench(t)
	b.invoker.stream = func(ctx context.Context, _ InvokeInput, sink lambda.Sink) (InvokeOutput, error) {
		return InvokeOutput{}, errors.Join(sink.Begin(ctx, lambda.StreamHead{}), sink.Write(ctx, []byte("x")), io.ErrClosedPipe)
	}
	_, s := events(t, b, &awslambda.InvokeWithResponseStreamInput{})
	body, _, end := collect(t, s)
	if string(body) != "x" || aws.ToString(end.ErrorCode) != "ServiceException" || strings.Contains(aws.ToString(end.ErrorDetails), "pipe") {
		t.Errorf("got %q, %q, %q", body, aws.ToString(end.ErrorCode), aws.ToString(end.ErrorDetails))
	}
}

func TestTheStreamPathIsToldFromOthers(t *testing.T) {
	for target, want := range map[string]bool{
		"/2021-11-15/functions/f/response-streaming-invocations":      true,
		"/2021-11-15/functions/f/response-streaming-invocations/":     true,
		"/2021-11-15/functions//response-streaming-invocations":       false,
		"/2015-03-31/functions/f/response-streaming-invocations":      false,
		"/2021-11-15/functions/a/b/response-streaming-invocations":    false,
		"/2021-11-15/functions/a%2Fb/response-streaming-invocations":  true,
		"/2021-11-15/functions/f/response-streaming-invocations/more": false,
	} {
		if _, got := streamPath(httptest.NewRequest(http.MethodPost, target, nil)); got != want {
			t.Errorf("%s: got %v, want %v", target, got, want)
		}
	}
}
