package host

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// ReleaseProgram lets go of the pages of the program's own file that are in memory. Most
// of those that a start has touched are not used again: the initialization of packages
// and the tables that it reads. Those that are come back from the system's page cache at
// their next use, for less than a millisecond of faults in all.
func ReleaseProgram() error {
	path, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		return err
	}
	defer f.Close()
	spans, err := unchanged(f, path)
	if err != nil {
		return fmt.Errorf("read the memory map: %w", err)
	}
	for _, s := range spans {
		if _, _, errno := unix.Syscall(unix.SYS_MADVISE, s.start, s.end-s.start, unix.MADV_DONTNEED); errno != 0 {
			return fmt.Errorf("release %x-%x: %w", s.start, s.end, errno)
		}
	}
	return nil
}

// span is a part of the address space.
type span struct{ start, end uintptr }

// unchanged reads smaps (proc_pid_smaps(5)) and returns where a file is mapped such that
// every page is as it is in the file: it cannot be written to, and nobody has, such as
// a linker before it was sealed or a debugger.
func unchanged(smaps io.Reader, path string) ([]span, error) {
	var out []span
	var at span
	in := false
	lines := bufio.NewScanner(smaps)
	for lines.Scan() {
		name, rest, _ := strings.Cut(lines.Text(), " ")
		if !strings.HasSuffix(name, ":") { // the first line of a mapping
			var perms string
			if _, err := fmt.Sscanf(lines.Text(), "%x-%x %s", &at.start, &at.end, &perms); err != nil {
				return nil, fmt.Errorf("%q: %w", lines.Text(), err)
			}
			in = strings.HasSuffix(rest, " "+path) && !strings.Contains(perms, "w")
			continue
		}
		if in && name == "Anonymous:" && strings.TrimSpace(rest) == "0 kB" {
			out = append(out, at)
		}
	}
	return out, lines.Err()
}
