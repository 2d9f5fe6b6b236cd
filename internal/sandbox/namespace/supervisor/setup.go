//go:build linux

package supervisor

import (
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/hearthfaas/hearth/internal/sandbox/namespace/control"
)

// setup turns the copy of the driver's template into the environment's root and
// gives up privileges, in an order that matters: each step needs what the ones
// below it take away. It returns the step that went wrong.
func (s *supervisor) setup() (string, syscall.Errno) {
	steps := []struct {
		name string
		do   func() error
	}{
		{"enter the root", enterRoot},
		{"mask /proc", s.mask},
		{"set the host name", func() error { return syscall.Sethostname([]byte(s.config.Hostname)) }},
		{"bring up loopback", s.loopback},
		{"open /dev/null", func() (err error) {
			s.null, err = syscall.Open("/dev/null", syscall.O_RDWR|syscall.O_CLOEXEC, 0)
			return err
		}},
		{"set resource limits", s.limit},
		{"drop capabilities", s.drop},
		{"install the system call filter", s.filter},
	}
	for _, step := range steps {
		if err := step.do(); err != nil {
			errno, _ := err.(syscall.Errno)
			if errno == 0 {
				errno = syscall.EIO
			}
			return step.name, errno
		}
	}
	return "", 0
}

// enterRoot makes /new the root. The driver's mounts are locked to each other
// because this namespace has fewer privileges than the one they were copied from,
// and a locked mount cannot become the root; a copy of the tree can.
//
// /proc is mounted before the old root goes: the kernel asks that a complete /proc
// be in sight when one is mounted from inside a user namespace.
func enterRoot() error {
	tree, err := unix.OpenTree(unix.AT_FDCWD, "/new", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
	if err != nil {
		return err
	}
	defer unix.Close(tree)
	if err := unix.MoveMount(tree, "", unix.AT_FDCWD, "/new", unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return err
	}
	if err := unix.Mount("proc", "/new/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return err
	}
	if err := unix.Chdir("/new"); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return err
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return err
	}
	return unix.Chdir("/")
}

// mask hides what /proc tells about the host or lets root change. None of it is
// open to the processes' user as it is; this is the second line.
func (s *supervisor) mask() error {
	for _, path := range s.config.Masks {
		var err error
		if path[0] == '+' {
			err = readOnly(path[1:])
		} else {
			err = unix.Mount("/dev/null", path, "", unix.MS_BIND, "")
		}
		if err != nil && err != syscall.ENOENT { // not every kernel has every file
			return err
		}
	}
	return nil
}

func readOnly(path string) error {
	if err := unix.Mount(path, path, "", unix.MS_BIND, ""); err != nil {
		return err
	}
	return unix.Mount("", path, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
}

// loopback brings up lo, where the network namespace is this user namespace's own.
func (s *supervisor) loopback() error {
	if s.config.Flags&control.Loopback == 0 {
		return nil
	}
	return LoopbackUp()
}

// LoopbackUp brings up the interface lo in the calling thread's network namespace.
func LoopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	ifr.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr)
}

// limit sets what the processes inherit.
func (s *supervisor) limit() error {
	if err := syscall.Setrlimit(unix.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		return err
	}
	for resource, n := range map[int]uint32{unix.RLIMIT_NOFILE: s.config.FilesMax, unix.RLIMIT_NPROC: s.config.Processes} {
		if n == 0 {
			continue
		}
		if err := syscall.Setrlimit(resource, &syscall.Rlimit{Cur: uint64(n), Max: uint64(n)}); err != nil {
			return err
		}
	}
	return nil
}

// kept is what starting a process as another user and signalling it takes.
const kept = 1<<unix.CAP_SETUID | 1<<unix.CAP_SETGID | 1<<unix.CAP_KILL

// drop gives up every capability but those in kept. The processes have none:
// becoming another user clears what is left, the bounding set of this thread, from
// which they are forked, is empty, and no_new_privs keeps it so.
func (s *supervisor) drop() error {
	keep := uint32(kept)
	if s.config.Flags&control.SingleUser != 0 {
		keep = 1 << unix.CAP_KILL
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return err
	}
	const noRoot, noRootLocked, noRaise, noRaiseLocked = 1, 2, 64, 128 // linux/securebits.h
	if err := unix.Prctl(unix.PR_SET_SECUREBITS, noRoot|noRootLocked|noRaise|noRaiseLocked, 0, 0, 0); err != nil {
		return err
	}
	for c := uintptr(0); c <= 63; c++ {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil {
			break // the kernel's last capability is behind us
		}
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	data := [2]unix.CapUserData{{Effective: keep, Permitted: keep}}
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&head)), uintptr(unsafe.Pointer(&data[0])), 0)
	runtime.KeepAlive(&head)
	runtime.KeepAlive(&data)
	if errno != 0 {
		return errno
	}
	return nil
}

// filter installs the system call filter for all threads and everything they
// start.
func (s *supervisor) filter() error {
	const size = 8 // of struct sock_filter
	n := len(s.config.Filter) / size
	if n == 0 {
		return nil
	}
	program := make([]unix.SockFilter, n)
	for i := range program {
		f := s.config.Filter[i*size:]
		program[i] = unix.SockFilter{
			Code: uint16(f[0]) | uint16(f[1])<<8,
			Jt:   f[2],
			Jf:   f[3],
			K:    uint32(f[4]) | uint32(f[5])<<8 | uint32(f[6])<<16 | uint32(f[7])<<24,
		}
	}
	prog := unix.SockFprog{Len: uint16(n), Filter: &program[0]}
	_, _, errno := syscall.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog)))
	runtime.KeepAlive(&prog)
	if errno != 0 {
		return errno
	}
	return nil
}
