package rpc

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// clock is a time that tests move.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

type hearth struct {
	authority *Authority
	addr      string
	clock     *clock
}

// echo answers with who asks, and what.
var echo = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	_, _ = io.WriteString(w, CallerOf(r).String()+" "+r.URL.RequestURI())
})

// serve runs a server on loopback until the test ends.
func serve(t *testing.T, s *Server) (addr string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, l) }()
	t.Cleanup(func() { cancel(); <-done })
	return l.Addr().String()
}

// control runs a control process's server.
func control(t *testing.T) *hearth {
	t.Helper()
	h := &hearth{clock: &clock{}}
	var err error
	if h.authority, err = OpenAuthority(filepath.Join(t.TempDir(), "cluster"), h.clock.now); err != nil {
		t.Fatal(err)
	}
	s := NewServer(h.authority.Identity(), slog.New(slog.DiscardHandler))
	h.authority.Mount(s)
	s.Mount("/both/", echo, Worker, Frontend)
	s.Mount("/fleet/", echo, Worker)
	s.Mount("/relay/", echo, Frontend)
	s.MountAPI("/api", echo, Frontend)
	h.addr = serve(t, s)
	return h
}

func (h *hearth) token(t *testing.T, kind Kind, life time.Duration) string {
	t.Helper()
	text, _, err := h.authority.NewToken(kind, life)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (h *hearth) client(t *testing.T, dir string, kind Kind) *Client {
	t.Helper()
	c, err := NewClient(dir, kind, h.addr, h.clock.now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func (h *hearth) joined(t *testing.T, kind Kind, name string) *Client {
	t.Helper()
	c := h.client(t, t.TempDir(), kind)
	if err := c.Join(t.Context(), name, h.token(t, kind, time.Hour)); err != nil {
		t.Fatal(err)
	}
	return c
}

func get(t *testing.T, rt http.RoundTripper, url string) (int, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, strings.TrimSpace(string(text)), err
}

func TestAProcessJoinsOnceAndIsKnownAfterwards(t *testing.T) {
	h := control(t)
	dir := t.TempDir()
	token := h.token(t, Worker, time.Hour)
	c := h.client(t, dir, Worker)
	if err := c.Join(t.Context(), "w1", token); err != nil {
		t.Fatal(err)
	}
	if _, got, err := get(t, c.Control(), "http://any/fleet/x?y=z"); err != nil || got != "worker w1 /fleet/x?y=z" {
		t.Fatalf("got %q, %v", got, err)
	}
	again := h.client(t, dir, Worker)
	if err := again.Join(t.Context(), "other", ""); err != nil {
		t.Fatalf("without a token, with a certificate: %v", err)
	}
	if _, got, err := get(t, again.Control(), "http://any/fleet/y"); err != nil || got != "worker w1 /fleet/y" {
		t.Fatalf("got %q, %v", got, err)
	}
	if again.Identity().Name() != "w1" {
		t.Errorf("the name is %q", again.Identity().Name())
	}
	info, err := os.Stat(filepath.Join(dir, "identity.pem"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's mode is %v, %v", info.Mode(), err)
	}
	if err := h.client(t, t.TempDir(), Worker).Join(t.Context(), "w2", token); !errors.Is(err, ErrToken) {
		t.Errorf("a used token: %v", err)
	}
	if _, err := NewClient(dir, Frontend, h.addr, h.clock.now, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a worker's identity is taken for a frontend's")
	}
}

func TestWhoHasNoValidTokenStaysOutside(t *testing.T) {
	h, other := control(t), control(t)
	expired := h.token(t, Worker, time.Minute)
	wrong := strings.Split(h.token(t, Worker, time.Hour), ".")
	wrong[2] = strings.Repeat("0", len(wrong[2]))
	h.clock.advance(2 * time.Minute)
	tests := []struct {
		name, token string
		want        error
	}{
		{"none", "", ErrIdentity},
		{"no token at all", "hunter2", ErrToken},
		{"a wrong secret", strings.Join(wrong, "."), ErrToken},
		{"an expired one", expired, ErrToken},
		{"one for a frontend", h.token(t, Frontend, time.Hour), ErrToken},
		{"one of another Hearth is told to nobody", other.token(t, Worker, time.Hour), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := h.client(t, t.TempDir(), Worker).Join(t.Context(), "w", tt.token)
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestEachKindAsksOnlyWhatIsForIt(t *testing.T) {
	h := control(t)
	w, f := h.joined(t, Worker, "w"), h.joined(t, Frontend, "f")
	tests := []struct {
		who    *Client
		path   string
		status int
	}{
		{w, "/both/", 200},
		{f, "/both/", 200},
		{w, "/fleet/register", 200},
		{f, "/fleet/register", 403},
		{w, "/relay/invoke", 403},
		{f, "/relay/invoke", 200},
		{w, "/api/2015-03-31/functions", 403},
		{w, "/nowhere", 404},
		{w, "/", 404},
	}
	for _, tt := range tests {
		status, _, err := get(t, tt.who.Control(), "http://any"+tt.path)
		if err != nil || status != tt.status {
			t.Errorf("%s asks %s: %d, %v", tt.who.Identity().Name(), tt.path, status, err)
		}
	}
	for _, path := range []string{"/a//b/../c", "/functions/arn%3Aaws%2Fx?Q=%20"} {
		if _, got, err := get(t, f.Control(), "http://any/api"+path); err != nil || got != "frontend f "+path {
			t.Errorf("%s arrives as %q, %v", path, got, err)
		}
	}
}

// A worker listens too; who asks it says whom it expects.
func TestProcessesAskEachOther(t *testing.T) {
	h := control(t)
	w, f, w2 := h.joined(t, Worker, "w"), h.joined(t, Frontend, "f"), h.joined(t, Worker, "w2")
	s := NewServer(w.Identity(), slog.New(slog.DiscardHandler))
	s.Mount("/invoke/", echo, Control, Frontend)
	s.Mount("/open/", echo, Control)
	addr := serve(t, s)
	tests := []struct {
		name   string
		who    *Identity
		kind   Kind
		peer   string
		path   string
		status int // 0: no connection
	}{
		{"the control process invokes", h.authority.Identity(), Worker, "w", "/invoke/", 200},
		{"the control process opens", h.authority.Identity(), Worker, "w", "/open/", 200},
		{"a frontend invokes", f.Identity(), Worker, "w", "/invoke/", 200},
		{"a frontend opens", f.Identity(), Worker, "w", "/open/", 403},
		{"a worker invokes", w2.Identity(), Worker, "w", "/invoke/", 403},
		{"a name is expected that is another's", f.Identity(), Worker, "w2", "/invoke/", 0},
		{"a kind is expected that it is not", f.Identity(), Control, "", "/invoke/", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := tt.who.Peer(tt.kind, tt.peer, addr)
			defer p.Close()
			status, _, err := get(t, p, "https://"+addr+tt.path)
			if status != tt.status || err == nil != (tt.status != 0) {
				t.Errorf("got %d, %v", status, err)
			}
		})
	}
}

func TestStrangersAreRefused(t *testing.T) {
	h, other := control(t), control(t)
	stranger := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer stranger.CloseIdleConnections()
	if status, _, err := get(t, stranger, "https://"+h.addr+"/fleet/x"); err != nil || status != http.StatusForbidden {
		t.Errorf("without a certificate: %d, %v", status, err)
	}
	s := NewServer(h.joined(t, Worker, "w").Identity(), slog.New(slog.DiscardHandler))
	s.Mount("/", echo, Control, Frontend)
	if status, _, err := get(t, stranger, "https://"+serve(t, s)+"/x"); err == nil {
		t.Errorf("a worker answers without a certificate: %d", status)
	}
	// One with a certificate of another Hearth, which it shows to this one.
	theirs, err := other.joined(t, Worker, "w").Identity().current()
	if err != nil {
		t.Fatal(err)
	}
	mixed := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{theirs.cert}}}
	defer mixed.CloseIdleConnections()
	if status, _, err := get(t, mixed, "https://"+h.addr+"/fleet/x"); err == nil && status == http.StatusOK {
		t.Error("a certificate of another Hearth is accepted")
	}
}

func TestAnExpiredCertificateIsRefusedAndRenewedBefore(t *testing.T) {
	h := control(t)
	c, lazy := h.joined(t, Worker, "w"), h.joined(t, Worker, "lazy")
	if _, _, err := get(t, lazy.Control(), "http://any/fleet/x"); err != nil {
		t.Fatal(err)
	}
	first, _ := c.identity.current()
	if err := c.Renew(t.Context()); err != nil || first.left(h.clock.now()) < leafRenew {
		t.Errorf("a fresh certificate was renewed, %v", err)
	}
	h.clock.advance(leafLife - leafRenew + time.Minute)
	if err := c.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	if second, _ := c.identity.current(); second == first {
		t.Error("not renewed")
	}
	h.clock.advance(leafRenew)
	if _, got, err := get(t, c.Control(), "http://any/fleet/x"); err != nil || got != "worker w /fleet/x" {
		t.Errorf("with the renewed one, the control process's being renewed too: %q, %v", got, err)
	}
	if status, _, err := get(t, lazy.Control(), "http://any/fleet/x"); err != nil || status != http.StatusUnauthorized {
		t.Errorf("on a connection older than the expiry: %d, %v", status, err)
	}
	lazy.Close()
	if status, _, err := get(t, lazy.Control(), "http://any/fleet/x"); err == nil && status == http.StatusOK {
		t.Error("an expired certificate is accepted")
	}
	if err := lazy.Join(t.Context(), "w", ""); !errors.Is(err, ErrIdentity) {
		t.Errorf("joining with an expired certificate: %v", err)
	}
}

// Goal: nothing of a server runs on when Run has returned, and handlers learn of its
// end.
func TestAServerWaitsForItsHandlers(t *testing.T) {
	h := control(t)
	w := h.joined(t, Worker, "w")
	s := NewServer(h.authority.Identity(), slog.New(slog.DiscardHandler))
	running := make(chan struct{})
	var ended atomic.Bool
	s.Mount("/hang/", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(running)
		<-r.Context().Done()
		ended.Store(true)
	}), Worker)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, l) }()
	asked := make(chan struct{})
	p := w.Identity().Peer(Control, "", l.Addr().String())
	go func() {
		defer close(asked)
		_, _, _ = get(t, p, "http://any/hang/") // it ends, this way or that
	}()
	<-running
	cancel()
	if err := <-done; err != nil || !ended.Load() {
		t.Errorf("ended with %v; the handler has ended: %v", err, ended.Load())
	}
	<-asked
}

