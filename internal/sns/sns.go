// Package sns is Amazon SNS on one machine: topics, subscriptions, and the messages
// that go from the one to the other.
//
// It decides what topics and subscriptions exist, which subscriptions a message is
// for, what each protocol gets to read, and when a delivery is tried again or given
// up. It does not decide who may publish or subscribe (awsapi and iam, by the
// policies that Policy shows them), how messages are kept (queue), or how a queue
// or a function takes a message (node).
//
// A published message lies in its topic's queue until it has been copied into a
// queue of each subscription that it is for; with one subscription it goes there at
// once. Each of those queues is emptied by itself, so a slow or broken endpoint is
// behind nobody's message but its own. Delivery is at least once, and in order within
// a message group for FIFO topics, as on AWS.
package sns

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/queue"
	"github.com/hearthfaas/hearth/internal/store"
)

// Targets carries messages to queues and functions (node meets it).
type Targets interface {
	// Deliver hands a message over as the service sns.amazonaws.com on behalf of the
	// topic. After a *Refusal it is not tried again, after any other error it is.
	Deliver(ctx context.Context, d Delivery) error
}

// Refusal is the error of a delivery that another attempt would not change: the
// target is not there, or does not take it from this topic (SNS developer guide,
// "Client-side errors").
type Refusal struct{ Code, Text string }

func (r *Refusal) Error() string { return r.Code + ": " + r.Text }

// Authorizer is asked where an operation can also be carried out by somebody who
// signed nothing, so that the edge does not ask (iam meets it).
type Authorizer interface {
	AuthorizeOperation(ctx context.Context, c lambda.Caller, action, resource string, in any) error
}

// Delivery is one message for a queue or a function.
type Delivery struct {
	TopicARN string // on whose behalf
	Protocol string // "sqs" or "lambda"
	Endpoint string // the target's ARN
	Body     []byte
	// Attributes are the message's own, for queues that get messages raw, and what a
	// dead letter says beside its body.
	Attributes map[string]Attribute
	// Group and DedupID are of FIFO topics.
	Group   string
	DedupID string
}

// Config is what a Service works with; all but TimeScale, Now and Log are required.
type Config struct {
	Store      store.Store
	Queue      *queue.Engine
	Targets    Targets
	Authorizer Authorizer
	// CheckPolicy refuses a document that is no resource policy.
	CheckPolicy func(document string) error
	// BaseURL is where this node's API is reached, such as http://127.0.0.1:4566: the
	// links in messages begin with it.
	BaseURL string
	// TimeScale makes the waits between deliveries pass so many times faster; 0 is 1.
	TimeScale float64
	Now       func() time.Time // nil takes time.Now
	Log       *slog.Logger
}

// Service is Amazon SNS. Its methods may be called from many goroutines.
type Service struct {
	cfg    Config
	topics store.Table[topicRecord]
	subs   store.Table[subscriptionRecord]
	signer *signer
	client *http.Client
	gate   *gate
	lanes  lanes
	tally  tally

	// writing is held while records change, and taken before mu.
	writing sync.Mutex
	mu      sync.RWMutex // guards index and all that hangs from it
	index   index
}

// Open reads the topics and subscriptions. It starts nothing: messages are accepted
// at once and delivered while Run runs.
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
		cfg:    cfg,
		topics: store.NewTable[topicRecord](cfg.Store, "sns-topic"),
		subs:   store.NewTable[subscriptionRecord](cfg.Store, "sns-subscription"),
		signer: newSigner(cfg.Store, cfg.Now),
		client: newHTTPClient(),
		gate:   newGate(deliveriesMax),
		lanes:  newLanes(),
		tally:  newTally(),
		index:  newIndex(),
	}
	if err := s.load(ctx); err != nil {
		return nil, fmt.Errorf("open topics: %w", err)
	}
	return s, nil
}

// sweepEvery is how often Run looks for subscriptions that nobody confirmed in time.
const sweepEvery = time.Hour

// Run delivers messages until ctx ends, then waits for the deliveries that are under
// way. What is then left is delivered after the next start.
func (s *Service) Run(ctx context.Context) error {
	if err := s.takeUp(ctx); err != nil {
		if ctx.Err() != nil || errors.Is(err, queue.ErrClosed) {
			return nil
		}
		return err
	}
	var running sync.WaitGroup
	defer running.Wait()
	defer s.client.CloseIdleConnections()
	sweep := time.NewTicker(sweepEvery)
	defer sweep.Stop()
	for {
		for _, name := range s.lanes.take() {
			running.Go(func() {
				if name.Kind == topicKind {
					s.fanOutLane(ctx, name)
				} else {
					s.deliveryLane(ctx, name)
				}
				s.gate.forget(name)
				s.lanes.forget(name)
			})
		}
		select {
		case <-s.lanes.wake:
		case <-sweep.C:
			s.sweep(ctx)
		case <-ctx.Done():
			return nil
		}
	}
}

// takeUp has lanes started for what an earlier process left, and removes the queues
// whose topic or subscription is gone.
func (s *Service) takeUp(ctx context.Context) error {
	for _, kind := range []string{topicKind, subscriptionKind} {
		for _, name := range s.cfg.Queue.List("", "", kind) {
			var err error
			if s.owned(name) {
				err = s.release(ctx, name)
				s.lanes.note(name)
			} else {
				err = s.cfg.Queue.Delete(ctx, name)
			}
			if err != nil && !errors.Is(err, queue.ErrNoQueue) {
				return fmt.Errorf("take up the messages of %s: %w", name.Name, err)
			}
		}
	}
	return nil
}

// release takes what a process held that is gone.
func (s *Service) release(ctx context.Context, name queue.Name) error {
	if n, err := s.cfg.Queue.Counts(name); err != nil || n.InFlight == 0 {
		return err
	}
	return s.cfg.Queue.Release(ctx, name)
}

// scaled is a wait as it passes here.
func (s *Service) scaled(wait time.Duration) time.Duration {
	return time.Duration(float64(wait) / s.cfg.TimeScale)
}

// lanes knows which queues are being emptied.
type lanes struct {
	mu      sync.Mutex // guards what follows
	known   map[queue.Name]bool
	pending []queue.Name
	wake    chan struct{}
}

func newLanes() lanes {
	return lanes{known: map[queue.Name]bool{}, wake: make(chan struct{}, 1)}
}

// note has a lane started for a queue that has none.
func (l *lanes) note(name queue.Name) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known[name] {
		return
	}
	l.known[name] = true
	l.pending = append(l.pending, name)
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *lanes) take() []queue.Name {
	l.mu.Lock()
	defer l.mu.Unlock()
	names := l.pending
	l.pending = nil
	return names
}

func (l *lanes) forget(name queue.Name) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.known, name)
}
