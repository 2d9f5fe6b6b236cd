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

// groupsFile lists the process groups of an environment, one a line, behind a
// first line that names the boot in which they were made.
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
	line := strconv.Itoa(pgid) + "\n"
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
		for _, pgid := range leftGroups(string(list), bootID()) {
			errs = append(errs, endGroup(ctx, pgid))
		}
		if err := removeTree(dir); err != nil {
			errs = append(errs, fmt.Errorf("sweep: %w", err))
			continue
		}
		n++
	}
	return n, errors.Join(errs...)
}

// leftGroups reads a groups file; what was written before the last boot names
// nothing any more.
func leftGroups(list, boot string) []int {
	lines := strings.Fields(list)
	if len(lines) == 0 || lines[0] != boot {
		return nil
	}
	var groups []int
	for _, line := range lines[1:] {
		if n, err := strconv.Atoi(line); err == nil && n > 1 {
			groups = append(groups, n)
		}
	}
	return groups
}

// endGroup kills the members of a group whose leader died with its Hearth. A
// leader that is alive is another process that got the same number, and is left
// alone.
func endGroup(ctx context.Context, pgid int) error {
	if leaderDies && syscall.Kill(pgid, 0) == nil {
		return nil
	}
	deadline := time.Now().Add(sweepWait)
	for syscall.Kill(-pgid, syscall.SIGKILL) == nil {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(killPoll):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("sweep: process group %d does not end", pgid)
		}
	}
	return nil
}
