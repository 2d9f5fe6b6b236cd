//go:build linux

package sandboxtest

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hearthfaas/hearth/internal/sandbox"
)

// Escape tries to get out of an environment, or to see or touch what is not its
// own, in every way known to the authors. It is for drivers that isolate.
func Escape(t *testing.T, open func(testing.TB) sandbox.Driver) {
	s := &suite{open: open, payload: Payload(t)}
	d := open(t)
	env := create(t, d, s.spec())
	for _, c := range refusals() {
		t.Run(c.name, func(t *testing.T) {
			out, exit := do(t, env, append([]string{"escape"}, c.args...)...)
			if exit.Code == 0 && exit.Signal == 0 {
				t.Fatalf("nothing stopped it; it printed %q", out)
			}
			for errno := range strings.SplitSeq(c.want, "|") {
				if strings.Contains(out, "error "+errno+":") {
					return
				}
			}
			t.Errorf("stopped by %q (%v), want %s", out, exit, c.want)
		})
	}
	t.Run("killing process 1", func(t *testing.T) {
		do(t, env, "escape", "kill", "1") // refused, or without effect where they share a user id
		if _, exit := do(t, env, "exit", "5"); exit.Code != 5 {
			t.Errorf("the environment is no more: %v", exit)
		}
	})
	t.Run("another environment's tmp and code are out of sight", func(t *testing.T) { s.seeOthers(t, d) })
	t.Run("the host's processes are out of sight", func(t *testing.T) { s.seeProcesses(t, env) })
	t.Run("a port of the host's loopback is out of reach", func(t *testing.T) { s.reachHost(t, env) })
	t.Run("loopback is the only interface", func(t *testing.T) {
		if out, _ := do(t, env, "escape", "interfaces"); out != "lo\n" {
			t.Errorf("interfaces %q, want lo", out)
		}
	})
	t.Run("tmp is the only place that can be written to", func(t *testing.T) {
		if out, _ := do(t, env, "escape", "mounts"); out != "/tmp\n/proc\n" {
			t.Errorf("writable mounts %q, want /tmp, and /proc whose files have their own rules", out)
		}
	})
	t.Run("the root has nothing but the standard layout", func(t *testing.T) {
		out, _ := do(t, env, "list", "/")
		for name := range strings.FieldsSeq(out) {
			if !strings.Contains(" bin dev etc home lib lib32 lib64 opt proc sbin tmp usr var ", " "+name+" ") {
				t.Errorf("/%s is there", name)
			}
		}
	})
	t.Run("the user is Lambda's and has no rights", func(t *testing.T) { s.noRights(t, env) })
	t.Run("a set-user-id program gives no rights", func(t *testing.T) { s.setUserID(t, d) })
	t.Run("Hearth's environment is nowhere", func(t *testing.T) {
		t.Setenv("HEARTH_SECRET", token)
		other := create(t, open(t), s.spec())
		for _, path := range []string{"/proc/self/environ", "/proc/1/environ", "/proc/1/cmdline"} {
			if out, _ := do(t, other, "read", path); strings.Contains(out, token) {
				t.Errorf("%s has Hearth's environment", path)
			}
		}
	})
	t.Run("a fork bomb of two thousand leaves the host alone", func(t *testing.T) {
		spec := s.spec()
		spec.MemoryMB = 2048
		bomb := create(t, d, spec)
		start(t, bomb, "forks", "2000").until("forked ")
		if _, exit := do(t, env, "exit", "5"); exit.Code != 5 {
			t.Errorf("another environment meanwhile: %v, want exit status 5", exit)
		}
	})
}

// refusal is a way out and the error that closes it; "|" separates alternatives.
type refusal struct {
	name string
	args []string
	want string
}

