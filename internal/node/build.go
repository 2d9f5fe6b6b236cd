package node

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/hearthfaas/hearth/internal/admin"
	"github.com/hearthfaas/hearth/internal/apigateway"
	"github.com/hearthfaas/hearth/internal/asyncinvoke"
	"github.com/hearthfaas/hearth/internal/awsapi"
	"github.com/hearthfaas/hearth/internal/code"
	"github.com/hearthfaas/hearth/internal/controlplane"
	"github.com/hearthfaas/hearth/internal/counter"
	"github.com/hearthfaas/hearth/internal/dynamodb"
	"github.com/hearthfaas/hearth/internal/eventbridge"
	"github.com/hearthfaas/hearth/internal/eventsource"
	"github.com/hearthfaas/hearth/internal/frontend"
	"github.com/hearthfaas/hearth/internal/iam"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/logs"
	"github.com/hearthfaas/hearth/internal/metrics"
	"github.com/hearthfaas/hearth/internal/queue"
	"github.com/hearthfaas/hearth/internal/runtimes"
	"github.com/hearthfaas/hearth/internal/s3"
	"github.com/hearthfaas/hearth/internal/sandbox"
	"github.com/hearthfaas/hearth/internal/scheduler"
	"github.com/hearthfaas/hearth/internal/sns"
	"github.com/hearthfaas/hearth/internal/sqs"
	"github.com/hearthfaas/hearth/internal/store/sqlite"
	"github.com/hearthfaas/hearth/internal/wire"
	"github.com/hearthfaas/hearth/internal/worker"
	"github.com/hearthfaas/hearth/internal/workermanager"
)

// cacheMaxBytes bounds the unpacked code on disk: some forty packages of the largest
// size, thousands of usual ones.
const cacheMaxBytes = 10 << 30

// environmentAgeMax is how old an environment may become: well within the life of
// its role credentials.
const environmentAgeMax = 8 * time.Hour

// scaleRefill is in how long a function may add Config.ScaleBurst environments
// (Lambda developer guide, "Concurrency scaling rate").
const scaleRefill = 10 * time.Second

// parts are the roles of one process and what they stand on.
type parts struct {
	store     *sqlite.Store
	queue     *queue.Engine
	sqs       *sqs.Service
	metrics   *metrics.Service
	sns       *sns.Service
	schedules *scheduler.Service
	buses     *eventbridge.Service
	dynamodb  *dynamodb.Service
	events    *asyncinvoke.Dispatcher
	// mappings polls event sources.
	mappings *eventsource.Service
	push     *s3Push
	hub      *hub
	iam      *iam.Service
	logs     *logs.Service
	s3       *s3.Service
	plane    *controlplane.Service
	gateway  *apigateway.Service
	driver   sandbox.Driver
	// stock keeps what the driver makes ahead in store; nil when it needs nothing.
	stock   func(context.Context) error
	worker  *worker.Worker // nil when environments are on other machines only
	cluster *cluster       // nil when no other process may join
	// machines are all the workers.
	machines *machines
	manager  *workermanager.Manager
	invoker  invoker
	edge     http.Handler
	// local is the node's services for its own parts; it is filled before anything runs.
	local *local

	closers []func() error // in the order of opening
}

// close releases what was opened, last first.
func (p *parts) close() error {
	var err error
	for _, v := range slices.Backward(p.closers) {
		err = errors.Join(err, v())
	}
	return err
}

