package node

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// availableMB is what the host could give to new processes without swapping
// (MemAvailable of proc_meminfo(5)).
func availableMB() (int, error) {
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, fmt.Errorf("read the free memory: %w", err)
	}
	return parseAvailable(b)
}

func parseAvailable(meminfo []byte) (int, error) {
	for line := range bytes.Lines(meminfo) {
		if rest, ok := bytes.CutPrefix(line, []byte("MemAvailable:")); ok {
			kb, err := strconv.Atoi(string(bytes.TrimSuffix(bytes.TrimSpace(rest), []byte(" kB"))))
			if err != nil {
				return 0, fmt.Errorf("read MemAvailable: %w", err)
			}
			return kb / 1024, nil
		}
	}
	return 0, fmt.Errorf("/proc/meminfo has no MemAvailable")
}
