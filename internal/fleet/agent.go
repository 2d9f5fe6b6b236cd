package fleet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/rpc"
)

// Host owns the environments of this machine (worker meets it).
type Host interface {
	Open(ctx context.Context, v *lambda.Version) (Hosted, error)
	// FreeMB is the memory that the machine could give to new processes now.
	FreeMB() (int, error)
}

// Hosted is an environment of the host's.
type Hosted interface {
	ID() lambda.SandboxID
	Invoke(ctx context.Context, inv *lambda.Invocation) (lambda.Result, error)
	Idle()
	Initialised() bool
	// Abort ends what runs in it, under its invoke.
	Abort(ctx context.Context)
	// Close ends it; it waits for an invoke.
	Close(ctx context.Context) error
}

// AgentConfig is what an Agent stands on.
type AgentConfig struct {
	Client *rpc.Client
	Hello  Hello
	// KeepFor is how long environments stay warm while the control process is gone.
	KeepFor time.Duration
	// DrainMax is how long running invokes may go on when the worker is told to stop.
	DrainMax time.Duration
	// Joined is called when the worker is part of the fleet, each time.
	Joined func()
	Log    *slog.Logger
}

// Agent is the worker's side of the fleet.
type Agent struct {
	cfg  AgentConfig
	host Host
	logs *logSender

	draining atomic.Bool
	changed  chan struct{} // the status has; it has room for one

	mu sync.Mutex // guards what follows
	// session is empty while the worker is in no fleet: it then takes nothing. running is
	// the session for which something may still run.
	session, running string
	environments     map[lambda.SandboxID]*hosting
	pending          int           // environments that are being opened or closed
	emptied          chan struct{} // closed when nothing is left of a worker that drains
	isEmptied        bool
	// known is closed when the control process has heard that the worker leaves.
	known   chan struct{}
	isKnown bool
}

// hosting is an environment that the worker offers; the agent's mutex guards it.
type hosting struct {
	env     Hosted
	version *lambda.Version
	born    time.Time
	busy    bool
}

// NewAgent returns an agent that is in no fleet yet. Use says what its host is.
func NewAgent(cfg AgentConfig) *Agent {
	return &Agent{
		cfg: cfg, changed: make(chan struct{}, 1), logs: newLogSender(),
		environments: map[lambda.SandboxID]*hosting{}, emptied: make(chan struct{}), known: make(chan struct{}),
	}
}

// Use says whose environments the agent offers. It comes before Run.
func (a *Agent) Use(h Host) { a.host = h }

// Run offers the host's environments to the control process, and answers on a listener
// who has events for them, until ctx ends and running invokes have. It looks for a
// control process that is gone until that is back.
func (a *Agent) Run(ctx context.Context, l net.Listener) error {
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	var helpers sync.WaitGroup
	var served, renewed error
	helpers.Go(func() {
		defer end() // a worker that nobody reaches is none
		served = a.server().Run(life, l)
	})
	helpers.Go(func() { renewed = a.cfg.Client.Run(life) })
	helpers.Go(func() {
		select {
		case <-ctx.Done():
			a.drain(life)
			end()
		case <-life.Done():
		}
	})
	a.stay(ctx, life)
	a.closeAll(life)
	end()
	helpers.Wait()
	return errors.Join(served, renewed)
}

func (a *Agent) server() *rpc.Server {
	s := rpc.NewServer(a.cfg.Client.Identity(), a.cfg.Log)
	s.Mount(invokePrefix, http.HandlerFunc(a.serveInvoke), rpc.Control, rpc.Frontend)
	s.Mount(workerPrefix, a.routes(), rpc.Control)
	return s
}

// stay is in the fleet, and looks for its control process while that is gone, until
// life ends.
func (a *Agent) stay(ctx, life context.Context) {
	wait := rejoinLeast
	left := time.Now()
	for {
		joined, err := a.serve(life)
		if life.Err() != nil {
			return
		}
		if joined {
			wait, left = rejoinLeast, time.Now()
		}
		a.cfg.Log.WarnContext(ctx, "the control process is not there; trying again", "error", err)
		if a.draining.Load() || time.Since(left) > a.cfg.KeepFor {
			a.closeAll(life) // nobody comes to use them
		}
		pause(life, wait)
		wait = min(2*wait, rejoinMost)
	}
}

