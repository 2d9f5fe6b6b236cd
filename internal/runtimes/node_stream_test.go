package runtimes_test

import (
	"bytes"
	"context"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/runtimeapi"
)

// listener is a caller of a streaming function. It takes bytes once it is let.
type listener struct {
	let chan struct{} // closed: take everything

	mu          sync.Mutex
	contentType string
	body        bytes.Buffer
	writes      chan struct{} // one for each write that was taken, as far as it has room
}

func newListener() *listener {
	l := &listener{let: make(chan struct{}), writes: make(chan struct{}, 1024)}
	close(l.let)
	return l
}

func (l *listener) Begin(_ context.Context, head lambda.StreamHead) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.contentType = head.ContentType
	return nil
}

func (l *listener) Write(ctx context.Context, p []byte) error {
	select {
	case <-l.let:
	case <-ctx.Done():
		return ctx.Err()
	}
	l.mu.Lock()
	l.body.Write(p)
	l.mu.Unlock()
	select {
	case l.writes <- struct{}{}:
	default:
	}
	return nil
}

func (l *listener) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.body.String()
}

// listen invokes a program with l as its caller.
func (r *running) listen(l *listener, payload string) runtimeapi.Outcome {
	r.t.Helper()
	if failure := r.ready(); failure != nil {
		r.t.Fatalf("the runtime did not initialise: %s\n%s", failure.Payload, r.out)
	}
	out, _, err := r.invoke(&lambda.Invocation{Payload: []byte(payload), Sink: l})
	if err != nil {
		r.t.Fatalf("invoke: %v\n%s", err, r.out)
	}
	return out
}

func TestNodeStreams(t *testing.T) {
	for _, c := range []struct {
		name, source, contentType, want string
		err                             string // the beginning of the error that ends the stream
	}{
		{
			"what a handler writes",
			`exports.handler = awslambda.streamifyResponse(async (e, s) => { s.setContentType("text/plain"); s.write("a"); s.write({ b: 1 }); s.end(new Uint8Array([99])); });`,
			"text/plain", `a{"b":1}c`, "",
		},
		{
			"nothing", `exports.handler = awslambda.streamifyResponse(async (e, s) => { s.end(); });`,
			"application/octet-stream", "", "",
		},
		{
			"a prelude, raw",
			`exports.handler = awslambda.streamifyResponse(async (e, s) => { s = awslambda.HttpResponseStream.from(s, { statusCode: 201 }); s.write("x"); s.end(); });`,
			"application/vnd.awslambda.http-integration-response", "{\"statusCode\":201}\x00\x00\x00\x00\x00\x00\x00\x00x", "",
		},
		{
			"a pipeline",
			`const { pipeline } = require('stream/promises'); const { Readable } = require('stream'); exports.handler = awslambda.streamifyResponse(async (e, s) => { await pipeline(Readable.from(["a", "b"]), s); });`,
			"application/octet-stream", "ab", "",
		},
		{
			"many chunks that wait together",
			`exports.handler = awslambda.streamifyResponse(async (e, s) => { s.cork(); for (let i = 0; i < 5000; i++) s.write("0123456789"); s.uncork(); s.end(); });`,
			"application/octet-stream", strings.Repeat("0123456789", 5000), "",
		},
		{
			"a write with its callback after it was sent",
			`exports.handler = awslambda.streamifyResponse(async (e, s) => { await new Promise((r) => s.write("a", r)); s.end("b"); });`,
			"application/octet-stream", "ab", "",
		},
		{
			"an error before the first byte", `exports.handler = awslambda.streamifyResponse(async () => { throw new TypeError("early"); });`,
			"", "", `{"errorType":"TypeError","errorMessage":"early","trace":[`,
		},
		{
			"an error in the middle, behind what was written",
			`exports.handler = awslambda.streamifyResponse(async (e, s) => { for (let i = 0; i < 9; i++) s.write("half"); throw new TypeError("late"); });`,
			"application/octet-stream", strings.Repeat("half", 9), `{"errorType":"TypeError","errorMessage":"late","trace":[`,
		},
		{
			"a pipeline that breaks",
			`const { pipeline } = require('stream/promises'); exports.handler = awslambda.streamifyResponse(async (e, s) => { await pipeline(async function* () { yield "a"; await new Promise(setImmediate); throw new Error("broke"); }, s); });`,
			"application/octet-stream", "a", `{"errorType":"Error","errorMessage":"broke","trace":[`,
		},
		{
			"a stream that is not ended", `exports.handler = awslambda.streamifyResponse(async (e, s) => { s.write("a"); });`,
			"application/octet-stream", "a", `{"errorType":"string","errorMessage":"Response stream is not finished.","trace":[]}`,
		},
		{
			"a content type that comes too late", `exports.handler = awslambda.streamifyResponse(async (e, s) => { s.write("a"); s.setContentType("x"); });`,
			"application/octet-stream", "a", `{"errorType":"Runtime.InvalidStreamingOperation","errorMessage":"Cannot set content-type, too late.","trace":[`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := start(t, nodeProgram(c.source))
			for range 2 { // the environment is in working order after it
				l := newListener()
				out := r.listen(l, `{}`)
				if l.contentType != c.contentType || l.text() != c.want {
					t.Errorf("got %q %.100q, want %q %.100q", l.contentType, l.text(), c.contentType, c.want)
				}
				if !strings.HasPrefix(string(out.Payload), c.err) || (c.err == "") != (out.FunctionError == "") || c.err == "" && out.Payload != nil {
					t.Errorf("got %q %s, want %s", out.FunctionError, out.Payload, c.err)
				}
			}
		})
	}
}

