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
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hearthfaas/hearth/internal/code"
	"github.com/hearthfaas/hearth/internal/fleet"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/rpc"
	"github.com/hearthfaas/hearth/internal/runtimes"
	"github.com/hearthfaas/hearth/internal/worker"
)

// WorkerConfig is the whole configuration of a worker process. The zero value is not
// valid: start from DefaultWorker.
type WorkerConfig struct {
	// Join is where the control process lets others join, host:port.
	Join string
	// Token lets the worker join the first time; later its certificate does.
	Token string
	// Name is what the worker wants to be called, the first time.
	Name string
	// Zone is what fails together with it.
	Zone string
	// Listen is where the worker is asked, host:port; port 0 takes a free one.
	Listen string
	// Advertise is how the others reach Listen; empty is Listen itself.
	Advertise string
	// DataDir is where its identity, its code cache and its sandboxes lie.
	DataDir   string
	Isolation string
	// MemoryMB bounds its environments' sizes together; 0 takes no bound but the memory
	// that is free.
	MemoryMB  int
	BootAhead int
	Path      string
	Home      string
	// KeepFor is how long environments stay warm while the control process is gone.
	KeepFor time.Duration
	// DrainMax is how long running invokes may go on when the worker is told to stop.
	DrainMax time.Duration
}

// DefaultWorker is the configuration of `hearth worker` without flags.
func DefaultWorker() WorkerConfig {
	d := Default()
	return WorkerConfig{
		Listen: "127.0.0.1:0", Isolation: d.Isolation, BootAhead: d.BootAhead, Path: d.Path,
		KeepFor:  time.Minute,      // a control process is started again within seconds
		DrainMax: 15 * time.Minute, // the longest function
	}
}

// Validate reports everything that is wrong with the configuration at once.
func (c WorkerConfig) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for _, v := range []struct{ name, addr string }{{"join", c.Join}, {"listen", c.Listen}} {
		if _, _, err := net.SplitHostPort(v.addr); err != nil {
			bad("%s: %q is not host:port", v.name, v.addr)
		}
	}
	if c.Advertise != "" {
		if _, _, err := net.SplitHostPort(c.Advertise); err != nil {
			bad("advertise: %q is not host:port", c.Advertise)
		}
	}
	for _, v := range []struct{ name, text string }{{"name", c.Name}, {"zone", c.Zone}} {
		if !rpc.ValidName(v.text) {
			bad("%s: %q is not of letters, digits, dots and dashes", v.name, v.text)
		}
	}
	if !filepath.IsAbs(c.DataDir) {
		bad("data_dir: %q is not an absolute path", c.DataDir)
	}
	if c.Isolation != "namespace" && c.Isolation != "process" {
		bad(`isolation: %q is neither "namespace" nor "process"`, c.Isolation)
	}
	if c.MemoryMB < 0 || c.BootAhead < 0 || c.KeepFor < 0 || c.DrainMax < 0 {
		bad("memory, boot ahead and times are not negative")
	}
	return errors.Join(errs...)
}

// WorkerNode is one process that hosts environments for a control process elsewhere.
type WorkerNode struct {
	cfg    WorkerConfig
	node   *Node // for what it shares with a whole node
	log    *slog.Logger
	joined func(name, addr string)
}

// NewWorker prepares a worker. Joined is called each time it becomes part of the fleet.
func NewWorker(cfg WorkerConfig, joined func(name, addr string), log *slog.Logger) (*WorkerNode, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &WorkerNode{
		cfg: cfg, log: log, joined: joined,
		node: &Node{cfg: Config{DataDir: cfg.DataDir, Isolation: cfg.Isolation}, log: log},
	}, nil
}

