package fleet

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/rpc"
)

// fakeHost has environments that answer with their event, or as the event asks.
type fakeHost struct {
	packages Packages
	roles    Roles
	logs     Logs

	mu   sync.Mutex
	envs map[lambda.SandboxID]*fakeEnv
}

func (h *fakeHost) FreeMB() (int, error) { return 4096, nil }

func (h *fakeHost) Open(ctx context.Context, v *lambda.Version) (Hosted, error) {
	if v.Handler == "refused" {
		return nil, lambda.Errorf(lambda.CodeInvalidParameterValue, "no such runtime")
	}
	if v.CodeDigest != "" {
		r, err := h.packages.Open(ctx, v.CodeDigest)
		if err != nil {
			return nil, err
		}
		defer r.Close()
		if _, err := io.Copy(io.Discard, r); err != nil {
			return nil, err
		}
	}
	c, err := h.roles.MintFunctionSession(ctx, v.RoleARN, v.Function, time.Hour)
	if err != nil {
		return nil, err
	}
	e := &fakeEnv{id: lambda.NewSandboxID(), host: h, aborted: make(chan struct{}), running: make(chan struct{}, 10)}
	if e.log, err = h.logs.OpenLog(ctx, LogStream{Group: v.LogGroup, Stream: string(e.id)}, c); err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.envs[e.id] = e
	return e, nil
}

func (h *fakeHost) env(id lambda.SandboxID) *fakeEnv {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.envs[id]
}

func (h *fakeHost) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.envs)
}

type fakeEnv struct {
	id      lambda.SandboxID
	host    *fakeHost
	log     LogWriter
	invoke  sync.Mutex
	aborted chan struct{}
	once    sync.Once
	running chan struct{}
}

func (e *fakeEnv) ID() lambda.SandboxID { return e.id }
func (e *fakeEnv) Idle()                {}
func (e *fakeEnv) Initialised() bool    { return true }

func (e *fakeEnv) Invoke(ctx context.Context, inv *lambda.Invocation) (lambda.Result, error) {
	e.invoke.Lock()
	defer e.invoke.Unlock()
	inv.Start = time.Now()
	e.log.Append([]LogLine{{time.Now(), "got " + string(inv.Payload[:min(len(inv.Payload), 20)])}})
	switch string(inv.Payload) {
	case `"hang"`:
		e.running <- struct{}{}
		<-e.aborted
		return lambda.Result{Payload: []byte("ended"), FunctionError: lambda.Unhandled, ErrorType: lambda.ErrorExit}, nil
	case `"broken"`:
		return lambda.Result{}, errors.New("the sandbox is broken")
	case `"stream"`:
		_ = inv.Sink.Begin(ctx, lambda.StreamHead{ContentType: "text/plain"})
		_ = inv.Sink.Write(ctx, bytes.Repeat([]byte("x"), 3*dataMax+1))
		_ = inv.Sink.Write(ctx, []byte("end"))
		return lambda.Result{}, nil
	}
	return lambda.Result{Payload: slices.Clone(inv.Payload), LogTail: []byte(inv.ClientContext)}, nil
}

func (e *fakeEnv) Abort(context.Context) { e.once.Do(func() { close(e.aborted) }) }

func (e *fakeEnv) Close(context.Context) error {
	e.invoke.Lock()
	defer e.invoke.Unlock()
	e.host.mu.Lock()
	defer e.host.mu.Unlock()
	delete(e.host.envs, e.id)
	return nil
}

// side is a control process.
type side struct {
	t         testing.TB
	dir       string
	authority *rpc.Authority
	addr      string
	hub       *Hub
	stop      func()

	packages map[lambda.CodeDigest][]byte
	joined   chan struct{}
	drainMax time.Duration // of the workers
	link     *link         // between the workers and the control process; nil is none

	mu      sync.Mutex
	left    []string
	adopted map[lambda.SandboxID]*Environment
	lines   map[string][]string
	closed  []string
	mints   int
	wanted  func(*lambda.Version) bool
}