func TestNodeStreamsWhileTheHandlerRuns(t *testing.T) {
	r := start(t, nodeProgram(`
		const fs = require('fs');
		exports.handler = awslambda.streamifyResponse(async (e, s) => {
		  s.write("first");
		  while (!fs.existsSync(e.file)) await new Promise((r) => setTimeout(r, 1));
		  s.end("second");
		});`))
	file := r.code + "/go-on"
	l := newListener()
	go func() {
		<-l.writes // the first bytes are here, and only now may the handler go on
		if got := l.text(); got != "first" {
			t.Errorf("got %q", got)
		}
		touch(t, file)
	}()
	if out := r.listen(l, `{"file":"`+file+`"}`); out.FunctionError != "" || l.text() != "firstsecond" {
		t.Errorf("got %q %s", l.text(), out.Payload)
	}
}

func TestNodeStreamsNoFasterThanTheCallerReads(t *testing.T) {
	// The handler writes until it is told to wait, and goes on with other work: the
	// listener takes the first byte only after the handler has reported that it waits.
	r := start(t, nodeProgram(`
		const fs = require('fs');
		exports.handler = awslambda.streamifyResponse(async (e, s) => {
		  const piece = Buffer.alloc(1 << 16, 'x');
		  let ahead = 0;
		  for (let i = 0; i < 320; i++) {
		    if (s.write(piece)) continue;
		    const drained = new Promise((r) => s.once('drain', r));
		    const stalled = new Promise((r) => setTimeout(r, 100, 'stalled'));
		    if (await Promise.race([drained, stalled]) === 'stalled' && ahead === 0) {
		      ahead = (i + 1) * piece.length;
		      fs.writeFileSync(e.file, String(ahead));
		    }
		    await drained;
		  }
		  s.end();
		}, { highWaterMark: 1 << 17 });`))
	file := r.code + "/stalled"
	l := newListener()
	l.let = make(chan struct{})
	go func() {
		defer close(l.let)
		ahead := await(t, file)
		if len(ahead) > 7 { // ten million bytes
			t.Errorf("the handler was %s bytes ahead of a caller who read nothing", ahead)
		}
	}()
	if out := r.listen(l, `{"file":"`+file+`"}`); out.FunctionError != "" || l.body.Len() != 320<<16 {
		t.Errorf("got %d bytes, %s", l.body.Len(), out.Payload)
	}
}

func TestAnUncaughtErrorEndsAStreamWithIt(t *testing.T) {
	r := start(t, nodeProgram(`exports.handler = awslambda.streamifyResponse(async (e, s) => {
	  await new Promise((r) => s.write("half", r));
	  setTimeout(() => { s.write("more"); throw new RangeError("nobody catches this"); }, 1);
	  await new Promise((r) => setTimeout(r, 60000));
	});`))
	l := newListener()
	out := r.listen(l, `{}`)
	if !strings.HasPrefix(string(out.Payload), `{"errorType":"RangeError","errorMessage":"nobody catches this"`) || l.text() != "halfmore" {
		t.Errorf("got %q, %s", l.text(), out.Payload)
	}
	if got := r.exit(); got != 129 {
		t.Errorf("exit status %d, want 129", got)
	}
}

func TestAHandlerThatDoesNotStreamLeavesTheSinkAlone(t *testing.T) {
	l := newListener()
	out := start(t, nodeProgram(`exports.handler = async (e) => e;`)).listen(l, `{"a":1}`)
	if string(out.Payload) != `{"a":1}` || l.contentType != "" || l.text() != "" {
		t.Errorf("got %s, %q", out.Payload, l.text())
	}
}

// touch makes an empty file.
func touch(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Error(err)
	}
}

// await waits for a file that has something in it.
func await(t *testing.T, path string) string {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(patience); ; {
		if b, err := os.ReadFile(path); err == nil && len(b) > 0 {
			return string(b)
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Error("nothing appeared in " + path)
			return ""
		}
	}
}
