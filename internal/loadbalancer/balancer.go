package loadbalancer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httputil"
	"sync"
	"time"
)

// Balancer passes requests on. It is an http.Handler; Run checks the frontends.
type Balancer struct {
	cfg       Config
	frontends []*frontend
	proxy     *httputil.ReverseProxy
	transport *http.Transport
}

// frontend is one of them with what is known of it.
type frontend struct {
	Frontend

	mu       sync.Mutex // guards what follows
	health   health
	inFlight int
}

// New makes a Balancer. Until Run has checked them all frontends count as well.
func New(cfg Config) (*Balancer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("load balancer: %w", err)
	}
	b := &Balancer{cfg: cfg, transport: &http.Transport{
		MaxIdleConnsPerHost: 1024, // one for each request in flight; a new one costs more than a request
		IdleConnTimeout:     90 * time.Second,
		DisableCompression:  true, // what passes is not ours to change
		ForceAttemptHTTP2:   false,
	}}
	for _, f := range cfg.Frontends {
		b.frontends = append(b.frontends, &frontend{Frontend: f})
	}
	b.proxy = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetXForwarded()
			// Both are under the signature; ReverseProxy would leave out of the query what
			// others might read differently.
			r.Out.Host, r.Out.URL.RawQuery = r.In.Host, r.In.URL.RawQuery
		},
		Transport:     roundTripper{b},
		FlushInterval: -1, // streams pass as they come
		ErrorHandler:  b.failed,
		ErrorLog:      slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug),
	}
	return b, nil
}

// Path is where the balancer answers for itself: the state of its frontends.
const Path = "/_hearth/lb"

// ServeHTTP passes a request to a frontend and its answer back.
func (b *Balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == Path {
		b.serveState(w, r)
		return
	}
	b.proxy.ServeHTTP(w, r)
}

// failed answers a request that no frontend did.
func (b *Balancer) failed(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // the caller is gone
	}
	b.cfg.Log.WarnContext(r.Context(), "a request was not answered", "method", r.Method, "path", r.URL.Path, "error", err)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Errortype", "ServiceUnavailableException")
	status, text := http.StatusBadGateway, "The frontend ended before it answered."
	if errors.Is(err, errNobody) {
		status, text = http.StatusServiceUnavailable, "No frontend can be reached."
		w.Header().Set("Retry-After", "1")
	}
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"__type":"ServiceUnavailableException","message":%q}`, text) // the caller may be gone
}

// take chooses a frontend and counts the request as in flight there; done ends that.
// It returns nil when all were tried.
func (b *Balancer) take(tried map[*frontend]bool) *frontend {
	now := b.cfg.Now()
	all := make([]candidate, len(b.frontends))
	for i, f := range b.frontends {
		f.mu.Lock()
		all[i] = candidate{zone: f.Zone, out: f.health.out(now), inFlight: f.inFlight, tried: tried[f]}
		f.mu.Unlock()
	}
	i := choose(all, usable(all), rand.IntN)
	if i < 0 {
		return nil
	}
	f := b.frontends[i]
	f.mu.Lock()
	f.inFlight++
	f.mu.Unlock()
	return f
}

func (f *frontend) done() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.inFlight--
}

// answered and broke follow what happened to a request.
func (b *Balancer) answered(f *frontend) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.health.answered(b.cfg.Now())
}

func (b *Balancer) broke(ctx context.Context, f *frontend, err error) {
	f.mu.Lock()
	ejected := f.health.broke(b.cfg.Now(), &b.cfg)
	until := f.health.outUntil
	f.mu.Unlock()
	if ejected {
		b.cfg.Log.WarnContext(ctx, "a frontend breaks requests and is left out", "frontend", f.URL.Host, "zone", f.Zone, "until", until, "error", err)
	}
}
