// Package procusage reads from /proc what single processes use. It is for drivers
// whose environments have no control group that counts for them; what it tells is
// of the processes that live now, and memory that they share counts several times.
package procusage

import (
	"bytes"
	"os"
	"strconv"

	"github.com/hearthfaas/hearth/internal/sandbox"
)

// clockTick is the unit of /proc's CPU times: USER_HZ is 100 on every Linux
// architecture that Go supports.
const clockTick = 10_000_000 // nanoseconds

// Add adds what a process uses; one that has ended uses nothing.
func Add(u *sandbox.Usage, pid int) {
	dir := directory(pid)
	status, err := os.ReadFile(dir + "/status")
	if err != nil {
		return
	}
	u.MemoryBytes += statusKB(status, "VmRSS:") << 10
	u.MemoryPeakBytes += statusKB(status, "VmHWM:") << 10
	u.Processes++
	stat, err := os.ReadFile(dir + "/stat")
	if err != nil {
		return
	}
	u.CPUNanos += statTicks(stat) * clockTick
}

// AddBelow adds what the descendants of a process use, itself left out.
func AddBelow(u *sandbox.Usage, pid int) {
	threads, err := os.ReadDir(directory(pid) + "/task")
	if err != nil {
		return // it has ended
	}
	for _, thread := range threads {
		children, err := os.ReadFile(directory(pid) + "/task/" + thread.Name() + "/children")
		if err != nil {
			continue
		}
		for text := range bytes.FieldsSeq(children) {
			if child, err := strconv.Atoi(string(text)); err == nil {
				Add(u, child)
				AddBelow(u, child)
			}
		}
	}
}

func directory(pid int) string { return "/proc/" + strconv.Itoa(pid) }

// statusKB finds a line such as "VmRSS:	  1234 kB".
func statusKB(status []byte, key string) int64 {
	for line := range bytes.Lines(status) {
		if rest, ok := bytes.CutPrefix(line, []byte(key)); ok {
			if f := bytes.Fields(rest); len(f) > 0 {
				n, _ := strconv.ParseInt(string(f[0]), 10, 64)
				return n
			}
		}
	}
	return 0
}

// statTicks adds user and system time: fields 14 and 15, counted behind the
// command's closing parenthesis because the command may contain blanks.
func statTicks(stat []byte) int64 {
	i := bytes.LastIndexByte(stat, ')')
	if i < 0 {
		return 0
	}
	f := bytes.Fields(stat[i+1:])
	if len(f) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(string(f[11]), 10, 64)
	system, _ := strconv.ParseInt(string(f[12]), 10, 64)
	return user + system
}
