package runtimeapi

import "golang.org/x/sys/unix"

// pipeSize is the room of one pipe: an event or answer of this size is one turn of
// either side. It is allocated as it is used.
const pipeSize = 256 << 10

// widen gives a pipe more room than the system's 64 KiB. It may be refused to a user
// with very many pipes; large payloads then take more turns.
func widen(fd int) { _, _ = unix.FcntlInt(uintptr(fd), unix.F_SETPIPE_SZ, pipeSize) }
