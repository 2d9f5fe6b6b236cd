// Package scheduler is Amazon EventBridge Scheduler for one node: schedules in
// groups, that call a target once or again and again, in a time zone, with retries
// and a dead-letter queue.
//
// It decides what a schedule is, when an invocation is due, what its target reads,
// and what follows a failure. Which moments an expression names is package
// schedule's; how a target is reached and whether the role may is Targets' (node).
//
// A schedule's next moment is part of its record, and an invocation that is due
// becomes a record of its own in the same transaction that moves the schedule on:
// each moment is run at least once, and after a crash too. Moments that passed while
// no process ran are not made up for one by one: the last of them runs, once, when
// it is not older than the retry policy lets events become.
package scheduler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

// Roles is what identity says of the roles that schedules run as.
type Roles interface {
	// CanPass is nil when the caller in ctx may give the role to Scheduler, otherwise
	// the *lambda.Error to show.
	CanPass(ctx context.Context, roleARN string) error
	// CanAssume says whether Scheduler may take the role for a schedule group.
	CanAssume(ctx context.Context, roleARN, account, groupARN string) (bool, error)
}

// Targets is what schedules call.
type Targets interface {
	// Check is nil when this node can reach a target, otherwise the *lambda.Error to
	// show whoever names it.
	Check(arn string) error
	// Deliver calls a target once. Errors that are not a *Failure are tried again.
	Deliver(ctx context.Context, d Delivery) error
}

// Delivery is one call of a target, or one message for a dead-letter queue.
type Delivery struct {
	ARN       string
	RoleARN   string
	GroupARN  string // on whose behalf
	Execution string
	Body      []byte
	// GroupID is the message group of a FIFO queue; Source and DetailType are those of
	// an event bus.
	GroupID, Source, DetailType string
	// Attributes are the message attributes of a dead letter; all are strings.
	Attributes map[string]string
}

// Failure is why a target was not called.
type Failure struct {
	Code, Message string
	// Final says that another try is of no use.
	Final bool
}

func (f *Failure) Error() string { return f.Code + ": " + f.Message }

// Config is what a Service works with; Store, Roles and Targets are required.
type Config struct {
	Store   store.Store // of its own
	Roles   Roles
	Targets Targets
	// Concurrency is how many targets are called at the same time; 0 takes
	// ConcurrencyDefault.
	Concurrency int
	// TimeScale makes rates, windows, retries and ages pass so many times faster; cron
	// and at name moments of the real clock all the same. 0 is 1.
	TimeScale float64
	Now       func() time.Time // nil takes time.Now
	Log       *slog.Logger
}

// ConcurrencyDefault is enough for many targets that answer in milliseconds, and
// bounds what slow ones hold.
const ConcurrencyDefault = 64

// Service is EventBridge Scheduler. Its methods may be called at the same time from
// many goroutines.
type Service struct {
	cfg       Config
	groups    store.Table[groupRecord]
	schedules store.Table[scheduleRecord]
	pending   store.Table[pendingRecord]
	opened    time.Time // of the data directory: when its default groups were made

	// membership keeps schedules from being made in a group that is being deleted.
	membership sync.RWMutex

	agenda agenda
	// doomed says that there may be a group to clear.
	doomed chan struct{}
	stops  []func()
}

// Open reads what is scheduled. Nothing runs until Run.
func Open(ctx context.Context, cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Roles == nil || cfg.Targets == nil {
		return nil, errors.New("scheduler: the configuration lacks Store, Roles or Targets")
	}
	if cfg.Concurrency == 0 {
		cfg.Concurrency = ConcurrencyDefault
	}
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
		groups:    store.NewTable[groupRecord](cfg.Store, "group"),
		schedules: store.NewTable[scheduleRecord](cfg.Store, "schedule"),
		pending:   store.NewTable[pendingRecord](cfg.Store, "pending"),
		agenda:    newAgenda(),
		doomed:    make(chan struct{}, 1),
	}
	s.stops = append(s.stops, s.schedules.Watch(s.onSchedule), s.pending.Watch(s.onPending))
	if err := s.load(ctx); err != nil {
		s.Close()
		return nil, fmt.Errorf("open the schedules: %w", err)
	}
	return s, nil
}

// Close forgets the store; it is the caller's to close. Run must have returned.
func (s *Service) Close() {
	for _, stop := range s.stops {
		stop()
	}
}

func (s *Service) load(ctx context.Context) error {
	born := store.NewTable[time.Time](s.cfg.Store, "opened")
	var err error
	if s.opened, _, err = born.Get(ctx, "at"); errors.Is(err, store.ErrNotFound) {
		s.opened = s.now()
		_, err = born.Put(ctx, "at", s.opened, 0)
	}
	if err != nil {
		return err
	}
	for row, err := range s.schedules.All(ctx, "") {
		if err != nil {
			return err
		}
		s.agenda.setSchedule(row.Key, row.Revision, row.Value)
	}
	for row, err := range s.pending.All(ctx, "") {
		if err != nil {
			return err
		}
		s.agenda.setPending(row.Key, row.Revision, row.Value)
	}
	for row, err := range s.groups.All(ctx, "") {
		if err != nil {
			return err
		}
		if row.Value.Deleting {
			signal(s.doomed)
		}
	}
	return nil
}

func (s *Service) onSchedule(e store.RowEvent[scheduleRecord]) {
	switch {
	case e.Err != nil:
		s.cfg.Log.ErrorContext(context.Background(), "a schedule cannot be read", "key", e.Key, "error", e.Err)
	case e.Deleted:
		s.agenda.dropSchedule(e.Key)
	default:
		s.agenda.setSchedule(e.Key, e.Revision, e.Value)
	}
}

func (s *Service) onPending(e store.RowEvent[pendingRecord]) {
	switch {
	case e.Err != nil:
		s.cfg.Log.ErrorContext(context.Background(), "an invocation of a schedule cannot be read", "key", e.Key, "error", e.Err)
	case e.Deleted:
		s.agenda.dropPending(e.Key)
	default:
		s.agenda.setPending(e.Key, e.Revision, e.Value)
	}
}

// now is the time of a change: Scheduler shows milliseconds.
func (s *Service) now() time.Time { return s.cfg.Now().UTC().Truncate(time.Millisecond) }

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func invalid(format string, args ...any) error {
	return lambda.Errorf(lambda.CodeValidation, format, args...)
}

// Codes of Scheduler's exceptions that others do not raise.
const (
	codeConflict = "ConflictException"
	codeQuota    = "ServiceQuotaExceededException"
)

func errNoGroup(name string) error {
	return lambda.Errorf(lambda.CodeResourceNotFound, "Schedule group %s does not exist.", name)
}

func errNoSchedule(name string) error {
	return lambda.Errorf(lambda.CodeResourceNotFound, "Schedule %s does not exist.", name)
}
