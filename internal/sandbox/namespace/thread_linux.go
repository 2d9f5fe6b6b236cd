package namespace

import (
	"fmt"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/hearthfaas/hearth/internal/sandbox/namespace/supervisor"
)

// onThread runs f on a system thread of its own, which ends when f is done: f may
// move it into other namespaces. It never uses the process's main thread, which
// cannot end and is what /proc shows of the process.
func onThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if unix.Gettid() == unix.Getpid() {
			done <- onThread(f)
			runtime.UnlockOSThread() // nothing was changed about it
			return
		}
		done <- f()
	}()
	return <-done
}

// newNetwork makes a network namespace with nothing but loopback, which belongs to
// the host's user namespace: nobody inside may configure it.
func newNetwork() (fd int, err error) {
	err = onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("make a network namespace: %w", err)
		}
		if err := supervisor.LoopbackUp(); err != nil {
			return fmt.Errorf("bring up loopback: %w", err)
		}
		fd, err = unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("keep the network namespace: %w", err)
		}
		return nil
	})
	return fd, err
}

// fdPath names what a descriptor of this process refers to.
func fdPath(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

// cloneTree makes a detached, read-only copy of the mount at path, with those below
// it.
func cloneTree(path string) (int, error) {
	fd, err := unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
	if err != nil {
		return -1, &os.PathError{Op: "open tree", Path: path, Err: err}
	}
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV, Propagation: unix.MS_PRIVATE}
	if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &attr); err != nil {
		unix.Close(fd)
		return -1, &os.PathError{Op: "make read-only", Path: path, Err: err}
	}
	return fd, nil
}