func refusals() []refusal {
	const newNS, newUser, newNet = "0x20000", "0x10000000", "0x40000000"
	return []refusal{
		{"reading the host's shadow file", []string{"open", "/etc/shadow"}, "ENOENT"},
		{"reading the host's home directories", []string{"open", "/root/.bashrc"}, "ENOENT"},
		{"reading process 1's environment", []string{"open", "/proc/1/environ"}, "EACCES"},
		{"reading process 1's memory", []string{"open", "/proc/1/mem"}, "EACCES"},
		{"following process 1's root", []string{"readlink", "/proc/1/root"}, "EACCES"},
		{"following process 1's working directory", []string{"open", "/proc/1/cwd/etc/passwd"}, "EACCES"},
		{"following process 1's descriptors", []string{"open", "/proc/1/fd/3"}, "EACCES"},
		{"following process 1's program", []string{"readlink", "/proc/1/exe"}, "EACCES"},
		{"reading kernel memory", []string{"open", "/proc/kcore"}, "EACCES|ENOENT|EPERM"},
		{"reading the kernel's log", []string{"open", "/dev/kmsg"}, "ENOENT"},
		{"opening the disk", []string{"open", "/dev/vda"}, "ENOENT"},
		{"seeing /sys", []string{"open", "/sys/kernel/uevent_seqnum"}, "ENOENT"},
		{"writing into the code", []string{"create", "/var/task/new"}, "EROFS"},
		{"writing over the code", []string{"append", "/var/task/payload"}, "EROFS|EACCES"},
		{"writing into /usr", []string{"create", "/usr/new"}, "EROFS"},
		{"writing into /etc", []string{"append", "/etc/passwd"}, "EROFS|EACCES"},
		{"writing into the root", []string{"create", "/new"}, "EROFS"},
		{"writing into /dev", []string{"create", "/dev/new"}, "EROFS"},
		{"changing a kernel setting", []string{"append", "/proc/sys/kernel/core_pattern"}, "EROFS|EACCES"},
		{"changing a network setting", []string{"append", "/proc/sys/net/ipv4/ip_forward"}, "EROFS|EACCES"},
		{"pressing the magic key", []string{"append", "/proc/sysrq-trigger"}, "EROFS|EACCES|ENOENT"},
		{"mounting", []string{"mount"}, "EPERM"},
		{"making a mount writable", []string{"remount"}, "EPERM"},
		{"unmounting", []string{"umount"}, "EPERM"},
		{"making a file system", []string{"fsopen"}, "EPERM"},
		{"copying mounts", []string{"open_tree"}, "EPERM"},
		{"changing the root", []string{"chroot"}, "EPERM"},
		{"swapping the root", []string{"pivot"}, "EPERM"},
		{"unsharing a user namespace", []string{"unshare", newUser}, "EPERM"},
		{"unsharing a mount namespace", []string{"unshare", newNS}, "EPERM"},
		{"cloning into a user namespace", []string{"clone", newUser}, "EPERM"},
		{"cloning into a network namespace", []string{"clone", newNet}, "EPERM"},
		{"clone3, whose flags cannot be seen", []string{"clone3"}, "ENOSYS"},
		{"entering a namespace", []string{"setns"}, "EPERM"},
		{"tracing process 1", []string{"ptrace"}, "EPERM"},
		{"being traced", []string{"traceme"}, "EPERM"},
		{"reading another process's memory", []string{"vm_read"}, "EPERM"},
		{"loading a program into the kernel", []string{"bpf"}, "EPERM"},
		{"using keyrings", []string{"keyctl"}, "EPERM"},
		{"watching performance events", []string{"perf"}, "EPERM"},
		{"handling page faults", []string{"userfaultfd"}, "EPERM"},
		{"using io_uring", []string{"io_uring"}, "EPERM"},
		{"loading a module", []string{"module"}, "EPERM"},
		{"rebooting", []string{"reboot"}, "EPERM"},
		{"setting the clock", []string{"clock"}, "EPERM"},
		{"opening by file handle", []string{"handle"}, "EPERM"},
		{"talking to the hypervisor", []string{"vsock"}, "EAFNOSUPPORT"},
		{"reading packets", []string{"packet"}, "EAFNOSUPPORT"},
		{"sending raw packets", []string{"rawip"}, "EPERM"},
		{"making a device", []string{"mknod"}, "EPERM"},
		{"renaming the host", []string{"sethostname"}, "EPERM"},
		{"killing a process of the host", []string{"kill", fmt.Sprint(os.Getpid())}, "ESRCH"},
		{"becoming root", []string{"setuid"}, "EPERM|EINVAL"},
		{"joining root's group", []string{"setgid"}, "EPERM|EINVAL"},
		{"giving a file to root", []string{"chown"}, "EPERM|EINVAL"},
		{"using another table of system calls", []string{"i386"}, "ENOSYS"},
	}
}

func (s *suite) seeOthers(t *testing.T, d sandbox.Driver) {
	dir := readable(t)
	writeFile(t, filepath.Join(dir, "theirs"), "secret", 0o644)
	spec := s.spec()
	spec.Mounts = append(spec.Mounts, sandbox.Mount{Source: dir, Target: "/opt"})
	theirs, mine := create(t, d, spec), create(t, d, s.spec())
	if _, exit := do(t, theirs, "write", "/tmp/theirs", "secret"); exit.Code != 0 {
		t.Fatal(exit)
	}
	for _, path := range []string{"/tmp/theirs", "/opt/theirs", filepath.Join(dir, "theirs")} {
		if out, exit := do(t, mine, "read", path); exit.Code == 0 {
			t.Errorf("%s can be read: %q", path, out)
		}
	}
}

func (s *suite) seeProcesses(t *testing.T, env sandbox.Environment) {
	if out, _ := do(t, env, "escape", "processes"); out != "" {
		t.Errorf("other processes: %q", out)
	}
}

func (s *suite) reachHost(t *testing.T, env sandbox.Environment) {
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if out, exit := do(t, env, "escape", "dial", l.Addr().String()); exit.Code == 0 || !strings.Contains(out, "ECONNREFUSED") {
		t.Errorf("a port of the host: %q, want ECONNREFUSED", out)
	}
	for _, addr := range []string{"169.254.169.254:80", "192.0.2.1:80"} {
		if out, exit := do(t, env, "escape", "dial", addr); exit.Code == 0 || !strings.Contains(out, "ENETUNREACH") {
			t.Errorf("%s: %q, want ENETUNREACH", addr, out)
		}
	}
}

func (s *suite) noRights(t *testing.T, env sandbox.Environment) {
	out, _ := do(t, env, "whoami")
	for _, want := range []string{
		"uid 993 gid 990 ", "CapPrm:\t0000000000000000", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000",
		"CapAmb:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2", "Groups:\t \n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in %q", want, out)
		}
	}
}

// setUserID puts a program into the code that would make its user root on a
// careless mount.
func (s *suite) setUserID(t *testing.T, d sandbox.Driver) {
	dir := readable(t)
	program, err := os.ReadFile(s.payload)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "payload")
	writeFile(t, path, string(program), 0o755)
	if err := os.Chmod(path, 0o755|os.ModeSetuid|os.ModeSetgid); err != nil {
		t.Fatal(err)
	}
	spec := s.spec()
	spec.Mounts = []sandbox.Mount{{Source: dir, Target: "/var/task"}}
	env := create(t, d, spec)
	s.noRights(t, env)
}
