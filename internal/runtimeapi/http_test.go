package runtimeapi

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

const invocationPath = "/2018-06-01/runtime/invocation/"

// client calls a session's public API as the code inside would.
type client struct {
	t   *testing.T
	url string
}

func serve(t *testing.T) (*Session, client) {
	t.Helper()
	s := New(Config{FunctionName: "f", FunctionVersion: "$LATEST", Handler: "h", AccountID: "000000000000"})
	srv := httptest.NewServer(s.Handler())
	t.Cleanup(srv.Close)
	t.Cleanup(func() { _ = s.Close() })
	return s, client{t, srv.URL}
}

type reply struct {
	status int
	header http.Header
	body   string
}

func (c client) do(method, path, body string, headers ...string) reply {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, strings.NewReader(body))
	if err != nil {
		c.t.Error(err)
		return reply{}
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Error(err)
		return reply{}
	}
	defer func() { _ = res.Body.Close() }()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Error(err)
	}
	return reply{res.StatusCode, res.Header, string(got)}
}

// async starts a call and returns where its reply will come.
func (c client) async(method, path string, headers ...string) <-chan reply {
	done := make(chan reply, 1)
	go func() { done <- c.do(method, path, "", headers...) }()
	return done
}

type result struct {
	out Outcome
	err error
}

func invoke(t *testing.T, s *Session, inv *lambda.Invocation) <-chan result {
	t.Helper()
	done := make(chan result, 1)
	go func() {
		out, err := s.Invoke(t.Context(), inv)
		done <- result{out, err}
	}()
	return done
}

func initialised(t *testing.T, s *Session) {
	t.Helper()
	if failure, err := s.AwaitReady(t.Context()); failure != nil || err != nil {
		t.Fatalf("got %v, %v", failure, err)
	}
}

func TestRuntimeAPIRunsInvocations(t *testing.T) {
	s, c := serve(t)
	next := c.async("GET", invocationPath+"next")
	initialised(t, s)
	inv := invocation(`{"a":1}`)
	inv.InvokedFunctionARN, inv.TraceID, inv.ClientContext = "arn:f", "Root=1", "{\n}"
	done := invoke(t, s, inv)
	got := <-next
	for name, want := range map[string]string{
		"Lambda-Runtime-Aws-Request-Id": testID, "Lambda-Runtime-Deadline-Ms": "1700000000123",
		"Lambda-Runtime-Invoked-Function-Arn": "arn:f", "Lambda-Runtime-Trace-Id": "Root=1",
		"Lambda-Runtime-Client-Context": "{ }", "Content-Type": "application/json",
	} {
		if got.header.Get(name) != want {
			t.Errorf("%s: got %q, want %q", name, got.header.Get(name), want)
		}
	}
	if got.status != 200 || got.body != `{"a":1}` {
		t.Errorf("got %d %q", got.status, got.body)
	}
	if again := c.do("GET", invocationPath+"next", ""); again.body != `{"a":1}` {
		t.Errorf("the same event again: got %d %q", again.status, again.body)
	}
	if post := c.do("POST", invocationPath+testID+"/response", `"r"`); post.status != 202 || post.body != "{\"status\":\"OK\"}\n" || post.header.Get("Content-Type") != "application/json" {
		t.Errorf("got %d %q", post.status, post.body)
	}
	if r := <-done; r.err != nil || string(r.out.Payload) != `"r"` || r.out.FunctionError != "" {
		t.Errorf("got %+v", r)
	}
	// The next invocation waits until the runtime asks.
	done = invoke(t, s, invocation(`2`))
	if got := c.do("GET", invocationPath+"next", ""); got.body != `2` {
		t.Errorf("got %q", got.body)
	}
	c.do("POST", invocationPath+testID+"/error", `{"x":1}`, headerErrorType, "Function.Bad")
	if r := <-done; string(r.out.Payload) != `{"x":1}` || r.out.ErrorType != "Function.Bad" || r.out.FunctionError != lambda.Unhandled {
		t.Errorf("got %+v", r)
	}
}

