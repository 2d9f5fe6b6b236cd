package relay

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"sync/atomic"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// Config is what a Frontend stands on. All of it is required.
type Config struct {
	// Control is the way to the control process, whatever host a request names.
	Control http.RoundTripper
	// Run has an event run at a worker (fleet meets it). The result has the answer's
	// payload; the invocation's Start is set to the Invoke phase's beginning.
	Run func(ctx context.Context, to lambda.Address, inv *lambda.Invocation) (lambda.Result, error)
	// Fault says what keeps a payload from being JSON (the frontend invoker's rule).
	Fault func(payload []byte) string
	// PayloadMax is where reading a payload stops (the edge's rule).
	PayloadMax int64
	// Zone is what fails together with this frontend; the control process's log has it.
	Zone string
	Log  *slog.Logger
}

const (
	// pingEvery is how often the control process is asked whether it is there, and
	// pingWait how long it has to say so: a process that has ended is noticed at once by
	// its connections, this is for a machine that vanished.
	pingEvery = 250 * time.Millisecond
	pingWait  = 2 * time.Second
	// invokesMax bounds the invokes under way, and with it the payloads in memory: ten
	// times what an account may run at a time, so that throttling is the control process's.
	invokesMax = 10_000
)

// HealthPath answers 200 on a frontend that is well.
const HealthPath = "/_hearth/health"

// Frontend is the frontend process's side. It is an http.Handler for clients; Run keeps
// it in touch with the control process.
type Frontend struct {
	cfg   Config
	pool  *pool
	whole *httputil.ReverseProxy

	there   atomic.Bool // the control process is
	leaving atomic.Bool
	invokes atomic.Int64
}

// New returns a Frontend that is not well until Run has found the control process.
func New(cfg Config) *Frontend {
	f := &Frontend{cfg: cfg, pool: newPool(cfg.Control, cfg.Zone)}
	f.whole = f.passThrough()
	return f
}

// Run looks for the control process, again whenever it is lost, until ctx ends. The
// channels end with it: it is to outlive the last request.
func (f *Frontend) Run(ctx context.Context, ready func()) error {
	defer f.pool.end()
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for said := false; ; {
		err := f.watch(ctx, tick, func() {
			f.there.Store(true)
			f.cfg.Log.InfoContext(ctx, "the control process is there")
			if ready != nil {
				ready()
				ready = nil
			}
			said = false
		})
		f.there.Store(false)
		f.lost(err)
		if ctx.Err() != nil {
			return nil
		}
		if !said {
			f.cfg.Log.WarnContext(ctx, "the control process is not there; it is looked for", "error", err)
			said = true
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// lost drops the channels to a control process that is not there: those that wait for an
// invoke, and the others too when it is silent. One that has ended ends them itself, and
// one that is leaving still answers what runs.
func (f *Frontend) lost(why error) {
	if timeout, ok := errors.AsType[net.Error](why); ok && timeout.Timeout() {
		f.pool.breakAll()
		return
	}
	f.pool.prune(time.Now())
}

// watch holds a channel to the control process and returns when that does not answer.
func (f *Frontend) watch(ctx context.Context, tick *time.Ticker, found func()) error {
	c, err := f.pool.dial(ctx)
	if err != nil {
		return err
	}
	defer func() { c.close() }()
	wait := time.NewTimer(pingWait)
	defer wait.Stop()
	for first := true; ; first = false {
		if err := c.send(framePing, nil, nil, false); err != nil {
			return err
		}
		wait.Reset(pingWait)
		select {
		case got := <-c.frames:
			if got.err != nil {
				return got.err
			}
		case <-wait.C:
			return context.DeadlineExceeded
		case <-ctx.Done():
			return nil
		}
		if first {
			found()
		}
		select {
		case got := <-c.frames: // unasked, it can only be the end
			return got.err
		case <-tick.C:
			f.pool.prune(time.Now().Add(-idleMax))
			if time.Since(c.born) < channelLife {
				continue
			}
			next, err := f.pool.dial(ctx)
			if err != nil {
				return err
			}
			c.close()
			c = next
		case <-ctx.Done():
			return nil
		}
	}
}

// Leave turns the health, so that load balancers send nothing more. Requests are
// answered all the same.
func (f *Frontend) Leave() { f.leaving.Store(true) }

// ServeHTTP answers a client.
func (f *Frontend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == HealthPath:
		f.serveHealth(w)
	case !f.there.Load():
		refuse(w, http.StatusServiceUnavailable, errAway)
	case !looksCarriable(r):
		f.whole.ServeHTTP(w, r)
	case f.invokes.Add(1) > invokesMax:
		f.invokes.Add(-1)
		refuse(w, http.StatusServiceUnavailable, errBusy)
	default:
		defer f.invokes.Add(-1)
		f.invoke(w, r)
	}
}

func (f *Frontend) serveHealth(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	switch {
	case f.leaving.Load():
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(`{"status":"leaving"}`)) // the asker may have gone
	case !f.there.Load():
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(`{"status":"the control process is away"}`)) // the same
	default:
		_, _ = w.Write([]byte(`{"status":"ok"}`)) // the same
	}
}