func (s *side) Open(_ context.Context, d lambda.CodeDigest) (io.ReadSeekCloser, error) {
	text, ok := s.packages[d]
	if !ok {
		return nil, errors.New("no such package")
	}
	return struct {
		io.ReadSeeker
		io.Closer
	}{bytes.NewReader(text), io.NopCloser(nil)}, nil
}

func (s *side) MintFunctionSession(_ context.Context, role string, f lambda.FunctionID, _ time.Duration) (lambda.Credentials, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mints++
	return lambda.Credentials{AccessKeyID: "ASIA" + f.Name, SecretAccessKey: "secret", SessionToken: role}, nil
}

func (s *side) OpenLog(_ context.Context, stream LogStream, as lambda.Credentials) (LogWriter, error) {
	if as.SecretAccessKey != "" {
		return nil, errors.New("a secret key for a log stream")
	}
	return &fakeLog{s, stream.Group}, nil
}

type fakeLog struct {
	side  *side
	group string
}

func (l *fakeLog) Append(lines []LogLine) {
	l.side.mu.Lock()
	defer l.side.mu.Unlock()
	for _, line := range lines {
		l.side.lines[l.group] = append(l.side.lines[l.group], line.Message)
	}
}

func (l *fakeLog) Close() error {
	l.side.mu.Lock()
	defer l.side.mu.Unlock()
	l.side.closed = append(l.side.closed, l.group)
	return nil
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func control(t testing.TB) *side {
	t.Helper()
	s := &side{t: t, dir: filepath.Join(t.TempDir(), "cluster"), packages: map[lambda.CodeDigest][]byte{}, drainMax: 100 * time.Millisecond}
	s.begin("127.0.0.1:0")
	t.Cleanup(func() { s.stop() })
	return s
}

// begin starts the control process, or starts it again.
func (s *side) begin(addr string) {
	s.t.Helper()
	var err error
	if s.authority, err = rpc.OpenAuthority(s.dir, time.Now); err != nil {
		s.t.Fatal(err)
	}
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.addr = l.Addr().String()
	s.mu.Lock()
	s.joined, s.adopted, s.lines = make(chan struct{}, 10), map[lambda.SandboxID]*Environment{}, map[string][]string{}
	s.mu.Unlock()
	joined := s.joined
	s.hub = NewHub(Config{
		Identity: s.authority.Identity(), Packages: s, Roles: s, Logs: s, Log: quiet(),
		Left: func(id string) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.left = append(s.left, id)
		},
		Joined: func() { joined <- struct{}{} },
		Wanted: func(v *lambda.Version) bool { return s.wanted == nil || s.wanted(v) },
		Adopt: func(_ string, e *Environment, _ *lambda.Version, _ time.Duration) bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.adopted[e.ID()] = e
			return true
		},
	})
	server := rpc.NewServer(s.authority.Identity(), quiet())
	s.authority.Mount(server)
	server.Mount(Prefix, s.hub.Handler(), rpc.Worker)
	server.MountAPI(APIPrefix, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Host, " ", r.RequestURI, " ", r.URL.EscapedPath())
	}), rpc.Worker)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx, l) }()
	s.stop = sync.OnceFunc(func() { cancel(); <-done })
}

func (s *side) client(kind rpc.Kind, name string) *rpc.Client {
	s.t.Helper()
	token, _, err := s.authority.NewToken(kind, time.Hour)
	if err != nil {
		s.t.Fatal(err)
	}
	addr := s.addr
	if s.link != nil {
		addr = s.link.to(s.t, addr)
	}
	c, err := rpc.NewClient(s.t.TempDir(), kind, addr, time.Now, quiet())
	if err == nil {
		err = c.Join(s.t.Context(), name, token)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(c.Close)
	return c
}

// fakeWorker is a worker process.
type fakeWorker struct {
	host  *fakeHost
	agent *Agent
	stop  func() // in good order
	kill  func() // its port and its connections close
}

// listener knows its connections, to end them.
type listener struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		l.mu.Lock()
		l.conns = append(l.conns, c)
		l.mu.Unlock()
	}
	return c, err
}

