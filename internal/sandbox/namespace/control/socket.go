//go:build linux

package control

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// CloseRest sees to it that nothing which Hearth itself inherited reaches an
// environment: no program started from here on has a descriptor that it was not
// given.
func CloseRest() error {
	const all = 1<<32 - 1
	return unix.CloseRange(DescriptorFD, all, unix.CLOSE_RANGE_CLOEXEC)
}

// Receive waits for the next message on DescriptorFD. ok is false when the driver
// is gone or talks nonsense.
func Receive(buf []byte) (msg Message, fds []int, ok bool) {
	oob := make([]byte, syscall.CmsgSpace(4*FilesMax))
	for {
		n, oobn, _, _, err := syscall.Recvmsg(DescriptorFD, buf, oob, syscall.MSG_CMSG_CLOEXEC)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return Message{}, nil, false
		}
		msg, ok = Parse(buf[:n])
		return msg, Rights(oob[:oobn]), ok
	}
}

// Rights are the descriptors that came with a message.
func Rights(oob []byte) []int {
	cmsgs, err := syscall.ParseSocketControlMessage(oob)
	if err != nil {
		return nil
	}
	var fds []int
	for i := range cmsgs {
		if got, err := syscall.ParseUnixRights(&cmsgs[i]); err == nil {
			fds = append(fds, got...)
		}
	}
	return fds
}

// Send sends a message on DescriptorFD, with a descriptor unless fd is negative.
// When the driver is gone the next Receive says so.
func Send(msg *Message, fd int) {
	var oob []byte
	if fd >= 0 {
		oob = syscall.UnixRights(fd)
	}
	b := msg.Append(nil)
	for {
		err := syscall.Sendmsg(DescriptorFD, b, oob, nil, syscall.MSG_NOSIGNAL)
		if err != syscall.EINTR {
			return
		}
	}
}
