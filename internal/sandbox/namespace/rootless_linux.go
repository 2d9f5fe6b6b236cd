package namespace

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"os/user"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Without root, Hearth as a whole runs in a user namespace in which it is root: the
// kernel then lets it make namespaces and mounts of its own, and it has no more
// power over the host than the user who started it. Which user ids it can give its
// environments there depends on the host:
//
//   - with newuidmap and a range in /etc/subuid, as distributions set it up for
//     containers, ids of their own, as with root;
//   - otherwise only the user's own, which all environments then share. Namespaces
//     still separate them; what the kernel counts by user is counted for all together.

// OwnerVariable names, in the environment of the program's second life, the process
// of the first, with which it ends.
const OwnerVariable = "HEARTH_ROOTLESS_OWNER"

// Unprivileged says whether this process must be run by AsOwnRoot before it can make
// environments.
func Unprivileged() bool { return os.Geteuid() != 0 }

// AsOwnRoot runs this program again, with the same arguments, as root of a user
// namespace, and returns its exit code. Signals that ask this process to stop are
// passed on. An error says that the host does not allow it.
func AsOwnRoot() (exit int, err error) {
	// The second life ends with the thread that started it, should this one be killed.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	self, err := os.Executable()
	if err != nil {
		return 0, fmt.Errorf("find this program: %w", err)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	child, err := startMapped(self)
	if errors.Is(err, errNoRange) {
		child, err = startSelfMapped(self)
	}
	if err != nil {
		return 0, fmt.Errorf("become root of a user namespace: %w", err)
	}
	ended := make(chan struct{})
	defer close(ended)
	go func() { // ends with the child
		for {
			select {
			case s := <-signals:
				_ = child.Process.Signal(s) // it may have ended already
			case <-ended:
				return
			}
		}
	}()
	if err := child.Wait(); err != nil && child.ProcessState == nil {
		return 0, err
	}
	return child.ProcessState.ExitCode(), nil
}

// secondLife is the command of the second life, in namespaces that have no ids yet.
func secondLife(self string, args ...string) *exec.Cmd {
	cmd := exec.Command(self, args...) //nolint:noctx // it ends when it is told to, or with this process
	cmd.Env = append(os.Environ(), OwnerVariable+"="+strconv.Itoa(os.Getpid()))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL,
		Setpgid: true, // a terminal's interrupt is passed on, not sent twice
	}
	return cmd
}

// startSelfMapped starts it with the user's own id as the only one.
func startSelfMapped(self string) (*exec.Cmd, error) {
	cmd := secondLife(self, os.Args[1:]...)
	cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
	cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	return cmd, cmd.Start()
}

// errNoRange says that the user has no ids but its own.
var errNoRange = errors.New("no range of subordinate ids")

// startMapped starts it with the user's range of ids, which only newuidmap may set,
// from outside: a shell holds the place until it has.
func startMapped(self string) (_ *exec.Cmd, err error) {
	uids, err := subordinate("/etc/subuid")
	if err != nil {
		return nil, err
	}
	gids, err := subordinate("/etc/subgid")
	if err != nil {
		return nil, err
	}
	for _, tool := range []string{"newuidmap", "newgidmap"} {
		if _, err := exec.LookPath(tool); err != nil {
			return nil, errNoRange
		}
	}
	wait, mapped, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer mapped.Close()
	cmd := secondLife("/bin/sh", append([]string{"-c", `read _ <&3 && exec 3<&- "$0" "$@"`, self}, os.Args[1:]...)...)
	cmd.ExtraFiles = []*os.File{wait}
	err = cmd.Start()
	wait.Close()
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, cmd.Process.Kill())
			_ = cmd.Wait() // it was killed
		}
	}()
	pid := strconv.Itoa(cmd.Process.Pid)
	for tool, ids := range map[string][]string{
		"newuidmap": {pid, "0", strconv.Itoa(os.Geteuid()), "1", "1", uids.first, uids.count},
		"newgidmap": {pid, "0", strconv.Itoa(os.Getegid()), "1", "1", gids.first, gids.count},
	} {
		if out, err := exec.Command(tool, ids...).CombinedOutput(); err != nil { //nolint:noctx // it takes milliseconds
			return nil, fmt.Errorf("%s: %w: %s", tool, err, bytes.TrimSpace(out))
		}
	}
	_, err = mapped.WriteString("\n")
	return cmd, err
}

// idRange is a line of /etc/subuid, in the words of newuidmap.
type idRange struct{ first, count string }

// subordinate finds the user's range in /etc/subuid or /etc/subgid (subuid(5)).
func subordinate(file string) (idRange, error) {
	f, err := os.Open(file)
	if err != nil {
		return idRange{}, errNoRange
	}
	defer f.Close()
	names := []string{strconv.Itoa(os.Geteuid())}
	if u, err := user.Current(); err == nil {
		names = append(names, u.Username)
	}
	return findRange(f, names)
}

func findRange(r io.Reader, names []string) (idRange, error) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		fields := strings.Split(lines.Text(), ":")
		if len(fields) != 3 {
			continue
		}
		if slices.Contains(names, fields[0]) {
			return idRange{fields[1], fields[2]}, nil
		}
	}
	return idRange{}, errNoRange
}

// EndWith ends this process with its owner, the one that started it by AsOwnRoot and
// named itself in OwnerVariable; without one it does nothing.
func EndWith(owner string) {
	if owner == "" {
		return
	}
	_ = os.Unsetenv(OwnerVariable) // it is a valid name
	// Becoming another program may have cleared what AsOwnRoot asked for.
	_ = unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL), 0, 0, 0) // a valid signal
	if strconv.Itoa(os.Getppid()) != owner {
		os.Exit(1) // it ended before it could be asked to tell
	}
}

// idSpace is what this process's user namespace has of ids.
type idSpace struct {
	// all says that every id of the host is there: nobody made a namespace around it.
	all bool
	// count is how many there are from 0 on.
	count uint32
}

// ownIDs reads the ids of this process's user namespace.
func ownIDs() (idSpace, error) {
	uids, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		return idSpace{}, err
	}
	gids, err := os.ReadFile("/proc/self/gid_map")
	if err != nil {
		return idSpace{}, err
	}
	u, g := parseIDMap(string(uids)), parseIDMap(string(gids))
	return idSpace{all: u.all && g.all, count: min(u.count, g.count)}, nil
}

// parseIDMap reads a uid_map (user_namespaces(7)).
func parseIDMap(text string) idSpace {
	var s idSpace
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) != 3 {
			continue
		}
		inside, err1 := strconv.ParseUint(f[0], 10, 32)
		size, err2 := strconv.ParseUint(f[2], 10, 32)
		if err1 != nil || err2 != nil {
			continue
		}
		const everyID = 1<<32 - 1
		if size == everyID {
			return idSpace{all: true, count: everyID}
		}
		if uint32(inside) == s.count { // without a gap
			s.count += uint32(size)
		}
	}
	return s
}
