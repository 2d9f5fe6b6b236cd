package process

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hearthfaas/hearth/internal/sandbox"
)

// killPoll is how often KillAll looks whether a process group is empty. Members
// that are not our children cannot be waited for, and they are gone within
// microseconds of their SIGKILL.
const killPoll = time.Millisecond

// environment is a directory and the process groups that were started for it.
type environment struct {
	driver *Driver
	spec   sandbox.Spec
	dir    string
	tmp    string
	spawn  *spawner

	// mu guards what follows.
	mu     sync.Mutex
	gone   bool
	groups []*child // every process group that may still have members
}

func newEnvironment(d *Driver, spec sandbox.Spec, dir, tmp string) *environment {
	return &environment{driver: d, spec: spec, dir: dir, tmp: tmp, spawn: newSpawner()}
}

// Listen takes a free port of the host's loopback: the environment has no network
// of its own.
func (e *environment) Listen(ctx context.Context, _ int) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for environment %s: %w", e.spec.ID, err)
	}
	return l, nil
}

// LimitCPU does nothing: plain processes have no bound.
func (e *environment) LimitCPU(context.Context, int) error { return nil }

// Path maps a path of the standard layout to the host's: below a mount's target to
// its source, below /tmp to the environment's directory. Other paths are the
// host's own.
func (e *environment) Path(inside string) string {
	for _, m := range slices.Backward(e.spec.Mounts) {
		if rest, ok := below(inside, m.Target); ok {
			return filepath.Join(m.Source, rest)
		}
	}
	if rest, ok := below(inside, "/tmp"); ok {
		return filepath.Join(e.tmp, rest)
	}
	return inside
}

// below says whether path is dir or lies in it, and what follows dir.
func below(path, dir string) (string, bool) {
	rest, ok := strings.CutPrefix(path, strings.TrimSuffix(dir, "/"))
	return rest, ok && (rest == "" || rest[0] == '/')
}

// Start runs a process in a process group of its own.
func (e *environment) Start(ctx context.Context, cmd sandbox.Command) (sandbox.Process, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.gone {
		return nil, fmt.Errorf("start %s in environment %s: the environment is gone", cmd.Path, e.spec.ID)
	}
	c, err := e.start(cmd)
	if err != nil {
		return nil, err
	}
	e.groups = append(e.groups, c)
	return c, nil
}

func (e *environment) start(cmd sandbox.Command) (*child, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	defer null.Close()
	out := cmd.Output
	if out == nil {
		w, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
		if err != nil {
			return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
		}
		defer w.Close()
		out = w
	}
	if info, err := os.Stat(cmd.Dir); cmd.Dir != "" && (err != nil || !info.IsDir()) {
		return nil, fmt.Errorf("start %s: working directory %s is not there", cmd.Path, cmd.Dir)
	}
	env := cmd.Env
	if env == nil {
		env = []string{} // nil would hand down Hearth's own
	}
	attr := &os.ProcAttr{
		Dir:   cmd.Dir,
		Env:   env,
		Files: append([]*os.File{null, out, out}, cmd.Files...),
		Sys:   sysProcAttr(),
	}
	p, err := e.spawn.start(cmd.Path, append([]string{cmd.Path}, cmd.Args...), attr)
	if err != nil {
		return nil, startError(cmd.Path, err)
	}
	limitFiles(p.Pid, e.spec.FilesMax)
	if err := e.remember(p.Pid); err != nil {
		e.driver.log.Warn("remember a process group", "sandbox_id", e.spec.ID, "error", err)
	}
	c := &child{proc: p, done: make(chan struct{})}
	go c.wait() // KillAll and Destroy wait for it
	return c, nil
}

// startError takes the system's error out of what os says about it.
func startError(path string, err error) error {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return &sandbox.StartError{Path: path, Err: errno}
	}
	return &sandbox.StartError{Path: path, Err: err}
}

// KillAll ends every process group and waits until all are empty.
func (e *environment) KillAll(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.killAll(ctx)
}

func (e *environment) killAll(ctx context.Context) error {
	for _, c := range e.groups {
		c.killGroup()
	}
	for len(e.groups) > 0 {
		e.groups = slices.DeleteFunc(e.groups, (*child).groupGone)
		if len(e.groups) == 0 {
			break
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the processes of environment %s: %w", e.spec.ID, ctx.Err())
		case <-time.After(killPoll):
			e.groups[0].killGroup() // a fork may have raced with the first signal
		}
	}
	return nil
}

// Freeze does nothing: plain processes have no freezer.
func (e *environment) Freeze(context.Context) error { return nil }

// Thaw does nothing.
func (e *environment) Thaw(context.Context) error { return nil }

// Usage adds up what the processes that Start made use; their children are not
// found without a cgroup.
func (e *environment) Usage() (sandbox.Usage, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var u sandbox.Usage
	for _, c := range e.groups {
		c.addUsage(&u)
	}
	return u, nil
}

// Destroy ends all processes and removes the directory.
func (e *environment) Destroy(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.gone {
		return nil
	}
	if err := e.killAll(ctx); err != nil {
		return err
	}
	e.spawn.stop()
	if err := removeTree(e.dir); err != nil {
		return fmt.Errorf("remove environment %s: %w", e.spec.ID, err)
	}
	e.gone = true
	return nil
}

// removeTree removes a directory that a function wrote into: it may have taken
// away the permission to enter its own directories.
func removeTree(dir string) error {
	if err := os.RemoveAll(dir); err == nil {
		return nil
	}
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if entry != nil && entry.IsDir() && err == nil {
			return os.Chmod(path, 0o700)
		}
		return nil
	})
	return errors.Join(err, os.RemoveAll(dir))
}
