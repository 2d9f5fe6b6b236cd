package namespace

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"

	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/sys/unix"
)

// What a filter answers to a system call.
const (
	answerAllow  = unix.SECCOMP_RET_ALLOW
	answerRefuse = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	// answerUnknown tells a C library to use an older call instead: it is for calls
	// that it tries first and for those that are newer than the list.
	answerUnknown  = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
	answerNoFamily = unix.SECCOMP_RET_ERRNO | uint32(unix.EAFNOSUPPORT)
)

// Offsets in struct seccomp_data.
const (
	offsetNumber = 0
	offsetArch   = 4
	offsetArgs   = 16 // 8 bytes each, low half first on the architectures Go calls little-endian
)

// namespaceFlags are what makes clone a way out: each makes a namespace.
const namespaceFlags = unix.CLONE_NEWNS | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWUSER |
	unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWCGROUP

// seccompFilter compiles the filter for this host's architecture into the memory
// layout of struct sock_filter.
func seccompFilter() ([]byte, error) {
	info, err := arch.GetInfo(runtime.GOARCH)
	if err != nil {
		return nil, fmt.Errorf("system call filter: %w", err)
	}
	return encode(filterProgram(uint32(info.ID), info.SyscallNames)), nil
}

// filterProgram is an allow-list. The kernel evaluates it for every system call
// number when it is installed, to remember which are always allowed, so it is a
// binary search: a list of comparisons would add a third of a millisecond to every
// environment.
func filterProgram(archID uint32, numbers map[string]int) []unix.SockFilter {
	search := tree(segments(numbers))
	var p []unix.SockFilter
	p = append(p,
		stmt(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, offsetArch),
		jump(unix.BPF_JEQ, archID, 1, 0),
		ret(answerUnknown), // another architecture's calls, such as 32-bit ones
		stmt(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, offsetNumber),
	)
	return append(p, search...)
}

// segment says what is done with system calls from number first up to the next
// segment's.
type segment struct {
	first uint32
	code  []unix.SockFilter
}

// segments turns the lists of names into answers for every 32-bit number.
func segments(numbers map[string]int) []segment {
	checks := map[int][]unix.SockFilter{}
	for name, code := range checked() {
		if n, ok := numbers[name]; ok {
			checks[n] = code
		}
	}
	fixed := map[int]uint32{}
	highest := 0
	for name, n := range numbers {
		highest = max(highest, n)
		fixed[n] = answerRefuse
		if slices.Contains(missingCalls, name) {
			fixed[n] = answerUnknown
		}
	}
	for _, name := range allowedCalls {
		if n, ok := numbers[name]; ok {
			fixed[n] = answerAllow
		}
	}
	var out []segment
	last := uint32(0)
	for n := 0; n <= highest; n++ {
		if code, ok := checks[n]; ok {
			out = append(out, segment{uint32(n), code})
			last = 0
			continue
		}
		answer, ok := fixed[n]
		if !ok {
			answer = answerUnknown // a gap in the numbering
		}
		if answer != last || len(out) == 0 {
			out = append(out, segment{uint32(n), []unix.SockFilter{ret(answer)}})
			last = answer
		}
	}
	return append(out, segment{uint32(highest + 1), []unix.SockFilter{ret(answerUnknown)}})
}

// tree lays out a binary search over segments; the number is in the accumulator.
func tree(s []segment) []unix.SockFilter {
	if len(s) == 1 {
		return s[0].code
	}
	mid := len(s) / 2
	low, high := tree(s[:mid]), tree(s[mid:])
	// A conditional jump reaches 255 instructions, an unconditional one any number.
	p := []unix.SockFilter{
		jump(unix.BPF_JGE, s[mid].first, 0, 1),
		stmt(unix.BPF_JMP|unix.BPF_JA, uint32(len(low))),
	}
	return append(append(p, low...), high...)
}

// checked are the calls whose answer depends on an argument.
func checked() map[string][]unix.SockFilter {
	return map[string][]unix.SockFilter{
		"clone":  {loadArg(0), jump(unix.BPF_JSET, namespaceFlags, 0, 1), ret(answerRefuse), ret(answerAllow)},
		"socket": oneOf(0, answerNoFamily, unix.AF_UNIX, unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK),
		// Linux, its 32-bit layout variants, and "what is it now".
		"personality": oneOf(0, answerRefuse, 0, 0x8, 0x20000, 0x20008, 0xffffffff),
		// Both put characters into another process's terminal.
		"ioctl": noneOf(1, unix.TIOCSTI, unix.TIOCLINUX),
	}
}

func oneOf(arg int, otherwise uint32, values ...uint32) []unix.SockFilter {
	p := []unix.SockFilter{loadArg(arg)}
	for i, v := range values {
		p = append(p, jump(unix.BPF_JEQ, v, uint8(len(values)-i), 0))
	}
	return append(p, ret(otherwise), ret(answerAllow))
}

func noneOf(arg int, values ...uint32) []unix.SockFilter {
	p := []unix.SockFilter{loadArg(arg)}
	for i, v := range values {
		p = append(p, jump(unix.BPF_JEQ, v, uint8(len(values)-i), 0))
	}
	return append(p, ret(answerAllow), ret(answerRefuse))
}

// loadArg loads the low half of an argument: the kernel takes all of these as
// 32-bit values.
func loadArg(n int) unix.SockFilter {
	return stmt(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, uint32(offsetArgs+8*n))
}

func stmt(code uint16, k uint32) unix.SockFilter { return unix.SockFilter{Code: code, K: k} }

func jump(test uint16, k uint32, jt, jf uint8) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_K | test, Jt: jt, Jf: jf, K: k}
}

func ret(answer uint32) unix.SockFilter { return stmt(unix.BPF_RET|unix.BPF_K, answer) }

func encode(program []unix.SockFilter) []byte {
	b := make([]byte, 0, 8*len(program))
	for _, f := range program {
		b = binary.NativeEndian.AppendUint16(b, f.Code)
		b = append(b, f.Jt, f.Jf)
		b = binary.NativeEndian.AppendUint32(b, f.K)
	}
	return b
}
