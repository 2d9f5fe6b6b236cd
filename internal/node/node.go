package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hearthfaas/hearth/internal/sandbox"
)

// Node is one process of Hearth with all its roles.
type Node struct {
	cfg   Config
	log   *slog.Logger
	ready chan struct{}

	mu        sync.Mutex // guards what follows
	addr      string
	isolation string
	rootKey   *RootKey
}

// RootKey is the access key that a fresh data directory got when it does not listen
// on loopback only. It is shown once.
type RootKey struct{ AccessKeyID, SecretAccessKey string }

// New prepares a node. It starts nothing and touches nothing.
func New(cfg Config, log *slog.Logger) (*Node, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Node{cfg: cfg, log: log, ready: make(chan struct{})}, nil
}

// Ready is closed once the node answers requests.
func (n *Node) Ready() <-chan struct{} { return n.ready }

// Addr is the address that the node listens on; it is known once Ready is closed.
func (n *Node) Addr() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.addr
}

// Isolation says in a sentence what separates two environments; it is known once
// Ready is closed.
func (n *Node) Isolation() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.isolation
}

// NewRootKey is the root key that this start generated, or nil.
func (n *Node) NewRootKey() *RootKey {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.rootKey
}

// The deadlines of a stop, role by role.
const (
	// drainTime is how long running requests may go on before their environments are
	// ended under them; Ctrl-C must not take longer than a person waits.
	drainTime = 3 * time.Second
	// abortTime bounds the end of what is still running after that.
	abortTime = 5 * time.Second
)

// Run runs the node until ctx ends and everything is down again. Data stays,
// environments do not.
func (n *Node) Run(ctx context.Context) (err error) {
	if err := os.MkdirAll(n.cfg.DataDir, 0o711); err != nil { // sandboxes' users pass through to the code cache
		return fmt.Errorf("make the data directory: %w", err)
	}
	raiseFileLimit(ctx, n.log)
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", n.cfg.Listen)
	if err != nil {
		return fmt.Errorf("open the port: %w", err)
	}
	defer listener.Close()
	p, err := n.build(ctx, listener.Addr().String())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	return n.serve(ctx, p, listener)
}

// serve runs the roles. They stop in the reverse of the order in which they depend
// on each other: first no new requests, then the environments, then the services
// that environments write to.
func (n *Node) serve(ctx context.Context, p *parts, listener net.Listener) error {
	alive := context.WithoutCancel(ctx)
	servicesCtx, stopServices := context.WithCancel(alive)
	defer stopServices()
	environmentsCtx, stopEnvironments := context.WithCancel(alive)
	defer stopEnvironments()

	services, servicesFailed := errgroup.WithContext(servicesCtx)
	services.Go(func() error { return p.logs.Run(servicesCtx) })
	services.Go(func() error { return p.s3.Run(servicesCtx) })
	services.Go(func() error { return p.metrics.Run(servicesCtx) })
	services.Go(func() error { return p.queue.Run(servicesCtx) })
	services.Go(func() error { return p.sqs.Run(servicesCtx) })
	services.Go(func() error { return p.dynamodb.Run(servicesCtx) })
	services.Go(func() error { return p.runSNS(servicesCtx) })
	services.Go(func() error { return p.runScheduler(servicesCtx) })
	services.Go(func() error { return p.runEventBridge(servicesCtx) })
	services.Go(func() error { return p.iam.Run(servicesCtx) })
	services.Go(func() error { return p.plane.Run(servicesCtx) })
	if p.worker != nil {
		services.Go(func() error { return p.worker.Run(servicesCtx) })
	}
	services.Go(func() error { return n.runCluster(servicesCtx, p) })
	services.Go(func() error { return p.gateway.Run(servicesCtx) })
	if p.stock != nil {
		services.Go(func() error { return p.stock(servicesCtx) })
	}
	environments, environmentsFailed := errgroup.WithContext(environmentsCtx)
	environments.Go(func() error { return p.manager.Run(environmentsCtx) })
	events := n.startEvents(alive, p)

	trusted, err := parsePrefixes(n.cfg.TrustedProxies)
	if err != nil {
		return fmt.Errorf("trusted proxies: %w", err)
	}
	server := &http.Server{
		Handler:           behind(trusted, p.edge),
		ReadHeaderTimeout: 30 * time.Second, // slow clients must not hold connections for ever
		IdleTimeout:       5 * time.Minute,  // SDK pools keep connections about this long
		ErrorLog:          slog.NewLogLogger(n.log.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	select {
	case <-p.plane.Ready():
		go func() { served <- server.Serve(listener) }()
		n.announce(ctx, p, listener.Addr().String())
	case <-servicesFailed.Done():
		served <- http.ErrServerClosed
	case <-ctx.Done():
		served <- http.ErrServerClosed
	}

	var failed error
	select {
	case <-ctx.Done():
	case failed = <-served:
		served <- failed
	case <-servicesFailed.Done():
	case <-environmentsFailed.Done():
	case <-events.done:
	}
	events.stop()
	err = n.drain(alive, p, server, events)
	if ended := <-served; failed == nil {
		failed = ended
	}
	p.leaveCluster()
	stopEnvironments()
	err = errors.Join(err, environments.Wait())
	stopServices()
	err = errors.Join(err, services.Wait())
	if failed != nil && !errors.Is(failed, http.ErrServerClosed) {
		err = errors.Join(err, fmt.Errorf("serve: %w", failed))
	}
	return err
}

// drain lets running requests and events end, and ends their environments when they
// take too long.
func (n *Node) drain(ctx context.Context, p *parts, server *http.Server, events *eventsRun) error {
	p.sqs.EndPolls()
	short, cancel := context.WithTimeout(ctx, drainTime)
	defer cancel()
	if server.Shutdown(short) == nil && p.drainRelay(short) == nil && events.wait(short) == nil {
		return events.err
	}
	n.log.WarnContext(ctx, "requests are still running; ending their environments")
	long, cancelLong := context.WithTimeout(ctx, abortTime)
	defer cancelLong()
	p.machines.abort(long)
	if err := server.Shutdown(long); err != nil {
		return errors.Join(fmt.Errorf("stop serving: %w", err), server.Close())
	}
	if err := p.drainRelay(long); err != nil {
		return fmt.Errorf("stop serving frontends: %w", err)
	}
	if err := events.wait(long); err != nil {
		return fmt.Errorf("stop running events: %w", err)
	}
	return events.err
}

func (n *Node) announce(ctx context.Context, p *parts, addr string) {
	n.mu.Lock()
	n.addr = addr
	n.isolation = "that of the workers"
	if p.driver != nil {
		n.isolation = p.driver.Capabilities().Isolation
	}
	if id, secret, ok := p.iam.NewRootKey(); ok {
		n.rootKey = &RootKey{id, secret}
	}
	n.mu.Unlock()
	if p.driver != nil {
		n.warnMissing(ctx, p.driver)
	}
	close(n.ready)
}

// warnMissing tells which limits sandboxes on this host cannot hold to.
func (n *Node) warnMissing(ctx context.Context, d sandbox.Driver) {
	for _, missing := range d.Capabilities().Missing {
		n.log.WarnContext(ctx, "the sandbox cannot hold to a limit on this host", "missing", missing)
	}
}

// dir is a directory below the data directory.
func (n *Node) dir(name string) string { return filepath.Join(n.cfg.DataDir, name) }
