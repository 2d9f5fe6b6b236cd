package namespace

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/hearthfaas/hearth/internal/sandbox"
	"github.com/hearthfaas/hearth/internal/sandbox/namespace/control"
)

// process is one that Start made.
type process struct {
	env  *environment
	pid  uint32 // as process 1 sees it
	done chan struct{}
	exit sandbox.Exit // written before done is closed
}

// Done is closed when the process has ended.
func (p *process) Done() <-chan struct{} { return p.done }

// Exit says how it ended.
func (p *process) Exit() sandbox.Exit { return p.exit }

// Signal sends a signal to the process, not to its children.
func (p *process) Signal(sig os.Signal) error {
	n, ok := sig.(syscall.Signal)
	if !ok {
		return fmt.Errorf("signal process %d: %v is no signal of this system", p.pid, sig)
	}
	answer, _, err := p.env.call(context.Background(), &control.Message{Kind: control.Signal, Pid: p.pid, Status: uint32(n)}, nil)
	if err == nil && answer.Kind != control.Done {
		err = syscall.Errno(answer.Errno)
	}
	if errors.Is(err, syscall.ESRCH) || errors.Is(err, errEnded) {
		err = os.ErrProcessDone
	}
	if err != nil {
		return fmt.Errorf("signal process %d: %w", p.pid, err)
	}
	return nil
}

// call sends a request to process 1 and waits for its answer. The answer to a Start
// comes with the process.
func (e *environment) call(ctx context.Context, msg *control.Message, files []*os.File) (control.Message, *process, error) {
	if len(files) > control.FilesMax {
		return control.Message{}, nil, fmt.Errorf("%d descriptors are more than %d", len(files), control.FilesMax)
	}
	answer := make(chan control.Message, 1)
	e.mu.Lock()
	if e.gone || e.dead {
		e.mu.Unlock()
		return control.Message{}, nil, errEnded
	}
	e.seq++
	msg.Seq = e.seq
	e.calls[msg.Seq] = answer
	e.mu.Unlock()
	if err := e.write(msg, files); err != nil {
		e.mu.Lock()
		delete(e.calls, msg.Seq)
		e.mu.Unlock()
		return control.Message{}, nil, err
	}
	select {
	case got, ok := <-answer:
		if !ok {
			return control.Message{}, nil, errEnded
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		p := e.started[msg.Seq]
		delete(e.started, msg.Seq)
		return got, p, nil
	case <-ctx.Done():
		e.mu.Lock()
		delete(e.calls, msg.Seq)
		e.mu.Unlock()
		return control.Message{}, nil, ctx.Err()
	}
}

// write sends one message with descriptors.
func (e *environment) write(msg *control.Message, files []*os.File) error {
	e.writing.Lock()
	defer e.writing.Unlock()
	return send(e.conn, msg, files)
}

// send writes one message to process 1 or the spawner.
func send(conn *net.UnixConn, msg *control.Message, files []*os.File) error {
	b := msg.Append(nil)
	if len(b) > control.MessageMax {
		return fmt.Errorf("arguments and environment of %d bytes are more than %d", len(b), control.MessageMax)
	}
	var oob []byte
	if len(files) > 0 {
		fds := make([]int, len(files))
		for i, f := range files {
			fds[i] = int(f.Fd()) // which makes them blocking, as programs expect of stdout
		}
		oob = unix.UnixRights(fds...)
	}
	if _, _, err := conn.WriteMsgUnix(b, oob, nil); err != nil {
		return fmt.Errorf("send a request: %w", err)
	}
	return nil
}

// read waits for one message from process 1.
func (e *environment) read(ctx context.Context) (control.Message, error) {
	stop := context.AfterFunc(ctx, func() { _ = e.conn.Close() })
	defer stop()
	return e.receive(make([]byte, control.MessageMax))
}

func (e *environment) receive(buf []byte) (control.Message, error) {
	n, err := e.conn.Read(buf)
	if err != nil {
		return control.Message{}, err
	}
	msg, ok := control.Parse(buf[:n])
	if !ok {
		return control.Message{}, fmt.Errorf("%d bytes from process 1 are no message", n)
	}
	return msg, nil
}

// answerMax bounds what process 1 answers: numbers and a few words.
const answerMax = 1 << 10

// listen hands out process 1's messages until it is gone.
func (e *environment) listen() {
	buf := make([]byte, answerMax)
	for {
		msg, err := e.receive(buf)
		if err != nil {
			break
		}
		e.dispatch(msg)
	}
	_ = e.conn.Close() // process 1 ends when it has not done so already
	waitFor(e.pidfd)
	e.end()
	close(e.ended)
}

// waitFor waits until a process has ended. For a process 1 that is when all others
// of its namespace are gone.
func waitFor(pidfd int) {
	fds := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}
	for {
		if n, err := unix.Poll(fds, -1); n > 0 || err != unix.EINTR {
			return
		}
	}
}

func (e *environment) dispatch(msg control.Message) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch msg.Kind {
	case control.Exited:
		if p := e.live[msg.Pid]; p != nil {
			delete(e.live, msg.Pid)
			p.finish(exitOf(syscall.WaitStatus(msg.Status)), e.ranOut())
		}
	case control.Done, control.Refused:
		answer := e.calls[msg.Seq]
		delete(e.calls, msg.Seq)
		if msg.Pid != 0 {
			p := &process{env: e, pid: msg.Pid, done: make(chan struct{})}
			e.live[msg.Pid] = p
			if answer == nil {
				return // the caller gave up; KillAll and Destroy end the process
			}
			e.started[msg.Seq] = p
		}
		if answer != nil {
			answer <- msg
		}
	default: // the other kinds go the other way
	}
}

// end tells everybody who waits that process 1 is gone.
func (e *environment) end() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.dead = true
	out := e.ranOut()
	for pid, p := range e.live {
		delete(e.live, pid)
		p.finish(sandbox.Exit{Signal: int(syscall.SIGKILL)}, out)
	}
	for seq, answer := range e.calls {
		delete(e.calls, seq)
		close(answer)
	}
}

// ranOut says whether the kernel ended a process for want of memory since the last
// one was started. The caller holds mu.
func (e *environment) ranOut() bool {
	if e.group == nil {
		return false
	}
	n, err := e.group.OOMKills()
	return err == nil && n > e.oomWas
}

func (p *process) finish(exit sandbox.Exit, ranOut bool) {
	exit.OutOfMemory = ranOut
	p.exit = exit
	close(p.done)
}

func exitOf(ws syscall.WaitStatus) sandbox.Exit {
	if ws.Signaled() {
		return sandbox.Exit{Signal: int(ws.Signal())}
	}
	return sandbox.Exit{Code: ws.ExitStatus()}
}
