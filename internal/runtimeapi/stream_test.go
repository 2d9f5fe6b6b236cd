package runtimeapi

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// caller takes a streamed answer.
type caller struct {
	mu     sync.Mutex
	head   string
	begins int
	body   bytes.Buffer
	// onWrite, when set, is asked first, with what has arrived before.
	onWrite func(ctx context.Context, before string) error
}

func (c *caller) Begin(_ context.Context, head lambda.StreamHead) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.head, c.begins = head.ContentType, c.begins+1
	return nil
}

func (c *caller) Write(ctx context.Context, p []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.onWrite != nil {
		if err := c.onWrite(ctx, c.body.String()); err != nil {
			return err
		}
	}
	c.body.Write(p)
	return nil
}

func (c *caller) invocation() *lambda.Invocation {
	inv := invocation("{}")
	inv.Sink = c
	return inv
}

const otherID = "99999999-2222-4333-8444-555555555555"

func TestStreamedAnswersOnThePrivateChannel(t *testing.T) {
	big := strings.Repeat("0123456789", 30_000)
	begin, done := makeFrame('B', testID, "text/plain"), makeFrame('D', testID)
	chunk := func(s string) string { return makeFrame('C', testID, s) }
	for _, c := range []struct {
		name      string
		frames    string
		body      string
		errorBody string // the error that ended it, with the type Runtime.Late
	}{
		{"in one chunk", begin + chunk("a") + done, "a", ""},
		{"in several", begin + chunk("a") + chunk("") + chunk(big) + chunk("c") + done, "a" + big + "c", ""},
		{"empty", begin + done, "", ""},
		{"after the answer to another event", makeFrame('B', otherID) + makeFrame('C', otherID, "x") + makeFrame('D', otherID) + begin + chunk("a") + done, "a", ""},
		{"with an error behind", begin + chunk("half") + makeFrame('D', testID, "\x0cRuntime.Late", `{"x":1}`), "half", `{"x":1}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, p := connect(t)
			p.send(makeFrame('N'))
			if _, err := s.AwaitReady(t.Context()); err != nil {
				t.Fatal(err)
			}
			ask := func(inv *lambda.Invocation) Outcome {
				answered := make(chan struct{})
				go func() {
					defer close(answered)
					p.receive()
					p.send(c.frames, makeFrame('N'))
				}()
				out, err := s.Invoke(t.Context(), inv)
				<-answered
				if err != nil {
					t.Fatal(err)
				}
				if (out.ErrorType == "Runtime.Late") != (c.errorBody != "") || (out.FunctionError == lambda.Unhandled) != (c.errorBody != "") {
					t.Errorf("got %q %q", out.FunctionError, out.ErrorType)
				}
				return out
			}
			l := &caller{}
			if out := ask(l.invocation()); string(out.Payload) != c.errorBody {
				t.Errorf("got the payload %.100q", out.Payload)
			}
			if l.body.String() != c.body || l.begins != 1 && c.errorBody == "" || l.head != "text/plain" {
				t.Errorf("the caller got %q, %d bytes, told to begin %d times", l.head, l.body.Len(), l.begins)
			}
			want := c.body
			if c.errorBody != "" {
				want = c.errorBody
			}
			if out := ask(invocation("{}")); string(out.Payload) != want {
				t.Errorf("collected: got %.100q", out.Payload)
			}
		})
	}
}

func TestStreamsThatBreakTheFormat(t *testing.T) {
	begin := makeFrame('B', testID, "x/y")
	for name, frames := range map[string]string{
		"a chunk before the beginning":      makeFrame('C', testID, "a"),
		"an end before the beginning":       makeFrame('D', testID),
		"next before the end":               begin + makeFrame('N'),
		"a whole answer inside":             begin + makeFrame('R', testID, "a"),
		"a second beginning":                begin + begin,
		"a chunk of another stream":         begin + makeFrame('C', otherID, "a"),
		"a content type over its bound":     makeFrame('B', testID, strings.Repeat("x", contentTypeMax+1)),
		"an error type longer than the end": begin + makeFrame('D', testID, "\xff", "short"),
	} {
		t.Run(name, func(t *testing.T) {
			s, p := connect(t)
			p.send(makeFrame('N'))
			if _, err := s.AwaitReady(t.Context()); err != nil {
				t.Fatal(err)
			}
			go func() { p.receive(); p.send(frames) }()
			if _, err := s.Invoke(t.Context(), (&caller{}).invocation()); !errors.Is(err, ErrGone) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAStreamEndsWithItsInvocation(t *testing.T) {
	begin := makeFrame('B', testID) + makeFrame('C', testID, "half")
	for _, c := range []struct {
		name    string
		onWrite func(ctx context.Context, before string) error
		want    error
	}{
		{"while the runtime is silent", nil, context.DeadlineExceeded},
		{"while the caller is slow", func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }, context.DeadlineExceeded},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, p := connect(t)
			p.send(makeFrame('N'))
			if _, err := s.AwaitReady(t.Context()); err != nil {
				t.Fatal(err)
			}
			go func() { p.receive(); p.send(begin) }()
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			l := &caller{onWrite: c.onWrite}
			if _, err := s.Invoke(ctx, l.invocation()); !errors.Is(err, c.want) || errors.Is(err, ErrGone) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	t.Run("with the process, after what it wrote", func(t *testing.T) {
		s, p := connect(t)
		p.send(makeFrame('N'))
		if _, err := s.AwaitReady(t.Context()); err != nil {
			t.Fatal(err)
		}
		rest := makeFrame('C', testID, "more")
		l := &caller{onWrite: func(_ context.Context, before string) error {
			if before == "" { // the process ends while its caller is slow
				s.Gone()
				<-time.After(2 * goneGrace)
			}
			return nil
		}}
		go func() { p.receive(); p.send(begin + rest); _ = p.conn.Close() }()
		if _, err := s.Invoke(t.Context(), l.invocation()); !errors.Is(err, ErrGone) || l.body.String() != "halfmore" {
			t.Errorf("got %q, %v", l.body.String(), err)
		}
	})
}

func TestAStreamGoesOnWithoutItsCaller(t *testing.T) {
	s, p := connect(t)
	p.send(makeFrame('N'))
	if _, err := s.AwaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	writes := 0
	l := &caller{onWrite: func(context.Context, string) error { writes++; return io.ErrClosedPipe }}
	chunk := makeFrame('C', testID, strings.Repeat("x", 100_000))
	go func() {
		p.receive()
		p.send(makeFrame('B', testID), chunk, chunk, makeFrame('D', testID), makeFrame('N'))
	}()
	if out, err := s.Invoke(t.Context(), l.invocation()); err != nil || out.FunctionError != "" || writes != 1 {
		t.Errorf("got %+v, %v, %d writes", out, err, writes)
	}
	if out, err := answering(t, s, p, makeFrame('R', testID, `1`)); err != nil || string(out.Payload) != `1` {
		t.Errorf("the next invocation got %s, %v", out.Payload, err)
	}
}

func TestStreamsAreLimited(t *testing.T) {
	const over = `{"errorMessage":"Response payload size exceeded maximum allowed payload size (%s bytes).","errorType":"Function.ResponseSizeTooLarge"}`
	piece := makeFrame('C', testID, strings.Repeat("x", 1<<20))
	for _, c := range []struct {
		name   string
		sink   bool
		pieces int
		more   string
		want   string
	}{
		{"collected, over 6 MiB and some", false, 6, strings.Repeat("x", 101), strings.Replace(over, "%s", "6291556", 1)},
		{"passed on, at 200 MiB", true, 200, "", ""},
		{"passed on, over 200 MiB", true, 200, "x", strings.Replace(over, "%s", "209715200", 1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, p := connect(t)
			p.send(makeFrame('N'))
			if _, err := s.AwaitReady(t.Context()); err != nil {
				t.Fatal(err)
			}
			go func() {
				p.receive()
				p.send(makeFrame('B', testID))
				for range c.pieces {
					p.send(piece)
				}
				p.send(makeFrame('C', testID, c.more), makeFrame('D', testID), makeFrame('N'))
			}()
			inv := invocation("{}")
			var passed counting
			if c.sink {
				inv.Sink = &passed
			}
			out, err := s.Invoke(t.Context(), inv)
			if err != nil || string(out.Payload) != c.want {
				t.Errorf("got %.200s, %v", out.Payload, err)
			}
			if want := counting(c.pieces << 20); c.sink && passed != want {
				t.Errorf("%d bytes were passed on, want %d", passed, want)
			}
		})
	}
}

// counting is a sink that only counts.
type counting int64

func (*counting) Begin(context.Context, lambda.StreamHead) error { return nil }

func (n *counting) Write(_ context.Context, p []byte) error {
	*n += counting(len(p))
	return nil
}

func TestStreamedResponsesOfTheRuntimeAPI(t *testing.T) {
	const head = "POST " + invocationPath + testID + "/response HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\n"
	const streamed = head + "Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n"
	const trailers = "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n"
	const late = "Lambda-Runtime-Function-Error-Type: Runtime.Late\r\nLambda-Runtime-Function-Error-Body: eyJ4IjoxfQ==\r\n\r\n"
	for _, c := range []struct{ name, request, status, begun, body, payload, errorType string }{
		{"to its end", streamed + "\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", "HTTP/1.1 202 Accepted", "text/plain", "abc", "", ""},
		{"empty", streamed + "\r\n0\r\n\r\n", "HTTP/1.1 202 Accepted", "text/plain", "", "", ""},
		{"with an error behind", streamed + trailers + "\r\n2\r\nab\r\n0\r\n" + late, "HTTP/1.1 202 Accepted", "text/plain", "ab", `{"x":1}`, "Runtime.Late"},
		{"with nothing but an error", streamed + trailers + "\r\n0\r\n" + late, "HTTP/1.1 202 Accepted", "", "", `{"x":1}`, "Runtime.Late"},
		{
			"that breaks off", streamed + "\r\n2\r\nab\r\n", "HTTP/1.1 400 Bad Request", "text/plain", "ab",
			`{"errorType":"Runtime.TruncatedResponse","errorMessage":"RequestId: ` + testID + ` Error: HTTP request detected as truncated"}`, "Runtime.TruncatedResponse",
		},
		{"that is none", head + "Content-Length: 2\r\n\r\n12", "HTTP/1.1 202 Accepted", "", "", "12", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, cl := serve(t)
			next := cl.async("GET", invocationPath+"next")
			initialised(t, s)
			l := &caller{}
			done := invoke(t, s, l.invocation())
			<-next
			if got := cl.exchange(c.request); got != c.status {
				t.Errorf("got %q, want %q", got, c.status)
			}
			if r := <-done; r.err != nil || string(r.out.Payload) != c.payload || r.out.ErrorType != c.errorType {
				t.Errorf("got %s %q %v", r.out.Payload, r.out.ErrorType, r.err)
			}
			if l.head != c.begun || l.body.String() != c.body {
				t.Errorf("the caller got %q %q", l.head, l.body.String())
			}
		})
	}
}

func TestAStreamOverHTTPLeavesTheSinkWhenItsInvocationEnds(t *testing.T) {
	s, c := serve(t)
	next := c.async("GET", invocationPath+"next")
	initialised(t, s)
	writing := make(chan struct{})
	over := false // when Invoke has returned, no Write may run
	l := &caller{onWrite: func(ctx context.Context, _ string) error {
		close(writing)
		<-ctx.Done()
		if over {
			t.Error("a write outlived the invocation")
		}
		return ctx.Err()
	}}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := s.Invoke(ctx, l.invocation())
		over = true
		ended <- err
	}()
	<-next
	posted := make(chan reply, 1)
	go func() {
		posted <- c.do("POST", invocationPath+testID+"/response", "bytes", headerResponseMode, "streaming")
	}()
	<-writing
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if got := <-posted; got.status != 400 {
		t.Errorf("the runtime got %d %s", got.status, got.body)
	}
}

func TestAWSLambdaGoStreams(t *testing.T) {
	path := buildClient(t)
	s, c := serve(t)
	run(t, s, c, path)
	initialised(t, s)
	ask := func(l *caller, event string) Outcome {
		t.Helper()
		inv := l.invocation()
		inv.Deadline, inv.Payload = time.Now().Add(time.Minute), []byte(event)
		out, err := s.Invoke(t.Context(), inv)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	file := filepath.Join(t.TempDir(), "seen")
	l := &caller{onWrite: func(_ context.Context, before string) error {
		if before == "" { // the first part is here while the function holds the second back
			return os.WriteFile(file, nil, 0o600)
		}
		return nil
	}}
	if out := ask(l, `{"do":"stream","file":"`+file+`"}`); out.FunctionError != "" || l.body.String() != "first second" || l.head != lambda.ContentTypeBytes {
		t.Errorf("got %q %q %s", l.head, l.body.String(), out.Payload)
	}
	l = &caller{}
	out := ask(l, `{"do":"break"}`)
	if want := `{"errorMessage":"asked to break","errorType":"errorString"}`; string(out.Payload) != want || out.FunctionError != lambda.Unhandled || l.body.String() != "half" {
		t.Errorf("got %s after %q, want %s", out.Payload, l.body.String(), want)
	}
	l = &caller{}
	if out = ask(l, `{"do":"http"}`); out.FunctionError != "" || l.head != lambda.ContentTypeHTTP ||
		!strings.HasPrefix(l.body.String(), `{"statusCode":201`) || !strings.HasSuffix(l.body.String(), "}\x00\x00\x00\x00\x00\x00\x00\x00body") {
		t.Errorf("got %q %q %s", l.head, l.body.String(), out.Payload)
	}
	if out = ask(&caller{}, `{"do":"fail"}`); out.FunctionError != lambda.Unhandled {
		t.Errorf("got %s", out.Payload)
	}
}

// BenchmarkStream is one streamed answer over the private channel.
func BenchmarkStream(b *testing.B) {
	for _, size := range []struct {
		name          string
		chunks, bytes int
	}{{"1x64B", 1, 64}, {"100x64B", 100, 64}, {"16x64KiB", 16, 64 << 10}} {
		b.Run(size.name, func(b *testing.B) {
			ours, theirs, err := Pair()
			if err != nil {
				b.Fatal(err)
			}
			s := New(Config{})
			s.Attach(ours)
			answer := makeFrame('B', testID, lambda.ContentTypeBytes) +
				strings.Repeat(makeFrame('C', testID, strings.Repeat("x", size.bytes)), size.chunks) +
				makeFrame('D', testID) + makeFrame('N')
			done := make(chan struct{})
			go func() {
				defer close(done)
				echo(runtimeEnd{theirs}, []byte(answer))
			}()
			if _, err := s.AwaitReady(b.Context()); err != nil {
				b.Fatal(err)
			}
			inv := invocation("{}")
			var n counting
			inv.Sink = &n
			b.ReportAllocs()
			b.SetBytes(int64(size.chunks * size.bytes))
			for b.Loop() {
				if _, err := s.Invoke(b.Context(), inv); err != nil {
					b.Fatal(err)
				}
			}
			_ = s.Close()
			<-done
		})
	}
}
