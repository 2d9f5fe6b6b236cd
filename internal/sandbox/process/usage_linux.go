package process

import (
	"bytes"
	"os"
	"strconv"

	"github.com/hearthfaas/hearth/internal/sandbox"
)

// clockTick is the unit of /proc's CPU times: USER_HZ is 100 on every Linux
// architecture that Go supports.
const clockTick = 10_000_000 // nanoseconds

// addUsage reads what the process uses from /proc; a process that has ended uses
// nothing.
func (c *child) addUsage(u *sandbox.Usage) {
	dir := "/proc/" + strconv.Itoa(c.proc.Pid)
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