// Goal: request and answer go on at the same time on one request.
func TestBothWaysAtOnce(t *testing.T) {
	h := control(t)
	w := h.joined(t, Worker, "w")
	s := NewServer(h.authority.Identity(), slog.New(slog.DiscardHandler))
	s.Mount("/duplex", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(rw)
		if err := errors.Join(c.EnableFullDuplex(), c.Flush()); err != nil {
			t.Error(err)
		}
		var b [1]byte
		for {
			if _, err := r.Body.Read(b[:]); err != nil {
				return
			}
			_, _ = rw.Write(b[:])
			_ = c.Flush()
		}
	}), Worker)
	p := w.Identity().Peer(Control, "", serve(t, s))
	req, err := p.Request(t.Context(), http.MethodPost, "/duplex")
	if err != nil {
		t.Fatal(err)
	}
	pr, pw := io.Pipe()
	req.Body = pr
	resp, err := p.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for _, want := range []byte("abc") {
		var got [1]byte
		if _, err := pw.Write([]byte{want}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(resp.Body, got[:]); err != nil || got[0] != want {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	pw.Close()
	if rest, err := io.ReadAll(resp.Body); err != nil || len(rest) != 0 {
		t.Errorf("at the end: %q, %v", rest, err)
	}
}

func TestTheAuthorityStaysTheSame(t *testing.T) {
	dir := t.TempDir()
	a, err := OpenAuthority(dir, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	b, err := OpenAuthority(dir, time.Now)
	if err != nil || a.Fingerprint() != b.Fingerprint() {
		t.Errorf("another authority after a restart, %v", err)
	}
	if _, _, err := a.NewToken(Worker, TokenLifeMax+1); err == nil {
		t.Error("a token of any life")
	}
	if _, _, err := a.NewToken(Control, time.Hour); err == nil {
		t.Error("a token for a control process")
	}
	if err := os.WriteFile(filepath.Join(dir, "authority.pem"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenAuthority(dir, time.Now); err == nil {
		t.Error("a damaged authority is replaced")
	}
}

func FuzzToken(f *testing.F) {
	f.Add("hearth1.0123456789abcdef." + strings.Repeat("ab", 32) + "." + strings.Repeat("cd", 32))
	f.Add("hearth1...")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseToken(text)
		if err == nil && got.String() != strings.TrimSpace(text) {
			t.Errorf("%q is read as %q", text, got.String())
		}
	})
}
