//go:build linux

package cgroup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Limits are the bounds of a group; 0 means none.
type Limits struct {
	MemoryBytes int64
	CPUMillis   int // CPU time per second of wall time, in thousandths of a core
	Processes   int // processes and threads together
}

// cpuPeriodMicros is the period in which a CPU limit is given out. It is Lambda's:
// with the kernel's usual 100 ms a small function that used up its share would
// stand still for most of a tenth of a second; much shorter periods cost
// scheduling and run into the kernel's least quota of 1 ms.
const cpuPeriodMicros = 20_000

// cpuQuotaMin is the least quota that the kernel takes, in microseconds.
const cpuQuotaMin = 1000

// Group is the control group of one environment.
type Group struct {
	parent *Parent
	id     string
}

// Create makes a group without limits. When it fails nothing is left.
func (p *Parent) Create(id string) (*Group, error) {
	g := &Group{parent: p, id: id}
	for _, root := range p.places() {
		err := os.Mkdir(join(root, p.name, id), 0o755)
		if errors.Is(err, fs.ErrNotExist) { // somebody tidied up the parent while it was empty
			err = errors.Join(p.prepareAll(root), os.Mkdir(join(root, p.name, id), 0o755))
		}
		if err != nil {
			g.removeNow()
			return nil, fmt.Errorf("make control group: %w", err)
		}
	}
	return g, nil
}

// Limit sets bounds on the group.
func (g *Group) Limit(l Limits) error {
	for _, set := range g.parent.settings(l) {
		err := write(join(set.root, g.parent.name, g.id, set.file), set.value)
		if err != nil && !set.optional {
			return fmt.Errorf("limit control group %s: %w", g.id, err)
		}
	}
	return nil
}

type setting struct {
	root, file, value string
	optional          bool // the kernel may have been built or booted without it
}

// settings is what to write where, in order: version 1 asks for the memory limit
// before the one on memory and swap together.
func (p *Parent) settings(l Limits) []setting {
	var out []setting
	if root, v := p.usable("memory"); l.MemoryBytes > 0 {
		bytes := strconv.FormatInt(l.MemoryBytes, 10)
		switch v {
		case 1:
			out = append(out,
				setting{root, "memory.limit_in_bytes", bytes, false},
				setting{root, "memory.memsw.limit_in_bytes", bytes, true})
		case 2:
			out = append(out,
				setting{root, "memory.max", bytes, false},
				setting{root, "memory.swap.max", "0", true})
		}
	}
	if root, v := p.usable("cpu"); l.CPUMillis > 0 {
		quota := strconv.Itoa(max(cpuQuotaMin, l.CPUMillis*cpuPeriodMicros/1000))
		period := strconv.Itoa(cpuPeriodMicros)
		switch v {
		case 1:
			out = append(out,
				setting{root, "cpu.cfs_period_us", period, false},
				setting{root, "cpu.cfs_quota_us", quota, false})
		case 2:
			out = append(out, setting{root, "cpu.max", quota + " " + period, false})
		}
	}
	if root, v := p.usable("pids"); l.Processes > 0 && v != 0 {
		out = append(out, setting{root, "pids.max", strconv.Itoa(l.Processes), false})
	}
	return out
}

// Door is how a process gets into a group: its maker goes there itself, or makes it
// there. Moving a finished process would be simpler, but for that the kernel waits
// until no processor can be in the middle of a fork, some 8 ms on an idle machine.
type Door struct {
	// Tasks are the version 1 files into which the making thread writes "0" before
	// it forks.
	Tasks []string
	// Directory is the version 2 group to give to clone, or empty.
	Directory string
}

// Door returns the way into the group.
func (g *Group) Door() Door {
	var d Door
	for _, root := range g.parent.places() {
		dir := join(root, g.parent.name, g.id)
		if root == g.parent.layout.V2 {
			d.Directory = dir
		} else {
			d.Tasks = append(d.Tasks, join(dir, "tasks"))
		}
	}
	return d
}

// removeTries and removePause bound how long Remove waits for the kernel to let
// go of processes that have just ended: it is a matter of microseconds, and a
// second is beyond doubt.
const (
	removeTries = 200
	removePause = 5 * time.Millisecond
)

// Remove removes the group. Its processes must have been ended.
func (g *Group) Remove(ctx context.Context) error {
	var errs []error
	for _, root := range g.parent.places() {
		errs = append(errs, removeDir(ctx, join(root, g.parent.name, g.id)))
	}
	return errors.Join(errs...)
}

func (g *Group) removeNow() {
	for _, root := range g.parent.places() {
		_ = os.Remove(join(root, g.parent.name, g.id)) // the error at hand is the one to tell
	}
}

func removeDir(ctx context.Context, dir string) error {
	for try := 0; ; try++ {
		err := syscall.Rmdir(dir)
		switch {
		case err == nil || errors.Is(err, fs.ErrNotExist):
			return nil
		case !errors.Is(err, syscall.EBUSY) || try == removeTries:
			return fmt.Errorf("remove control group %s: %w", dir, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("remove control group %s: %w", dir, ctx.Err())
		case <-time.After(removePause):
		}
	}
}

// KillAll kills every process in the group until there is none: it is for what an
// earlier Hearth left, of which nobody else knows.
func (g *Group) KillAll(ctx context.Context) error {
	for try := 0; ; try++ {
		pids, err := g.pids()
		if err != nil || len(pids) == 0 {
			return err
		}
		if try == removeTries {
			return fmt.Errorf("control group %s: %d processes do not end", g.id, len(pids))
		}
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended already
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(removePause):
		}
	}
}

func (g *Group) pids() ([]int, error) {
	var pids []int
	for _, root := range g.parent.places() {
		list, err := os.ReadFile(join(root, g.parent.name, g.id, "cgroup.procs"))
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENODEV) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("list control group %s: %w", g.id, err)
		}
		for f := range strings.FieldsSeq(string(list)) {
			if pid, err := strconv.Atoi(f); err == nil && pid > 1 {
				pids = append(pids, pid)
			}
		}
	}
	return pids, nil
}
