package workermanager

import (
	"context"
	"errors"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// ErrInit says that a function's own Init phase failed in an environment that was
// made ahead.
var ErrInit = errors.New("workermanager: the function's initialisation failed")

const (
	// aheadStarts is how many environments of one version are made ahead at the same
	// time: booting is bound by the processors, and invokes need them too.
	aheadStarts = 4
	// aheadRetry is the wait before a failed start is tried again: the function's own
	// fault does not go away by itself, a full fleet may.
	aheadRetry = time.Minute
)

// ahead is a pool's provisioned concurrency: environments that are made before
// anybody asks, stay when nobody does, and are made anew when they end. The
// manager's mutex guards it.
type ahead struct {
	want     int
	version  *lambda.Version
	idle     []*holding // the last is the most recently used
	alive    int        // idle and busy ones
	starting int
	failed   error // why the last start failed; nil when none has
	retryAt  time.Time
}

func (a *ahead) empty() bool { return a.want == 0 && a.alive == 0 && a.starting == 0 }

// Provision keeps n environments of a version initialised from now on; 0 ends that.
// It does not wait for them.
func (m *Manager) Provision(v *lambda.Version, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return
	}
	p := m.pool(v.Key())
	made := *v
	made.Provisioned = true
	p.ahead.version, p.ahead.want, p.ahead.failed = &made, n, nil
	m.level(p, time.Now())
	m.forgetIfEmpty(p)
}

// Provisioned reports how many environments of a version that were made ahead are
// initialised, and why the last start failed, if it did and no later one went well.
func (m *Manager) Provisioned(key lambda.EnvironmentKey) (ready int, failed error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, ok := m.pools[key]
	if !ok {
		return 0, nil
	}
	return min(p.ahead.alive, p.ahead.want), p.ahead.failed
}

// level starts what is missing and ends what is too many of a pool's provisioned
// environments; busy ones that are too many end with their invoke. The mutex is held.
func (m *Manager) level(p *pool, now time.Time) {
	a := &p.ahead
	for a.alive > a.want && len(a.idle) > 0 {
		h := a.idle[0]
		a.idle = a.idle[1:]
		m.discard(h)
	}
	if a.failed != nil && now.Before(a.retryAt) || m.closed || p.retired {
		return
	}
	for a.alive+a.starting < a.want && a.starting < aheadStarts {
		a.starting++
		v := a.version
		m.work.Go(func() { m.makeAhead(p, v) })
	}
}

// makeAhead makes one provisioned environment.
func (m *Manager) makeAhead(p *pool, v *lambda.Version) {
	env, on, err := m.open(m.life, v)
	if err == nil && !env.Initialised() {
		err = ErrInit
		m.closeEnvironment(env)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.opening, on)
	a := &p.ahead
	a.starting--
	now := time.Now()
	if err != nil {
		if !errors.Is(err, context.Canceled) {
			m.log.WarnContext(m.life, "provisioned environment not made", "function_arn", v.Function.QualifiedARN(v.Version), "error", err)
		}
		a.failed, a.retryAt = err, now.Add(aheadRetry)
		m.forgetIfEmpty(p)
		return
	}
	a.failed = nil
	a.alive++
	h := m.hold(env, p, on)
	h.ahead = true
	if m.closed || p.retired || h.vacated || a.alive > a.want {
		m.discard(h)
		m.level(p, now)
		return
	}
	p.busy++
	if !m.hand(h) {
		env.Idle()
	}
	m.level(p, now)
}

// tend replaces provisioned environments that are too old and tries failed starts
// again. The mutex is held.
func (m *Manager) tend(p *pool, now time.Time) {
	a := &p.ahead
	a.idle = m.keep(a.idle, func(h *holding) bool { return now.Sub(h.born) <= m.cfg.AgeMax })
	m.level(p, now)
}

// endAhead ends a pool's provisioned concurrency. The mutex is held.
func (m *Manager) endAhead(p *pool) {
	a := &p.ahead
	a.want = 0
	idle := a.idle
	a.idle = nil
	for _, h := range idle {
		m.discard(h)
	}
}

// takeAhead takes an idle provisioned environment of a pool. The mutex is held.
func (p *pool) takeAhead() (*holding, bool) {
	n := len(p.ahead.idle)
	if n == 0 {
		return nil, false
	}
	h := p.ahead.idle[n-1]
	p.ahead.idle[n-1] = nil
	p.ahead.idle = p.ahead.idle[:n-1]
	return h, true
}
