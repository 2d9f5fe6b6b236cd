package runtimeapi

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// peer is the runtime's end of a private channel.
type peer struct {
	tb   testing.TB
	conn runtimeEnd
}

// runtimeEnd reads and writes as a bootstrap does.
type runtimeEnd struct{ Files }

func (e runtimeEnd) Read(b []byte) (int, error)  { return e.Files[0].Read(b) }
func (e runtimeEnd) Write(b []byte) (int, error) { return e.Files[1].Write(b) }

// connect makes a session and the peer that a runtime process would be.
func connect(tb testing.TB) (*Session, *peer) {
	tb.Helper()
	ours, theirs, err := Pair()
	if err != nil {
		tb.Fatal(err)
	}
	s := New(Config{})
	s.Attach(ours)
	tb.Cleanup(func() {
		_ = s.Close()
		_ = theirs.Close()
	})
	return s, &peer{tb, runtimeEnd{theirs}}
}

func makeFrame(kind byte, parts ...string) string {
	body := string(kind) + strings.Join(parts, "")
	return string(binary.BigEndian.AppendUint32(nil, uint32(len(body)))) + body
}

func (p *peer) send(frames ...string) {
	p.tb.Helper()
	if _, err := io.WriteString(p.conn, strings.Join(frames, "")); err != nil {
		p.tb.Error(err)
	}
}

// receive reads one event's metadata fields and payload.
func (p *peer) receive() (fields []string, payload string) {
	p.tb.Helper()
	head := make([]byte, 9)
	if _, err := io.ReadFull(p.conn, head); err != nil {
		p.tb.Error(err)
		return make([]string, 6), ""
	}
	rest := make([]byte, binary.BigEndian.Uint32(head)-5)
	if _, err := io.ReadFull(p.conn, rest); err != nil {
		p.tb.Error(err)
	}
	m := binary.BigEndian.Uint32(head[5:])
	return strings.Split(string(rest[:m]), "\n"), string(rest[m:])
}

const testID = "11111111-2222-4333-8444-555555555555"

func invocation(payload string) *lambda.Invocation {
	return &lambda.Invocation{RequestID: testID, Deadline: time.UnixMilli(1700000000123), Payload: []byte(payload)}
}

// answering invokes once while the peer answers with frames.
func answering(t *testing.T, s *Session, p *peer, frames ...string) (Outcome, error) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.receive()
		p.send(frames...)
	}()
	out, err := s.Invoke(t.Context(), invocation("{}"))
	<-done
	return out, err
}

func TestPrivateChannelHandsOverEverything(t *testing.T) {
	s, p := connect(t)
	p.send(makeFrame('N'))
	if failure, err := s.AwaitReady(t.Context()); failure != nil || err != nil {
		t.Fatalf("got %v, %v", failure, err)
	}
	for _, payload := range []string{"{}", strings.Repeat("x", copyMax+1), lambdaMax()} {
		inv := invocation(payload)
		inv.InvokedFunctionARN, inv.TraceID, inv.ClientContext = "arn:f:prod", "Root=1", "{\"a\":\r\n1}"
		inv.TenantID = "blue"
		got := make(chan string, 2)
		go func() {
			fields, body := p.receive()
			got <- strings.Join(fields, "|")
			got <- body
			p.send(makeFrame('R', testID, body), makeFrame('N'))
		}()
		out, err := s.Invoke(t.Context(), inv)
		if err != nil {
			t.Fatal(err)
		}
		if fields, want := <-got, testID+"|1700000000123|arn:f:prod|Root=1|{\"a\":  1}||blue"; fields != want {
			t.Errorf("metadata %q, want %q", fields, want)
		}
		if <-got != payload || string(out.Payload) != payload {
			t.Errorf("%d bytes arrived otherwise", len(payload))
		}
	}
}

func lambdaMax() string { return strings.Repeat("y", lambda.PayloadMax) }

