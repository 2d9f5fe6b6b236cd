package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/hearthfaas/hearth/internal/sandbox/cgroup"
)

func checks() []func() Check {
	return []func() Check{
		kernel, cpus, memory, root, cgroups, userNamespaces, seccomp, tmpImages, architecture, kvm,
	}
}

// kernelMin is the first kernel with all that the namespace driver uses;
// mount_setattr came last.
var kernelMin = [2]int{5, 12}

func kernel() Check {
	release := text("/proc/sys/kernel/osrelease")
	major, minor, ok := parseRelease(release)
	c := Check{Name: "kernel", Detail: release}
	c.OK = ok && (major > kernelMin[0] || major == kernelMin[0] && minor >= kernelMin[1])
	if !c.OK {
		c.Remedy = fmt.Sprintf("use Linux %d.%d or later, or --isolation process", kernelMin[0], kernelMin[1])
	}
	return c
}

// memoryMin is enough for Hearth and a handful of functions, in kB.
const memoryMin = 512 << 10

func memory() Check {
	total, available := parseMeminfo(text("/proc/meminfo"))
	c := Check{Name: "memory", OK: total >= memoryMin, Detail: fmt.Sprintf("%d MB, %d MB available", total>>10, available>>10)}
	if !c.OK {
		c.Remedy = "use a machine with 512 MB or more"
	}
	return c
}

func root() Check {
	c := Check{Name: "privileges", OK: os.Geteuid() == 0, Optional: true, Detail: "root"}
	if !c.OK {
		c.Detail = fmt.Sprintf("user %d: sandboxes, without limits on memory and CPU", os.Geteuid())
		c.Remedy = "run hearth as root for limits on memory and CPU"
	}
	return c
}

func cgroups() Check {
	c := Check{Name: "control groups"}
	layout, err := cgroup.Read()
	if err != nil {
		c.Detail, c.Remedy = err.Error(), "mount /proc and /sys/fs/cgroup"
		return c
	}
	return judgeGroups(layout)
}

// judgeGroups says whether the controllers are there that limits need.
func judgeGroups(layout cgroup.Layout) Check {
	c := Check{Name: "control groups", OK: true, Optional: true}
	var have, miss []string
	for _, name := range []string{"memory", "cpu", "pids"} {
		if layout.Has(name) {
			have = append(have, name)
		} else {
			miss = append(miss, name)
		}
	}
	c.Detail = layout.Version() + ": " + strings.Join(have, ", ")
	if len(miss) > 0 {
		c.OK = false
		c.Detail += "; without " + strings.Join(miss, ", ")
		c.Remedy = "mount or delegate the missing controllers; without them the limits of functions on them do not hold"
	}
	return c
}

func userNamespaces() Check {
	return judgeUserNamespaces(
		exists("/proc/self/ns/user"), text("/proc/sys/user/max_user_namespaces"),
		text("/proc/sys/kernel/unprivileged_userns_clone"), os.Geteuid() == 0, makeUserNamespace())
}

// makeUserNamespace makes one with a mount namespace, as an ordinary user's Hearth
// does, for a program that says nothing. Security modules may refuse what the
// kernel's own settings allow.
func makeUserNamespace() error {
	cmd := exec.Command("true") //nolint:noctx // it takes a millisecond
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}},
	}
	return cmd.Run()
}

// judgeUserNamespaces takes the texts of two settings, of which an absent one is empty,
// and what came of trying.
func judgeUserNamespaces(built bool, most, unprivileged string, isRoot bool, tried error) Check {
	c := Check{Name: "user namespaces", OK: true, Detail: "up to " + most}
	switch {
	case !built:
		c.OK, c.Detail, c.Remedy = false, "the kernel is built without them", "use a kernel with CONFIG_USER_NS"
	case most == "0":
		c.OK, c.Detail, c.Remedy = false, "switched off", "sysctl -w user.max_user_namespaces=65536"
	case unprivileged == "0" && !isRoot:
		c.OK, c.Detail, c.Remedy = false, "for root only", "run hearth as root, or sysctl -w kernel.unprivileged_userns_clone=1"
	case tried != nil:
		c.OK, c.Detail = false, "refused: "+tried.Error()
		c.Remedy = "run hearth as root; where AppArmor restricts them, sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
	}
	return c
}

func seccomp() Check {
	c := Check{Name: "system call filter", OK: true, Detail: "seccomp"}
	if actions := text("/proc/sys/kernel/seccomp/actions_avail"); !strings.Contains(actions, "errno") {
		c.OK, c.Detail, c.Remedy = false, "the kernel has none", "use a kernel with CONFIG_SECCOMP_FILTER"
	}
	return c
}

// tmpImages looks for what a /tmp outside of memory needs.
func tmpImages() Check {
	c := Check{Name: "disk images for /tmp", Optional: true}
	_, mkfsErr := exec.LookPath("mkfs.ext4")
	if mkfsErr != nil && exists("/usr/sbin/mkfs.ext4") {
		mkfsErr = nil
	}
	switch {
	case !exists("/dev/loop-control"):
		c.Detail, c.Remedy = "no loop devices", "modprobe loop; until then what functions write to /tmp counts as their memory"
	case !strings.Contains(text("/proc/filesystems"), "ext4"):
		c.Detail, c.Remedy = "no ext4", "modprobe ext4; until then what functions write to /tmp counts as their memory"
	case mkfsErr != nil:
		c.Detail, c.Remedy = "no mkfs.ext4", "install e2fsprogs; until then what functions write to /tmp counts as their memory"
	default:
		c.OK, c.Detail = true, "loop devices with ext4"
	}
	return c
}

func architecture() Check {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return Check{Name: "architecture", Detail: err.Error(), Remedy: "report this"}
	}
	machine := unix.ByteSliceToString(u.Machine[:])
	return judgeArchitecture(machine)
}

func judgeArchitecture(machine string) Check {
	c := Check{Name: "architecture", Detail: machine, OK: true}
	switch machine {
	case "x86_64":
		c.Detail += ": functions of x86_64"
	case "aarch64":
		c.Detail += ": functions of arm64"
	default:
		c.OK, c.Remedy = false, "Lambda has x86_64 and arm64 only"
	}
	return c
}

func kvm() Check {
	c := Check{Name: "KVM", Optional: true}
	f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.Detail, c.Remedy = "not there", "nothing needs it today; micro virtual machines would"
	case err != nil:
		c.Detail, c.Remedy = err.Error(), "add the user to the group kvm; nothing needs it today"
	default:
		f.Close()
		c.OK, c.Detail = true, "can be opened"
	}
	return c
}

// text reads a small file, or nothing when it cannot be read.
func text(path string) string {
	b, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
