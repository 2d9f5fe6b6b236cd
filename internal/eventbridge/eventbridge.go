// Package eventbridge is Amazon EventBridge: event buses, rules with their targets,
// archives and replays.
//
// It decides which rules an event meets or when a rule's schedule is due, what each
// target gets to read, when a delivery is tried again and when it is given up. It
// does not know the language of patterns (pattern) or of schedules (schedule), keep
// what waits for delivery (queue), or reach targets (node). Who may call is the
// edge's business, and identity's.
//
// An event is accepted once every delivery that follows from it is on disk. From
// there each target has a queue of its own, so that one which fails does not hold up
// another. Delivery is at least once, as on AWS (EventBridge user guide, "How
// EventBridge retries delivering events").
package eventbridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/queue"
	"github.com/hearthfaas/hearth/internal/store"
)

// Targets carries events to what rules name (node meets it).
type Targets interface {
	// Deliver hands a delivery over, once. A *Failure says what AWS calls the reason
	// and whether another try is any use; any other error is tried again.
	Deliver(ctx context.Context, d Delivery) error
	// MayPut says whether a delivery's role, or the account of its rule, may put
	// events on the bus that the delivery names. Errors are as of Deliver.
	MayPut(ctx context.Context, d Delivery) error
}

// Authorizer is asked about the buses of one request beyond the first, for which the
// edge asks (iam meets it).
type Authorizer interface {
	AuthorizeOperation(ctx context.Context, c lambda.Caller, action, resource string, in any) error
}

// Delivery is one event for one target.
type Delivery struct {
	RuleARN string // on whose behalf
	RoleARN string // as whom; empty is the service events.amazonaws.com itself
	ARN     string // where to
	Body    []byte
	GroupID string // of SQS
	TraceID string
	// DeadLetter says that ARN is a dead-letter queue; Attributes are then what it
	// says beside the event.
	DeadLetter bool
	Attributes map[string]string
}

// Failure is why a delivery failed, in the words of AWS's dead letters.
type Failure struct {
	Code    string // such as NO_PERMISSIONS
	Message string
	// Final says that another try is of no use.
	Final bool
}

func (f *Failure) Error() string { return f.Code + ": " + f.Message }

// Config is what a Service works with; all but TimeScale, Now and Log are required.
type Config struct {
	// Store keeps buses, rules and archives, and the archived events; it is this
	// service's own.
	Store      store.Store
	Queue      *queue.Engine
	Targets    Targets
	Authorizer Authorizer
	// CheckPolicy refuses a bus's policy that identity could not read.
	CheckPolicy func(document string) error
	// PassRole says whether the caller may hand a role to this service.
	PassRole func(ctx context.Context, roleARN string) error
	// TimeScale makes back-off, ages of events and rates pass so many times faster; 0
	// is 1.
	TimeScale float64
	Now       func() time.Time // nil takes time.Now
	Log       *slog.Logger
}

// Service is Amazon EventBridge. Its methods may be called from many goroutines.
type Service struct {
	cfg      Config
	buses    store.Table[busRecord]
	rules    store.Table[ruleRecord]
	archives store.Table[archiveRecord]
	replays  store.Table[replayRecord]
	kept     store.Table[keptEvent]

	lanes  lanes
	counts counts
	slots  *semaphore.Weighted // deliveries under way
	// due is told that a schedule changed, and replaying that a replay began or is to
	// end.
	due, replaying chan struct{}

	// writing is held while records change, and taken before mu.
	writing sync.Mutex
	mu      sync.RWMutex // guards index and all that hangs from it
	index   index
}

// deliveriesMax is how many deliveries are under way at a time over all targets: each
// waits for the disk most of the time, and those of the same moment share a sync.
const deliveriesMax = 256

// Open reads the buses and rules. It starts nothing: events are accepted at once and
// delivered while Run runs.
func Open(ctx context.Context, cfg Config) (*Service, error) {
	if cfg.TimeScale == 0 {
		cfg.TimeScale = 1
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{
		cfg:       cfg,
		buses:     store.NewTable[busRecord](cfg.Store, "bus"),
		rules:     store.NewTable[ruleRecord](cfg.Store, "rule"),
		archives:  store.NewTable[archiveRecord](cfg.Store, "archive"),
		replays:   store.NewTable[replayRecord](cfg.Store, "replay"),
		kept:      store.NewTable[keptEvent](cfg.Store, "kept"),
		lanes:     newLanes(),
		counts:    newCounts(),
		slots:     semaphore.NewWeighted(deliveriesMax),
		due:       make(chan struct{}, 1),
		replaying: make(chan struct{}, 1),
		index:     newIndex(),
	}
	if err := s.load(ctx); err != nil {
		return nil, fmt.Errorf("open event buses: %w", err)
	}
	return s, nil
}

// Run delivers events, fires schedules, plays archives back and drops what archives
// keep no longer, until ctx ends; then it waits for the deliveries under way. What is
// left is delivered after the next start.
func (s *Service) Run(ctx context.Context) error {
	err := s.takeUp(ctx)
	if err == nil {
		s.work(ctx)
	}
	if ctx.Err() != nil || errors.Is(err, queue.ErrClosed) {
		err = nil // it was to end
	}
	return err
}

// work has all loops run until ctx ends.
func (s *Service) work(ctx context.Context) {
	var loops sync.WaitGroup
	loops.Go(func() { s.runLanes(ctx) })
	loops.Go(func() { s.runSchedules(ctx) })
	loops.Go(func() { s.runReplays(ctx) })
	loops.Go(func() { s.runSweeps(ctx) })
	loops.Wait()
}

// scaled is a wait as it passes here.
func (s *Service) scaled(wait time.Duration) time.Duration {
	return time.Duration(float64(wait) / s.cfg.TimeScale)
}

// age is how old something is, in the time that limits are stated in.
func (s *Service) age(since time.Time) time.Duration {
	return time.Duration(float64(s.cfg.Now().Sub(since)) * s.cfg.TimeScale)
}

// stamp is the present as records keep it.
func (s *Service) stamp() time.Time { return s.cfg.Now().UTC().Truncate(time.Millisecond) }

// nudge tells a loop to look again.
func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// rest waits, or for the end of ctx.
func rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
