//go:build linux

package main

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// escape tries one way out and returns the error that stopped it. When nothing
// does, it prints what it got.
func escape(a []string) error {
	way, ok := escapes[a[0]]
	if !ok {
		return fmt.Errorf("no way %q", a[0])
	}
	return way(a[1:])
}

var escapes = map[string]func([]string) error{
	"open": func(a []string) error { _, err := os.ReadFile(a[0]); return err },
	"dial": func(a []string) error {
		c, err := net.DialTimeout("tcp", a[0], 2*time.Second)
		if err == nil {
			c.Close()
		}
		return err
	},
	"create": func(a []string) error { return os.WriteFile(a[0], []byte("x"), 0o644) },
	"append": func(a []string) error {
		f, err := os.OpenFile(a[0], os.O_WRONLY, 0)
		if err == nil {
			f.Close()
		}
		return err
	},
	"mount":     func([]string) error { return unix.Mount("tmpfs", "/tmp", "tmpfs", 0, "") },
	"remount":   func([]string) error { return unix.Mount("", "/", "", unix.MS_REMOUNT|unix.MS_BIND, "") },
	"umount":    func([]string) error { return unix.Unmount("/proc", unix.MNT_DETACH) },
	"fsopen":    func([]string) error { _, err := unix.Fsopen("tmpfs", 0); return err },
	"open_tree": func([]string) error { _, err := unix.OpenTree(unix.AT_FDCWD, "/", unix.OPEN_TREE_CLONE); return err },
	"chroot":    func([]string) error { return unix.Chroot("/tmp") },
	"pivot":     func([]string) error { return unix.PivotRoot("/", "/") },
	"unshare": func(a []string) error {
		n, err := strconv.ParseInt(a[0], 0, 64)
		if err != nil {
			return err
		}
		return unix.Unshare(int(n))
	},
	"clone": func(a []string) error {
		n, err := strconv.ParseInt(a[0], 0, 64)
		if err != nil {
			return err
		}
		_, err = syscall.ForkExec(os.Args[0], []string{os.Args[0]}, &syscall.ProcAttr{Sys: &syscall.SysProcAttr{Cloneflags: uintptr(n)}})
		return err
	},
	"clone3": func([]string) error { _, _, e := syscall.Syscall(unix.SYS_CLONE3, 0, 0, 0); return e },
	"setns": func([]string) error {
		fd, err := unix.Open("/proc/self/ns/net", unix.O_RDONLY, 0)
		if err != nil {
			return err
		}
		return unix.Setns(fd, 0)
	},
	"ptrace":      func([]string) error { return syscall.PtraceAttach(1) },
	"traceme":     func([]string) error { _, _, e := syscall.Syscall(unix.SYS_PTRACE, 0, 0, 0); return none(e) },
	"vm_read":     func([]string) error { _, err := unix.ProcessVMReadv(1, nil, nil, 0); return err },
	"bpf":         func([]string) error { _, _, e := syscall.Syscall(unix.SYS_BPF, 0, 0, 0); return none(e) },
	"keyctl":      func([]string) error { _, err := unix.KeyctlGetKeyringID(unix.KEY_SPEC_USER_KEYRING, true); return err },
	"perf":        func([]string) error { _, err := unix.PerfEventOpen(&unix.PerfEventAttr{}, 0, -1, -1, 0); return err },
	"userfaultfd": func([]string) error { _, _, e := syscall.Syscall(unix.SYS_USERFAULTFD, 0, 0, 0); return none(e) },
	"io_uring":    func([]string) error { _, _, e := syscall.Syscall(unix.SYS_IO_URING_SETUP, 1, 0, 0); return none(e) },
	"module":      func([]string) error { return unix.InitModule([]byte{0}, "") },
	"reboot":      func([]string) error { return unix.Reboot(unix.LINUX_REBOOT_CMD_CAD_OFF) },
	"clock":       func([]string) error { return unix.Settimeofday(&unix.Timeval{Sec: 1}) },
	"handle": func([]string) error {
		_, err := unix.OpenByHandleAt(unix.AT_FDCWD, unix.NewFileHandle(1, make([]byte, 8)), 0)
		return err
	},
	"vsock":  func([]string) error { _, err := unix.Socket(unix.AF_VSOCK, unix.SOCK_STREAM, 0); return err },
	"packet": func([]string) error { _, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0); return err },
	"rawip": func([]string) error {
		_, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP)
		return err
	},
	"mknod":       func([]string) error { return unix.Mknod("/tmp/disk", unix.S_IFBLK|0o666, int(unix.Mkdev(254, 0))) },
	"sethostname": func([]string) error { return unix.Sethostname([]byte("mine")) },
	"kill": func(a []string) error {
		n, err := strconv.Atoi(a[0])
		if err != nil {
			return err
		}
		return syscall.Kill(n, syscall.SIGKILL)
	},
	"setuid": func([]string) error { return syscall.Setuid(0) },
	"setgid": func([]string) error { return syscall.Setgid(0) },
	"chown":  chownTmp,
	"readlink": func(a []string) error {
		to, err := os.Readlink(a[0])
		if err == nil {
			fmt.Println(to)
		}
		return err
	},
	"i386": i386,
	// processes prints what processes there are: everything but 1 and itself is
	// somebody else's.
	"processes": func([]string) error {
		entries, err := os.ReadDir("/proc")
		for _, e := range entries {
			if n, err := strconv.Atoi(e.Name()); err == nil && n != 1 && n != os.Getpid() {
				fmt.Println(n)
			}
		}
		return err
	},
	"interfaces": func([]string) error {
		list, err := net.Interfaces()
		for _, i := range list {
			fmt.Println(i.Name)
		}
		return err
	},
	// mounts prints the mount points that can be written to.
	"mounts": func([]string) error {
		b, err := os.ReadFile("/proc/self/mounts")
		for line := range strings.Lines(string(b)) {
			f := strings.Fields(line)
			if strings.HasPrefix(f[3], "rw") {
				fmt.Println(f[1])
			}
		}
		return err
	},
}

func chownTmp([]string) error {
	if err := os.WriteFile("/tmp/mine", nil, 0o644); err != nil {
		return err
	}
	return os.Chown("/tmp/mine", 0, 0)
}

// none turns "no error" into nil.
func none(e syscall.Errno) error {
	if e == 0 {
		return nil
	}
	return e
}

// i386 makes a system call of the 32-bit architecture number space, as far as a
// 64-bit program can: with the x32 bit set.
func i386([]string) error {
	const x32 = 0x40000000
	var ts unix.Timespec
	_, _, e := syscall.RawSyscall(unix.SYS_GETPID|x32, uintptr(unsafe.Pointer(&ts)), 0, 0)
	return none(e)
}
