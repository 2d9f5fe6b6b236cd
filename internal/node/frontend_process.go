package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hearthfaas/hearth/internal/awsapi"
	"github.com/hearthfaas/hearth/internal/fleet"
	"github.com/hearthfaas/hearth/internal/frontend"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/relay"
	"github.com/hearthfaas/hearth/internal/rpc"
)

// FrontendConfig is the whole configuration of a frontend process. The zero value is not
// valid: start from DefaultFrontend.
type FrontendConfig struct {
	// Join is where the control process lets others join, host:port.
	Join string
	// Token lets the frontend join the first time; later its certificate does.
	Token string
	// Name is what the frontend wants to be called, the first time.
	Name string
	// Zone is what fails together with it.
	Zone string
	// Listen is where clients ask, host:port; port 0 takes a free one.
	Listen string
	// TrustedProxies are as in Config.
	TrustedProxies []string
	// DataDir is where its identity lies.
	DataDir string
	// Notice is how long the frontend goes on answering with its health turned, so that
	// load balancers send nothing more when its port closes.
	Notice time.Duration
	// DrainMax is how long running requests may go on after that.
	DrainMax time.Duration
}

// DefaultFrontend is the configuration of `hearth frontend` without flags.
func DefaultFrontend() FrontendConfig {
	return FrontendConfig{
		Listen:   "127.0.0.1:4566",
		Notice:   2 * time.Second,  // two of `hearth lb`'s checks, and what they may take
		DrainMax: 15 * time.Minute, // the longest function
	}
}

// Validate reports everything that is wrong with the configuration at once.
func (c FrontendConfig) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for _, v := range []struct{ name, addr string }{{"join", c.Join}, {"listen", c.Listen}} {
		if _, _, err := net.SplitHostPort(v.addr); err != nil {
			bad("%s: %q is not host:port", v.name, v.addr)
		}
	}
	// A control process that others reach on loopback only may know the test key, which is
	// for this machine alone.
	if loopback(c.Join) && !loopback(c.Listen) {
		bad("listen: %q can be reached from other machines, and join: %q cannot; have the control process listen for others (--cluster-listen) on an address of the network", c.Listen, c.Join)
	}
	for _, v := range []struct{ name, text string }{{"name", c.Name}, {"zone", c.Zone}} {
		if !rpc.ValidName(v.text) {
			bad("%s: %q is not of letters, digits, dots and dashes", v.name, v.text)
		}
	}
	if _, err := parsePrefixes(c.TrustedProxies); err != nil {
		bad("trusted_proxies: %w", err)
	}
	if !filepath.IsAbs(c.DataDir) {
		bad("data_dir: %q is not an absolute path", c.DataDir)
	}
	if c.Notice < 0 || c.DrainMax < 0 {
		bad("times are not negative")
	}
	return errors.Join(errs...)
}

// FrontendNode is one process that answers clients for a control process elsewhere.
type FrontendNode struct {
	cfg   FrontendConfig
	log   *slog.Logger
	ready func(name, addr string)
}

// NewFrontend prepares a frontend. Ready is called once it answers clients and has found
// its control process.
func NewFrontend(cfg FrontendConfig, ready func(name, addr string), log *slog.Logger) (*FrontendNode, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &FrontendNode{cfg: cfg, log: log, ready: ready}, nil
}

// Run joins, and answers clients until ctx ends and running requests have.
func (f *FrontendNode) Run(ctx context.Context) error {
	client, err := rpc.NewClient(filepath.Join(f.cfg.DataDir, "identity"), rpc.Frontend, f.cfg.Join, time.Now, f.log)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.Join(ctx, f.cfg.Name, f.cfg.Token); err != nil {
		return fmt.Errorf("join %s: %w", f.cfg.Join, err)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", f.cfg.Listen)
	if err != nil {
		return fmt.Errorf("open the port: %w", err)
	}
	defer l.Close()
	trusted, err := parsePrefixes(f.cfg.TrustedProxies)
	if err != nil {
		return fmt.Errorf("trusted proxies: %w", err)
	}
	peers := &workerPeers{identity: client.Identity(), all: map[lambda.Address]*rpc.Peer{}}
	defer peers.close()
	front := relay.New(relay.Config{
		Control: client.Control(), Run: peers.run, Fault: frontend.Fault, PayloadMax: awsapi.InvokeBodyMax,
		Zone: f.cfg.Zone, Log: f.log,
	})
	server := &http.Server{
		Handler:           behind(trusted, front),
		ReadHeaderTimeout: 30 * time.Second, // slow clients must not hold connections for ever
		IdleTimeout:       5 * time.Minute,  // SDK pools keep connections about this long
		ErrorLog:          slog.NewLogLogger(f.log.Handler(), slog.LevelDebug),
	}
	below, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	parts, failed := errgroup.WithContext(below)
	parts.Go(func() error { return client.Run(below) })
	parts.Go(func() error {
		return front.Run(below, func() { f.ready(client.Identity().Name(), l.Addr().String()) })
	})
	parts.Go(func() error {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	select {
	case <-ctx.Done():
	case <-failed.Done():
	}
	err = f.drain(context.WithoutCancel(ctx), failed, front, server)
	stop()
	return errors.Join(err, parts.Wait())
}

// drain turns the health first, and ends when the last request is answered.
func (f *FrontendNode) drain(ctx context.Context, failed context.Context, front *relay.Frontend, server *http.Server) error {
	front.Leave()
	f.log.InfoContext(ctx, "the frontend is leaving: it waits for running requests", "at_most", f.cfg.DrainMax)
	select {
	case <-time.After(f.cfg.Notice):
	case <-failed.Done():
	}
	ctx, cancel := context.WithTimeout(ctx, f.cfg.DrainMax)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("stop serving: %w", err), server.Close())
	}
	return nil
}

// peersMax bounds the workers to which connections are kept; a Hearth has fewer at a
// time, and those that have gone are forgotten with the others.
const peersMax = 1000

// workerPeers are the ways to the workers.
type workerPeers struct {
	identity *rpc.Identity

	mu  sync.Mutex // guards all
	all map[lambda.Address]*rpc.Peer
}

// run has a worker run an event (relay.Config).
func (p *workerPeers) run(ctx context.Context, to lambda.Address, inv *lambda.Invocation) (lambda.Result, error) {
	return fleet.Invoke(ctx, p.to(to), to, inv)
}

func (p *workerPeers) to(at lambda.Address) *rpc.Peer {
	key := lambda.Address{Worker: at.Worker, Name: at.Name}
	p.mu.Lock()
	defer p.mu.Unlock()
	peer := p.all[key]
	if peer == nil {
		if len(p.all) >= peersMax {
			p.drop()
		}
		peer = p.identity.Peer(rpc.Worker, at.Name, at.Worker)
		p.all[key] = peer
	}
	return peer
}

// drop forgets all peers; what runs on their connections goes on. The mutex is held.
func (p *workerPeers) drop() {
	for _, peer := range p.all {
		peer.Close()
	}
	clear(p.all)
}

func (p *workerPeers) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop()
}
