package eventsource

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
)

// Source polls the mappings of one kind of event source.
type Source interface {
	// Check returns nil when a mapping's source exists and the function's role may
	// read it, otherwise the *lambda.Error to show.
	Check(ctx context.Context, m Mapping) error
	// Poll feeds the function until ctx ends. Then it takes up nothing more and
	// returns once every batch that a function has in hand is settled.
	Poll(ctx context.Context, m *Live)
	// Sweep forgets what is kept of mappings that do not exist any more.
	Sweep(ctx context.Context, exists func(uuid string) bool) error
}

// Config is what Service works with; all is required but Log.
type Config struct {
	Mappings Mappings
	Sources  map[string]Source // by Mapping.Kind
	Log      *slog.Logger
}

// Service runs a poller for each mapping that is enabled.
type Service struct {
	cfg Config
	// ended is told when a poller has ended, to look whether another is to follow.
	ended chan struct{}

	mu      sync.Mutex // guards what follows, and is held while mappings are compared
	pollers map[string]*poller
	known   int // mappings at the last look
}

// poller is one mapping at work.
type poller struct {
	live     *Live
	stop     context.CancelFunc
	stopping bool
	done     chan struct{}
}

// New prepares a service; mappings are polled once Run is called.
func New(cfg Config) *Service {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{cfg: cfg, ended: make(chan struct{}, 1), pollers: map[string]*poller{}}
}

// Serves says whether sources of a kind are polled.
func (s *Service) Serves(kind string) bool {
	_, ok := s.cfg.Sources[kind]
	return ok
}

// Check returns nil when a mapping can be polled, otherwise the *lambda.Error to
// show.
func (s *Service) Check(ctx context.Context, m Mapping) error {
	source, ok := s.cfg.Sources[m.Kind]
	if !ok {
		return nil
	}
	return source.Check(ctx, m)
}

// Run polls until ctx ends, then waits for the batches that are in functions'
// hands.
func (s *Service) Run(ctx context.Context) error {
	var running sync.WaitGroup
	defer running.Wait() // their contexts end with ctx
	for first := true; ; first = false {
		mappings, changed, fewer := s.follow(ctx, &running)
		if first || fewer {
			s.sweep(ctx, mappings)
		}
		select {
		case <-changed:
		case <-s.ended:
		case <-ctx.Done():
			return nil
		}
	}
}

// follow brings the pollers in line with the mappings. The look and what follows
// from it are one step, so that nothing is started that Drain saw as ended.
func (s *Service) follow(ctx context.Context, running *sync.WaitGroup) (all []Mapping, changed <-chan struct{}, fewer bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all, changed = s.cfg.Mappings.Mappings()
	wanted := make(map[string]bool, len(all))
	for i := range all {
		m := &all[i]
		source, ok := s.cfg.Sources[m.Kind]
		if !ok || !m.Polling {
			continue
		}
		wanted[m.UUID] = true
		p, ok := s.pollers[m.UUID]
		switch {
		case !ok:
			s.start(ctx, running, source, *m)
		case !p.stopping:
			p.live.Set(*m)
		}
	}
	for uuid, p := range s.pollers {
		if !wanted[uuid] {
			p.end()
		}
	}
	fewer = len(all) < s.known
	s.known = len(all)
	return all, changed, fewer
}

// start runs a poller. The mutex is held.
func (s *Service) start(ctx context.Context, running *sync.WaitGroup, source Source, m Mapping) {
	own, cancel := context.WithCancel(ctx)
	p := &poller{live: NewLive(m), stop: cancel, done: make(chan struct{})}
	s.pollers[m.UUID] = p
	running.Go(func() {
		defer cancel()
		source.Poll(own, p.live)
		s.mu.Lock()
		delete(s.pollers, m.UUID)
		s.mu.Unlock()
		close(p.done)
		select {
		case s.ended <- struct{}{}:
		default:
		}
	})
}

// end has a poller stop. The service's mutex is held.
func (p *poller) end() {
	p.stopping = true
	p.stop()
}

// Drain returns once nothing is polled or invoked for a mapping any more that is no
// longer enabled.
func (s *Service) Drain(ctx context.Context, uuid string) error {
	s.mu.Lock()
	p, ok := s.pollers[uuid]
	if ok {
		all, _ := s.cfg.Mappings.Mappings()
		at := slices.IndexFunc(all, func(m Mapping) bool { return m.UUID == uuid })
		if at >= 0 && all[at].Polling {
			s.mu.Unlock()
			return nil
		}
		p.end()
	}
	s.mu.Unlock()
	if !ok {
		return nil
	}
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the last batch of mapping %s: %w", uuid, ctx.Err())
	}
}

// sweep has the sources forget mappings that are gone.
func (s *Service) sweep(ctx context.Context, all []Mapping) {
	exists := make(map[string]bool, len(all))
	for i := range all {
		exists[all[i].UUID] = true
	}
	for kind, source := range s.cfg.Sources {
		if err := source.Sweep(ctx, func(uuid string) bool { return exists[uuid] }); err != nil && ctx.Err() == nil {
			s.cfg.Log.ErrorContext(ctx, "forgetting the mappings that are gone", "kind", kind, "error", err)
		}
	}
}
