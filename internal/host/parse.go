package host

import (
	"strconv"
	"strings"
)

// parseRelease takes the first two numbers of a kernel's release, such as
// "6.18.44-generic".
func parseRelease(release string) (major, minor int, ok bool) {
	first, rest, found := strings.Cut(release, ".")
	if !found {
		return 0, 0, false
	}
	end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(rest)
	}
	major, err1 := strconv.Atoi(first)
	minor, err2 := strconv.Atoi(rest[:end])
	return major, minor, err1 == nil && err2 == nil
}

// parseMeminfo takes the total and the available memory, in kB.
func parseMeminfo(meminfo string) (total, available int64) {
	for line := range strings.Lines(meminfo) {
		name, value, _ := strings.Cut(line, ":")
		kb, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		switch name {
		case "MemTotal":
			total = kb
		case "MemAvailable":
			available = kb
		}
	}
	return total, available
}
