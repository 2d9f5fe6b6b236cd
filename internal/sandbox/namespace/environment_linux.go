package namespace

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hearthfaas/hearth/internal/sandbox"
	"github.com/hearthfaas/hearth/internal/sandbox/cgroup"
	"github.com/hearthfaas/hearth/internal/sandbox/namespace/control"
	"github.com/hearthfaas/hearth/internal/sandbox/procusage"
)

// environment is one root with its process 1.
type environment struct {
	driver *Driver
	spec   sandbox.Spec

	// What was taken from the driver's stocks; given back by release.
	slot    uint32
	hasSlot bool
	group   *cgroup.Group
	network int
	image   *tmpImage

	pid   int // of process 1, on the host
	pidfd int // a descriptor of it
	conn  *net.UnixConn
	ended chan struct{} // closed when process 1 is gone and reaped

	reapOnce sync.Once // starts listen

	writing sync.Mutex // one message at a time

	// mu guards what follows.
	mu      sync.Mutex
	gone    bool // destroyed
	dead    bool // process 1 is gone
	seq     uint32
	calls   map[uint32]chan control.Message
	live    map[uint32]*process
	started map[uint32]*process // by request, until the caller has taken it
	peak    int64               // the most memory seen without page cache
	oomWas  int64               // how many out-of-memory kills were counted when the last process started
}

// errEnded says that there is no process 1 to ask any more.
var errEnded = errors.New("the environment has ended")

// Listen opens a listener inside the environment's network namespace.
func (e *environment) Listen(ctx context.Context, port int) (net.Listener, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.gone {
		return nil, fmt.Errorf("listen in environment %s: %w", e.spec.ID, errEnded)
	}
	l, err := listenIn(ctx, e.network, port)
	if err != nil {
		return nil, fmt.Errorf("listen in environment %s: %w", e.spec.ID, err)
	}
	return l, nil
}

// Path returns the path as it is: the environment has a root of its own.
func (e *environment) Path(inside string) string { return inside }

// Start runs a process inside.
func (e *environment) Start(ctx context.Context, cmd sandbox.Command) (sandbox.Process, error) {
	msg := control.Message{
		Kind: control.Start, Path: cmd.Path, Dir: cmd.Dir, Env: cmd.Env,
		Args: append([]string{cmd.Path}, cmd.Args...),
	}
	out := cmd.Output
	if out == nil {
		null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
		if err != nil {
			return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
		}
		defer null.Close()
		out = null
	}
	kills, err := e.group.OOMKills()
	if err != nil {
		return nil, fmt.Errorf("start %s in environment %s: %w", cmd.Path, e.spec.ID, err)
	}
	e.mu.Lock()
	e.oomWas = kills
	e.mu.Unlock()
	answer, p, err := e.call(ctx, &msg, append([]*os.File{out}, cmd.Files...))
	switch {
	case err != nil:
		return nil, fmt.Errorf("start %s in environment %s: %w", cmd.Path, e.spec.ID, err)
	case answer.Kind == control.Done:
		return p, nil
	case answer.Text == "exec":
		return nil, &sandbox.StartError{Path: cmd.Path, Err: syscall.Errno(answer.Errno)}
	default:
		return nil, fmt.Errorf("start %s in environment %s: %s %s: %w", cmd.Path, e.spec.ID, answer.Text, cmd.Dir, syscall.Errno(answer.Errno))
	}
}

// KillAll ends every process but process 1, and waits for them.
func (e *environment) KillAll(ctx context.Context) error {
	return e.order(ctx, control.KillAll, "end the processes of")
}

// Freeze stops every process but process 1. It uses the stop signal and not the
// kernel's freezer: process 1 must notice when Hearth dies, and a frozen process
// of a version 1 freezer cannot even be killed.
func (e *environment) Freeze(ctx context.Context) error {
	return e.order(ctx, control.Freeze, "freeze")
}

// Thaw lets the processes go on.
func (e *environment) Thaw(ctx context.Context) error { return e.order(ctx, control.Thaw, "thaw") }