func TestPrivateChannelOutcomes(t *testing.T) {
	const other = "99999999-2222-4333-8444-555555555555"
	big := strings.Repeat("z", lambda.ResponseMax)
	tooLargeBody := `{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}`
	for _, c := range []struct {
		name   string
		frames []string
		want   Outcome
	}{
		{"a result", []string{makeFrame('R', testID, `1`)}, Outcome{Payload: []byte(`1`)}},
		{"an empty result", []string{makeFrame('R', testID)}, Outcome{Payload: []byte{}}},
		{"an error of the runtime's", []string{makeFrame('E', testID, "\x0bRuntime.Xyz", `{}`)}, Outcome{[]byte(`{}`), "Unhandled", "Runtime.Xyz"}},
		{"an error of another name", []string{makeFrame('E', testID, "\x09TypeError", `{}`)}, Outcome{[]byte(`{}`), "Unhandled", "Runtime.Unknown"}},
		{"an answer to another id is skipped", []string{makeFrame('R', other, `0`), makeFrame('R', testID, `1`)}, Outcome{Payload: []byte(`1`)}},
		{"a result at the limit", []string{makeFrame('R', testID, big)}, Outcome{Payload: []byte(big)}},
		{"a result over the limit", []string{makeFrame('R', testID, big, "z")}, Outcome{[]byte(tooLargeBody), "Unhandled", "Function.ResponseSizeTooLarge"}},
		{"an error over the limit", []string{makeFrame('E', testID, "\x01E", big, "z")}, Outcome{[]byte(tooLargeBody), "Unhandled", "Function.ResponseSizeTooLarge"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, p := connect(t)
			p.send(makeFrame('N'))
			if _, err := s.AwaitReady(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, next := range []string{makeFrame('N'), ""} { // "next" may come with the answer or later
				out, err := answering(t, s, p, strings.Join(c.frames, ""), next)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(out.Payload, c.want.Payload) || out.FunctionError != c.want.FunctionError || out.ErrorType != c.want.ErrorType {
					t.Errorf("got %.120q %q %q", out.Payload, out.FunctionError, out.ErrorType)
				}
			}
			p.send(makeFrame('N'))
			if out, err := answering(t, s, p, makeFrame('R', testID, `"after"`)); err != nil || string(out.Payload) != `"after"` {
				t.Errorf("the next invocation got %q, %v", out.Payload, err)
			}
		})
	}
}

func TestPrivateChannelInitFailureSurvivesTheProcess(t *testing.T) {
	s, p := connect(t)
	p.send(makeFrame('F', "\x19Runtime.ImportModuleError", `{"x":1}`))
	_ = p.conn.Close()
	s.Gone()
	failure, err := s.AwaitReady(t.Context())
	if err != nil || failure == nil || failure.Type != "Runtime.ImportModuleError" || string(failure.Payload) != `{"x":1}` {
		t.Errorf("got %+v, %v", failure, err)
	}
}

func TestPrivateChannelEndsWithThePeer(t *testing.T) {
	t.Run("before it was ready", func(t *testing.T) {
		s, p := connect(t)
		_ = p.conn.Close()
		if _, err := s.AwaitReady(t.Context()); !errors.Is(err, ErrGone) {
			t.Errorf("got %v", err)
		}
	})
	for _, c := range []struct {
		name      string
		act       func(s *Session, p *peer)
		delivered bool
	}{
		{"while it waited", func(_ *Session, p *peer) { _ = p.conn.Close() }, false},
		{"and its owner said so", func(s *Session, _ *peer) { s.Gone() }, false},
		{"while it worked", func(_ *Session, p *peer) {
			go func() { p.receive(); _ = p.conn.Close() }()
		}, true},
		{"and a child holds the channel open", func(s *Session, p *peer) {
			go func() { p.receive(); s.Gone() }()
		}, true},
		{"by breaking the format", func(_ *Session, p *peer) {
			go func() { p.receive(); p.send(makeFrame('?')) }()
		}, true},
		{"by a length that does not fit", func(_ *Session, p *peer) {
			go func() { p.receive(); p.send(makeFrame('E', testID, "\xff", "short")) }()
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, p := connect(t)
			p.send(makeFrame('N'))
			if _, err := s.AwaitReady(t.Context()); err != nil {
				t.Fatal(err)
			}
			c.act(s, p)
			_, err := s.Invoke(t.Context(), invocation("{}"))
			if !errors.Is(err, ErrGone) || errors.Is(err, ErrNotDelivered) == c.delivered {
				t.Errorf("got %v, delivered should be %v", err, c.delivered)
			}
			if _, err := s.Invoke(t.Context(), invocation("{}")); !errors.Is(err, ErrNotDelivered) {
				t.Errorf("the next invocation got %v", err)
			}
		})
	}
}

func TestInvokeEndsWithItsContext(t *testing.T) {
	for name, limit := range map[string]func(context.Context) (context.Context, context.CancelFunc){
		"at a deadline": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 20*time.Millisecond)
		},
		"when cancelled": func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(20*time.Millisecond, cancel)
			return ctx, cancel
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, p := connect(t)
			p.send(makeFrame('N'))
			if _, err := s.AwaitReady(t.Context()); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := limit(t.Context())
			defer cancel()
			_, err := s.Invoke(ctx, invocation("{}"))
			<-ctx.Done()
			if !errors.Is(err, ctx.Err()) || errors.Is(err, ErrGone) {
				t.Errorf("got %v, want %v", err, ctx.Err())
			}
			// After a reset the environment serves again.
			s.Reset()
			ours, theirs, err := Pair()
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = theirs.Close() }()
			s.Attach(ours)
			again := &peer{t, runtimeEnd{theirs}}
			again.send(makeFrame('N'))
			if _, err := s.AwaitReady(t.Context()); err != nil {
				t.Fatal(err)
			}
			if out, err := answering(t, s, again, makeFrame('R', testID, `2`)); err != nil || string(out.Payload) != `2` {
				t.Errorf("after the reset got %q, %v", out.Payload, err)
			}
		})
	}
}

