package process

import (
	"os"
	"strings"
)

// leaderDies says that the parent-death signal ends group leaders with Hearth.
const leaderDies = true

// bootID names the current boot of the kernel.
func bootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(id))
}
