package relay_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/relay"
	"github.com/hearthfaas/hearth/internal/rpc"
)

// slow makes functions tell when they have begun and wait until they are let go; ended
// has how.
func (h *house) slow() (begun chan *lambda.Invocation, ended chan error) {
	begun, ended = make(chan *lambda.Invocation, 16), make(chan error, 16)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.run = func(ctx context.Context, inv *lambda.Invocation) (lambda.Result, error) {
		begun <- inv
		select {
		case <-h.release:
			ended <- nil
			return function(inv)
		case <-ctx.Done():
			ended <- context.Cause(ctx)
			return lambda.Result{}, ctx.Err()
		}
	}
	return begun, ended
}

// wait returns what comes, and fails the test when nothing does.
func wait[T any](t *testing.T, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(10 * time.Second):
		t.Fatalf("no sign of %s", what)
		panic("unreachable")
	}
}

// until polls for what other goroutines do.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("it did not come to be that %s", what)
		}
		<-time.After(2 * time.Millisecond)
	}
}

func (h *house) returned() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ended
}

func health(t *testing.T, addr string) int {
	t.Helper()
	return call{method: http.MethodGet, path: relay.HealthPath, unsigned: true, host: "site.x"}.send(t, addr).Status
}

// later sends a request from another goroutine.
func (c call) later(t *testing.T, addr string) chan result {
	t.Helper()
	got := make(chan result, 1)
	go func() { got <- c.send(t, addr) }()
	return got
}

// Goal: a control process that ends, and comes back at the same address, costs the
// requests that were under way and none that come after. Method: end its port under a
// running invoke, look at both kinds, open the port again.
func TestAControlProcessThatGoesAndComesBack(t *testing.T) {
	h := open(t)
	begun, _ := h.slow()
	event := call{path: invocations("f"), payload: []byte(`{}`)}
	running := event.later(t, h.via)
	wait(t, begun, "the running invoke")
	if got := health(t, h.via); got != http.StatusOK {
		t.Fatalf("health %d before", got)
	}
	h.stopControl()
	got := wait(t, running, "its answer")
	if got.Status != http.StatusInternalServerError || got.Header.Get("X-Amzn-Errortype") != "ServiceException" {
		t.Errorf("the running invoke: %+v", got)
	}
	until(t, "the frontend is unwell", func() bool { return health(t, h.via) == http.StatusServiceUnavailable })
	got = event.send(t, h.via)
	if got.Status != http.StatusServiceUnavailable || got.Header.Get("X-Amzn-Errortype") != "ServiceException" || !strings.Contains(got.Body, `"Message"`) {
		t.Errorf("a new invoke: %+v", got)
	}
	until(t, "the environment was given back", func() bool { return len(h.returned()) == 1 })
	if ended := h.returned(); ended[0] != "false" {
		t.Errorf("it was given back as well: %v", ended)
	}
	h.reopen(t)
	until(t, "the frontend is well again", func() bool { return health(t, h.via) == http.StatusOK })
	close(h.release)
	if got := event.send(t, h.via); got.Status != http.StatusOK {
		t.Errorf("after it came back: %+v", got)
	}
}

// Goal: channels that went stale while they were idle do not cost a request. Method: the
// control process's port is closed and opened faster than the frontend looks.
func TestAStaleChannelIsReplaced(t *testing.T) {
	h := open(t)
	event := call{path: invocations("f"), payload: []byte(`{}`)}
	for range 5 {
		h.stopControl()
		h.reopen(t)
		until(t, "requests are answered again", func() bool {
			got := event.send(t, h.via)
			if got.Status == http.StatusInternalServerError {
				t.Fatalf("a request was lost: %+v", got)
			}
			return got.Status == http.StatusOK
		})
	}
}

// Goal: when a frontend ends under a running invoke, the control process learns it at
// once, as an error after which the function may still run, and the environment is not
// used again.
func TestAFrontendThatIsGone(t *testing.T) {
	h := open(t)
	begun, _ := h.slow()
	control := &severed{RoundTripper: h.identity.Control()}
	h.start(t, control, slog.New(slog.DiscardHandler))
	running := call{path: invocations("f"), payload: []byte(`{}`)}.later(t, h.via)
	wait(t, begun, "the running invoke")
	control.sever()
	until(t, "the environment was given back", func() bool { return len(h.returned()) == 1 })
	if ended := h.returned(); ended[0] != "false" {
		t.Errorf("it was given back as well: %v", ended)
	}
	wait(t, running, "an answer")
}

// A client that goes away does not end its invocation.
func TestAClientThatIsGone(t *testing.T) {
	h := open(t)
	begun, ended := h.slow()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+h.via+invocations("f"), nil)
	if err != nil {
		t.Fatal(err)
	}
	sign(t, r, nil)
	gone := make(chan error, 1)
	go func() {
		res, err := http.DefaultTransport.RoundTrip(r)
		if err == nil {
			_ = res.Body.Close()
		}
		gone <- err
	}()
	wait(t, begun, "the running invoke")
	cancel()
	if err := wait(t, gone, "the client's end"); err == nil {
		t.Fatal("the client got an answer")
	}
	close(h.release)
	if err := wait(t, ended, "the function's end"); err != nil {
		t.Errorf("the invocation was ended: %v", err)
	}
	until(t, "the environment was given back", func() bool { return len(h.returned()) == 1 })
	if ended := h.returned(); ended[0] != "true" {
		t.Errorf("it was given back as broken: %v", ended)
	}
}

