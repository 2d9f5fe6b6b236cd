package namespace

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/hearthfaas/hearth/internal/sandbox"
	"github.com/hearthfaas/hearth/internal/sandbox/cgroup"
)

var _ sandbox.Assigner = (*environment)(nil)

// Assign mounts what a function brings into an environment that runs already. It is
// done from the host's side: nobody inside has the right to mount, or to unmount this.
func (e *environment) Assign(_ context.Context, mounts []sandbox.Mount, memoryMB int) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.gone || e.dead {
		return fmt.Errorf("assign environment %s: %w", e.spec.ID, errEnded)
	}
	err := e.group.Limit(cgroup.Limits{MemoryBytes: int64(memoryMB) << 20})
	if err == nil {
		err = attachInside(e.pidfd, mounts)
	}
	if err != nil {
		return fmt.Errorf("assign environment %s: %w", e.spec.ID, err)
	}
	e.spec.Mounts, e.spec.MemoryMB = append(e.spec.Mounts, mounts...), memoryMB
	return nil
}

// attachInside puts read-only copies of host directories into the mount namespace of
// a process.
func attachInside(pidfd int, mounts []sandbox.Mount) error {
	trees := make([]*os.File, 0, len(mounts))
	defer func() {
		for _, t := range trees {
			_ = t.Close()
		}
	}()
	for _, m := range mounts {
		if !filepath.IsAbs(m.Source) || m.Target != filepath.Clean(m.Target) {
			return fmt.Errorf("mount %s at %s: both must be clean absolute paths", m.Source, m.Target)
		}
		fd, err := cloneTree(m.Source)
		if err != nil {
			return fmt.Errorf("mount at %s: %w", m.Target, err)
		}
		trees = append(trees, os.NewFile(uintptr(fd), m.Source))
	}
	return onThread(func() error {
		if err := unix.Unshare(unix.CLONE_FS); err != nil {
			return fmt.Errorf("leave the shared root: %w", err)
		}
		if err := unix.Setns(pidfd, unix.CLONE_NEWNS); err != nil {
			return fmt.Errorf("enter the root: %w", err)
		}
		for i, m := range mounts {
			if err := moveTo(int(trees[i].Fd()), m.Target); err != nil {
				return fmt.Errorf("mount at %s: %w", m.Target, err)
			}
		}
		return nil
	})
}

// moveTo puts a detached mount in its place. Links on the way are not followed.
func moveTo(tree int, target string) error {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC | unix.O_DIRECTORY, Resolve: unix.RESOLVE_NO_SYMLINKS}
	to, err := unix.Openat2(unix.AT_FDCWD, target, &how)
	if err != nil {
		return err
	}
	defer unix.Close(to)
	return unix.MoveMount(tree, "", to, "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH)
}
