//go:build unix

package runtimeapi

import (
	"fmt"
	"net"
	"os"
	"syscall"
)

// Pair makes the two ends of a private channel: one for Session.Attach, one to be
// descriptor 3 of the runtime's process. The caller closes the runtime's end once
// the process has started, and both when it does not.
func Pair() (ours net.Conn, theirs *os.File, err error) {
	syscall.ForkLock.RLock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, fmt.Errorf("make the private channel's sockets: %w", err)
	}
	// The runtime's end stays blocking: the bootstraps read and write it in plain
	// system calls.
	theirs = os.NewFile(uintptr(fds[1]), "runtime channel")
	end := os.NewFile(uintptr(fds[0]), "hearth channel")
	ours, err = net.FileConn(end)
	_ = end.Close() // FileConn has its own descriptor
	if err != nil {
		_ = theirs.Close() // the first error says more
		return nil, nil, fmt.Errorf("watch the private channel: %w", err)
	}
	return ours, theirs, nil
}
