package process

import (
	"errors"
	"math"
	"os"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// spawner starts the processes of one environment from a thread that lives as long
// as the environment does. A child's parent-death signal is sent when the thread
// that started it ends, and Go ends threads as it pleases.
type spawner struct {
	once sync.Once
	jobs chan func()
	done chan struct{}
}

func newSpawner() *spawner {
	return &spawner{jobs: make(chan func()), done: make(chan struct{})}
}

func (s *spawner) start(path string, argv []string, attr *os.ProcAttr) (p *os.Process, err error) {
	s.once.Do(func() { go s.run() })
	finished := make(chan struct{})
	select {
	case s.jobs <- func() { p, err = os.StartProcess(path, argv, attr); close(finished) }:
		<-finished
		return p, err
	case <-s.done:
		return nil, errors.New("the environment is gone")
	}
}

// run owns the thread; it is not unlocked, so that the thread ends with it.
func (s *spawner) run() {
	runtime.LockOSThread()
	defer close(s.done)
	for job := range s.jobs {
		job()
	}
}

// stop ends the thread. No process of the environment is left at this time.
func (s *spawner) stop() {
	s.once.Do(func() { close(s.done) }) // never started
	close(s.jobs)
	<-s.done
}

// sysProcAttr makes a process group and has the kernel end its leader when Hearth
// dies.
func sysProcAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// keepDescriptors keeps to Hearth what it inherited itself, from a shell or a
// service manager; what Go opens is kept by default.
func keepDescriptors() {
	_ = unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC) // Linux before 5.11 cannot
}

// limitFiles bounds a process's open files. It comes a moment after the exec; a
// process that opened more in that moment keeps what it has.
func limitFiles(pid, files int) {
	if files <= 0 {
		return
	}
	lim := unix.Rlimit{Cur: uint64(files), Max: uint64(files)}
	_ = unix.Prlimit(pid, unix.RLIMIT_NOFILE, &lim, nil) // it may have ended already
	none := unix.Rlimit{}
	_ = unix.Prlimit(pid, unix.RLIMIT_CORE, &none, nil)
}
