// Package sqs is Amazon SQS on one machine: the API of queues over the queue engine.
//
// It decides what a valid queue, message and batch are, what the attributes of queues
// and messages say, which queue may be whose dead-letter queue, and how messages are
// moved out of one. When a message may be handed out and how it becomes durable is
// decided by package queue, who may call by the edge and identity.
//
// What a queue is set to lies with the queue in the engine, as its settings and, in
// their Meta, a record of what the engine has no use for. All of them are kept in
// memory too: no request on messages reads a file but the engine's.
package sqs

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/hearthfaas/hearth/internal/queue"
	"github.com/hearthfaas/hearth/internal/store"
)

// Engine keeps queues and their messages (queue.Engine meets it).
type Engine interface {
	Create(ctx context.Context, name queue.Name, s queue.Settings) error
	Configure(ctx context.Context, name queue.Name, change func(*queue.Settings)) error
	Delete(ctx context.Context, name queue.Name) error
	Purge(ctx context.Context, name queue.Name) error
	List(account, region, kind string) []queue.Name
	Settings(name queue.Name) (queue.Settings, error)
	Counts(name queue.Name) (queue.Counts, error)

	Send(ctx context.Context, name queue.Name, messages ...queue.Outgoing) ([]queue.Sent, error)
	Receive(ctx context.Context, name queue.Name, r queue.Request) ([]queue.Message, error)
	Again(ctx context.Context, name queue.Name, visibility *time.Duration, receipts ...string) ([]queue.Message, bool, error)
	Remove(ctx context.Context, name queue.Name, receipts ...string) ([]error, error)
	ChangeVisibility(ctx context.Context, name queue.Name, changes ...queue.Visibility) ([]error, error)
	Redrive(ctx context.Context, from, to queue.Name, limit int) (int, error)
}

// Config is what a Service works with. Queues, Store, CheckPolicy and Allow are
// required.
type Config struct {
	Queues Engine
	// Store keeps the records of message move tasks.
	Store store.Store
	// CheckPolicy says what is wrong with a queue's policy.
	CheckPolicy func(document string) error
	// Allow says whether the caller in ctx may do something to a queue, for operations
	// that need more than one permission. in is the operation's input, for conditions.
	Allow func(ctx context.Context, action, queueARN string, in any) error
	Now   func() time.Time // nil takes time.Now
	Log   *slog.Logger     // nil logs nothing
}

// kind keeps SQS's queues apart from others of the engine.
const kind = "sqs"

// Service is Amazon SQS. Its methods may be called from many goroutines.
type Service struct {
	cfg Config

	// change lets one operation at a time change what queues exist and are set to. It
	// is taken before mu.
	change sync.Mutex
	mu     sync.RWMutex // guards queues and purged
	queues map[queue.Name]*entry
	// purged is when a queue was last purged, for queues purged lately.
	purged map[queue.Name]time.Time

	polls    polls
	attempts attempts
	mover    mover
	held     int // inFlightMax; tests have less
}

// Open reads what queues there are. It starts nothing: Run moves messages.
func Open(ctx context.Context, cfg Config) (*Service, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{
		cfg:    cfg,
		queues: map[queue.Name]*entry{}, purged: map[queue.Name]time.Time{},
		held:     inFlightMax,
		polls:    polls{stop: map[int]context.CancelFunc{}},
		attempts: attempts{now: cfg.Now, kept: map[attemptKey]attempt{}},
	}
	for _, name := range cfg.Queues.List("", "", kind) {
		settings, err := cfg.Queues.Settings(name)
		if err != nil {
			return nil, fmt.Errorf("open sqs: %w", err)
		}
		var rec record
		if err := json.Unmarshal(settings.Meta, &rec); err != nil {
			return nil, fmt.Errorf("open sqs: read queue %s: %w", name.Name, err)
		}
		s.queues[name] = newEntry(name, rec)
	}
	if err := s.mover.load(ctx, cfg.Store); err != nil {
		return nil, fmt.Errorf("open sqs: %w", err)
	}
	return s, nil
}

// find is a queue as it is now.
func (s *Service) find(name queue.Name) (*entry, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	e, ok := s.queues[name]
	return e, ok
}

// PolicyAt is the policy of the queue with an ARN, for identity. Two policies with the
// same revision are the same.
func (s *Service) PolicyAt(arn string) (revision int64, document func() string, ok bool) {
	name, ok := parseARN(arn)
	if !ok {
		return 0, nil, false
	}
	e, ok := s.find(name)
	if !ok || e.policy() == "" {
		return 0, nil, false
	}
	return e.policyRevision, e.policy, true
}

// TagsAt are the tags of the queue with an ARN; nil when there is none.
func (s *Service) TagsAt(arn string) map[string]string {
	name, ok := parseARN(arn)
	if !ok {
		return nil
	}
	e, ok := s.find(name)
	if !ok {
		return nil
	}
	return e.Tags // records are replaced, never changed
}

// EndPolls has those who wait for messages answered with what there is, and those who
// come later not wait: the process is about to end.
func (s *Service) EndPolls() { s.polls.end() }
