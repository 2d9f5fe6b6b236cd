package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// stream is an open answer of InvokeWithResponseStream.
type stream struct {
	*lambda.InvokeWithResponseStreamEventStream
	version string
}

func (h *hearth) stream(t *testing.T, name, payload string) *stream {
	t.Helper()
	out, err := h.lambda.InvokeWithResponseStream(t.Context(), &lambda.InvokeWithResponseStreamInput{
		FunctionName: &name, Payload: []byte(payload), LogType: types.LogTypeTail,
	})
	if err != nil {
		t.Fatalf("stream %s: %v", name, err)
	}
	s := &stream{out.GetStream(), aws.ToString(out.ExecutedVersion)}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// until reads chunks until their bytes together end with text.
func (s *stream) until(t *testing.T, text string) {
	t.Helper()
	var seen []byte
	for !bytes.HasSuffix(seen, []byte(text)) {
		switch e := (<-s.Events()).(type) {
		case *types.InvokeWithResponseStreamResponseEventMemberPayloadChunk:
			seen = append(seen, e.Value.Payload...)
		default:
			t.Fatalf("after %q: got %T, want a chunk", seen, e)
		}
	}
}

// rest reads the stream to its end. Each chunk goes to take.
func (s *stream) rest(t *testing.T, take func([]byte)) (end types.InvokeWithResponseStreamCompleteEvent) {
	t.Helper()
	ends := 0
	for e := range s.Events() {
		switch e := e.(type) {
		case *types.InvokeWithResponseStreamResponseEventMemberPayloadChunk:
			if ends > 0 {
				t.Error("a chunk after InvokeComplete")
			}
			take(e.Value.Payload)
		case *types.InvokeWithResponseStreamResponseEventMemberInvokeComplete:
			end, ends = e.Value, ends+1
		}
	}
	if err := s.Err(); err != nil || ends != 1 {
		t.Errorf("%d InvokeComplete events, want 1; %v", ends, err)
	}
	return end
}

// text reads the stream to its end.
func (s *stream) text(t *testing.T) (string, types.InvokeWithResponseStreamCompleteEvent) {
	t.Helper()
	var b strings.Builder
	end := s.rest(t, func(p []byte) { b.Write(p) })
	return b.String(), end
}

// streamingSource does as its event asks. To wait for the caller it sends a request,
// which the caller has signed, until that is answered with 200.
const streamingSource = `
const http = require('http');
const { pipeline } = require('stream/promises');
const ask = (to, request) => new Promise((resolve, reject) => {
  http.get({ host: to.hostname, port: to.port, ...request }, (res) => {
    res.resume();
    res.on('end', () => resolve(res.statusCode));
  }).on('error', reject);
});
exports.handler = awslambda.streamifyResponse(async (event, out) => {
  switch (event.do) {
    case 'early': throw new TypeError('early');
    case 'late': out.write('half'); throw new TypeError('late');
    case 'exit': await new Promise((r) => out.write('half', r)); process.exit(7);
    case 'hang': out.write('half'); await new Promise((r) => setTimeout(r, 60000)); break;
    case 'http':
      out = awslambda.HttpResponseStream.from(out, { statusCode: 201, headers: { a: 'b' } });
      out.end('body');
      return;
    case 'large':
      await pipeline(async function* () {
        for (let i = 0; i < event.pieces; i++) yield Buffer.alloc(1 << 16, i & 0xff);
      }, out);
      return;
    case 'wait':
      out.write('first');
      while (await ask(new URL(process.env.AWS_ENDPOINT_URL), event.request) !== 200);
      out.end('second');
      return;
  }
  out.end(JSON.stringify(event));
});`

// signedQuestion is a GetFunction request as an event for streamingSource.
func (h *hearth) signedQuestion(t *testing.T, function string) string {
	t.Helper()
	path := "/2015-03-31/functions/" + function
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, aws.ToString(h.aws.BaseEndpoint)+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := h.aws.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	empty := sha256.Sum256(nil)
	if err := v4.NewSigner().SignHTTP(t.Context(), keys, r, hex.EncodeToString(empty[:]), "lambda", h.aws.Region, time.Now()); err != nil {
		t.Fatal(err)
	}
	headers := map[string]string{"Host": r.URL.Host}
	for name := range r.Header {
		headers[name] = r.Header.Get(name)
	}
	event, err := json.Marshal(map[string]any{"do": "wait", "request": map[string]any{"path": path, "headers": headers}})
	if err != nil {
		t.Fatal(err)
	}
	return string(event)
}

func TestRootAStreamReachesTheCallerWhileTheFunctionRuns(t *testing.T) {
	h := up(t, "")
	h.function(t, "streaming", streamingSource, timeout(30))
	for range 2 { // cold and warm
		s := h.stream(t, "streaming", h.signedQuestion(t, "go-on"))
		s.until(t, "first")
		// Only now does the function get what it waits for.
		h.function(t, "go-on", `exports.handler = async () => 1`)
		text, end := s.text(t)
		if text != "second" || end.ErrorCode != nil || s.version != "$LATEST" {
			t.Errorf("got %q, error %q, version %q", text, aws.ToString(end.ErrorCode), s.version)
		}
		tail, err := base64.StdEncoding.DecodeString(aws.ToString(end.LogResult))
		if err != nil || !strings.Contains(string(tail), "REPORT RequestId: ") {
			t.Errorf("the log's tail is %q, %v", tail, err)
		}
		if _, err := h.lambda.DeleteFunction(t.Context(), &lambda.DeleteFunctionInput{FunctionName: aws.String("go-on")}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRootAStreamTellsHowItEnded(t *testing.T) {
	h := up(t, "")
	h.function(t, "streaming", streamingSource, timeout(2))
	h.example(t, "hello", node, "index.handler")
	for _, c := range []struct{ name, function, event, text, code, details string }{
		{"well", "streaming", `{"a":1}`, `{"a":1}`, "", ""},
		{"well, with a prelude that stays as it is", "streaming", `{"do":"http"}`, "{\"statusCode\":201,\"headers\":{\"a\":\"b\"}}\x00\x00\x00\x00\x00\x00\x00\x00body", "", ""},
		{"with an error before the first byte", "streaming", `{"do":"early"}`, "", "Unhandled", `{"errorType":"TypeError","errorMessage":"early","trace":[`},
		{"with an error in the middle", "streaming", `{"do":"late"}`, "half", "Unhandled", `{"errorType":"TypeError","errorMessage":"late","trace":[`},
		{"with the process", "streaming", `{"do":"exit"}`, "half", "Runtime.ExitError", `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: `},
		{"at the timeout", "streaming", `{"do":"hang"}`, "half", "Sandbox.Timedout", `{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: `},
		{"well after all that", "streaming", `{}`, `{}`, "", ""},
		{"well, of a function that does not stream", "hello", `{"name":"Ada"}`, `{"message":"Hello, Ada!"}`, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			text, end := h.stream(t, c.function, c.event).text(t)
			if text != c.text {
				t.Errorf("got %q, want %q", text, c.text)
			}
			if got := aws.ToString(end.ErrorCode); got != c.code || !strings.HasPrefix(aws.ToString(end.ErrorDetails), c.details) {
				t.Errorf("got %q %s, want %q %s", got, aws.ToString(end.ErrorDetails), c.code, c.details)
			}
		})
	}
	t.Run("in one piece through Invoke", func(t *testing.T) {
		if got := h.answers(t, "streaming", `{"a":1}`); got != `{"a":1}` {
			t.Errorf("got %s", got)
		}
		if a := h.invoke(t, "streaming", `{"do":"large","pieces":97}`); a.Error != "Unhandled" || !strings.Contains(a.Payload, "(6291556 bytes)") {
			t.Errorf("6 MiB and more: got %q %.200s", a.Error, a.Payload)
		}
	})
}

// Goal: the memory of Hearth does not grow with a stream's length. Method: the
// highest resident size of its process before and after 50 MiB.
func TestRootALongStreamTakesLittleMemory(t *testing.T) {
	h := up(t, "")
	h.function(t, "streaming", streamingSource, timeout(60), memory(512))
	_, _ = h.stream(t, "streaming", `{"do":"large","pieces":16}`).text(t)
	before := peakMB(t, h.PID())
	const pieces = 800
	n, wrong := 0, 0
	end := h.stream(t, "streaming", `{"do":"large","pieces":800}`).rest(t, func(p []byte) {
		for _, b := range p {
			if b != byte(n>>16) {
				wrong++
			}
			n++
		}
	})
	if n != pieces<<16 || wrong > 0 || end.ErrorCode != nil {
		t.Errorf("got %d bytes, %d of them wrong, error %q", n, wrong, aws.ToString(end.ErrorCode))
	}
	const allowed = 16 // MiB: the garbage of one collection cycle, far below the stream
	if grown := peakMB(t, h.PID()) - before; grown > allowed {
		t.Errorf("Hearth grew by %d MiB for a stream of 50 MiB, want at most %d", grown, allowed)
	}
}

// peakMB is the highest resident size that a process has had.
func peakMB(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		var kb int
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kb); err == nil {
			return kb >> 10
		}
	}
	t.Fatal("the process has no VmHWM")
	return 0
}