func (s *side) worker(name string) *fakeWorker {
	s.t.Helper()
	c := s.client(rpc.Worker, name)
	inner, err := (&net.ListenConfig{}).Listen(s.t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	l := &listener{Listener: inner}
	addr := l.Addr().String()
	if s.link != nil {
		addr = s.link.to(s.t, addr)
	}
	a := NewAgent(AgentConfig{
		Client: c, Log: quiet(), KeepFor: time.Minute, DrainMax: s.drainMax,
		Hello: Hello{Zone: "zone-" + name, Addr: addr, Runtimes: []string{"provided.al2023"}},
	})
	h := &fakeHost{packages: a, roles: a, logs: a, envs: map[lambda.SandboxID]*fakeEnv{}}
	a.Use(h)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx, l) }()
	w := &fakeWorker{host: h, agent: a}
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, net.ErrClosed) {
			s.t.Error(err)
		}
	})
	w.kill = func() {
		l.Close()
		l.mu.Lock()
		for _, c := range l.conns {
			c.Close()
		}
		l.mu.Unlock()
		w.stop()
	}
	s.t.Cleanup(w.stop)
	<-s.joined
	return w
}

func (s *side) one() Worker {
	s.t.Helper()
	all := s.hub.Workers(nil)
	if len(all) != 1 {
		s.t.Fatalf("the workers are %+v", all)
	}
	return all[0]
}

func version(name string) *lambda.Version {
	return &lambda.Version{
		Function: lambda.FunctionID{Account: "1", Region: "r", Name: name}, Version: "$LATEST", RevisionID: "1",
		RoleARN: "arn:aws:iam::1:role/" + name, LogGroup: "/aws/lambda/" + name, MemoryMB: 128, Timeout: time.Minute,
	}
}

func (s *side) open(w Worker, v *lambda.Version) *Environment {
	s.t.Helper()
	e, err := s.hub.Open(s.t.Context(), w.ID, v)
	if err != nil {
		s.t.Fatal(err)
	}
	return e
}

func event1(payload string) *lambda.Invocation {
	return &lambda.Invocation{RequestID: "id", InvokedFunctionARN: "arn", ClientContext: "ctx", Payload: []byte(payload)}
}

// until waits for a condition that other goroutines bring about.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

func TestAWorkerRunsEvents(t *testing.T) {
	s := control(t)
	code := []byte(strings.Repeat("zip", 1000))
	sum := sha256.Sum256(code)
	v := version("f")
	v.CodeDigest = lambda.CodeDigest(hex.EncodeToString(sum[:]))
	s.packages[v.CodeDigest] = code
	w := s.worker("w")
	e := s.open(s.one(), v)
	for _, payload := range []string{`{}`, `"` + strings.Repeat("x", lambda.PayloadMax-2) + `"`} {
		inv := event1(payload)
		before := time.Now()
		got, err := e.Invoke(t.Context(), inv)
		if err != nil || string(got.Payload) != payload || string(got.LogTail) != "ctx" {
			t.Fatalf("%d bytes: %d bytes, tail %q, %v", len(payload), len(got.Payload), got.LogTail, err)
		}
		if inv.Start.Before(before) || inv.Deadline.Sub(before) < v.Timeout {
			t.Errorf("began %s, due %s, asked %s", inv.Start, inv.Deadline, before)
		}
	}
	var sink sinkOf
	inv := event1(`"stream"`)
	inv.Sink = &sink
	if got, err := e.Invoke(t.Context(), inv); err != nil || len(got.Payload) != 0 {
		t.Fatalf("%+v, %v", got, err)
	}
	if sink.head != "text/plain" || sink.Len() != 3*dataMax+4 || !strings.HasSuffix(sink.String(), "xend") {
		t.Errorf("streamed %q and %d bytes", sink.head, sink.Len())
	}
	if now := s.hub.Workers(v)[0]; now.Environments != 1 || now.Of != 1 || !now.CodeThere || now.CommittedMB != 128 || now.FreeMB != 4096 || now.Zone != "zone-w" {
		t.Errorf("the worker is %+v", now)
	}
	if !s.hub.Runs("provided.al2023") || s.hub.Runs("cobol") {
		t.Error("the runtimes are others")
	}
	if err := e.Close(t.Context()); err != nil || w.host.count() != 0 {
		t.Errorf("closed: %v; %d are left", err, w.host.count())
	}
	if now := s.hub.Workers(v)[0]; now.Environments != 0 || now.CommittedMB != 0 {
		t.Errorf("afterwards the worker is %+v", now)
	}
	until(t, "the log lines arrive", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.lines["/aws/lambda/f"]) == 3
	})
}

