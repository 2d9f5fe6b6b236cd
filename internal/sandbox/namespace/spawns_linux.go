package namespace

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/hearthfaas/hearth/internal/sandbox/namespace/control"
)

// spawns is the driver's side of the spawner. The process is started by the first
// environment that needs it, and again should it have ended.
type spawns struct {
	path string // of the program

	// mu guards what follows.
	mu      sync.Mutex
	closed  bool
	running *spawnerProcess
}

// spawnerProcess is one life of the spawner.
type spawnerProcess struct {
	conn *net.UnixConn
	proc *os.Process
	done chan struct{} // closed when its socket is closed and it is reaped

	// mu guards what follows.
	mu    sync.Mutex
	over  bool
	seq   uint32
	calls map[uint32]chan spawned
}

type spawned struct {
	msg   control.Message
	pidfd int
}

var errSpawnerEnded = errors.New("the spawner has ended")

// ask has process 1 of an environment made. The function it returns waits for that,
// and gives the process's number on the host and a descriptor of it.
func (s *spawns) ask(msg *control.Message, tpl *template, network int, socket *os.File, mounts []attached) (func() (pid, pidfd int, err error), error) {
	p, err := s.process()
	if err != nil {
		return nil, err
	}
	net, err := unix.FcntlInt(uintptr(network), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("hand over the network namespace: %w", err)
	}
	netFile := os.NewFile(uintptr(net), "network")
	defer netFile.Close()
	msg.Kind, msg.Path = control.Spawn, initName
	files := []*os.File{tpl.ns, netFile, socket} // in the order of package spawner
	for _, m := range mounts {
		files = append(files, m.file)
		msg.Args = append(msg.Args, m.target)
	}
	if len(files) > control.FilesMax {
		return nil, fmt.Errorf("%d mounts are too many", len(mounts))
	}
	answer, err := p.ask(msg, files)
	if err != nil {
		return nil, err
	}
	return func() (int, int, error) {
		got, ok := <-answer
		switch {
		case !ok:
			return 0, -1, errSpawnerEnded
		case got.msg.Kind != control.Done || got.pidfd < 0:
			return 0, -1, fmt.Errorf("%s: %w", got.msg.Text, syscall.Errno(got.msg.Errno))
		default:
			return int(got.msg.Pid), got.pidfd, nil
		}
	}, nil
}

// process returns the running spawner, or starts one.
func (s *spawns) process() (*spawnerProcess, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errSpawnerEnded
	}
	if s.running != nil {
		select {
		case <-s.running.done:
		default:
			return s.running, nil
		}
	}
	p, err := startSpawner(s.path)
	if err != nil {
		return nil, fmt.Errorf("start the spawner: %w", err)
	}
	s.running = p
	return p, nil
}

func startSpawner(path string) (*spawnerProcess, error) {
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		_ = ours.Close() // the first error is the one to tell
		return nil, err
	}
	defer null.Close()
	proc, err := os.StartProcess(path, []string{initName}, &os.ProcAttr{
		Dir: "/", Env: []string{"GOMAXPROCS=2"}, Files: []*os.File{null, null, null, theirs},
		Sys: &syscall.SysProcAttr{Setsid: true}, // a terminal's interrupt is for Hearth, which then ends it
	})
	if err != nil {
		_ = ours.Close() // the first error is the one to tell
		return nil, err
	}
	p := &spawnerProcess{conn: ours, proc: proc, done: make(chan struct{}), calls: map[uint32]chan spawned{}}
	go p.listen() // close waits for it
	return p, nil
}

func (p *spawnerProcess) ask(msg *control.Message, files []*os.File) (chan spawned, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return nil, errSpawnerEnded
	}
	p.seq++
	msg.Seq = p.seq
	answer := make(chan spawned, 1)
	if err := send(p.conn, msg, files); err != nil {
		return nil, err
	}
	p.calls[msg.Seq] = answer
	return answer, nil
}

// listen hands out answers until the spawner is gone.
func (p *spawnerProcess) listen() {
	defer close(p.done)
	buf, oob := make([]byte, answerMax), make([]byte, unix.CmsgSpace(4))
	for {
		n, oobn, _, _, err := p.conn.ReadMsgUnix(buf, oob)
		if err != nil || n == 0 {
			break
		}
		msg, ok := control.Parse(buf[:n])
		if !ok {
			break
		}
		got := spawned{msg, -1}
		if fds := control.Rights(oob[:oobn]); len(fds) > 0 {
			got.pidfd = fds[0]
		}
		p.mu.Lock()
		answer := p.calls[msg.Seq]
		delete(p.calls, msg.Seq)
		p.mu.Unlock()
		if answer != nil {
			answer <- got
		}
	}
	_ = p.conn.Close() // which ends the spawner
	p.mu.Lock()
	p.over = true
	for seq, answer := range p.calls {
		delete(p.calls, seq)
		close(answer)
	}
	p.mu.Unlock()
	_, _ = p.proc.Wait() // how it ended makes no difference
}

// close ends the spawner and waits for it.
func (s *spawns) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.running != nil {
		_ = s.running.conn.Close()
		<-s.running.done
	}
}
