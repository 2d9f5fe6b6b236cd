//go:build unix

package runtimeapi

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// Files are the runtime's ends of a private channel: its descriptors 3 and 4.
type Files []*os.File

// Close closes them; the process that was started with them has its own.
func (f Files) Close() error {
	var err error
	for _, file := range f {
		err = errors.Join(err, file.Close())
	}
	return err
}

// Pair makes a private channel: Hearth's end for Session.Attach, and the runtime's to
// be descriptors 3 and 4 of its process. The caller closes the runtime's ends once the
// process has started, and both when it does not.
//
// It is two pipes and not a socket because reading from a socket wakes up its writer,
// which has room already and waits for the answer: one more wake-up on either side of
// each invocation.
func Pair() (ours Conn, theirs Files, err error) {
	events, err := openPipe()
	if err != nil {
		return nil, nil, err
	}
	answers, err := openPipe()
	if err != nil {
		_, _ = syscall.Close(events.read), syscall.Close(events.write) // the first error says more
		return nil, nil, err
	}
	theirs = Files{os.NewFile(uintptr(events.read), "events"), os.NewFile(uintptr(answers.write), "answers")}
	// The runtime's ends stay blocking: the bootstraps read and write them in plain
	// system calls. Hearth's go to the poller.
	for _, fd := range []int{answers.read, events.write} {
		if err := syscall.SetNonblock(fd, true); err != nil {
			_, _, _ = theirs.Close(), syscall.Close(answers.read), syscall.Close(events.write)
			return nil, nil, fmt.Errorf("watch the private channel: %w", err)
		}
	}
	return &pipes{in: os.NewFile(uintptr(answers.read), "answers"), out: os.NewFile(uintptr(events.write), "events")}, theirs, nil
}

type pipe struct{ read, write int }

func openPipe() (pipe, error) {
	var fds [2]int
	syscall.ForkLock.RLock()
	err := syscall.Pipe(fds[:])
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return pipe{}, fmt.Errorf("make the private channel's pipes: %w", err)
	}
	widen(fds[0])
	return pipe{fds[0], fds[1]}, nil
}

// pipes is Hearth's end.
type pipes struct{ in, out *os.File }

// Read reads from the runtime.
func (p *pipes) Read(b []byte) (int, error) { return p.in.Read(b) }

// Write writes to the runtime.
func (p *pipes) Write(b []byte) (int, error) { return p.out.Write(b) }

// SetDeadline ends reads and writes at t.
func (p *pipes) SetDeadline(t time.Time) error {
	return errors.Join(p.in.SetDeadline(t), p.out.SetDeadline(t))
}

// Close closes both pipes.
func (p *pipes) Close() error { return errors.Join(p.in.Close(), p.out.Close()) }
