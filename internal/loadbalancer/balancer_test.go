package loadbalancer

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// site is a frontend of a test. It can be killed and come back at its address.
type site struct {
	t      *testing.T
	name   string
	addr   string
	server *http.Server
	sick   atomic.Bool
	served atomic.Int64
	handle func(w http.ResponseWriter, r *http.Request) // may be nil
}

func newSite(t *testing.T, name string) *site {
	t.Helper()
	s := &site{t: t, name: name, addr: "127.0.0.1:0"}
	s.start()
	t.Cleanup(s.kill)
	return s
}

func (s *site) start() {
	s.t.Helper()
	l, err := net.Listen("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.addr = l.Addr().String()
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	go func(server *http.Server) { _ = server.Serve(l) }(s.server) // ends with kill
}

// kill ends it as kill -9 does: connections break.
func (s *site) kill() { _ = s.server.Close() }

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/_hearth/health" {
		if s.sick.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return
	}
	s.served.Add(1)
	if s.handle != nil {
		s.handle(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	fmt.Fprintf(w, "%s %s %s %s", s.name, r.Host, r.URL.RequestURI(), body)
}

// balance puts a balancer before sites; a site's zone is the first letter of its name.
func balance(t *testing.T, sites ...*site) (*Balancer, string) {
	t.Helper()
	cfg := Default()
	cfg.CheckEvery, cfg.CheckTimeout, cfg.EjectFor = 10*time.Millisecond, time.Second, 50*time.Millisecond
	for _, s := range sites {
		cfg.Frontends = append(cfg.Frontends, Frontend{URL: &url.URL{Scheme: "http", Host: s.addr}, Zone: s.name[:1]})
	}
	b, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { b.Run(ctx); close(done) }()
	server := httptest.NewServer(b)
	t.Cleanup(func() { server.Close(); stop(); <-done })
	return b, server.URL
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func post(url, body string) (int, string, error) {
	res, err := http.Post(url, "text/plain", strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return res.StatusCode, string(text), err
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

func TestARequestPassesAsItCame(t *testing.T) {
	a := newSite(t, "a1")
	_, at := balance(t, a)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, at+"/2015-03-31/functions/f%3A1/invocations?Qualifier=%24LATEST&a=b;c", strings.NewReader("event"))
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "lambda.us-east-1.amazonaws.com"
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	got, _ := io.ReadAll(res.Body)
	if want := "a1 lambda.us-east-1.amazonaws.com /2015-03-31/functions/f%3A1/invocations?Qualifier=%24LATEST&a=b;c event"; string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestARefusedConnectionIsTriedElsewhereWithItsBody(t *testing.T) {
	a, b := newSite(t, "a1"), newSite(t, "b1")
	cfg := Default()
	cfg.Frontends = []Frontend{{&url.URL{Scheme: "http", Host: a.addr}, "a"}, {&url.URL{Scheme: "http", Host: b.addr}, "b"}}
	lb, err := New(cfg) // not checked: nothing but the requests tells
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(lb)
	defer server.Close()
	a.kill()
	for i := range 50 {
		status, text, err := post(server.URL+"/x", "body")
		if err != nil || status != 200 || !strings.HasSuffix(text, "body") {
			t.Fatalf("request %d: %d %q %v", i, status, text, err)
		}
	}
	if !lb.States()[0].Ejected {
		t.Error("a frontend that refuses connections is not left out")
	}
}

func TestWhatMayHaveHadItsEffectIsNotTriedAgain(t *testing.T) {
	hang := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		panic(http.ErrAbortHandler) // the connection breaks after the whole request
	}
	a, b := newSite(t, "a1"), newSite(t, "b1")
	a.handle, b.handle = hang, hang
	_, at := balance(t, a, b)
	status, text, err := post(at+"/x", "body")
	if err != nil || status != http.StatusBadGateway || !strings.Contains(text, "ServiceUnavailableException") {
		t.Errorf("a POST: %d %q %v", status, text, err)
	}
	if n := a.served.Load() + b.served.Load(); n != 1 {
		t.Errorf("the POST was carried out %d times", n)
	}
	if status, _ := get(t, at+"/x"); status != http.StatusServiceUnavailable {
		t.Errorf("a GET that all break: %d", status)
	}
	if n := a.served.Load() + b.served.Load(); n != 3 {
		t.Errorf("the GET was tried %d times, want at both", n-1)
	}
}

func TestASickZoneIsLeftAndComesBack(t *testing.T) {
	a1, a2, b1 := newSite(t, "a1"), newSite(t, "a2"), newSite(t, "b1")
	lb, at := balance(t, a1, a2, b1)
	a1.sick.Store(true)
	a2.sick.Store(true)
	until(t, "zone a is evacuated", func() bool { return lb.States()[0].Evacuated })
	before := a1.served.Load() + a2.served.Load()
	for range 30 {
		if status, text := get(t, at+"/"); status != 200 || !strings.HasPrefix(text, "b1") {
			t.Fatalf("got %d %q", status, text)
		}
	}
	if a1.served.Load()+a2.served.Load() != before {
		t.Error("a request went to the sick zone")
	}
	b1.sick.Store(true)
	until(t, "b is out too", func() bool { return !lb.States()[2].Healthy })
	if status, _ := get(t, at+"/"); status != 200 {
		t.Errorf("with all out: %d; sick frontends answer more than none", status)
	}
	a1.sick.Store(false)
	a2.sick.Store(false)
	until(t, "zone a is back", func() bool { s := lb.States(); return s[0].Healthy && s[1].Healthy && !s[0].Evacuated })
	seen := map[string]bool{}
	until(t, "requests reach it", func() bool {
		_, text := get(t, at+"/")
		seen[text[:2]] = true
		return seen["a1"] && seen["a2"]
	})
}

func TestAKilledFrontendIsNoticedAndReturns(t *testing.T) {
	a, b := newSite(t, "a1"), newSite(t, "b1")
	lb, at := balance(t, a, b)
	var failed, answered atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	var load sync.WaitGroup
	for range 8 {
		load.Go(func() {
			for ctx.Err() == nil {
				if status, _, err := post(at+"/x", "body"); err != nil || status != 200 {
					failed.Add(1)
				} else {
					answered.Add(1)
				}
			}
		})
	}
	until(t, "load runs", func() bool { return answered.Load() > 100 })
	a.kill()
	until(t, "it is out", func() bool { s := lb.States()[0]; return !s.Healthy || s.Ejected })
	now := answered.Load()
	// Those that were running there learn of it meanwhile.
	until(t, "the others go on", func() bool { return answered.Load() > now+200 })
	was := failed.Load()
	if was > 8 {
		t.Errorf("%d requests failed, want those that were running there at most", was)
	}
	until(t, "the others go on", func() bool { return answered.Load() > now+400 })
	if failed.Load() != was {
		t.Errorf("%d requests failed after it was out", failed.Load()-was)
	}
	a.start()
	served := a.served.Load()
	until(t, "it is back at work", func() bool { return a.served.Load() > served+20 })
	stop()
	load.Wait()
	until(t, "no request counts as in flight after the load", func() bool {
		return !slices.ContainsFunc(lb.States(), func(s State) bool { return s.InFlight != 0 })
	})
}

func TestAStreamPassesAsItIsWritten(t *testing.T) {
	a := newSite(t, "a1")
	next := make(chan struct{})
	a.handle = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "X-End")
		for i := range 3 {
			fmt.Fprintf(w, "%d", i)
			w.(http.Flusher).Flush()
			<-next
		}
		w.Header().Set("X-End", "done")
	}
	lb, at := balance(t, a)
	res, err := http.Get(at + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	for i := range 3 {
		buf := make([]byte, 1)
		if _, err := io.ReadFull(res.Body, buf); err != nil || string(buf) != fmt.Sprint(i) {
			t.Fatalf("chunk %d: %q %v", i, buf, err)
		}
		if got := lb.States()[0].InFlight; got != 1 {
			t.Errorf("%d in flight during the stream", got)
		}
		next <- struct{}{}
	}
	if _, err := io.ReadAll(res.Body); err != nil || res.Trailer.Get("X-End") != "done" {
		t.Errorf("the end: %v, trailer %v", err, res.Trailer)
	}
}

func TestTheBalancerTellsItsState(t *testing.T) {
	a := newSite(t, "a1")
	_, at := balance(t, a)
	status, text := get(t, at+Path)
	var got struct{ Frontends []State }
	if err := json.Unmarshal([]byte(text), &got); err != nil || status != 200 || len(got.Frontends) != 1 || got.Frontends[0].Zone != "a" {
		t.Errorf("got %d %s (%v)", status, text, err)
	}
}

func TestConfigurationsThatAreRefused(t *testing.T) {
	ok := Frontend{&url.URL{Scheme: "http", Host: "127.0.0.1:1"}, "a"}
	for name, frontends := range map[string][]Frontend{
		"none":      nil,
		"no zone":   {{ok.URL, ""}},
		"a path":    {{&url.URL{Scheme: "http", Host: "h", Path: "/x"}, "a"}},
		"no scheme": {{&url.URL{Host: "h"}, "a"}},
		"nil":       {{nil, "a"}},
		"twice":     {ok, ok},
	} {
		cfg := Default()
		cfg.Frontends = frontends
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
