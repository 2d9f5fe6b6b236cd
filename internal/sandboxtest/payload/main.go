//go:build linux

// Command payload is what the contract suite runs inside environments: a small
// static program whose first argument says what to do.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Println("hello")
		return
	}
	act, ok := acts[os.Args[1]]
	if !ok {
		fail(fmt.Errorf("no act %q", os.Args[1]))
	}
	if err := act(os.Args[2:]); err != nil {
		fail(err)
	}
}

// fail prints the error and, when there is one, the system's name for it.
func fail(err error) {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		fmt.Printf("error %s: %v\n", unix.ErrnoName(errno), err)
	} else {
		fmt.Printf("error: %v\n", err)
	}
	os.Exit(1)
}

var acts = map[string]func([]string) error{
	"exit": func(a []string) error {
		n, err := strconv.Atoi(a[0])
		if err == nil {
			os.Exit(n)
		}
		return err
	},
	"signal": func(a []string) error {
		n, err := strconv.Atoi(a[0])
		if err != nil {
			return err
		}
		if err := defaultAction(n); err != nil {
			return err
		}
		if err := syscall.Kill(os.Getpid(), syscall.Signal(n)); err != nil {
			return err
		}
		return unix.Pause()
	},
	"env": func([]string) error {
		for _, e := range os.Environ() {
			fmt.Println(e)
		}
		return nil
	},
	"args": func(a []string) error { fmt.Printf("%q\n", a); return nil },
	"pwd": func([]string) error {
		dir, err := os.Getwd()
		fmt.Println(dir)
		return err
	},
	"output": func(a []string) error {
		fmt.Fprintln(os.Stdout, "to stdout")
		fmt.Fprintln(os.Stderr, "to stderr")
		in, err := io.ReadAll(os.Stdin)
		fmt.Printf("stdin %d bytes\n", len(in))
		return err
	},
	"fds": func([]string) error {
		for fd := range 256 {
			if fl, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil && fl&unix.FD_CLOEXEC == 0 {
				fmt.Println(fd)
			}
		}
		return nil
	},
	"fd3": func([]string) error {
		f := os.NewFile(3, "three")
		line, err := bufio.NewReader(f).ReadString('\n')
		if err != nil {
			return err
		}
		_, err = f.WriteString("echo " + line)
		return err
	},
	"sleep": func([]string) error { fmt.Println("sleeping"); return unix.Pause() },
	"term": func([]string) error {
		c := make(chan os.Signal, 1)
		signal.Notify(c, syscall.SIGTERM)
		fmt.Println("ready")
		<-c
		fmt.Println("got SIGTERM")
		os.Exit(7)
		return nil
	},
	"family": family,
	"write": func(a []string) error {
		return os.WriteFile(a[0], []byte(a[1]), 0o644)
	},
	"read": func(a []string) error {
		b, err := os.ReadFile(a[0])
		fmt.Printf("%s", b)
		return err
	},
	"list": func(a []string) error {
		entries, err := os.ReadDir(a[0])
		for _, e := range entries {
			fmt.Println(e.Name())
		}
		return err
	},
	"fill": fill,
	"ask": func(a []string) error {
		c, err := net.Dial("tcp4", a[0])
		if err != nil {
			return err
		}
		defer c.Close()
		b, err := io.ReadAll(c)
		fmt.Printf("%s", b)
		return err
	},
	"eat":    eat,
	"forks":  forks,
	"count":  count,
	"burn":   burn,
	"whoami": whoami,
	"limits": limits,
	"escape": escape,
}

// defaultAction takes Go's own handler of a signal away.
func defaultAction(sig int) error {
	var action [4]uint64 // struct sigaction of the kernel: all zero is the default
	_, _, errno := syscall.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&action)), 0, 8, 0, 0)
	if errno != 0 && errno != syscall.EINVAL { // SIGKILL has no other action
		return errno
	}
	return nil
}

// family makes a child and a grandchild that both sleep, and tells of it.
func family(a []string) error {
	depth := 2
	if len(a) > 0 {
		n, err := strconv.Atoi(a[0])
		if err != nil {
			return err
		}
		depth = n
	}
	if depth > 0 {
		args := []string{"family", strconv.Itoa(depth - 1)}
		c := exec.Command(os.Args[0], append(args, a[min(1, len(a)):]...)...)
		c.Stdout, c.Stderr = os.Stdout, os.Stderr
		if err := c.Start(); err != nil {
			return err
		}
	} else {
		fmt.Println("all there")
	}
	return unix.Pause()
}

// fill writes megabytes into a file until it is told that there is no room.
func fill(a []string) error {
	most, err := strconv.Atoi(a[1])
	if err != nil {
		return err
	}
	f, err := os.Create(a[0])
	if err != nil {
		return err
	}
	defer f.Close()
	mb := make([]byte, 1<<20)
	for n := range most {
		if _, err := f.Write(mb); err != nil {
			fmt.Printf("%d MB\n", n)
			return err
		}
	}
	fmt.Printf("%d MB\n", most)
	return nil
}

// eat touches megabytes of memory.
func eat(a []string) error {
	n, err := strconv.Atoi(a[0])
	if err != nil {
		return err
	}
	var hold [][]byte
	for range n {
		b := make([]byte, 1<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		hold = append(hold, b)
	}
	fmt.Printf("ate %d MB\n", len(hold))
	return nil
}

// forks tries to have that many children at once, and says how many it got.
func forks(a []string) error {
	want, err := strconv.Atoi(a[0])
	if err != nil {
		return err
	}
	got := 0
	for range want {
		pid, err := syscall.ForkExec(os.Args[0], []string{os.Args[0], "sleep"}, &syscall.ProcAttr{})
		if err != nil {
			fmt.Printf("refused after %v\n", err)
			break
		}
		_ = pid
		got++
	}
	fmt.Printf("forked %d\n", got)
	return unix.Pause()
}

// count prints a number every few milliseconds.
func count([]string) error {
	for n := 0; ; n++ {
		fmt.Println(n)
		time.Sleep(5 * time.Millisecond)
	}
}

// burn uses the processor for a while of wall time and says how much it got.
func burn(a []string) error {
	d, err := time.ParseDuration(a[0])
	if err != nil {
		return err
	}
	for end := time.Now().Add(d); time.Now().Before(end); {
	}
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return err
	}
	fmt.Println((u.Utime.Nano() + u.Stime.Nano()) / 1e6)
	return nil
}

func whoami([]string) error {
	host, err := os.Hostname()
	fmt.Printf("uid %d gid %d host %s\n", os.Getuid(), os.Getgid(), host)
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		for _, key := range []string{"Cap", "NoNewPrivs", "Seccomp:", "Groups"} {
			if strings.HasPrefix(line, key) {
				fmt.Print(line)
			}
		}
	}
	return err
}

func limits([]string) error {
	var files, core unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		return err
	}
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &core); err != nil {
		return err
	}
	fmt.Printf("files %d core %d\n", files.Max, core.Max)
	return nil
}