// sinkOf takes a streamed answer.
type sinkOf struct {
	bytes.Buffer
	head string
}

func (s *sinkOf) Begin(_ context.Context, h lambda.StreamHead) error {
	s.head = h.ContentType
	return nil
}

func (s *sinkOf) Write(_ context.Context, p []byte) error {
	_, err := s.Buffer.Write(p)
	return err
}

func TestAWorkersRefusalIsToldAsItIs(t *testing.T) {
	s := control(t)
	s.worker("w")
	v := version("f")
	v.Handler = "refused"
	_, err := s.hub.Open(t.Context(), s.one().ID, v)
	if refused, ok := errors.AsType[*lambda.Error](err); !ok || refused.Code != lambda.CodeInvalidParameterValue {
		t.Errorf("got %v", err)
	}
	if _, err := s.hub.Open(t.Context(), "nobody", v); !errors.Is(err, ErrLost) {
		t.Errorf("a worker that is not there: %v", err)
	}
	e := s.open(s.one(), version("g"))
	if _, err := e.Invoke(t.Context(), event1(`"broken"`)); err == nil || errors.Is(err, lambda.ErrNotDelivered) {
		t.Errorf("a broken sandbox: %v", err)
	}
	if _, err := e.Invoke(t.Context(), event1(`{}`)); !errors.Is(err, lambda.ErrNotDelivered) {
		t.Errorf("an environment that is closed: %v", err)
	}
}

// Goal: workers get packages and credentials for what they make, and nothing else.
func TestAWorkerGetsOnlyWhatItNeeds(t *testing.T) {
	s := control(t)
	w := s.worker("w")
	s.packages["abc"] = []byte("zip")
	if r, err := w.agent.Open(t.Context(), "abc"); err == nil {
		r.Close()
		t.Error("a package that no environment needs")
	}
	if _, err := w.agent.MintFunctionSession(t.Context(), "arn:aws:iam::1:role/f", version("f").Function, time.Hour); err == nil || s.mints != 0 {
		t.Errorf("credentials for nothing: %v", err)
	}
	other := s.client(rpc.Worker, "other")
	req, err := other.Control().Request(t.Context(), http.MethodGet, Prefix+"packages/abc")
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set(sessionHeader, s.one().ID)
	resp, err := other.Control().RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("another worker's session: %s", resp.Status)
	}
}

