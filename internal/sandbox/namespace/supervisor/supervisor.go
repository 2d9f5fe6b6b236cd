//go:build linux

// Package supervisor is process 1 of a namespace environment. It finishes the set-up
// that only a process inside can do (its own /proc, the switch of roots), gives up
// every privilege that it does not need to start processes as another user, and
// then starts, signals, stops and ends processes as the driver asks over the
// control socket, and reaps what is orphaned.
//
// It decides nothing: the driver has prepared the mounts, the limits and the
// system call filter. When the socket closes, because the environment is
// destroyed or because Hearth died however it died, it exits, and the kernel ends
// every process of the environment with it.
//
// It is started for every environment, so it imports little: start-up time is
// counted in every cold start.
package supervisor

import (
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/hearthfaas/hearth/internal/sandbox/namespace/control"
)

// Main runs the supervisor until the control socket closes; it does not return.
// The program's main goroutine must call it, locked to the main thread: what that
// thread gives up, the processes it starts do not have.
func Main() {
	runtime.LockOSThread()
	if err := control.CloseRest(); err != nil {
		syscall.Exit(1)
	}
	s := &supervisor{children: map[int]bool{}, wake: make(chan struct{}, 1)}
	s.idle.L = &s.mu
	s.run()
	syscall.Exit(0)
}

type supervisor struct {
	null   int // /dev/null, every process's stdin
	config control.Message
	send   sync.Mutex

	wake chan struct{} // a process was started

	// mu guards what follows. It is held from before a fork until the process is
	// entered, so that the reaper never meets a process that is not.
	mu       sync.Mutex
	idle     sync.Cond // signalled when there are no processes left
	running  bool      // there may be processes
	children map[int]bool
}

func (s *supervisor) run() {
	buf := make([]byte, control.MessageMax)
	msg, _, ok := control.Receive(buf)
	if !ok || msg.Kind != control.Setup {
		return
	}
	s.config = msg
	if step, err := s.setup(); err != 0 {
		s.reply(&control.Message{Kind: control.Refused, Text: step, Errno: uint32(err)})
		return
	}
	s.reply(&control.Message{Kind: control.Ready})
	go s.reap() // ends with the process
	for {
		msg, fds, ok := control.Receive(buf)
		if !ok {
			return
		}
		s.handle(&msg, fds)
		for _, fd := range fds {
			syscall.Close(fd)
		}
	}
}

func (s *supervisor) reply(msg *control.Message) {
	s.send.Lock()
	defer s.send.Unlock()
	control.Send(msg, -1)
}

func (s *supervisor) handle(msg *control.Message, fds []int) {
	answer := control.Message{Kind: control.Done, Seq: msg.Seq}
	var err syscall.Errno
	switch msg.Kind {
	case control.Start:
		s.start(msg, fds)
		return
	case control.Signal:
		err = s.signal(int(msg.Pid), syscall.Signal(msg.Status))
	case control.KillAll:
		s.killAll()
	case control.Freeze:
		err = everyone(syscall.SIGSTOP)
	case control.Thaw:
		err = everyone(syscall.SIGCONT)
	default:
		err = syscall.ENOSYS
	}
	if err != 0 {
		answer.Kind, answer.Errno = control.Refused, uint32(err)
	}
	s.reply(&answer)
}

// everyone signals every process of the environment but the supervisor itself. The
// kernel does so under the lock that forks take, so no fork gets away.
func everyone(sig syscall.Signal) syscall.Errno {
	err := syscall.Kill(-1, sig)
	if err == nil || err == syscall.ESRCH {
		return 0
	}
	return err.(syscall.Errno)
}

func (s *supervisor) signal(pid int, sig syscall.Signal) syscall.Errno {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.children[pid] {
		return syscall.ESRCH
	}
	if err := syscall.Kill(pid, sig); err != nil {
		return err.(syscall.Errno)
	}
	return 0
}

// killAll ends every process and waits for the reaper to have seen the last one:
// orphans become the supervisor's children, so "no children" is "nobody left".
func (s *supervisor) killAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = everyone(syscall.SIGKILL) // an error would be that nobody is left
	for s.running {
		s.idle.Wait()
	}
}

// reap waits for processes, tells the driver about those that it started, and
// falls asleep when there are none.
func (s *supervisor) reap() {
	for range s.wake {
		for s.reapOne() {
		}
	}
}

func (s *supervisor) reapOne() bool {
	// Look first and collect under the lock: a collected number could be given to a
	// new process before this one is looked up.
	err := waitAny()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == syscall.EINTR {
		return true
	}
	for {
		var ws syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &ws, syscall.WNOHANG|unix.WALL, nil)
		if err == syscall.EINTR {
			continue
		}
		if err == syscall.ECHILD {
			s.running = false
			s.idle.Broadcast()
			return false
		}
		if err != nil || pid <= 0 {
			return true
		}
		if s.children[pid] {
			delete(s.children, pid)
			s.reply(&control.Message{Kind: control.Exited, Pid: uint32(pid), Status: uint32(ws)})
		}
	}
}

// waitAny blocks until a process has ended, and leaves it to be collected.
func waitAny() error {
	return unix.Waitid(unix.P_ALL, 0, nil, unix.WEXITED|unix.WNOWAIT|unix.WALL, nil)
}

// start runs a process with the descriptors that came with the message: the first
// is its output, the others become 3 and up.
func (s *supervisor) start(msg *control.Message, fds []int) {
	refuse := func(step string, err error) {
		errno, _ := err.(syscall.Errno)
		s.reply(&control.Message{Kind: control.Refused, Seq: msg.Seq, Errno: uint32(errno), Text: step})
	}
	if len(fds) == 0 {
		refuse("descriptors", syscall.EBADF)
		return
	}
	if msg.Dir != "" {
		var st syscall.Stat_t
		if err := syscall.Stat(msg.Dir, &st); err != nil {
			refuse("chdir", err)
			return
		}
		if st.Mode&syscall.S_IFMT != syscall.S_IFDIR {
			refuse("chdir", syscall.ENOTDIR)
			return
		}
	}
	files := []uintptr{uintptr(s.null), uintptr(fds[0]), uintptr(fds[0])}
	for _, fd := range fds[1:] {
		files = append(files, uintptr(fd))
	}
	attr := &syscall.ProcAttr{Dir: msg.Dir, Env: msg.Env, Files: files, Sys: &syscall.SysProcAttr{Setsid: true}}
	if s.config.Flags&control.SingleUser == 0 {
		attr.Sys.Credential = &syscall.Credential{Uid: control.UserID, Gid: control.GroupID}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	pid, err := syscall.ForkExec(msg.Path, msg.Args, attr)
	if err != nil {
		refuse("exec", err)
		return
	}
	s.children[pid] = true
	s.running = true
	s.reply(&control.Message{Kind: control.Done, Seq: msg.Seq, Pid: uint32(pid)})
	select {
	case s.wake <- struct{}{}:
	default: // it has been woken already
	}
}
