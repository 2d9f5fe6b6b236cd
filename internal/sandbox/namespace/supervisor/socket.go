//go:build linux

package supervisor

import (
	"syscall"

	"github.com/hearthfaas/hearth/internal/sandbox/namespace/control"
)

// receive waits for the next message. ok is false when the driver is gone or talks
// nonsense; both end the environment.
func receive(buf []byte) (msg control.Message, fds []int, ok bool) {
	oob := make([]byte, syscall.CmsgSpace(4*control.FilesMax))
	for {
		n, oobn, _, _, err := syscall.Recvmsg(control.DescriptorFD, buf, oob, syscall.MSG_CMSG_CLOEXEC)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return control.Message{}, nil, false
		}
		msg, ok = control.Parse(buf[:n])
		if oobn > 0 {
			fds = rights(oob[:oobn])
		}
		return msg, fds, ok
	}
}

func rights(oob []byte) []int {
	cmsgs, err := syscall.ParseSocketControlMessage(oob)
	if err != nil {
		return nil
	}
	var fds []int
	for i := range cmsgs {
		got, err := syscall.ParseUnixRights(&cmsgs[i])
		if err == nil {
			fds = append(fds, got...)
		}
	}
	return fds
}

// reply sends a message; when the driver is gone the next receive says so.
func (s *supervisor) reply(msg *control.Message) {
	s.send.Lock()
	defer s.send.Unlock()
	b := msg.Append(nil)
	for {
		err := syscall.Sendmsg(control.DescriptorFD, b, nil, nil, syscall.MSG_NOSIGNAL)
		if err != syscall.EINTR {
			return
		}
	}
}