func TestCallsOfTheAPIArriveAsTheyAre(t *testing.T) {
	s := control(t)
	w := s.worker("w")
	rec := recorder{header: http.Header{}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost:4566/a%2Fb//c?d=%20&e", nil)
	if err != nil {
		t.Fatal(err)
	}
	w.agent.API().ServeHTTP(&rec, r)
	if got, want := rec.String(), "localhost:4566 /a%2Fb//c?d=%20&e /a%2Fb//c"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

type recorder struct {
	bytes.Buffer
	header http.Header
}

func (r *recorder) Header() http.Header { return r.header }
func (r *recorder) WriteHeader(int)     {}

// Goal: a killed worker is noticed at once: what ran there fails, what was not begun is
// known not to be, nothing is offered any more.
func TestAKilledWorkerIsLostAtOnce(t *testing.T) {
	s := control(t)
	w := s.worker("w")
	at := s.one()
	busy, idle := s.open(at, version("f")), s.open(at, version("f"))
	failed := make(chan error, 1)
	go func() { _, err := busy.Invoke(context.Background(), event1(`"hang"`)); failed <- err }()
	<-w.host.env(busy.ID()).running
	began := time.Now()
	w.kill()
	if err := <-failed; err == nil || errors.Is(err, lambda.ErrNotDelivered) {
		t.Errorf("what ran: %v", err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("it took %s", took)
	}
	until(t, "the worker is forgotten", func() bool { return len(s.hub.Workers(nil)) == 0 })
	if _, err := idle.Invoke(t.Context(), event1(`{}`)); !errors.Is(err, lambda.ErrNotDelivered) {
		t.Errorf("what is invoked there now: %v", err)
	}
	if _, err := s.hub.Open(t.Context(), at.ID, version("f")); !errors.Is(err, ErrLost) {
		t.Errorf("what is opened there now: %v", err)
	}
	if err := errors.Join(idle.Close(t.Context()), busy.Close(t.Context())); err != nil {
		t.Error(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.left, at.ID) {
		t.Errorf("nobody was told; left: %v", s.left)
	}
}

// Goal: an invoke whose end is not known fails only once it has ended on the worker.
// Method: the carrier breaks off while the function runs.
func TestWhoIsToldOfAnErrorFindsThePlaceEmpty(t *testing.T) {
	s := control(t)
	w := s.worker("w")
	e := s.open(s.one(), version("f"))
	f := s.client(rpc.Frontend, "f")
	ctx, vanish := context.WithCancel(t.Context())
	inv := event1(`"hang"`)
	inv.Carrier = &carrier{identity: f.Identity(), life: ctx}
	failed := make(chan error, 1)
	go func() { _, err := e.Invoke(context.Background(), inv); failed <- err }()
	<-w.host.env(e.ID()).running
	vanish()
	if err := <-failed; err == nil || w.host.count() != 0 {
		t.Errorf("it failed with %v while %d environments were there", err, w.host.count())
	}
	// The worker itself is well.
	if got, err := s.open(s.one(), version("f")).Invoke(t.Context(), event1(`{}`)); err != nil || string(got.Payload) != "{}" {
		t.Errorf("%s, %v", got.Payload, err)
	}
}

// carrier is a frontend process that takes events to workers.
type carrier struct {
	identity *rpc.Identity
	life     context.Context
	session  string // instead of the right one
}

func (c *carrier) Carry(ctx context.Context, to lambda.Address, inv *lambda.Invocation) (lambda.Result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.life, cancel)()
	p := c.identity.Peer(rpc.Worker, to.Name, to.Worker)
	defer p.Close()
	if c.session != "" {
		to.Session = c.session
	}
	return Invoke(ctx, p, to, inv)
}

func (c *carrier) Fetch(context.Context) ([]byte, error) { return nil, errors.ErrUnsupported }

func TestAFrontendTakesEventsToAWorker(t *testing.T) {
	s := control(t)
	s.worker("w")
	e := s.open(s.one(), version("f"))
	f := s.client(rpc.Frontend, "f")
	inv := event1(`{"a":1}`)
	inv.Carrier = &carrier{identity: f.Identity(), life: t.Context()}
	if got, err := e.Invoke(t.Context(), inv); err != nil || string(got.Payload) != `{"a":1}` {
		t.Errorf("%s, %v", got.Payload, err)
	}
	inv.Carrier = &carrier{identity: f.Identity(), life: t.Context(), session: "an-older-one"}
	if _, err := e.Invoke(t.Context(), inv); !errors.Is(err, lambda.ErrNotDelivered) {
		t.Errorf("of an older session: %v", err)
	}
	inv.Carrier = &carrier{identity: s.client(rpc.Worker, "w2").Identity(), life: t.Context()}
	if _, err := e.Invoke(t.Context(), inv); err == nil {
		t.Error("a worker takes an event to a worker")
	}
}

func TestADrainingWorkerLosesNothing(t *testing.T) {
	s := control(t)
	s.drainMax = time.Minute
	w := s.worker("w")
	at := s.one()
	e := s.open(at, version("f"))
	answered := make(chan error, 1)
	go func() { _, err := e.Invoke(context.Background(), event1(`"hang"`)); answered <- err }()
	fake := w.host.env(e.ID())
	<-fake.running
	stopped := make(chan struct{})
	go func() { defer close(stopped); w.stop() }()
	until(t, "it is known that the worker leaves", func() bool { return s.one().Draining })
	if _, err := s.hub.Open(t.Context(), at.ID, version("f")); !errors.Is(err, ErrLost) {
		t.Errorf("it takes more: %v", err)
	}
	select {
	case <-stopped:
		t.Error("it left while an invoke ran")
	default:
	}
	fake.Abort(t.Context()) // the function ends by itself, so to speak
	if err := <-answered; err != nil {
		t.Errorf("the invoke that ran: %v", err)
	}
	if err := e.Close(t.Context()); err != nil { // what the manager does after a Left
		t.Error(err)
	}
	<-stopped
}

// Goal: a control process that starts again finds the environments as warm as they
// were, without what ran in them.
func TestWarmEnvironmentsOutliveTheControlProcess(t *testing.T) {
	s := control(t)
	w := s.worker("w")
	at := s.one()
	warm, old, busy := s.open(at, version("f")), s.open(at, version("old")), s.open(at, version("f"))
	if _, err := warm.Invoke(t.Context(), event1(`{}`)); err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	go func() { _, err := busy.Invoke(context.Background(), event1(`"hang"`)); failed <- err }()
	<-w.host.env(busy.ID()).running
	addr := s.addr
	s.stop()
	if err := <-failed; err == nil {
		t.Error("what ran did not fail")
	}
	until(t, "what ran has ended", func() bool { return w.host.count() == 2 })
	s.wanted = func(v *lambda.Version) bool { return v.Function.Name != "old" }
	s.begin(addr)
	<-s.joined
	until(t, "what is not wanted has ended", func() bool { return w.host.env(old.ID()) == nil })
	s.mu.Lock()
	e, n := s.adopted[warm.ID()], len(s.adopted)
	s.mu.Unlock()
	if e == nil || n != 1 {
		t.Fatalf("%d are adopted", n)
	}
	if got, err := e.Invoke(t.Context(), event1(`{}`)); err != nil || string(got.Payload) != "{}" {
		t.Errorf("%s, %v", got.Payload, err)
	}
	until(t, "its log goes on", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.lines["/aws/lambda/f"]) > 0
	})
	if got := s.hub.Workers(version("f"))[0]; got.Environments != 1 || got.Of != 1 || got.ID == at.ID {
		t.Errorf("the worker is %+v", got)
	}
}

func TestAControlProcessThatLeavesInGoodOrderLeavesThemWarm(t *testing.T) {
	s := control(t)
	w := s.worker("w")
	e := s.open(s.one(), version("f"))
	addr := s.addr
	s.hub.Leave()
	if err := e.Close(t.Context()); err != nil || w.host.count() != 1 {
		t.Errorf("%v; %d are left", err, w.host.count())
	}
	s.stop()
	s.begin(addr)
	<-s.joined
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.adopted[e.ID()] == nil {
		t.Error("it is not adopted")
	}
}

func TestAWorkerThatIsNotReachedIsRefused(t *testing.T) {
	s := control(t)
	c := s.client(rpc.Worker, "w")
	for _, hello := range []Hello{
		{Zone: "a", Addr: "127.0.0.1:1"},
		{Zone: "a b", Addr: "127.0.0.1:1"},
		{Zone: "a", Addr: "here"},
	} {
		a := NewAgent(AgentConfig{Client: c, Log: quiet(), Hello: hello})
		if joined, err := a.serve(t.Context()); joined || err == nil {
			t.Errorf("%+v: joined %v, %v", hello, joined, err)
		}
	}
}
