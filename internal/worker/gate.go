package worker

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"
)

// gate bounds how many environments are made from scratch at the same time. A boot is
// bound by the processors: five hundred at once would each take as long as all of them
// together, longer than an Init phase may last, and the processors would have nothing
// left for the functions that run. Those that wait may find themselves not needed any
// more, because another invoke gave its environment back.
type gate struct {
	always   int                 // so many may be inside, whatever else runs
	cpus     int                 // of the host
	runnable func() (int, error) // how many threads of the host want a processor now
	wake     chan struct{}       // somebody waits

	mu     sync.Mutex // guards what follows
	inside int
	queue  []chan struct{} // closed for the one that may go in
}

// startsPerCPU keeps the processors busy: while one start waits for a disk or for
// another process, one computes.
const startsPerCPU = 2

// gateTick is how often it is looked whether the processors have time for more starts:
// a quarter of what a boot takes.
const gateTick = 10 * time.Millisecond

func newGate() *gate {
	cpus := runtime.NumCPU()
	return &gate{always: startsPerCPU * cpus, cpus: cpus, runnable: runnableThreads, wake: make(chan struct{}, 1)}
}

// admits is pure: whether one more start may begin. Those that are inside and wait for
// something else than a processor, such as a function's database, keep nobody out.
func admits(inside, always, runnable, cpus int) bool {
	return inside < always || runnable <= cpus
}

// enter waits for a start's turn, or for the end of ctx, and returns for how long. Who
// entered leaves.
func (g *gate) enter(ctx context.Context) (waited time.Duration, err error) {
	g.mu.Lock()
	if len(g.queue) == 0 && g.inside < g.always {
		g.inside++
		g.mu.Unlock()
		return 0, nil
	}
	began := time.Now()
	turn := make(chan struct{})
	g.queue = append(g.queue, turn)
	g.mu.Unlock()
	select {
	case g.wake <- struct{}{}:
	default: // run is awake
	}
	select {
	case <-turn:
		return time.Since(began), nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(g.queue, turn); i >= 0 {
		g.queue = slices.Delete(g.queue, i, i+1)
		return 0, context.Cause(ctx)
	}
	return time.Since(began), nil // its turn came first
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	if len(g.queue) > 0 && g.inside < g.always {
		g.next()
	}
}

// next lets the one in that has waited longest. The mutex is held.
func (g *gate) next() {
	close(g.queue[0])
	g.queue = g.queue[1:]
	g.inside++
}

// run lets more in while the processors have time for them, until ctx ends: one at a
// time, so that what it does to the processors is seen before the next.
func (g *gate) run(ctx context.Context) {
	tick := time.NewTicker(gateTick)
	defer tick.Stop()
	for {
		select {
		case <-g.wake:
		case <-ctx.Done():
			return
		}
		for waiting := true; waiting; {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			waiting = g.look()
		}
	}
}

// look lets one in if the processors have time for it, and reports whether somebody
// waits.
func (g *gate) look() bool {
	running, err := g.runnable()
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.queue) > 0 && err == nil && admits(g.inside, g.always, running-1, g.cpus) { // this thread runs, too
		g.next()
	}
	return len(g.queue) > 0
}

// runnableThreads reads how many threads run or could (proc(5), /proc/loadavg).
func runnableThreads() (int, error) {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0, fmt.Errorf("read the load: %w", err)
	}
	return parseRunnable(text)
}

// parseRunnable reads "0.20 0.18 0.12 3/80 11206".
func parseRunnable(loadavg []byte) (int, error) {
	fields := bytes.Fields(loadavg)
	if len(fields) < 4 {
		return 0, fmt.Errorf("the load is %q", loadavg)
	}
	running, _, _ := bytes.Cut(fields[3], []byte("/"))
	n, err := strconv.Atoi(string(running))
	if err != nil {
		return 0, fmt.Errorf("the load is %q: %w", loadavg, err)
	}
	return n, nil
}
