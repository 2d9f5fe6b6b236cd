package namespace

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/hearthfaas/hearth/internal/sandbox/cgroup"
	"github.com/hearthfaas/hearth/internal/sandbox/namespace/control"
)

// masks are the parts of /proc that an environment does not see ("+": sees
// read-only). All are closed to an unprivileged user of another user namespace;
// hiding them does not rely on that.
var masks = []string{
	"+/proc/sys", "+/proc/sysrq-trigger", "+/proc/irq", "+/proc/bus", "+/proc/fs",
	"/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/kallsyms", "/proc/kmsg",
}

// launch builds the root, starts process 1 in it and waits until it is ready. The
// limits are set while the spawner forks, and the one on CPU time when the set-up,
// which is not the customer's, is done.
func (e *environment) launch(ctx context.Context) error {
	mounts, points, err := openMounts(e)
	defer func() {
		for _, m := range mounts {
			m.file.Close()
		}
	}()
	if err != nil {
		return err
	}
	ours, theirs, err := socketPair()
	if err != nil {
		return err
	}
	defer theirs.Close()
	e.conn = ours
	setup := control.Message{
		Kind: control.Setup, Hostname: e.driver.cfg.Hostname,
		FilesMax: uint32(e.spec.FilesMax), Processes: uint32(e.spec.ProcessesMax), Filter: e.driver.filter, Masks: masks,
	}
	if e.driver.slots.shared {
		setup.Flags |= control.SingleUser
	}
	if err := e.write(&setup, nil); err != nil {
		return err
	}
	tpl, err := e.driver.templates.get(points)
	if err != nil {
		return err
	}
	defer tpl.ns.Close()
	if e.group, err = e.driver.groups.Create(string(e.spec.ID)); err != nil {
		return err
	}
	initID, processID := e.driver.slots.ids(e.slot)
	wait, err := e.driver.spawns.ask(&control.Message{
		UID: uint32(initID), GID: uint32(processID), Env: e.group.Door().Tasks, Dir: e.group.Door().Directory,
	}, tpl, e.network, theirs, mounts)
	if err != nil {
		return err
	}
	limitErr := e.group.Limit(spaceLimits(e.spec))
	if e.pid, e.pidfd, err = wait(); err != nil {
		return err
	}
	if limitErr != nil {
		return limitErr
	}
	msg, err := e.read(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("process 1 did not get ready: %w", err)
	case msg.Kind == control.Refused:
		return fmt.Errorf("process 1: %s: %w", msg.Text, syscall.Errno(msg.Errno))
	}
	if err := e.group.Limit(cgroup.Limits{CPUMillis: e.spec.CPUMillis}); err != nil {
		return err
	}
	e.reapOnce.Do(func() { go e.listen() }) // ends with the socket; Destroy waits for it
	return nil
}

// attached is a detached mount and where it goes.
type attached struct {
	file   *os.File
	target string
}

// openMounts makes the mounts that are the environment's own.
func openMounts(e *environment) (mounts []attached, points []mountPoint, err error) {
	fd, err := e.tmpMount()
	if err != nil {
		return nil, nil, err
	}
	mounts = append(mounts, attached{os.NewFile(uintptr(fd), "/tmp"), "/tmp"})
	for _, m := range e.spec.Mounts {
		info, err := os.Stat(m.Source)
		if err != nil {
			return mounts, nil, fmt.Errorf("mount at %s: %w", m.Target, err)
		}
		fd, err := cloneTree(m.Source)
		if err != nil {
			return mounts, nil, fmt.Errorf("mount at %s: %w", m.Target, err)
		}
		mounts = append(mounts, attached{os.NewFile(uintptr(fd), m.Source), m.Target})
		points = append(points, mountPoint{m.Target, !info.IsDir()})
	}
	return mounts, points, nil
}

// tmpMount is the environment's /tmp: of its disk image, or in memory.
func (e *environment) tmpMount() (int, error) {
	if e.image != nil {
		return e.image.mount()
	}
	ctx, err := unix.Fsopen("tmpfs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("mount tmpfs: %w", err)
	}
	defer unix.Close(ctx)
	for key, value := range map[string]string{"size": strconv.Itoa(e.spec.TmpMB) + "m", "mode": "1777"} {
		if err := unix.FsconfigSetString(ctx, key, value); err != nil {
			return -1, fmt.Errorf("mount tmpfs: %w", err)
		}
	}
	if err := unix.FsconfigCreate(ctx); err != nil {
		return -1, fmt.Errorf("mount tmpfs: %w", err)
	}
	fd, err := unix.Fsmount(ctx, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV)
	if err != nil {
		return -1, fmt.Errorf("mount tmpfs: %w", err)
	}
	return fd, nil
}

// socketPair makes the control socket: our end, and process 1's.
func socketPair() (*net.UnixConn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make the control socket: %w", err)
	}
	theirs := os.NewFile(uintptr(fds[1]), "control")
	file := os.NewFile(uintptr(fds[0]), "control")
	conn, err := net.FileConn(file)
	file.Close()
	if err != nil {
		theirs.Close()
		return nil, nil, fmt.Errorf("make the control socket: %w", err)
	}
	unixConn, ok := conn.(*net.UnixConn)
	if !ok {
		return nil, nil, errors.Join(errors.New("make the control socket: it is none"), conn.Close(), theirs.Close())
	}
	return unixConn, theirs, nil
}
