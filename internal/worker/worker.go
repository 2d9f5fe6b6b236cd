// Package worker owns the execution environments of one host: it fetches and
// unpacks code, makes a sandbox, boots the runtime in it, hands it invocations one
// at a time, enforces the timeout, resets it after a timeout or a crash, writes its
// log, freezes it while idle, and ends it.
//
// It does not decide how many environments there are or who uses one (the
// workermanager does), and nothing here is wider than one host.
package worker

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hearthfaas/hearth/internal/code"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/runtimes"
	"github.com/hearthfaas/hearth/internal/sandbox"
)

// Code is the host's cache of unpacked packages (code.Cache meets it).
type Code interface {
	Acquire(ctx context.Context, digest lambda.CodeDigest) (*code.Entry, error)
	// AcquireLayers is Acquire for several packages laid over one another.
	AcquireLayers(ctx context.Context, layers []lambda.CodeDigest) (*code.Entry, error)
}

// Runtimes says how a version's runtime is started on this host
// (runtimes.Catalogue meets it).
type Runtimes interface {
	Plan(ctx context.Context, v *lambda.Version, trees runtimes.Trees) (runtimes.Plan, error)
}

// Roles mints the credentials that code in an environment finds (iam meets it).
type Roles interface {
	MintFunctionSession(ctx context.Context, roleARN string, f lambda.FunctionID, d time.Duration) (lambda.Credentials, error)
}

// Logs opens the functions' log streams (logs meets it).
type Logs interface {
	// Open returns where a stream's lines go. They are written with the permissions
	// of the given role session; what it does not allow is dropped, and the
	// function is none the wiser.
	Open(ctx context.Context, stream LogStream, as lambda.Credentials) (LogWriter, error)
}

// LogWriter takes the lines of one log stream. It never blocks on a disk. One that is an
// io.Closer is closed after the last line.
type LogWriter interface {
	// Append keeps nothing of the slice, only of what is in it.
	Append(lines []LogLine)
}

// LogStream names a log stream.
type LogStream struct{ Account, Region, Group, Stream string }

// LogLine is one event of a log stream.
type LogLine struct {
	Time    time.Time
	Message string
}

// Config is the worker's configuration.
type Config struct {
	// ID names the worker in the fleet.
	ID string
	// Endpoint is the URL of the AWS API as code inside an environment without a
	// network of its own reaches it; environments with one find it on their own
	// loopback, on EndpointPort.
	Endpoint     string
	EndpointPort int
	// CommitMaxMB bounds the sum of the environments' sizes; 0 means no bound.
	CommitMaxMB int
	// FreezeAfter is how long an environment must be idle before it is frozen. It is
	// far longer than the gap between two invokes of a busy function, because a
	// freeze and thaw on every invoke would triple its latency.
	FreezeAfter time.Duration
	// BootAhead is how many environments at most are made before it is known for which
	// function, so that a cold start only loads the code; 0 makes none.
	BootAhead int
	// FreeMB is the memory that the host could give to new processes; nil does not bound
	// what is made ahead by it.
	FreeMB func() (int, error)
	// Started is told the parts of each start, whether an invoke waited for it or not; nil
	// is told nothing.
	Started func(lambda.ColdStart)
	// CredentialsFor is how long an environment's role credentials are valid; it is
	// longer than any environment lives.
	CredentialsFor time.Duration
}

// Default is the configuration of a worker on a single node.
func Default() Config {
	return Config{
		ID:             "local",
		EndpointPort:   4566,
		FreezeAfter:    time.Second,
		BootAhead:      8, // some 50 MB when all are there, for a burst of eight
		CredentialsFor: 12 * time.Hour,
	}
}

// Worker owns the environments of one host.
type Worker struct {
	cfg      Config
	driver   sandbox.Driver
	caps     sandbox.Capabilities
	code     Code
	runtimes Runtimes
	roles    Roles
	logs     Logs
	log      *slog.Logger

	// endpoint answers AWS API calls that code inside environments makes.
	endpoint *http.Server

	stock   *stock
	gate    *gate
	opening atomic.Int64 // environments that are being opened

	mu           sync.Mutex // guards environments and committedMB
	environments map[*Environment]struct{}
	committedMB  int
}

