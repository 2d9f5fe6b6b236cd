// Package workermanager knows which execution environments exist and who holds
// them. It hands out the most recently used idle environment of exactly the version
// that an invoke asks for, has a new one made when none is idle, keeps what is left
// over warm, and ends environments that stay idle, are out of date, or stand in the
// way when memory is short.
//
// It does not count invocations (counter), choose a worker (placement) or run
// anything (worker). AWS later renamed this component "assignment service".
//
// Late binding: an invoke that finds nothing idle asks for one new environment and
// then takes whichever comes first, that one or one that another invoke gives back.
// There are never more starts under way than invokes that wait, so environments
// never outnumber the concurrency slots that the counter gave out.
package workermanager

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// Placer picks the worker for a new environment (placement meets it).
type Placer interface {
	Place(ctx context.Context, v *lambda.Version) (workerID string, err error)
}

// Workers starts environments on a worker (worker meets it).
type Workers interface {
	// Open makes an environment. When ctx ends with lambda.ErrNotNeeded, a start that has
	// begun goes on: the environment will be idle.
	Open(ctx context.Context, workerID string, v *lambda.Version) (Environment, error)
}

// Environment is one execution environment, held by one invoke at a time.
type Environment interface {
	ID() lambda.SandboxID
	// Invoke runs one event in it. A failed function is a result; an error is a
	// fault of the platform's, after which the environment is not used again.
	Invoke(ctx context.Context, inv *lambda.Invocation) (lambda.Result, error)
	// Idle tells it that it is warm and unused from now on: it may be frozen.
	Idle()
	// Initialised says whether the function's Init phase is over and went well.
	Initialised() bool
	// Close ends it and leaves nothing behind.
	Close(ctx context.Context) error
}

// placed is an Environment that tells how long its placement took.
type placed interface{ Placed(took time.Duration) }

// Config is the manager's configuration.
type Config struct {
	// Placed is told how long each placement took; nil is told nothing.
	Placed func(took time.Duration)

	// IdleTimeout is how long an environment stays warm without an invoke, unless
	// KeepAlive finds a better time.
	IdleTimeout time.Duration
	KeepAlive   KeepAlive // empty is Fixed
	// AgeMax is how old an environment may become before it is replaced: its role
	// credentials must not end under it.
	AgeMax time.Duration
}

// ErrNoCapacity says that no worker has room for another environment and nothing
// idle can make way.
var ErrNoCapacity = errors.New("workermanager: the fleet is full")

// closeTimeout bounds the end of one environment; ending takes milliseconds, and a
// stuck one must not hold up the others.
const closeTimeout = 10 * time.Second

// Manager holds the pools of all function versions.
type Manager struct {
	cfg     Config
	placer  Placer
	workers Workers
	log     *slog.Logger

	// life ends when the process is leaving; starts under way are then given up.
	life context.Context
	end  context.CancelFunc
	// work counts the goroutines that start and end environments.
	work sync.WaitGroup

	mu    sync.Mutex // guards all that follows
	pools map[lambda.EnvironmentKey]*pool
	held  map[Environment]*holding
	idle  *ring
	// leaving is how many environments are being ended, left how many ever were, and gone
	// is closed when the next one is.
	leaving, left int
	gone          chan struct{}
	// opening are the starts under way on some worker.
	opening   map[*opening]struct{}
	histories map[lambda.FunctionID]*History
	forgetAt  time.Time // when unused histories are looked for
	closed    bool
}

// opening is one start under way; the manager's mutex guards it.
type opening struct {
	workerID string
	vacated  bool // the worker was given up meanwhile
}

// pool is the environments of one version; the manager's mutex guards it.
type pool struct {
	key      lambda.EnvironmentKey
	retired  bool
	idle     []*holding // the last is the most recently used
	waiters  []waiter
	starting int
	starts   []*launch // those for waiters, the latest at the end
	busy     int
	ahead    ahead
}

// launch is a start under way for a pool's waiters; the manager's mutex guards it.
type launch struct {
	cancel   context.CancelCauseFunc
	unneeded bool
}

// holding is what the manager knows of one environment.
type holding struct {
	env      Environment
	pool     *pool
	born     time.Time
	lastUsed time.Time
	ahead    bool // made for provisioned concurrency
	workerID string
	vacated  bool // its worker is given up: it ends with its invoke
	// older and newer are its neighbours in the ring of idle environments, nil outside it.
	older, newer *holding
}

// waiter is an invoke that waits for an environment.
type waiter struct {
	turn    chan grant
	version *lambda.Version
}

// grant is what a waiting invoke gets: an environment or an error.
type grant struct {
	env  Environment
	cold bool
	err  error
}