// build makes the parts and passes each the peers that it asks for.
func (n *Node) build(ctx context.Context, addr string) (_ *parts, err error) {
	p := &parts{}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	if err := n.openStore(ctx, p); err != nil {
		return nil, err
	}
	driver := n.driverBeside(p)
	if err := n.openState(ctx, p); err != nil {
		return nil, err
	}
	if err := n.openSNS(ctx, p, addr); err != nil {
		return nil, err
	}
	if err := n.openScheduler(ctx, p); err != nil {
		return nil, err
	}
	if err := n.openEventBridge(ctx, p); err != nil {
		return nil, err
	}
	packages, err := code.Open(code.Config{Dir: n.dir("packages"), Log: n.log})
	if err != nil {
		return nil, fmt.Errorf("open the packages: %w", err)
	}
	cache, err := code.NewCache(code.CacheConfig{Dir: n.dir("code"), MaxBytes: cacheMaxBytes, Log: n.log}, packages)
	if err != nil {
		return nil, fmt.Errorf("open the code cache: %w", err)
	}
	catalogue, err := runtimes.New(runtimes.Config{Dir: n.dir("runtimes"), Path: n.cfg.Path, Home: n.cfg.Home, Log: n.log})
	if err != nil {
		return nil, fmt.Errorf("open the runtimes: %w", err)
	}
	endpoint := &lateHandler{}
	if err := n.openWorker(ctx, p, driver, cache, catalogue, endpoint, addr); err != nil {
		return nil, err
	}
	if err := n.openCluster(ctx, p, packages); err != nil {
		return nil, err
	}
	p.serveAPI(endpoint)
	host := &machines{worker: p.worker, id: worker.Default().ID, zone: n.cfg.Zone, freeMB: availableMB, hub: p.workers(), since: time.Now()}
	p.machines = host
	p.manager = workermanager.New(workermanager.Config{
		IdleTimeout: n.cfg.IdleTimeout, KeepAlive: n.cfg.KeepAlive, AgeMax: environmentAgeMax,
		Placed: func(took time.Duration) { p.metrics.Started("place", took) },
	}, host, host, n.log)

	links := code.NewLinks(packages, nil)
	count := counter.New(counter.Config{
		AccountConcurrency:     n.cfg.AccountConcurrency,
		Growth:                 counter.Growth{Burst: n.cfg.ScaleBurst, Refill: scaleRefill, Warm: n.cfg.IdleTimeout},
		RequestsPerConcurrency: n.cfg.RequestsPerConcurrency,
	})
	sources := &mappingSources{parts: p, accountConcurrency: n.cfg.AccountConcurrency}
	p.plane = controlplane.New(controlplane.Config{
		Sources:       sources,
		Store:         p.store,
		Codes:         packages,
		Roles:         p.iam,
		Runtimes:      runtimeCheck{catalogue, p.workers()},
		Environments:  p.manager,
		Limits:        count,
		Provisioner:   provisioner{p.manager},
		Allow:         allow(p.iam),
		Architectures: architectures(),
		FunctionURL:   functionURL(addr),
		Objects:       p.s3,
		Destinations:  destinations{p.hub},
		PassRole: func(ctx context.Context, arn string) error {
			return p.iam.CanPassRole(ctx, arn, "lambda.amazonaws.com")
		},
		Warm:               warm(cache, p.worker),
		CodeURL:            func(base string, d lambda.CodeDigest) string { return links.URL(base, d, time.Now()) },
		AccountConcurrency: n.cfg.AccountConcurrency,
		Log:                n.log,
	})
	p.push.ready = p.plane.Ready()
	p.iam.UseResources("lambda", lambdaResources{p.plane})
	p.iam.UseResources("logs", logResources{p.logs})
	events := &asyncInvokes{plane: p.plane, iam: p.iam, hub: p.hub}
	p.events = n.dispatcher(p, events)
	events.dispatcher = p.events
	front := frontend.New[counter.Slot, workermanager.Environment](functions{p.plane}, p.iam, count, p.manager, events, observer{p.metrics}, n.log)
	events.frontend = front
	p.metrics.Use(p.plane.Weighted, sample(p, count))
	p.invoker = invoker{front}
	signatures := awsapi.NewAuthenticator(identities{p.iam}, n.cfg.Region, time.Now)
	if err := n.openGateway(ctx, p, addr, signatures); err != nil {
		return nil, err
	}
	all := services(p)
	p.local = newLocal(p.iam, all)
	p.hub.frontend, p.hub.local, p.hub.objects = front, p.local, p.s3
	p.mappings = n.eventSources(sources, front)
	edge, err := awsapi.New(awsapi.Config{
		Services:    all,
		Identities:  identities{p.iam},
		Authorizer:  p.iam,
		Invoker:     p.invoker,
		Region:      n.cfg.Region,
		CodeHandler: links,
		Metrics:     p.metrics.Prometheus(),
		Own:         admin.New(p.iam),
		Handlers:    map[string]awsapi.Handler{"s3": p.s3},
		Sites:       []awsapi.Site{urlSite(p, signatures, n.log), p.gateway, p.sns},
		Now:         time.Now,
		Log:         n.log,
	})
	if err != nil {
		return nil, fmt.Errorf("build the edge: %w", err)
	}
	p.edge = edge
	n.openRelay(p, edge)
	endpoint.Handler = withoutMetrics(edge)
	return p, nil
}

