//go:build linux

package cgroup

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Usage is what a group uses. What a controller that is missing would tell is 0.
type Usage struct {
	// MemoryBytes is what the processes need now: without the page cache of files,
	// which the kernel takes back when it wants to.
	MemoryBytes int64
	// MemoryPeakBytes is the most that was charged, page cache included.
	MemoryPeakBytes int64
	// CacheBytes is the page cache of files charged to the group now.
	CacheBytes int64
	CPUNanos   int64
	Processes  int
}

// Usage reads the group's accounts.
func (g *Group) Usage() (Usage, error) {
	var u Usage
	r := accounts{group: g}
	switch root, v := g.parent.usable("memory"); v {
	case 1:
		stat := r.text(root, "memory.stat")
		u.CacheBytes = field(stat, "total_inactive_file") + field(stat, "total_active_file")
		u.MemoryBytes = r.number(root, "memory.usage_in_bytes") - u.CacheBytes
		u.MemoryPeakBytes = r.number(root, "memory.max_usage_in_bytes")
	case 2:
		stat := r.text(root, "memory.stat")
		u.CacheBytes = field(stat, "inactive_file") + field(stat, "active_file")
		u.MemoryBytes = r.number(root, "memory.current") - u.CacheBytes
		if r.has(root, "memory.peak") { // since Linux 5.19
			u.MemoryPeakBytes = r.number(root, "memory.peak")
		}
	}
	switch root, v := g.parent.usable("cpuacct"); v {
	case 1:
		u.CPUNanos = r.number(root, "cpuacct.usage")
	case 2:
		u.CPUNanos = field(r.text(root, "cpu.stat"), "usage_usec") * 1000
	}
	if root, v := g.parent.usable("pids"); v != 0 {
		u.Processes = int(r.number(root, "pids.current"))
	}
	u.MemoryBytes = max(u.MemoryBytes, 0) // the files are read one after the other
	return u, r.err
}

// OOMKills is how many processes of the group the kernel ended because the group
// was over its memory limit.
func (g *Group) OOMKills() (int64, error) {
	r := accounts{group: g}
	var n int64
	switch root, v := g.parent.usable("memory"); v {
	case 1:
		n = field(r.text(root, "memory.oom_control"), "oom_kill")
	case 2:
		n = field(r.text(root, "memory.events"), "oom_kill")
	}
	return n, r.err
}

// accounts reads a group's files and keeps the first error.
type accounts struct {
	group *Group
	err   error
}

func (a *accounts) path(root, file string) string {
	return join(root, a.group.parent.name, a.group.id, file)
}

func (a *accounts) has(root, file string) bool {
	_, err := os.Stat(a.path(root, file))
	return err == nil
}

func (a *accounts) text(root, file string) string {
	b, err := os.ReadFile(a.path(root, file))
	if err != nil && a.err == nil {
		a.err = fmt.Errorf("read control group %s: %w", a.group.id, err)
	}
	return string(b)
}

func (a *accounts) number(root, file string) int64 {
	n, _ := strconv.ParseInt(strings.TrimSpace(a.text(root, file)), 10, 64)
	return n
}

// field finds a line such as "oom_kill 3" in a flat-keyed file.
func field(text, key string) int64 {
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(line, " "); ok && name == key {
			n, _ := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
			return n
		}
	}
	return 0
}