// Run joins, and hosts environments until ctx ends and running invokes have.
func (w *WorkerNode) Run(ctx context.Context) (err error) {
	if err := os.MkdirAll(w.cfg.DataDir, 0o711); err != nil { // sandboxes' users pass through to the code cache
		return fmt.Errorf("make the data directory: %w", err)
	}
	raiseFileLimit(ctx, w.log)
	client, err := rpc.NewClient(w.node.dir("identity"), rpc.Worker, w.cfg.Join, time.Now, w.log)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.Join(ctx, w.cfg.Name, w.cfg.Token); err != nil {
		return fmt.Errorf("join %s: %w", w.cfg.Join, err)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", w.cfg.Listen)
	if err != nil {
		return fmt.Errorf("open the port: %w", err)
	}
	defer l.Close()
	d, err := w.node.openDriver()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	return w.serve(ctx, client, l, d)
}

// serve makes the parts and runs them.
func (w *WorkerNode) serve(ctx context.Context, client *rpc.Client, l net.Listener, d sandboxes) error {
	catalogue, err := runtimes.New(runtimes.Config{Dir: w.node.dir("runtimes"), Path: w.cfg.Path, Home: w.cfg.Home, Log: w.log})
	if err != nil {
		return fmt.Errorf("open the runtimes: %w", err)
	}
	addr, err := w.address(ctx, l)
	if err != nil {
		return err
	}
	agent := fleet.NewAgent(fleet.AgentConfig{
		Client: client, KeepFor: w.cfg.KeepFor, DrainMax: w.cfg.DrainMax, Log: w.log,
		Hello: fleet.Hello{
			Zone: w.cfg.Zone, Addr: addr, CommitMaxMB: w.cfg.MemoryMB, Isolation: w.cfg.Isolation,
			Architectures: architectures(), Runtimes: available(ctx, catalogue),
		},
		Joined: func() { w.joined(client.Identity().Name(), addr) },
	})
	cache, err := code.NewCache(code.CacheConfig{Dir: w.node.dir("code"), MaxBytes: cacheMaxBytes, Log: w.log}, agent)
	if err != nil {
		return fmt.Errorf("open the code cache: %w", err)
	}
	// Environments without a network of their own reach the API here.
	api, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("open the port of the API: %w", err)
	}
	cfg := worker.Default()
	cfg.Endpoint = "http://" + api.Addr().String()
	cfg.CommitMaxMB = w.cfg.MemoryMB
	cfg.BootAhead, cfg.FreeMB = w.cfg.BootAhead, availableMB
	host := worker.New(cfg, d.Driver, cache, catalogue, agent, agentLogs{agent}, agent.API(), w.log)
	if err := host.Sweep(ctx); err != nil {
		return errors.Join(err, api.Close())
	}
	w.node.warnMissing(ctx, d.Driver)
	agent.Use(hostOf{host})
	return w.run(ctx, agent, l, host, api, d)
}

// address is where the others reach this worker: when it listens on all addresses of
// the host, on the one that leads to the control process.
func (w *WorkerNode) address(ctx context.Context, l net.Listener) (string, error) {
	if w.cfg.Advertise != "" {
		return w.cfg.Advertise, nil
	}
	at, ok := l.Addr().(*net.TCPAddr)
	if !ok || !at.IP.IsUnspecified() {
		return l.Addr().String(), nil
	}
	c, err := (&net.Dialer{}).DialContext(ctx, "udp", w.cfg.Join) // nothing is sent
	if err != nil {
		return "", fmt.Errorf("find the address that leads to %s: %w", w.cfg.Join, err)
	}
	defer c.Close()
	host, _, err := net.SplitHostPort(c.LocalAddr().String())
	return net.JoinHostPort(host, strconv.Itoa(at.Port)), err
}

// run runs the parts until ctx ends: the agent first, then what its environments stand
// on.
func (w *WorkerNode) run(ctx context.Context, agent *fleet.Agent, l net.Listener, host *worker.Worker, api net.Listener, d sandboxes) error {
	below, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	parts, failed := errgroup.WithContext(below)
	parts.Go(func() error { return host.Run(below) })
	if d.stock != nil {
		parts.Go(func() error { return d.stock(below) })
	}
	server := &http.Server{Handler: agent.API(), ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(w.log.Handler(), slog.LevelDebug)} // the peers are on this host
	parts.Go(func() error {
		if err := server.Serve(api); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	agentCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(failed, cancel)()
	err := agent.Run(agentCtx, l)
	stop()
	return errors.Join(err, server.Close(), parts.Wait())
}

// available are the runtimes that this host can run.
func available(ctx context.Context, c *runtimes.Catalogue) (names []string) {
	for _, r := range c.List(ctx) {
		if r.Available {
			names = append(names, r.Name)
		}
	}
	return names
}

// hostOf shows the worker to the fleet's agent.
type hostOf struct{ worker *worker.Worker }

// Open meets fleet.Host.
func (h hostOf) Open(ctx context.Context, v *lambda.Version) (fleet.Hosted, error) {
	e, err := h.worker.Open(ctx, v)
	if err != nil {
		return nil, runnable(err)
	}
	return e, nil
}

// FreeMB meets fleet.Host.
func (hostOf) FreeMB() (int, error) { return availableMB() }

// agentLogs sends the log lines of environments to the control process.
type agentLogs struct{ agent *fleet.Agent }

// Open meets worker.Logs.
func (a agentLogs) Open(ctx context.Context, stream worker.LogStream, as lambda.Credentials) (worker.LogWriter, error) {
	to, err := a.agent.OpenLog(ctx, fleet.LogStream(stream), as)
	if err != nil {
		return nil, err
	}
	return agentLog{to}, nil
}

type agentLog struct{ to fleet.LogWriter }

// Append meets worker.LogWriter.
func (l agentLog) Append(lines []worker.LogLine) {
	out := make([]fleet.LogLine, len(lines))
	for i, v := range lines {
		out[i] = fleet.LogLine(v)
	}
	l.to.Append(out)
}

// Close meets io.Closer.
func (l agentLog) Close() error {
	if c, ok := l.to.(interface{ Close() error }); ok {
		return c.Close()
	}
	return nil
}
