package controlplane

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/hearthfaas/hearth/internal/code"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

// Roles is what the control plane needs of identity management.
type Roles interface {
	// CanLambdaAssume returns nil when the role exists and trusts Lambda to assume it
	// for that function, otherwise the *lambda.Error to show.
	CanLambdaAssume(ctx context.Context, roleARN, account, functionARN string) error
}

// Runtimes knows which runtimes this installation can run.
type Runtimes interface {
	// Check returns nil, or the *lambda.Error for a runtime that AWS has and this
	// installation cannot run.
	Check(name string) error
}

// Codes keeps deployment packages; *code.Packages meets it.
type Codes interface {
	Put(ctx context.Context, zip []byte) (code.Package, error)
	PutFrom(ctx context.Context, zip io.Reader) (code.Package, error)
	Sweep(referenced func(lambda.CodeDigest) bool) (int, error)
}

// Environments owns the execution environments that functions run in.
type Environments interface {
	// Retire says that no new invoke will ask for environments of this key: those
	// that exist are to be drained. It must not wait for that.
	Retire(key lambda.EnvironmentKey)
}

// Limits holds the concurrency limits of the invoke path (counter meets it).
type Limits interface {
	// SetReserved sets a function's reserved concurrency; nil takes it away.
	SetReserved(id lambda.FunctionID, n *int)
	// SetProvisioned sets the provisioned concurrency of a version; 0 takes it away.
	SetProvisioned(id lambda.FunctionID, version string, n int)
}

// Config is what a Service works with. Store, Codes and Roles are required.
type Config struct {
	Store        store.Store
	Codes        Codes
	Roles        Roles
	Runtimes     Runtimes       // nil: every current runtime can run
	Environments Environments   // nil: nobody keeps environments
	Limits       Limits         // nil: nobody counts invokes
	Sources      MappingSources // nil: no event source is polled
	Objects      Objects        // nil: there are no buckets
	Destinations Destinations   // nil: every target exists and may be sent to
	// Allow says whether the caller in ctx may do something to a resource that has
	// this policy document, or none when it is empty; nil allows everything within
	// the caller's account and nothing in others.
	Allow func(ctx context.Context, action, resource, resourcePolicy string) error
	// FunctionURL makes the URL by which a function URL's id is reached in a region,
	// with a slash at its end; nil makes AWS's, which nobody serves here.
	FunctionURL func(id, region string) string
	// Architectures are those that this host can run; none means all.
	Architectures []string
	Provisioner   Provisioner // nil: nobody makes environments ahead
	// PassRole says whether the caller in ctx may hand the role to Lambda
	// (iam:PassRole); nil allows it.
	PassRole func(ctx context.Context, roleARN string) error
	// Warm prepares a version's code where it will run, before it becomes Active; nil
	// when there is nothing to prepare.
	Warm func(ctx context.Context, v *lambda.Version) error
	// CodeURL makes the link of GetFunction's Code.Location; nil leaves it out.
	CodeURL func(baseURL string, digest lambda.CodeDigest) string
	// AccountConcurrency is the concurrency of each account and region; 0 takes
	// lambda.AccountConcurrencyDefault.
	AccountConcurrency int
	// Now is the clock; nil takes time.Now.
	Now func() time.Time
	Log *slog.Logger
}

// Service is the control plane of one process.
type Service struct {
	cfg      Config
	tables   tables
	view     *view
	urls     urlIndex
	mappings *mappingView
	signing  *signingView
	ready    chan struct{}

	// unsettled are the functions with a transition to carry out, retired the
	// environments whose owner is to be told.
	unsettled *queue[lambda.FunctionID]
	retired   *queue[lambda.EnvironmentKey]
	// unsettledMappings are the event source mappings in transition.
	unsettledMappings *queue[mappingID]
	// provisioning are the functions whose provisioned concurrency is to be followed.
	provisioning *queue[lambda.FunctionID]
	running      sync.Once
}

// New prepares a Service. It answers once Run has loaded the state.
func New(cfg Config) *Service {
	if cfg.AccountConcurrency == 0 {
		cfg.AccountConcurrency = lambda.AccountConcurrencyDefault
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{
		cfg:       cfg,
		tables:    newTables(cfg.Store),
		view:      newView(),
		ready:     make(chan struct{}),
		unsettled: newQueue[lambda.FunctionID](),
		retired:   newQueue[lambda.EnvironmentKey](),

		unsettledMappings: newQueue[mappingID](),
		provisioning:      newQueue[lambda.FunctionID](),
	}
	s.mappings = newMappingView(s.unsettledMappings.add)
	s.signing = newSigningView()
	s.view.unsettled = s.unsettled.add
	s.view.provisioning = s.provisioning.add
	s.view.retired = s.retired.add
	return s
}

// Ready is closed once the state is in memory and requests can be answered.
func (s *Service) Ready() <-chan struct{} { return s.ready }

// awaitReady holds a request back until the state is loaded.
func (s *Service) awaitReady(ctx context.Context) error {
	select {
	case <-s.ready:
		return nil
	default:
	}
	select {
	case <-s.ready:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the control plane's state: %w", ctx.Err())
	}
}
