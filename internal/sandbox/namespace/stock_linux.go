package namespace

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// stockPause is how often the stocks are looked at. It lies between the parts of a
// burst of cold starts, so that filling up does not compete with them for long.
const stockPause = 20 * time.Millisecond

// networks is a stock of network namespaces that were never used.
type networks struct {
	max int

	// mu guards what follows.
	mu     sync.Mutex
	ready  []int
	closed bool
}

// take returns a namespace from the stock, or makes one.
func (n *networks) take() (int, error) {
	n.mu.Lock()
	if last := len(n.ready) - 1; last >= 0 {
		fd := n.ready[last]
		n.ready = n.ready[:last]
		n.mu.Unlock()
		return fd, nil
	}
	n.mu.Unlock()
	return newNetwork()
}

// add puts a namespace into the stock and says whether more are wanted.
func (n *networks) add(fd int) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed || len(n.ready) >= n.max {
		unix.Close(fd)
		return false
	}
	n.ready = append(n.ready, fd)
	return len(n.ready) < n.max
}

func (n *networks) short() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return !n.closed && len(n.ready) < n.max
}

// stock keeps the stock full until ctx ends.
func (n *networks) stock(ctx context.Context, log *slog.Logger) {
	keepStock(ctx, func() bool {
		if !n.short() {
			return false
		}
		fd, err := newNetwork()
		if err != nil {
			log.WarnContext(ctx, "make a network namespace for later", "error", err)
			return false
		}
		return n.add(fd)
	})
}

func (n *networks) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
	for _, fd := range n.ready {
		unix.Close(fd)
	}
	n.ready = nil
}

// stock keeps count images of a size ready until ctx ends.
func (t *tmpImages) stock(ctx context.Context, sizeMB, count int, log *slog.Logger) {
	keepStock(ctx, func() bool {
		t.mu.Lock()
		short := !t.closed && len(t.ready[sizeMB]) < count
		t.mu.Unlock()
		if !short {
			return false
		}
		img, err := t.fresh(ctx, sizeMB)
		if err != nil {
			log.WarnContext(ctx, "make a /tmp image for later", "error", err)
			return false
		}
		t.giveBack(img)
		return true
	})
}

// keepStock calls add until it says that nothing is wanted, pauses, and so on until
// ctx ends.
func keepStock(ctx context.Context, add func() bool) {
	tick := time.NewTicker(stockPause)
	defer tick.Stop()
	for {
		for ctx.Err() == nil && add() {
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