// Goal: a run that the control process gives up, because its worker is lost, is given up
// by the frontend too, and the channel stays in step for what comes after. Method: the
// context of Carry ends under a running function, many times over the same channel.
func TestARunThatIsGivenUp(t *testing.T) {
	h := open(t)
	begun, ended := h.slow()
	lost := make(chan context.CancelFunc, 1)
	h.mu.Lock()
	h.carry = func(ctx context.Context) context.Context {
		ctx, cancel := context.WithCancel(ctx)
		lost <- cancel
		return ctx
	}
	h.mu.Unlock()
	event := call{path: invocations("f"), payload: []byte(`{}`)}
	for range 50 {
		running := event.later(t, h.via)
		wait(t, begun, "the running invoke")
		wait(t, lost, "the carrying")()
		if got := wait(t, running, "its answer"); got.Status != http.StatusInternalServerError || !strings.Contains(got.Body, "internal error") {
			t.Fatalf("a lost run is not answered by the control process: %+v", got)
		}
		if err := wait(t, ended, "the run's end"); err == nil {
			t.Fatal("the run was not ended")
		}
	}
	h.mu.Lock()
	h.carry = nil
	h.mu.Unlock()
	close(h.release)
	if got := event.send(t, h.via); got.Status != http.StatusOK || got.Body != "{}" {
		t.Errorf("after them: %+v", got)
	}
}

// The control process takes nothing more once it leaves, and what runs is answered.
func TestLeaving(t *testing.T) {
	h := open(t)
	begun, _ := h.slow()
	event := call{path: invocations("f"), payload: []byte(`{}`)}
	running := event.later(t, h.via)
	wait(t, begun, "the running invoke")
	drained := make(chan error, 1)
	go func() { drained <- h.control.Drain(t.Context()) }()
	until(t, "new invokes are refused", func() bool { return event.send(t, h.via).Status == http.StatusServiceUnavailable })
	until(t, "the frontend knows", func() bool { return health(t, h.via) == http.StatusServiceUnavailable })
	select {
	case <-drained:
		t.Fatal("it was drained while an invoke ran")
	default:
	}
	close(h.release)
	if got := wait(t, running, "its answer"); got.Status != http.StatusOK {
		t.Errorf("the running invoke: %+v", got)
	}
	if err := wait(t, drained, "the end of the draining"); err != nil {
		t.Error(err)
	}
}

// The frontend's health turns before it leaves, and requests are answered all the same.
func TestAFrontendThatLeaves(t *testing.T) {
	h := open(t)
	h.front.Leave()
	if got := health(t, h.via); got != http.StatusServiceUnavailable {
		t.Errorf("health %d", got)
	}
	if got := (call{path: invocations("f"), payload: []byte(`{}`)}).send(t, h.via); got.Status != http.StatusOK {
		t.Errorf("an invoke: %+v", got)
	}
}

// Only a frontend's certificate opens a channel, or a way through.
func TestOthersAreNotFrontends(t *testing.T) {
	h := open(t)
	for _, kind := range []rpc.Kind{rpc.Worker, rpc.Frontend} {
		token, _, err := h.authority.NewToken(kind, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		c, err := rpc.NewClient(t.TempDir(), kind, h.server, time.Now, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Join(t.Context(), "x", token); err != nil {
			t.Fatal(err)
		}
		for path, want := range map[string]int{relay.Prefix + "channel": http.StatusNotFound, relay.APIPrefix + relay.HealthPath: http.StatusOK} {
			if kind == rpc.Worker {
				want = http.StatusForbidden
			}
			r, err := c.Control().Request(t.Context(), http.MethodGet, path)
			if err != nil {
				t.Fatal(err)
			}
			res, err := c.Control().RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if res.StatusCode != want {
				t.Errorf("a %s gets %d at %s, want %d", kind, res.StatusCode, path, want)
			}
		}
		c.Close()
	}
}

// Invokes at the same time do not mix.
func TestManyAtOnce(t *testing.T) {
	h := open(t)
	answers := make([]chan result, 60)
	for i := range answers {
		name := "f"
		if i%3 == 0 {
			name = "local"
		}
		answers[i] = call{path: invocations(name), payload: []byte(`"` + strings.Repeat(string(rune('a'+i%26)), 1+i*997) + `"`)}.later(t, h.via)
	}
	for i, c := range answers {
		if got := wait(t, c, "an answer"); got.Status != http.StatusOK || got.Body != `"`+strings.Repeat(string(rune('a'+i%26)), 1+i*997)+`"` {
			t.Errorf("answer %d: %d bytes, status %d", i, len(got.Body), got.Status)
		}
	}
}

// severed is a way to the control process that can be cut.
type severed struct {
	http.RoundTripper

	mu    sync.Mutex // guards conns
	conns []io.Closer
}

// RoundTrip meets http.RoundTripper.
func (s *severed) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := s.RoundTripper.RoundTrip(r)
	if err == nil && res.StatusCode == http.StatusSwitchingProtocols {
		s.mu.Lock()
		s.conns = append(s.conns, res.Body)
		s.mu.Unlock()
	}
	return res, err
}

func (s *severed) sever() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		_ = c.Close()
	}
}
