package workermanager

import "slices"

// ring is the idle environments of all functions in the order of their last use, so
// that the one to evict is found at once. The zero value is not valid: see newRing. The
// manager's mutex guards it.
type ring struct{ root holding }

func newRing() *ring {
	r := &ring{}
	r.root.older, r.root.newer = &r.root, &r.root
	return r
}

// push puts a holding that just became idle at the end.
func (r *ring) push(h *holding) {
	h.older, h.newer = r.root.older, &r.root
	h.older.newer, r.root.older = h, h
}

// remove takes a holding out, if it is in.
func (h *holding) remove() {
	if h.newer == nil {
		return
	}
	h.older.newer, h.newer.older = h.newer, h.older
	h.older, h.newer = nil, nil
}

// oldest returns the least recently used holding on a worker, or of all when that
// worker has none; nil when nothing is idle.
func (r *ring) oldest(workerID string) *holding {
	if workerID != "" {
		for h := r.root.newer; h != &r.root; h = h.newer {
			if h.workerID == workerID {
				return h
			}
		}
	}
	if r.root.newer == &r.root {
		return nil
	}
	return r.root.newer
}

// evictOne ends the idle environment, of whatever function, that was used least
// recently, and waits until it is gone. It returns its worker, or false when nothing
// is idle. When one was not enough for an environment that needs more memory, the next
// is taken on the same worker: room in many places is of no use to it.
func (m *Manager) evictOne(on string) (workerID string, ok bool) {
	m.mu.Lock()
	h := m.idle.oldest(on)
	if h == nil {
		m.mu.Unlock()
		return "", false
	}
	p := h.pool
	at := slices.Index(p.idle, h)
	p.idle = slices.Delete(p.idle, at, at+1)
	h.remove()
	delete(m.held, h.env)
	if past := m.history(p.key.Function); past != nil {
		past.Ended(h.lastUsed)
	}
	m.forgetIfEmpty(p)
	m.leaving++
	m.mu.Unlock()
	m.closeEnvironment(h.env)
	m.hasLeft()
	return h.workerID, true
}

// hasLeft says that an environment that was being ended is gone.
func (m *Manager) hasLeft() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.leaving--
	m.left++
	close(m.gone)
	m.gone = make(chan struct{})
}

// awaitRoom waits until an environment that is being ended is gone, or returns at once
// when one is since left was read. It reports false when there is none to wait for.
func (m *Manager) awaitRoom(left int) bool {
	m.mu.Lock()
	gone, more, now := m.gone, m.leaving > 0, m.left
	m.mu.Unlock()
	switch {
	case now != left:
		return true
	case !more:
		return false
	}
	select {
	case <-gone:
		return true
	case <-m.life.Done():
		return false
	}
}
