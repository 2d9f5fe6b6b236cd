//go:build linux

// Package spawner is the small process from which the inits of all environments are
// forked. A process made in a new user namespace cannot share its maker's memory
// until it has become another program, so the kernel copies the maker's page
// tables; for a Hearth of 100 MB that takes 7 ms during which it cannot get
// memory, for this process it takes a tenth of that.
//
// It runs as root on the host's side and decides nothing: each request brings the
// namespaces, mounts and ids to use. It ends when its socket closes, that is with
// Hearth.
package spawner

import (
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/hearthfaas/hearth/internal/sandbox/namespace/control"
)

// The order of the descriptors of a request; the mounts follow.
const (
	TemplateFD = iota
	NetworkFD
	SocketFD
	FirstMountFD
)

// namespaces are what process 1 gets of its own besides the network namespace,
// which is made beforehand.
const namespaces = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS

// Main serves requests until the control socket closes; it does not return.
func Main() {
	if err := control.CloseRest(); err != nil {
		syscall.Exit(1)
	}
	s := &spawner{wake: make(chan struct{}, 1)}
	if null, err := syscall.Open("/dev/null", syscall.O_RDWR|syscall.O_CLOEXEC, 0); err == nil {
		s.null = uintptr(null)
		s.serve()
	}
	syscall.Exit(0)
}

type spawner struct {
	null uintptr
	wake chan struct{} // a process was made
	send sync.Mutex
}

func (s *spawner) serve() {
	go s.reap() // ends with the process, as everything here
	buf := make([]byte, control.MessageMax)
	for {
		msg, fds, ok := control.Receive(buf)
		if !ok || msg.Kind != control.Spawn {
			return
		}
		go s.handle(&msg, fds)
	}
}

// handle makes process 1 of one environment on a thread of its own, which ends with
// it: it is moved into the environment's namespaces on the way.
func (s *spawner) handle(msg *control.Message, fds []int) {
	runtime.LockOSThread()
	if unix.Gettid() == unix.Getpid() { // the main thread cannot end
		go s.handle(msg, fds)
		runtime.Gosched() // keep this thread occupied until another has taken it
		runtime.UnlockOSThread()
		return
	}
	defer func() {
		for _, fd := range fds {
			syscall.Close(fd)
		}
	}()
	pid, pidfd, step, err := s.fork(msg, fds)
	answer := control.Message{Kind: control.Done, Seq: msg.Seq, Pid: uint32(pid)}
	if err != nil {
		errno, _ := err.(syscall.Errno)
		answer = control.Message{Kind: control.Refused, Seq: msg.Seq, Text: step, Errno: uint32(errno)}
		s.reply(&answer, -1)
		return
	}
	s.reply(&answer, pidfd)
	syscall.Close(pidfd)
	select {
	case s.wake <- struct{}{}:
	default: // it has been woken already
	}
}

// fork completes a copy of the template with the mounts and starts process 1 in it.
func (s *spawner) fork(msg *control.Message, fds []int) (pid, pidfd int, step string, err error) {
	mounts := fds[min(FirstMountFD, len(fds)):]
	if len(fds) < FirstMountFD || len(mounts) != len(msg.Args) {
		return 0, -1, "descriptors", syscall.EBADF
	}
	group, err := enterGroups(msg)
	if err != nil {
		return 0, -1, "enter the control groups", err
	}
	if group >= 0 {
		defer syscall.Close(group)
	}
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return 0, -1, "leave the shared root", err
	}
	if err := unix.Setns(fds[TemplateFD], unix.CLONE_NEWNS); err != nil {
		return 0, -1, "enter the template", err
	}
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return 0, -1, "copy the template", err
	}
	for i, target := range msg.Args {
		if err := attach(mounts[i], target); err != nil {
			return 0, -1, "mount at " + target, err
		}
	}
	if err := unix.Setns(fds[NetworkFD], unix.CLONE_NEWNET); err != nil {
		return 0, -1, "enter the network namespace", err
	}
	ids := idsOf(msg)
	pid, err = syscall.ForkExec("/init", []string{msg.Path}, &syscall.ProcAttr{
		Env:   []string{"GOMAXPROCS=1"}, // it does next to nothing; fewer threads start sooner
		Files: []uintptr{s.null, s.null, s.null, uintptr(fds[SocketFD])},
		Sys: &syscall.SysProcAttr{
			Cloneflags:                 namespaces,
			UidMappings:                ids.users,
			GidMappings:                ids.groups,
			GidMappingsEnableSetgroups: !ids.credential.NoSetGroups,
			Credential:                 &ids.credential,
			AmbientCaps:                ids.capabilities,
			Setsid:                     true,
			PidFD:                      &pidfd,
			UseCgroupFD:                group >= 0,
			CgroupFD:                   group,
		},
	})
	if err != nil {
		return 0, -1, "start process 1", err
	}
	return pid, pidfd, "", nil
}

// ids are which of the maker's ids an environment gets, and as which.
type ids struct {
	users, groups []syscall.SysProcIDMap
	credential    syscall.Credential // of process 1
	capabilities  []uintptr          // what process 1 must be left when it is not root
}

// setUp is what preparing an environment takes; package supervisor gives it up then.
var setUp = []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_SETPCAP, unix.CAP_KILL, unix.CAP_DAC_OVERRIDE}

func idsOf(msg *control.Message) ids {
	root, process := int(msg.UID), int(msg.GID)
	user := syscall.SysProcIDMap{ContainerID: control.UserID, HostID: process, Size: 1}
	group := syscall.SysProcIDMap{ContainerID: control.GroupID, HostID: process, Size: 1}
	if root == process { // there is one for everything; who has no other may not change groups
		return ids{
			users: []syscall.SysProcIDMap{user}, groups: []syscall.SysProcIDMap{group},
			credential:   syscall.Credential{Uid: control.UserID, Gid: control.GroupID, NoSetGroups: true},
			capabilities: setUp,
		}
	}
	owner := syscall.SysProcIDMap{ContainerID: 0, HostID: root, Size: 1}
	return ids{users: []syscall.SysProcIDMap{owner, user}, groups: []syscall.SysProcIDMap{owner, group}}
}

// enterGroups moves this thread into the environment's version 1 control groups, and
// opens the version 2 group, or returns -1.
func enterGroups(msg *control.Message) (int, error) {
	for _, path := range msg.Env {
		fd, err := syscall.Open(path, syscall.O_WRONLY|syscall.O_CLOEXEC, 0)
		if err != nil {
			return -1, err
		}
		_, err = syscall.Write(fd, []byte("0"))
		syscall.Close(fd)
		if err != nil {
			return -1, err
		}
	}
	if msg.Dir == "" {
		return -1, nil
	}
	return syscall.Open(msg.Dir, unix.O_PATH|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
}

// attach puts a mount into the root that lies at /new. The way there may lead
// through what an earlier mount brought, so links are not followed.
func attach(mount int, target string) error {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS}
	to, err := unix.Openat2(unix.AT_FDCWD, "/new"+target, &how)
	if err != nil {
		return err
	}
	defer unix.Close(to)
	return unix.MoveMount(mount, "", to, "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH)
}

func (s *spawner) reply(msg *control.Message, fd int) {
	s.send.Lock()
	defer s.send.Unlock()
	control.Send(msg, fd)
}

// reap collects the processes that have ended. The driver sees that by itself, over
// a descriptor of the process.
func (s *spawner) reap() {
	for range s.wake {
		for {
			_, err := syscall.Wait4(-1, nil, unix.WALL, nil)
			if err == syscall.ECHILD {
				break
			}
		}
	}
}
