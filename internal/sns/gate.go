package sns

import (
	"context"
	"slices"
	"sync"

	"github.com/hearthfaas/hearth/internal/queue"
)

const (
	// deliveriesMax is how many deliveries are under way at the same time over all
	// subscriptions: each holds one message in memory and perhaps a connection.
	deliveriesMax = 512
	// laneDeliveriesMax is one subscription's part of them at most.
	laneDeliveriesMax = 64
)

// gate divides the deliveries that may be under way at the same time between
// subscriptions.
//
// A subscription may start one more while it has fewer under way than are free, so
// that one with nothing under way starts at once however long the others' backlogs
// are. One whose deliveries fail may have fewer and fewer: an endpoint that lets
// everybody wait is left with one at a time.
type gate struct {
	total int

	mu      sync.Mutex // guards what follows
	used    int
	holders map[queue.Name]*holder
	waiting []*turn // in the order of their coming
}

// holder is one subscription's part.
type holder struct {
	held  int
	limit float64
}

type turn struct {
	holder *holder
	got    chan int
}

func newGate(total int) *gate { return &gate{total: total, holders: map[queue.Name]*holder{}} }

// allowance is how many more a subscription may start that has held under way.
func allowance(total, used, held, limit int) int {
	n := 0
	for n < queue.ReceiveMax && held+n < limit && held+n < total-used-n {
		n++
	}
	return n
}

// acquire waits until a subscription may start at least one delivery, and takes slots
// for as many as one receive gives.
func (g *gate) acquire(ctx context.Context, name queue.Name) (int, error) {
	g.mu.Lock()
	t := &turn{holder: g.holder(name), got: make(chan int, 1)}
	g.waiting = append(g.waiting, t)
	g.grant()
	g.mu.Unlock()
	select {
	case n := <-t.got:
		return n, nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(g.waiting, t); i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
	} else {
		g.give(name, <-t.got)
	}
	return 0, ctx.Err()
}

// release gives slots back.
func (g *gate) release(name queue.Name, n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.give(name, n)
}

func (g *gate) give(name queue.Name, n int) {
	h := g.holder(name)
	h.held -= n
	g.used -= n
	g.grant()
}

// grant serves those who wait: first who holds the fewest, then who came first.
func (g *gate) grant() {
	for {
		best, most := -1, 0
		for i, t := range g.waiting {
			n := allowance(g.total, g.used, t.holder.held, max(1, int(t.holder.limit)))
			if n > 0 && (best < 0 || t.holder.held < g.waiting[best].holder.held) {
				best, most = i, n
			}
		}
		if best < 0 {
			return
		}
		t := g.waiting[best]
		g.waiting = slices.Delete(g.waiting, best, best+1)
		t.holder.held += most
		g.used += most
		t.got <- most
	}
}

func (g *gate) holder(name queue.Name) *holder {
	h, ok := g.holders[name]
	if !ok {
		h = &holder{limit: laneDeliveriesMax}
		g.holders[name] = h
	}
	return h
}

// tell adapts a subscription's limit to how a delivery went.
func (g *gate) tell(name queue.Name, well bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	h := g.holder(name)
	if well {
		h.limit = min(laneDeliveriesMax, h.limit+1)
	} else {
		h.limit = max(1, h.limit/2)
	}
}

// forget drops what is known of a subscription whose lane has ended.
func (g *gate) forget(name queue.Name) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.holders, name)
}
