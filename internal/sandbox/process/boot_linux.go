package process

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// bootID names the current boot of the kernel.
func bootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(id))
}

// startTime is when a process was started, in ticks since the boot, or empty when
// there is no such process.
func startTime(pid int) string { return statField(strconv.Itoa(pid), 22) }

// statField is a field of /proc/PID/stat, by its number in proc(5) from 3 on, or
// empty. It is counted behind the command, which may contain blanks.
func statField(pid string, n int) string {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return ""
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) <= n-3 {
		return ""
	}
	return string(fields[n-3])
}

// groupEnded says whether nobody in a process group runs any more. Orphans that
// have ended stay members until the system's process 1 collects them, and some
// take their time.
func groupEnded(pgid int) bool {
	if syscall.Kill(-pgid, 0) == syscall.ESRCH {
		return true
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return false
	}
	id := strconv.Itoa(pgid)
	for _, e := range entries {
		if e.Name()[0] < '0' || e.Name()[0] > '9' || statField(e.Name(), 5) != id {
			continue
		}
		if state := statField(e.Name(), 3); state != "Z" && state != "X" && state != "" {
			return false
		}
	}
	return true
}
