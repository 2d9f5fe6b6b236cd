package namespace

import (
	"runtime"
	"slices"
	"testing"

	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/sys/unix"
)

// evaluate runs a filter as the kernel does.
func evaluate(t *testing.T, program []unix.SockFilter, archID uint32, number uint32, args ...uint32) uint32 {
	t.Helper()
	var acc uint32
	for pc := 0; pc < len(program); pc++ {
		f := program[pc]
		switch f.Code {
		case unix.BPF_LD | unix.BPF_W | unix.BPF_ABS:
			switch {
			case f.K == offsetNumber:
				acc = number
			case f.K == offsetArch:
				acc = archID
			case int(f.K-offsetArgs)/8 < len(args):
				acc = args[(f.K-offsetArgs)/8]
			default:
				acc = 0
			}
		case unix.BPF_JMP | unix.BPF_JA:
			pc += int(f.K)
		case unix.BPF_RET | unix.BPF_K:
			return f.K
		default:
			var holds bool
			switch f.Code &^ (unix.BPF_JMP | unix.BPF_K) {
			case unix.BPF_JEQ:
				holds = acc == f.K
			case unix.BPF_JGE:
				holds = acc >= f.K
			case unix.BPF_JSET:
				holds = acc&f.K != 0
			default:
				t.Fatalf("instruction %d has code %#x", pc, f.Code)
			}
			if holds {
				pc += int(f.Jt)
			} else {
				pc += int(f.Jf)
			}
		}
	}
	t.Fatal("the program runs off its end")
	return 0
}

func TestFilterAnswersEverySystemCall(t *testing.T) {
	for name, info := range map[string]*arch.Info{"amd64": arch.X86_64, "arm64": arch.AARCH64} {
		t.Run(name, func(t *testing.T) {
			program := filterProgram(uint32(info.ID), info.SyscallNames)
			if len(program) > 4096 {
				t.Fatalf("%d instructions, the kernel takes 4096", len(program))
			}
			checks := checked()
			for call, number := range info.SyscallNames {
				if checks[call] != nil {
					continue
				}
				want := answerRefuse
				if slices.Contains(missingCalls, call) {
					want = answerUnknown
				}
				if slices.Contains(allowedCalls, call) {
					want = answerAllow
				}
				if got := evaluate(t, program, uint32(info.ID), uint32(number)); got != want {
					t.Errorf("%s: %#x, want %#x", call, got, want)
				}
			}
			for _, number := range []uint32{9999, 0x40000000 | unix.SYS_GETPID, 0xffffffff} {
				if got := evaluate(t, program, uint32(info.ID), number); got != answerUnknown {
					t.Errorf("number %#x: %#x, want unknown", number, got)
				}
			}
			if got := evaluate(t, program, uint32(info.ID)+1, 0); got != answerUnknown {
				t.Errorf("another architecture: %#x, want unknown", got)
			}
		})
	}
}

func TestFilterLooksAtArguments(t *testing.T) {
	info, err := arch.GetInfo(runtime.GOARCH)
	if err != nil {
		t.Skip("the architecture has no table of system calls")
	}
	program := filterProgram(uint32(info.ID), info.SyscallNames)
	for _, c := range []struct {
		name, call string
		args       []uint32
		want       uint32
	}{
		{"a thread may be made", "clone", []uint32{unix.CLONE_VM | unix.CLONE_THREAD | unix.CLONE_SIGHAND}, answerAllow},
		{"a process may be made", "clone", []uint32{uint32(unix.SIGCHLD)}, answerAllow},
		{"a user namespace may not", "clone", []uint32{unix.CLONE_NEWUSER}, answerRefuse},
		{"a cgroup namespace may not", "clone", []uint32{unix.CLONE_NEWCGROUP | uint32(unix.SIGCHLD)}, answerRefuse},
		{"a network socket may be made", "socket", []uint32{unix.AF_INET}, answerAllow},
		{"a netlink socket may be made", "socket", []uint32{unix.AF_NETLINK}, answerAllow},
		{"a socket to the hypervisor may not", "socket", []uint32{unix.AF_VSOCK}, answerNoFamily},
		{"a socket to the kernel's ciphers may not", "socket", []uint32{unix.AF_ALG}, answerNoFamily},
		{"the personality may be asked for", "personality", []uint32{0xffffffff}, answerAllow},
		{"a personality without randomised addresses may not be had", "personality", []uint32{0x40000}, answerRefuse},
		{"a terminal's size may be asked for", "ioctl", []uint32{1, unix.TIOCGWINSZ}, answerAllow},
		{"a terminal may not be typed into", "ioctl", []uint32{1, unix.TIOCSTI}, answerRefuse},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := evaluate(t, program, uint32(info.ID), uint32(info.SyscallNames[c.call]), c.args...); got != c.want {
				t.Errorf("%s%v: %#x, want %#x", c.call, c.args, got, c.want)
			}
		})
	}
}
