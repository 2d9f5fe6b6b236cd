package harness

import (
	"bufio"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Footprint is what a running Hearth holds of the host: everything that must be
// gone when it is. Linux only; elsewhere it is empty.
type Footprint struct {
	Processes []Process // descendants of the process, itself left out
	Cgroups   []string  // directories that were made for them
	Mounts    []string  // mount points that mention the data directory
	Loops     []string  // loop devices whose file lies in the data directory
}

// Process is a process, told from a later one with the same id by its start time.
type Process struct {
	PID   int
	Start string // clock ticks since boot, as /proc prints it
	Name  string
}

// Functions counts the processes that run functions: those in a process namespace
// of their own, or all descendants when Hearth runs without sandboxes.
func (h *Hearth) Functions() int {
	all := h.Footprint().Processes
	if h.isolation == "process" {
		return len(all)
	}
	own, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", h.PID()))
	if err != nil {
		return len(all)
	}
	return len(slices.DeleteFunc(all, func(p Process) bool {
		ns, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", p.PID))
		return err != nil || ns == own
	}))
}

// Footprint reads what the process holds now.
func (h *Hearth) Footprint() Footprint {
	all := processes()
	f := Footprint{Mounts: mounts(h.DataDir), Loops: loops(h.DataDir)}
	own := cgroupsOf(h.PID())
	parents := []int{h.PID()}
	for len(parents) > 0 {
		var next []int
		for _, p := range all {
			if slices.Contains(parents, p.parent) {
				f.Processes = append(f.Processes, p.Process)
				next = append(next, p.PID)
				for _, dir := range cgroupsOf(p.PID) {
					if !slices.Contains(own, dir) && !slices.Contains(f.Cgroups, dir) {
						f.Cgroups = append(f.Cgroups, dir)
					}
				}
			}
		}
		parents = next
	}
	return f
}

// Left says what of f is still there, one sentence each, and which mounts and loop
// devices of a data directory are; "" leaves these out.
func (f Footprint) Left(dataDir string) []string {
	var left []string
	now := map[Process]bool{}
	for _, p := range processes() {
		now[p.Process] = true
	}
	for _, p := range f.Processes {
		if now[p] {
			left = append(left, fmt.Sprintf("process %d (%s)", p.PID, p.Name))
		}
	}
	for _, dir := range f.Cgroups {
		if _, err := os.Stat(dir); err == nil {
			left = append(left, "cgroup "+dir)
		}
	}
	if dataDir == "" {
		return left
	}
	for _, m := range mounts(dataDir) {
		left = append(left, "mount "+m)
	}
	for _, l := range loops(dataDir) {
		left = append(left, "loop device "+l)
	}
	return left
}

type procStat struct {
	Process
	parent int
}

func processes() []procStat {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil
	}
	var all []procStat
	for _, dir := range dirs {
		text, err := os.ReadFile(filepath.Join(dir, "stat"))
		if err != nil {
			continue // it has ended meanwhile
		}
		// pid (name) state ppid …; the name may have spaces and brackets (proc(5)).
		open, end := strings.IndexByte(string(text), '('), strings.LastIndexByte(string(text), ')')
		if open < 0 || end < open {
			continue
		}
		fields := strings.Fields(string(text[end+1:]))
		if len(fields) < 20 || fields[0] == "Z" {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(dir))
		parent, _ := strconv.Atoi(fields[1])
		all = append(all, procStat{Process{PID: pid, Start: fields[19], Name: string(text[open+1 : end])}, parent})
	}
	return all
}

// cgroupsOf is the directories of a process's control groups, of both versions.
func cgroupsOf(pid int) []string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return nil
	}
	var dirs []string
	for line := range strings.Lines(string(text)) {
		// id:controllers:path
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 || fields[2] == "/" {
			continue
		}
		for _, c := range append(strings.Split(fields[1], ","), fields[1], "unified", "") {
			dir := filepath.Join("/sys/fs/cgroup", strings.TrimPrefix(c, "name="), fields[2])
			if info, err := os.Stat(dir); err == nil && info.IsDir() && !slices.Contains(dirs, dir) {
				dirs = append(dirs, dir)
			}
		}
	}
	return dirs
}

// mounts is the mount points of this mount namespace that mention dir.
func mounts(dir string) []string {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil
	}
	defer f.Close()
	var found []string
	for s := bufio.NewScanner(f); s.Scan(); {
		if fields := strings.Fields(s.Text()); len(fields) > 4 && strings.Contains(s.Text(), dir) {
			found = append(found, fields[4])
		}
	}
	return found
}

// loops is the loop devices whose file lies under dir, even a deleted one.
func loops(dir string) []string {
	files, err := fs.Glob(os.DirFS("/sys/block"), "loop*/loop/backing_file")
	if err != nil {
		return nil
	}
	var found []string
	for _, name := range files {
		text, err := os.ReadFile(filepath.Join("/sys/block", name))
		if err == nil && strings.HasPrefix(string(text), dir) {
			found = append(found, "/dev/"+strings.Split(name, "/")[0])
		}
	}
	return found
}
