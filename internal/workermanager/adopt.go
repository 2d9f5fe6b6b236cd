package workermanager

import (
	"errors"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// ErrWorkerGone says that a worker was lost, or takes nothing more, before it began to
// make an environment: another may.
var ErrWorkerGone = errors.New("workermanager: the worker is gone")

// placeMax is how many workers are tried for one environment when those that placement
// names turn out to be gone: those of a lost zone go within moments of each other.
const placeMax = 5

// Adopt takes an idle environment that outlived the process which had it made. It
// reports false for one that is too old to be of use.
func (m *Manager) Adopt(env Environment, v *lambda.Version, workerID string, born time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if m.closed || now.Sub(born) > m.cfg.AgeMax {
		return false
	}
	p := m.pool(v.Key())
	h := &holding{env: env, pool: p, born: born, lastUsed: now, workerID: workerID, ahead: v.Provisioned}
	m.held[env] = h
	if h.ahead {
		p.ahead.alive++ // more than are wanted end when that is known
	}
	p.busy++
	if !m.hand(h) {
		env.Idle()
	}
	return true
}

// Joined says that there is another worker: what found no room may find it there.
func (m *Manager) Joined() {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	for _, p := range m.pools {
		if errors.Is(p.ahead.failed, ErrNoCapacity) || errors.Is(p.ahead.failed, ErrWorkerGone) {
			p.ahead.retryAt = now
			m.level(p, now)
		}
	}
}