// New returns a manager without environments. Stop ends it.
func New(cfg Config, placer Placer, workers Workers, log *slog.Logger) *Manager {
	life, end := context.WithCancel(context.Background())
	return &Manager{
		cfg: cfg, placer: placer, workers: workers, log: log,
		life: life, end: end,
		idle:      newRing(),
		gone:      make(chan struct{}),
		pools:     make(map[lambda.EnvironmentKey]*pool),
		held:      make(map[Environment]*holding),
		opening:   make(map[*opening]struct{}),
		histories: make(map[lambda.FunctionID]*History),
	}
}

// Acquire returns an environment of exactly this version for one invoke, warm when
// one is idle. It waits for a start, or for another invoke to end, until ctx ends.
// cold says that the environment was made for a waiting invoke. The holder gives it
// back with Return.
func (m *Manager) Acquire(ctx context.Context, v *lambda.Version) (env Environment, cold bool, err error) {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return nil, false, fmt.Errorf("acquire an environment: %w", context.Canceled)
	}
	p := m.pool(v.Key())
	if h, ok := p.takeAhead(); ok {
		p.busy++
		m.mu.Unlock()
		return h.env, false, nil
	}
	if n := len(p.idle); n > 0 {
		h := p.idle[n-1]
		p.idle[n-1] = nil
		p.idle = p.idle[:n-1]
		p.busy++
		h.remove()
		m.reused(h)
		m.mu.Unlock()
		return h.env, false, nil
	}
	m.missed(p)
	turn := make(chan grant, 1)
	p.waiters = append(p.waiters, waiter{turn, v})
	if p.starting < len(p.waiters) {
		m.startOne(p, v)
	}
	m.mu.Unlock()

	select {
	case g := <-turn:
		return g.env, g.cold, g.err
	case <-ctx.Done():
		m.abandon(p, turn)
		return nil, false, ctx.Err()
	}
}

// Return gives back an environment that Acquire handed out. One that is not healthy
// is ended.
func (m *Manager) Return(env Environment, healthy bool) {
	m.mu.Lock()
	h, ok := m.held[env]
	if !ok {
		m.mu.Unlock()
		panic("workermanager: an environment was returned that nobody holds")
	}
	h.lastUsed = time.Now()
	tooMany := h.ahead && h.pool.ahead.alive > h.pool.ahead.want
	if !healthy || tooMany || h.vacated || h.pool.retired || m.closed || h.lastUsed.Sub(h.born) > m.cfg.AgeMax {
		h.pool.busy--
		m.discard(h)
		m.level(h.pool, h.lastUsed)
		m.makeUp(h.pool)
		m.mu.Unlock()
		return
	}
	handed := m.hand(h)
	m.mu.Unlock()
	if !handed {
		env.Idle()
	}
}

// hand gives an environment that is in use by nobody to the invoke that has waited
// longest, or makes it idle. The caller counts it as busy. It reports whether an
// invoke took it.
func (m *Manager) hand(h *holding) bool {
	p := h.pool
	if len(p.waiters) > 0 {
		turn := p.waiters[0].turn
		p.waiters = p.waiters[1:]
		turn <- grant{env: h.env}
		p.spare()
		return true
	}
	p.busy--
	if h.ahead {
		p.ahead.idle = append(p.ahead.idle, h)
	} else {
		m.rest(h)
	}
	return false
}

// makeUp starts an environment for an invoke that counted on one that was to be
// returned and is not: its own start had failed for want of room. The mutex is held.
func (m *Manager) makeUp(p *pool) {
	if p.starting < len(p.waiters) && !m.closed {
		m.startOne(p, p.waiters[0].version)
	}
}

// startOne has one environment made for the pool's waiters. The mutex is held.
func (m *Manager) startOne(p *pool, v *lambda.Version) {
	ctx, cancel := context.WithCancelCause(m.life)
	s := &launch{cancel: cancel}
	p.starting++
	p.starts = append(p.starts, s)
	m.work.Go(func() {
		env, on, err := m.open(ctx, v)
		cancel(nil)
		m.mu.Lock()
		defer m.mu.Unlock()
		p.starting--
		p.starts = slices.Delete(p.starts, slices.Index(p.starts, s), slices.Index(p.starts, s)+1)
		if err != nil && s.unneeded {
			m.makeUp(p) // somebody may have come since
			m.forgetIfEmpty(p)
			return
		}
		if err != nil {
			m.startFailed(p, err)
			return
		}
		h := m.hold(env, p, on)
		if m.closed || ((p.retired || h.vacated) && len(p.waiters) == 0) {
			m.discard(h)
			return
		}
		p.busy++
		if len(p.waiters) > 0 {
			turn := p.waiters[0].turn
			p.waiters = p.waiters[1:]
			turn <- grant{env: env, cold: true}
			return
		}
		p.busy--
		m.rest(h)
		env.Idle()
	})
}

