package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// groupsFile lists the process groups of an environment, one a line with the start
// time of its leader, behind a first line that names the boot they were made in.
const groupsFile = "groups"

// sweepWait bounds how long Sweep waits for one process group to end: a SIGKILL
// takes microseconds unless a process hangs in the kernel, and then waiting longer
// does not help.
const sweepWait = 2 * time.Second

// remember notes a process group, so that Sweep finds what a killed Hearth left.
func (e *environment) remember(pgid int) error {
	path := filepath.Join(e.dir, groupsFile)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	line := strconv.Itoa(pgid) + " " + startTime(pgid) + "\n"
	if info, err := f.Stat(); err == nil && info.Size() == 0 {
		line = bootID() + "\n" + line
	}
	_, err = f.WriteString(line)
	return err
}

// Sweep ends the process groups that an earlier process of this state directory
// left, and removes their directories.
func (d *Driver) Sweep(ctx context.Context) (int, error) {
	entries, err := os.ReadDir(d.cfg.StateDir)
	if err != nil {
		return 0, fmt.Errorf("sweep %s: %w", d.cfg.StateDir, err)
	}
	var errs []error
	n := 0
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		dir := filepath.Join(d.cfg.StateDir, entry.Name())
		list, err := os.ReadFile(filepath.Join(dir, groupsFile))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, fmt.Errorf("sweep: %w", err))
			continue
		}
		for _, g := range leftGroups(string(list), bootID()) {
			errs = append(errs, endGroup(ctx, g))
		}
		if err := removeTree(dir); err != nil {
			errs = append(errs, fmt.Errorf("sweep: %w", err))
			continue
		}
		n++
	}
	return n, errors.Join(errs...)
}

// group is a process group as it was noted.
type group struct {
	id      int
	started string // when its leader was, in the words of startTime
}

// leftGroups reads a groups file; what was written before the last boot names
// nothing any more.
func leftGroups(list, boot string) []group {
	first, rest, _ := strings.Cut(list, "\n")
	if first != boot {
		return nil
	}
	var groups []group
	for line := range strings.Lines(rest) {
		id, started, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if n, err := strconv.Atoi(id); err == nil && n > 1 {
			groups = append(groups, group{n, started})
		}
	}
	return groups
}

// endGroup kills the members of a group. The system does not give a group's number
// to a new process while the group has members, so a leader that was started at
// another time means that the group is empty and the number somebody else's.
func endGroup(ctx context.Context, g group) error {
	if now := startTime(g.id); now != "" && now != g.started {
		return nil
	}
	deadline := time.Now().Add(sweepWait)
	for !groupEnded(g.id) {
		_ = syscall.Kill(-g.id, syscall.SIGKILL) // it may just have ended
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(killPoll):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("sweep: process group %d does not end", g.id)
		}
	}
	return nil
}