// openStore opens the store before anything else: its lock keeps a second Hearth out of
// the data directory.
func (n *Node) openStore(ctx context.Context, p *parts) error {
	store, err := sqlite.Open(ctx, n.dir("meta.db"), n.log)
	if err != nil {
		return fmt.Errorf("open the store: %w", err)
	}
	p.store = store
	p.closers = append(p.closers, store.Close)
	return nil
}

// openState opens what else is durable.
func (n *Node) openState(ctx context.Context, p *parts) (err error) {
	p.queue, err = queue.Open(ctx, queue.Config{Dir: n.cfg.DataDir, Now: time.Now, Log: n.log})
	if err != nil {
		return fmt.Errorf("open the queues: %w", err)
	}
	p.closers = append(p.closers, p.queue.Close)
	p.iam, err = iam.Open(ctx, iam.Config{
		Store: p.store, KeyFile: n.dir("key"), Account: n.cfg.Account, TestKeys: n.cfg.Loopback(),
		Organization: n.cfg.Organization,
		IssuerKeys:   n.cfg.OIDCKeys, Log: n.log,
	})
	if err != nil {
		return fmt.Errorf("open the identities: %w", err)
	}
	p.closers = append(p.closers, func() error { p.iam.Close(); return nil })
	p.logs, err = logs.Open(ctx, logs.Config{Dir: n.dir("logs"), Retention: n.cfg.LogRetention, Now: time.Now, Log: n.log})
	if err != nil {
		return fmt.Errorf("open the logs: %w", err)
	}
	p.closers = append(p.closers, p.logs.Close)
	if err := n.openMetrics(ctx, p); err != nil {
		return err
	}
	p.hub = &hub{iam: p.iam, log: n.log}
	p.push = &s3Push{hub: p.hub}
	p.s3, err = s3.Open(ctx, s3.Config{
		Dir: n.dir("s3"), Identities: s3Identities{p.iam}, Authorizer: &s3Authorizer{iam: p.iam},
		Region: n.cfg.Region, Events: p.push.Deliver, Destination: p.push.Check, Log: n.log,
	})
	if err != nil {
		return fmt.Errorf("open the buckets: %w", err)
	}
	p.closers = append(p.closers, p.s3.Close)
	if err := n.openDynamoDB(ctx, p); err != nil {
		return err
	}
	return n.openSQS(ctx, p)
}

// services are the AWS services of this node, with their errors' shapes.
func services(p *parts) []*wire.Service {
	with := func(s *wire.Service, errs map[string]wire.ErrorShape) *wire.Service {
		s.Errors = errs
		return s
	}
	functions := p.plane.API()
	functions.Operations = append(functions.Operations, awsapi.InvokeAsync(p.invoker))
	return []*wire.Service{
		with(functions, awsapi.LambdaErrors),
		with(p.iam.IAM(), awsapi.IAMErrors),
		with(p.iam.STS(), awsapi.STSErrors),
		with(p.logs.API(), awsapi.LogsErrors),
		p.metrics.API(),
		p.sqs.API(),
		p.sns.API(),
		p.schedules.API(),
		p.buses.API(),
		p.gateway.V1(),
		p.gateway.V2(),
		p.dynamodb.API(),
		p.dynamodb.StreamsAPI(),
	}
}

// warm unpacks a version's code before the version becomes Active, and has the worker
// make ready what its first invoke needs.
func warm(cache *code.Cache, w *worker.Worker) func(context.Context, *lambda.Version) error {
	return func(ctx context.Context, v *lambda.Version) error {
		entry, err := cache.Acquire(ctx, v.CodeDigest)
		if err != nil {
			return err
		}
		defer entry.Release()
		trees := runtimes.Trees{Code: entry.Dir}
		if len(v.Layers) > 0 {
			layers, err := cache.AcquireLayers(ctx, v.Layers)
			if err != nil {
				return err
			}
			defer layers.Release()
			trees.Layers = layers.Dir
		}
		if w != nil {
			w.Expect(ctx, v, trees)
		}
		return nil
	}
}

// lateHandler is a handler that is known only after those who serve it are built.
type lateHandler struct{ http.Handler }