// spare tells the starts when nobody waits any more: those that have not begun are given
// up. While somebody waits they are kept, although some of them may come too late: under
// a steady load each would be asked for again at once. All count as under way until they
// have ended, so that there are never more environments than slots. The manager's mutex
// is held.
func (p *pool) spare() {
	if len(p.waiters) > 0 {
		return
	}
	for _, s := range p.starts {
		if !s.unneeded {
			s.unneeded = true
			s.cancel(lambda.ErrNotNeeded)
		}
	}
}

// rest makes an environment idle. The mutex is held.
func (m *Manager) rest(h *holding) {
	h.pool.idle = append(h.pool.idle, h)
	m.idle.push(h)
}

// hold notes an environment that was just made. The mutex is held.
func (m *Manager) hold(env Environment, p *pool, on *opening) *holding {
	now := time.Now()
	h := &holding{env: env, pool: p, born: now, lastUsed: now, workerID: on.workerID, vacated: on.vacated}
	delete(m.opening, on)
	m.held[env] = h
	return h
}

// startFailed tells one waiting invoke of a failed start, unless other starts or
// running invokes of the same pool can still serve it. The mutex is held.
func (m *Manager) startFailed(p *pool, err error) {
	servers := p.starting
	if errors.Is(err, ErrNoCapacity) {
		servers += p.busy // a full fleet is no reason to fail what a returning environment can serve
	}
	if len(p.waiters) > servers {
		turn := p.waiters[0].turn
		p.waiters = p.waiters[1:]
		turn <- grant{err: err}
	}
	m.forgetIfEmpty(p)
}

// open makes one environment, evicting idle ones while the fleet is full. The caller
// holds it, or removes the opening, under the mutex.
func (m *Manager) open(ctx context.Context, v *lambda.Version) (Environment, *opening, error) {
	evictedOn, began := "", time.Now()
	for tries := 0; ; {
		if err := context.Cause(ctx); err != nil {
			return nil, nil, err // nobody has to make way for it any more
		}
		m.mu.Lock()
		left := m.left
		m.mu.Unlock()
		workerID, err := m.placer.Place(ctx, v)
		if errors.Is(err, ErrNoCapacity) {
			if on, ok := m.evictOne(evictedOn); ok {
				evictedOn = on
				continue
			}
			if m.awaitRoom(left) {
				evictedOn = ""
				continue
			}
		}
		if err != nil {
			return nil, nil, fmt.Errorf("place an environment of %s: %w", v.Function.ARN(), err)
		}
		took := time.Since(began)
		if m.cfg.Placed != nil {
			m.cfg.Placed(took)
		}
		on := &opening{workerID: workerID}
		m.mu.Lock()
		m.opening[on] = struct{}{}
		m.mu.Unlock()
		env, err := m.workers.Open(ctx, workerID, v)
		if err != nil {
			m.mu.Lock()
			delete(m.opening, on)
			m.mu.Unlock()
			if tries++; errors.Is(err, ErrWorkerGone) && tries < placeMax {
				continue
			}
			return nil, nil, fmt.Errorf("open an environment of %s on %s: %w", v.Function.ARN(), workerID, err)
		}
		if e, ok := env.(placed); ok {
			e.Placed(took)
		}
		return env, on, nil
	}
}

// abandon takes a waiting invoke out of the queue; what it was given meanwhile goes
// back.
func (m *Manager) abandon(p *pool, turn chan grant) {
	m.mu.Lock()
	for i, w := range p.waiters {
		if w.turn == turn {
			p.waiters = append(p.waiters[:i], p.waiters[i+1:]...)
			p.spare()
			m.forgetIfEmpty(p)
			m.mu.Unlock()
			return
		}
	}
	m.mu.Unlock()
	if g := <-turn; g.env != nil {
		m.Return(g.env, true)
	}
}

// Retire ends the environments of a version that is out of date, those of its
// tenants included: idle ones now, busy ones when their invoke is over.
func (m *Manager) Retire(key lambda.EnvironmentKey) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p, ok := m.pools[key]; ok {
		m.retire(p)
	}
	for k, p := range m.pools {
		if k.Tenant == "" {
			continue
		}
		if k.Tenant = ""; k == key {
			m.retire(p)
		}
	}
}

// retire ends the environments of one pool. The mutex is held.
func (m *Manager) retire(p *pool) {
	p.retired = true
	for _, h := range p.idle {
		m.discard(h)
	}
	p.idle = nil
	m.endAhead(p)
	m.forgetIfEmpty(p)
}