// closeAll ends every environment.
func (a *Agent) closeAll(ctx context.Context) {
	a.closeThose(ctx, func(*hosting) bool { return true })
}

// closeThose ends the environments that are such, and what runs in them.
func (a *Agent) closeThose(ctx context.Context, such func(*hosting) bool) {
	a.mu.Lock()
	var all []*hosting
	for id, h := range a.environments {
		if such(h) {
			all = append(all, h)
			delete(a.environments, id)
		}
	}
	a.pending += len(all)
	a.mu.Unlock()
	var closing sync.WaitGroup
	for _, h := range all {
		closing.Go(func() {
			if err := a.end(ctx, h.env); err != nil {
				a.cfg.Log.ErrorContext(ctx, "an environment did not end cleanly", "sandbox_id", h.env.ID(), "error", err)
			}
		})
	}
	closing.Wait()
	a.mu.Lock()
	a.pending -= len(all)
	a.mu.Unlock()
	a.lookEmpty()
}

// abortEvery is how often what runs in an environment is ended until the environment
// is: an event may reach a runtime just after the first time.
const abortEvery = 100 * time.Millisecond

// end closes an environment under whatever runs in it.
func (a *Agent) end(ctx context.Context, e Hosted) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerSlack)
	defer cancel()
	closed := make(chan error, 1)
	go func() { closed <- e.Close(ctx) }()
	tick := time.NewTicker(abortEvery)
	defer tick.Stop()
	for first := true; ; first = false {
		if !first {
			e.Abort(ctx)
		}
		wait := tick.C
		select {
		case err := <-closed:
			return err
		case <-wait:
		}
	}
}

// drain takes nothing more and waits until nothing is left, or the time is over.
func (a *Agent) drain(ctx context.Context) {
	a.draining.Store(true)
	a.tell()
	a.mu.Lock()
	if a.session == "" {
		a.know() // there is nobody to tell
	}
	a.mu.Unlock()
	select {
	case <-a.known:
	case <-ctx.Done():
	}
	a.mu.Lock()
	alone := a.session == ""
	a.mu.Unlock()
	if alone {
		a.closeAll(ctx)
	}
	a.lookEmpty()
	a.cfg.Log.InfoContext(ctx, "worker is leaving: it takes no more, and waits for what runs", "at_most", a.cfg.DrainMax)
	limit := time.NewTimer(a.cfg.DrainMax)
	defer limit.Stop()
	select {
	case <-a.emptied:
		// The last answers and log lines are still on their way.
		a.logs.flush(ctx, answerSlack)
	case <-limit.C:
		a.cfg.Log.WarnContext(ctx, "invokes are still running; ending their environments")
	case <-ctx.Done():
	}
}

// know says that the control process knows that the worker leaves, or that there is
// none. The mutex is held.
func (a *Agent) know() {
	if a.draining.Load() && !a.isKnown {
		a.isKnown = true
		close(a.known)
	}
}

// lookEmpty notices that a draining worker has nothing left.
func (a *Agent) lookEmpty() {
	if !a.draining.Load() {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.environments) == 0 && a.pending == 0 && !a.isEmptied {
		a.isEmptied = true
		close(a.emptied)
	}
}

func (a *Agent) tell() {
	select {
	case a.changed <- struct{}{}:
	default: // it is told already
	}
}

// errNoSession says that the worker is in no fleet at the moment.
var errNoSession = fmt.Errorf("the control process is not there: %w", ErrLost)

// send asks the control process something as the present session.
func (a *Agent) send(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	a.mu.Lock()
	session := a.session
	a.mu.Unlock()
	if session == "" {
		return nil, errNoSession
	}
	req, err := a.cfg.Client.Control().Request(ctx, method, Prefix+path)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Body = io.NopCloser(body)
	}
	req.Header.Set(sessionHeader, session)
	return a.cfg.Client.Control().RoundTrip(req)
}