func (e *environment) order(ctx context.Context, kind control.Kind, what string) error {
	answer, _, err := e.call(ctx, &control.Message{Kind: kind}, nil)
	if err == nil && answer.Kind != control.Done {
		err = syscall.Errno(answer.Errno)
	}
	if err != nil {
		return fmt.Errorf("%s environment %s: %w", what, e.spec.ID, err)
	}
	return nil
}

// Usage reads the control group. The peak leaves out page cache as far as the
// kernel tells: it keeps one high-water mark for both, so what is cached now is
// taken off it, and the result is never below what was seen without cache.
func (e *environment) Usage() (sandbox.Usage, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.gone {
		return sandbox.Usage{}, fmt.Errorf("usage of environment %s: %w", e.spec.ID, errEnded)
	}
	u, err := e.group.Usage()
	if err != nil {
		return sandbox.Usage{}, fmt.Errorf("usage of environment %s: %w", e.spec.ID, err)
	}
	if e.driver.groups.Missing("memory") != nil {
		return e.usageByProcess(u), nil
	}
	e.peak = max(e.peak, u.MemoryBytes)
	return sandbox.Usage{
		MemoryBytes:     u.MemoryBytes,
		MemoryPeakBytes: max(e.peak, u.MemoryPeakBytes-u.CacheBytes),
		CPUNanos:        u.CPUNanos,
		Processes:       max(0, u.Processes-e.ownThreads()),
	}, nil
}

// usageByProcess is what can be told without a control group for memory: the sum of
// the processes, with the other accounts where there are any. The mutex is held.
func (e *environment) usageByProcess(u cgroup.Usage) sandbox.Usage {
	var sum sandbox.Usage
	procusage.AddBelow(&sum, e.pid)
	e.peak = max(e.peak, sum.MemoryPeakBytes)
	sum.MemoryPeakBytes = e.peak
	if e.driver.groups.Missing("cpuacct") == nil {
		sum.CPUNanos = u.CPUNanos
	}
	return sum
}

// ownThreads is how many threads process 1 has, which the control group counts.
func (e *environment) ownThreads() int {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", e.pid))
	if err != nil {
		return 0
	}
	return len(entries)
}

// destroyTimeout bounds Destroy when its caller set no deadline: a kernel that does
// not end a killed process in this time will not do so.
const destroyTimeout = 30 * time.Second

// Destroy ends process 1, and with it everything in the environment, and gives back
// what it had.
func (e *environment) Destroy(ctx context.Context) error {
	e.mu.Lock()
	if e.gone {
		e.mu.Unlock()
		return nil
	}
	e.gone = true
	e.mu.Unlock()
	if err := e.release(ctx); err != nil {
		e.mu.Lock()
		e.gone = false // so that it can be tried again
		e.mu.Unlock()
		return fmt.Errorf("destroy environment %s: %w", e.spec.ID, err)
	}
	return nil
}

// release undoes Create as far as it got. It may be called again after an error.
func (e *environment) release(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, destroyTimeout)
	defer cancel()
	if err := e.stop(ctx); err != nil {
		return err
	}
	if e.group != nil {
		if err := e.group.Remove(ctx); err != nil {
			return err
		}
	}
	if e.network >= 0 {
		unix.Close(e.network)
		e.network = -1
	}
	if e.image != nil {
		e.driver.images.giveBack(e.image)
		e.image = nil
	}
	if e.hasSlot {
		e.driver.slots.release(e.slot)
		e.hasSlot = false
	}
	return nil
}

// stop ends process 1 and waits until it is gone; the kernel lets it go only after
// every other process of the environment.
func (e *environment) stop(ctx context.Context) error {
	if e.conn == nil {
		return nil
	}
	if e.pidfd < 0 {
		_ = e.conn.Close() // process 1 was not made, or has been waited for
		return nil
	}
	_ = unix.PidfdSendSignal(e.pidfd, unix.SIGKILL, nil, 0) // it may have ended already
	e.reapOnce.Do(func() { go e.listen() })                 // when Create failed before it listened
	select {
	case <-e.ended:
		unix.Close(e.pidfd)
		e.pidfd = -1
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for process 1: %w", ctx.Err())
	}
}