func TestRuntimeAPIRefusals(t *testing.T) {
	const unknown = invocationPath + "99999999-2222-4333-8444-555555555555"
	fresh := func(*testing.T, *Session, client) {}
	running := func(t *testing.T, s *Session, c client) {
		next := c.async("GET", invocationPath+"next")
		initialised(t, s)
		invoke(t, s, invocation(`1`))
		<-next
	}
	answered := func(t *testing.T, s *Session, c client) {
		running(t, s, c)
		c.do("POST", invocationPath+testID+"/response", `1`)
	}
	const wrongID = `{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}`
	for _, tc := range []struct {
		name         string
		state        func(*testing.T, *Session, client)
		method, path string
		headers      []string
		status       int
		body         string
	}{
		{"a response before there was an event", fresh, "POST", unknown + "/response", nil, 400, wrongID},
		{"a response to another event", running, "POST", unknown + "/response", nil, 400, wrongID},
		{"an error of another event", running, "POST", unknown + "/error", nil, 400, wrongID},
		{"a second response", answered, "POST", invocationPath + testID + "/response", nil, 400, wrongID},
		{"an error after the response", answered, "POST", invocationPath + testID + "/error", nil, 400, wrongID},
		{
			"an init error after the first next", running, "POST", "/2018-06-01/runtime/init/error", nil, 403,
			`{"errorMessage":"State transition from Running to InitError failed for runtime. Error: State transition is not allowed","errorType":"InvalidStateTransition"}`,
		},
		{
			"restore where nothing is restored", fresh, "GET", "/2018-06-01/runtime/restore/next", nil, 403,
			`{"errorMessage":"State transition from Started to Restoring failed for runtime. Error: State transition is not allowed","errorType":"InvalidStateTransition"}`,
		},
		{
			"a response mode that does not exist", running, "POST", invocationPath + testID + "/response",
			[]string{headerResponseMode, "bulk"},
			400,
			`{"errorMessage":"Invalid function response mode","errorType":"InvalidFunctionResponseMode"}`,
		},
		{"telemetry", fresh, "PUT", "/2022-07-01/telemetry", nil, 202, `{"errorType":"Telemetry.NotSupported","errorMessage":"Telemetry API is not supported"}`},
		{"logs", fresh, "PUT", "/2020-08-15/logs", nil, 202, `{"errorType":"Logs.NotSupported","errorMessage":"Logs API is not supported"}`},
		{"ping", fresh, "GET", "/2018-06-01/ping", nil, 200, `pong`},
		{
			"an extension without a name", fresh, "POST", "/2020-01-01/extension/register", nil, 403,
			`{"errorMessage":"Empty extension name","errorType":"Extension.InvalidExtensionName"}`,
		},
		{
			"an extension that is not registered", fresh, "GET", "/2020-01-01/extension/event/next", nil, 403,
			`{"errorMessage":"Missing Lambda-Extension-Identifier header","errorType":"Extension.MissingExtensionIdentifier"}`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, c := serve(t)
			tc.state(t, s, c)
			if got := c.do(tc.method, tc.path, "", tc.headers...); got.status != tc.status || got.body != tc.body {
				t.Errorf("got  %d %s\nwant %d %s", got.status, got.body, tc.status, tc.body)
			}
		})
	}
}

func TestRuntimeAPIInitError(t *testing.T) {
	s, c := serve(t)
	if got := c.do("POST", "/2018-06-01/runtime/init/error", `{"m":1}`, headerErrorType, "Runtime.Broken"); got.status != 202 {
		t.Errorf("got %d %s", got.status, got.body)
	}
	failure, err := s.AwaitReady(t.Context())
	if err != nil || failure == nil || failure.Type != "Runtime.Broken" || string(failure.Payload) != `{"m":1}` {
		t.Errorf("got %+v, %v", failure, err)
	}
	if got := c.do("GET", invocationPath+"next", ""); got.status != 403 {
		t.Errorf("next after an init error: got %d %s", got.status, got.body)
	}
}

func TestRuntimeAPIResponseBodies(t *testing.T) {
	big := strings.Repeat("x", lambda.ResponseMax)
	for _, tc := range []struct {
		name, body string
		status     int
		errorType  string
	}{
		{"at the limit", big, 202, ""},
		{"over the limit", big + "x", 413, lambda.ErrorResponseSizeTooLarge},
		{"empty", "", 202, ""},
	} {
		for _, chunked := range []bool{false, true} {
			t.Run(tc.name, func(t *testing.T) {
				s, c := serve(t)
				next := c.async("GET", invocationPath+"next")
				initialised(t, s)
				done := invoke(t, s, invocation(`1`))
				<-next
				req, err := http.NewRequestWithContext(t.Context(), "POST", c.url+invocationPath+testID+"/response", strings.NewReader(tc.body))
				if err != nil {
					t.Fatal(err)
				}
				if chunked {
					req.ContentLength = -1
				}
				res, err := http.DefaultClient.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				_ = res.Body.Close()
				if r := <-done; res.StatusCode != tc.status || r.out.ErrorType != tc.errorType || tc.errorType == "" && len(r.out.Payload) != len(tc.body) {
					t.Errorf("chunked %v: got %d, %q, %d bytes", chunked, res.StatusCode, r.out.ErrorType, len(r.out.Payload))
				}
			})
		}
	}
}

// exchange writes a raw request, closes the writing side, and reads the status line.
func (c client) exchange(request string) string {
	c.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, request); err != nil {
		c.t.Fatal(err)
	}
	_ = conn.(*net.TCPConn).CloseWrite()
	line, _ := bufio.NewReader(conn).ReadString('\n')
	return strings.TrimSpace(line)
}