// New returns a worker without environments. endpoint answers the AWS API calls
// that functions make on their own loopback.
func New(cfg Config, driver sandbox.Driver, codeCache Code, rt Runtimes, roles Roles, logs Logs, endpoint http.Handler, log *slog.Logger) *Worker {
	w := &Worker{
		cfg: cfg, driver: driver, caps: driver.Capabilities(),
		code: codeCache, runtimes: rt, roles: roles, logs: logs, log: log,
		endpoint: &http.Server{
			Handler:           endpoint,
			ReadHeaderTimeout: 10 * time.Second, // the peer is on the same host
		},
		environments: make(map[*Environment]struct{}),
	}
	w.stock, w.gate = newStock(w), newGate()
	return w
}

// Expect says that environments of a version may be wanted soon: what can be made of
// them ahead is. trees are where its packages lie now; they are not kept.
func (w *Worker) Expect(ctx context.Context, v *lambda.Version, trees runtimes.Trees) {
	plan, err := w.runtimes.Plan(ctx, v, trees)
	if err != nil {
		return // its first invoke tells
	}
	if r, _, ok := w.recipeFor(v, plan); ok {
		w.stock.expect(r)
	}
}

// Sweep removes what an earlier process left on the host. It is called before the
// first Open.
func (w *Worker) Sweep(ctx context.Context) error {
	n, err := w.driver.Sweep(ctx)
	if err != nil {
		return fmt.Errorf("remove leftover environments: %w", err)
	}
	if n > 0 {
		w.log.InfoContext(ctx, "removed environments that an earlier process left", "count", n)
	}
	return nil
}

// Run freezes idle environments and keeps some ready ahead until ctx ends, then closes
// the environments' endpoint. The environments themselves are ended by who opened
// them.
func (w *Worker) Run(ctx context.Context) error {
	var ahead sync.WaitGroup
	defer ahead.Wait()
	ahead.Go(func() { w.stock.run(ctx) })
	ahead.Go(func() { w.gate.run(ctx) })
	tick := time.NewTicker(max(w.cfg.FreezeAfter/4, 50*time.Millisecond)) // idle ones freeze 25 % late at most
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			for _, e := range w.list() {
				e.freezeIfIdle(ctx, w.cfg.FreezeAfter)
			}
		case <-ctx.Done():
			return w.endpoint.Close()
		}
	}
}

// serveEndpoint answers AWS API calls on a listener inside an environment until the
// listener is closed.
func (w *Worker) serveEndpoint(l net.Listener) {
	_ = w.endpoint.Serve(l) // it ends with the listener; there is nothing to act on
}

func (w *Worker) list() []*Environment {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := make([]*Environment, 0, len(w.environments))
	for e := range w.environments {
		all = append(all, e)
	}
	return all
}

// Abort ends the processes of all environments, so that invokes which are still
// running when the node stops come to an end at once.
func (w *Worker) Abort(ctx context.Context) {
	var all sync.WaitGroup
	for _, e := range w.list() {
		all.Go(func() { e.abort(ctx) })
	}
	all.Wait()
}

func (w *Worker) add(e *Environment) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.environments[e] = struct{}{}
	w.committedMB += e.version.MemoryMB
}

func (w *Worker) remove(e *Environment) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.environments[e]; ok {
		delete(w.environments, e)
		w.committedMB -= e.version.MemoryMB
	}
}

// Load is what the worker carries, for placement.
type Load struct {
	Environments int
	Opening      int // of them, those that are being made
	CommittedMB  int
	CommitMaxMB  int
}

// Load reports what the worker carries now.
func (w *Worker) Load() Load {
	w.mu.Lock()
	defer w.mu.Unlock()
	return Load{Environments: len(w.environments), Opening: int(w.opening.Load()), CommittedMB: w.committedMB, CommitMaxMB: w.cfg.CommitMaxMB}
}

// Hosts is how many environments of one version the worker has.
func (w *Worker) Hosts(key lambda.EnvironmentKey) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for e := range w.environments {
		if e.version.Key() == key {
			n++
		}
	}
	return n
}
