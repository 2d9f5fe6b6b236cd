//go:build unix && !linux

package process

import "syscall"

// bootID has one answer where the kernel does not tell boots apart.
func bootID() string { return "unknown" }

// startTime is unknown where there is no /proc.
func startTime(int) string { return "" }

// groupEnded says whether a process group is empty.
func groupEnded(pgid int) bool { return syscall.Kill(-pgid, 0) == syscall.ESRCH }