func TestRuntimeAPIStreamedAndTruncatedResponses(t *testing.T) {
	const head = "POST " + invocationPath + testID + "/response HTTP/1.1\r\nHost: h\r\n"
	const streamed = head + "Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n"
	for _, tc := range []struct{ name, request, status, payload, errorType string }{
		{"streamed", streamed + "\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", "HTTP/1.1 202 Accepted", "abc", ""},
		{
			"streamed with an error behind", streamed + "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n2\r\nab\r\n0\r\n" +
				"Lambda-Runtime-Function-Error-Type: Runtime.Late\r\nLambda-Runtime-Function-Error-Body: eyJ4IjoxfQ==\r\n\r\n",
			"HTTP/1.1 202 Accepted", `{"x":1}`, "Runtime.Late",
		},
		{
			"truncated", head + "Content-Length: 10\r\n\r\nshort", "HTTP/1.1 400 Bad Request",
			`{"errorType":"Runtime.TruncatedResponse","errorMessage":"RequestId: ` + testID + ` Error: HTTP request detected as truncated"}`,
			lambda.ErrorTruncatedResponse,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, c := serve(t)
			next := c.async("GET", invocationPath+"next")
			initialised(t, s)
			done := invoke(t, s, invocation(`1`))
			<-next
			if got := c.exchange(tc.request); got != tc.status {
				t.Errorf("got %q, want %q", got, tc.status)
			}
			if r := <-done; r.err != nil || string(r.out.Payload) != tc.payload || r.out.ErrorType != tc.errorType {
				t.Errorf("got %s %q %v", r.out.Payload, r.out.ErrorType, r.err)
			}
		})
	}
}

func TestRuntimeAPIEndsWithTheProcess(t *testing.T) {
	s, c := serve(t)
	ended := make(chan error, 1)
	go func() {
		_, err := s.AwaitReady(t.Context())
		ended <- err
	}()
	s.Gone()
	if err := <-ended; !errors.Is(err, ErrGone) {
		t.Errorf("AwaitReady: %v", err)
	}
	s.Reset()
	next := c.async("GET", invocationPath+"next")
	initialised(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := s.Invoke(ctx, invocation("1"))
		done <- err
	}()
	<-next
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Invoke: %v", err)
	}
	if got := c.do("POST", invocationPath+testID+"/response", `1`); got.status != 400 {
		t.Errorf("a response after the timeout: got %d", got.status)
	}
}

func TestInternalExtensions(t *testing.T) {
	s, c := serve(t)
	const register, next = "/2020-01-01/extension/register", "/2020-01-01/extension/event/next"
	got := c.do("POST", register, `{"events":["INVOKE"]}`, headerExtensionName, "x", "Lambda-Extension-Accept-Feature", "accountId")
	if got.status != 200 || got.body != `{"functionName":"f","functionVersion":"$LATEST","handler":"h","accountId":"000000000000"}` {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	id := got.header.Get(headerExtensionID)
	for body, want := range map[string]string{
		`{"events":["SHUTDOWN"]}`: `{"errorMessage":"SHUTDOWN: ShutdownEventNotSupportedForInternalExtension","errorType":"Extension.InvalidEventType"}`,
		`nonsense`:                `{"errorMessage":"invalid character 'o' in literal null (expecting 'u')","errorType":"InvalidRequestFormat"}`,
	} {
		if got := c.do("POST", register, body, headerExtensionName, "y"); got.status != 403 || got.body != want {
			t.Errorf("got %d %s, want %s", got.status, got.body, want)
		}
	}
	runtime := c.async("GET", invocationPath+"next")
	waiting := c.async("GET", next, headerExtensionID, id)
	initialised(t, s) // once both asked
	if got := c.do("POST", register, `{"events":[]}`, headerExtensionName, "late"); !strings.Contains(got.body, "Extension.RegistrationClosed") {
		t.Errorf("got %s", got.body)
	}
	inv := invocation("1")
	inv.InvokedFunctionARN, inv.TraceID = "arn:f", "Root=1"
	done := invoke(t, s, inv)
	want := `{"eventType":"INVOKE","deadlineMs":1700000000123,"requestId":"` + testID + `","invokedFunctionArn":"arn:f","tracing":{"type":"X-Amzn-Trace-Id","value":"Root=1"}}`
	if got := <-waiting; got.body != want || got.header.Get("Lambda-Extension-Event-Identifier") == "" {
		t.Errorf("got %s", got.body)
	}
	<-runtime
	c.do("POST", invocationPath+testID+"/response", "1")
	<-done
	// The next invocation waits for the extension too.
	runtime = c.async("GET", invocationPath+"next")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.Invoke(ctx, invocation("2")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with the extension at work: got %v", err)
	}
	waiting = c.async("GET", next, headerExtensionID, id)
	done = invoke(t, s, invocation("3"))
	if got := <-runtime; got.body != "3" {
		t.Errorf("got %q", got.body)
	}
	<-waiting
	c.do("POST", invocationPath+testID+"/response", "3")
	if r := <-done; r.err != nil {
		t.Error(r.err)
	}
}
