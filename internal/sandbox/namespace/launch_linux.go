package namespace

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/hearthfaas/hearth/internal/sandbox/namespace/control"
)

// masks are the parts of /proc that an environment does not see ("+": sees
// read-only). All are closed to an unprivileged user of another user namespace;
// hiding them does not rely on that.
var masks = []string{
	"+/proc/sys", "+/proc/sysrq-trigger", "+/proc/irq", "+/proc/bus", "+/proc/fs",
	"/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/kallsyms", "/proc/kmsg",
}

// namespaces are what process 1 gets of its own besides the network namespace,
// which is made beforehand.
const namespaces = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS

// launch builds the root, starts process 1 in it and waits until it is ready.
func (e *environment) launch(ctx context.Context) error {
	mounts, points, err := openMounts(e)
	defer func() {
		for _, m := range mounts {
			unix.Close(m.fd)
		}
	}()
	if err != nil {
		return err
	}
	ours, theirs, err := socketPair()
	if err != nil {
		return err
	}
	e.conn = ours
	setup := control.Message{
		Kind: control.Setup, Hostname: e.driver.cfg.Hostname, UID: insideUID, GID: insideGID,
		FilesMax: uint32(e.spec.FilesMax), Processes: uint32(e.spec.ProcessesMax), Filter: e.driver.filter, Masks: masks,
	}
	if err := e.write(&setup, nil); err != nil {
		theirs.Close()
		return err
	}
	err = e.driver.templates.use(points, func(tpl *template) error {
		return onThread(func() error { return e.fork(tpl, mounts, theirs) })
	})
	theirs.Close()
	if err != nil {
		return err
	}
	if err := e.group.Add(e.pid); err != nil {
		return err
	}
	msg, err := e.read(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("process 1 did not get ready: %w", err)
	case msg.Kind == control.Refused:
		return fmt.Errorf("process 1: %s: %w", msg.Text, syscall.Errno(msg.Errno))
	}
	e.reapOnce.Do(func() { go e.listen() }) // ends with the socket; Destroy waits for it
	return nil
}

// attached is a detached mount and where it goes.
type attached struct {
	fd     int
	target string
}

// openMounts makes the mounts that are the environment's own.
func openMounts(e *environment) (mounts []attached, points []mountPoint, err error) {
	fd, err := e.tmpMount()
	if err != nil {
		return nil, nil, err
	}
	mounts = append(mounts, attached{fd, "/tmp"})
	for _, m := range e.spec.Mounts {
		info, err := os.Stat(m.Source)
		if err != nil {
			return mounts, nil, fmt.Errorf("mount at %s: %w", m.Target, err)
		}
		fd, err := cloneTree(m.Source)
		if err != nil {
			return mounts, nil, fmt.Errorf("mount at %s: %w", m.Target, err)
		}
		mounts = append(mounts, attached{fd, m.Target})
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

// fork completes a copy of the template and starts process 1 in it. It changes the
// calling thread for good.
func (e *environment) fork(tpl *template, mounts []attached, socket *os.File) error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0) // the host's, before it is out of sight
	if err != nil {
		return err
	}
	defer null.Close()
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return fmt.Errorf("leave the shared root: %w", err)
	}
	if err := unix.Setns(tpl.ns, unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("enter the template: %w", err)
	}
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("copy the template: %w", err)
	}
	for _, m := range mounts {
		if err := attach(m); err != nil {
			return fmt.Errorf("mount at %s: %w", m.target, err)
		}
	}
	if err := unix.Setns(e.network, unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter the network namespace: %w", err)
	}
	initID, processID := e.driver.slots.ids(e.slot)
	e.pid, err = syscall.ForkExec("/init", []string{initName}, &syscall.ProcAttr{
		Env:   []string{},
		Files: []uintptr{null.Fd(), null.Fd(), null.Fd(), socket.Fd()},
		Sys: &syscall.SysProcAttr{
			Cloneflags:                 namespaces,
			UidMappings:                []syscall.SysProcIDMap{{ContainerID: 0, HostID: initID, Size: 1}, {ContainerID: insideUID, HostID: processID, Size: 1}},
			GidMappings:                []syscall.SysProcIDMap{{ContainerID: 0, HostID: initID, Size: 1}, {ContainerID: insideGID, HostID: processID, Size: 1}},
			GidMappingsEnableSetgroups: true,
			Credential:                 &syscall.Credential{Uid: 0, Gid: 0},
			Setsid:                     true,
		},
	})
	if err != nil {
		return fmt.Errorf("start process 1: %w", err)
	}
	return nil
}

// attach puts a mount into the root that lies at /new. The way there may lead
// through what an earlier mount brought, so links are not followed.
func attach(m attached) error {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS}
	to, err := unix.Openat2(unix.AT_FDCWD, filepath.Join("/new", m.target), &how)
	if err != nil {
		return err
	}
	defer unix.Close(to)
	return unix.MoveMount(m.fd, "", to, "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH)
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