func TestOneInvocationAtATime(t *testing.T) {
	s, p := connect(t)
	p.send(makeFrame('N'))
	if _, err := s.AwaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	first := make(chan error)
	go func() {
		_, err := s.Invoke(t.Context(), invocation("{}"))
		first <- err
	}()
	p.receive()
	if _, err := s.Invoke(t.Context(), invocation("{}")); !errors.Is(err, ErrBusy) {
		t.Errorf("got %v", err)
	}
	p.send(makeFrame('R', testID, `1`))
	if err := <-first; err != nil {
		t.Error(err)
	}
}

func TestLoggedType(t *testing.T) {
	for posted, want := range map[string]string{
		"Runtime.ExitError": "Runtime.ExitError",
		"Function.MyError":  "Function.MyError",
		"Function.my":       "Function.Unknown",
		"Function.X1":       "Function.Unknown",
		"Runtime.":          "Runtime.Unknown",
		"Runtime.X":         "Runtime.Unknown",
		"Error":             "Runtime.Unknown",
		"":                  "Runtime.Unknown",
	} {
		if got := loggedType(posted); got != want {
			t.Errorf("%q: got %q, want %q", posted, got, want)
		}
	}
}

func FuzzPrivateChannel(f *testing.F) {
	f.Add([]byte(makeFrame('R', testID, `1`) + makeFrame('N')))
	f.Add([]byte(makeFrame('E', testID, "\x01E", `1`)))
	f.Add([]byte(makeFrame('F', "\x01E", `1`)))
	f.Add([]byte(makeFrame('B', testID, "text/plain") + makeFrame('C', testID, "1") + makeFrame('D', testID)))
	f.Add([]byte(makeFrame('B', testID) + makeFrame('D', testID, "\x01E", `1`)))
	f.Add([]byte("\xff\xff\xff\xffR" + testID))
	f.Fuzz(func(t *testing.T, data []byte) {
		c := &channel{in: reader{src: bytes.NewReader(data)}, state: running}
		out, err := c.answer(t.Context(), invocation(""))
		if err == nil && len(out.Payload) > lambda.ResponseMax {
			t.Errorf("%d bytes passed the limit", len(out.Payload))
		}
		if err != nil && !errors.Is(err, errFrame) && !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("unexpected error %v", err)
		}
	})
}

// BenchmarkInvoke is one round trip over the private channel with a peer in plain
// blocking system calls, as the bootstraps are.
func BenchmarkInvoke(b *testing.B) {
	for _, size := range []struct {
		name  string
		bytes int
	}{{"64B", 64}, {"64KiB", 64 << 10}, {"1MiB", 1 << 20}} {
		b.Run(size.name, func(b *testing.B) {
			ours, theirs, err := Pair()
			if err != nil {
				b.Fatal(err)
			}
			s := New(Config{})
			s.Attach(ours)
			payload := strings.Repeat("x", size.bytes)
			answer := []byte(makeFrame('R', testID, payload) + makeFrame('N'))
			done := make(chan struct{})
			go func() {
				defer close(done)
				echo(runtimeEnd{theirs}, answer)
			}()
			if _, err := s.AwaitReady(b.Context()); err != nil {
				b.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
			defer cancel()
			inv := invocation(payload)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Invoke(ctx, inv); err != nil {
					b.Fatal(err)
				}
			}
			_ = s.Close()
			<-done
		})
	}
}

// echo answers every event with the same bytes until the channel closes.
func echo(f io.ReadWriteCloser, answer []byte) {
	defer func() { _ = f.Close() }()
	if _, err := io.WriteString(f, makeFrame('N')); err != nil {
		return
	}
	buf := make([]byte, 2<<20)
	for {
		n, err := io.ReadAtLeast(f, buf, 4)
		if err != nil {
			return
		}
		if want := 4 + int(binary.BigEndian.Uint32(buf)); n < want {
			if _, err := io.ReadFull(f, buf[n:want]); err != nil {
				return
			}
		}
		if _, err := f.Write(answer); err != nil {
			return
		}
	}
}