// Vacate ends the environments of a worker that leaves or is lost: idle ones now, busy
// ones when their invoke is over. What is provisioned is made anew elsewhere. Placement
// must not name the worker any more when Vacate is called.
func (m *Manager) Vacate(workerID string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for on := range m.opening {
		on.vacated = on.vacated || on.workerID == workerID
	}
	for _, h := range m.held {
		h.vacated = h.vacated || h.workerID == workerID
	}
	for _, p := range m.pools {
		p.idle = m.keep(p.idle, func(h *holding) bool { return !h.vacated })
		p.ahead.idle = m.keep(p.ahead.idle, func(h *holding) bool { return !h.vacated })
		m.level(p, time.Now())
		m.forgetIfEmpty(p)
	}
}

// keep discards the idle environments that are not to stay and returns the others. The
// mutex is held.
func (m *Manager) keep(idle []*holding, stays func(*holding) bool) []*holding {
	kept := idle[:0]
	for _, h := range idle {
		if stays(h) {
			kept = append(kept, h)
		} else {
			m.discard(h)
		}
	}
	clear(idle[len(kept):])
	return kept
}

// Run ends environments that have been idle too long, until ctx ends; then it ends
// all that are left and returns when they are gone. Invokes must be over by then.
func (m *Manager) Run(ctx context.Context) error {
	tick := time.NewTicker(max(m.cfg.IdleTimeout/20, 100*time.Millisecond)) // 5 % late at most
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			m.reap(now)
		case <-ctx.Done():
			m.stop()
			return nil
		}
	}
}

// reap ends what has been idle for longer than the timeout or is too old.
func (m *Manager) reap(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forgetHistories(now)
	for _, p := range m.pools {
		past := m.histories[p.key.Function]
		keep := m.cfg.KeepAlive.Keep(m.cfg.IdleTimeout, past)
		p.idle = m.keep(p.idle, func(h *holding) bool {
			stays := !overdue(now, h.born, h.lastUsed, keep, m.cfg.AgeMax)
			if !stays && past != nil {
				past.Ended(h.lastUsed)
			}
			return stays
		})
		m.tend(p, now)
		m.forgetIfEmpty(p)
	}
}

// overdue is pure: whether an idle environment has to go.
func overdue(now, born, lastUsed time.Time, keep, ageMax time.Duration) bool {
	return now.Sub(lastUsed) > keep || now.Sub(born) > ageMax
}

// stop ends everything and waits for it.
func (m *Manager) stop() {
	m.mu.Lock()
	m.closed = true
	m.end()
	for _, p := range m.pools {
		for _, w := range p.waiters {
			w.turn <- grant{err: fmt.Errorf("the node is stopping: %w", context.Canceled)}
		}
		p.waiters = nil
		for _, h := range p.idle {
			m.discard(h)
		}
		p.idle = nil
		m.endAhead(p)
	}
	m.mu.Unlock()
	m.work.Wait()
}

// discard forgets an environment and has it ended in the background. The mutex is
// held; the caller has taken it out of idle or busy.
func (m *Manager) discard(h *holding) {
	delete(m.held, h.env)
	h.remove()
	if h.ahead {
		h.pool.ahead.alive--
	}
	m.forgetIfEmpty(h.pool)
	m.leaving++
	m.work.Go(func() {
		m.closeEnvironment(h.env)
		m.hasLeft()
	})
}

func (m *Manager) closeEnvironment(env Environment) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(m.life), closeTimeout)
	defer cancel()
	if err := env.Close(ctx); err != nil {
		m.log.ErrorContext(ctx, "an environment did not end cleanly", "sandbox_id", env.ID(), "error", err)
	}
}

// pool returns the pool of a key, made when there is none. The mutex is held.
func (m *Manager) pool(key lambda.EnvironmentKey) *pool {
	p, ok := m.pools[key]
	if !ok {
		p = &pool{key: key}
		m.pools[key] = p
	}
	return p
}

// forgetIfEmpty keeps the map as small as the number of versions in use.
func (m *Manager) forgetIfEmpty(p *pool) {
	if len(p.idle) == 0 && len(p.waiters) == 0 && p.starting == 0 && p.busy == 0 && p.ahead.empty() && m.pools[p.key] == p {
		delete(m.pools, p.key)
	}
}

// Stats is how many environments of a version there are, by what they do.
type Stats struct{ Idle, Busy, Starting int }

// Stats reports the environments of one version.
func (m *Manager) Stats(key lambda.EnvironmentKey) Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, ok := m.pools[key]
	if !ok {
		return Stats{}
	}
	return Stats{Idle: len(p.idle) + len(p.ahead.idle), Busy: p.busy, Starting: p.starting}
}

// Totals reports the environments of all versions.
func (m *Manager) Totals() Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all Stats
	for _, p := range m.pools {
		all.Idle += len(p.idle) + len(p.ahead.idle)
		all.Busy += p.busy
		all.Starting += p.starting
	}
	return all
}
