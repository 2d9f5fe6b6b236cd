//go:build unix

package node

import (
	"context"
	"log/slog"
	"syscall"
)

// An environment takes nine descriptors in the process that owns it: its sockets,
// listeners, pipes and namespaces.
const (
	// filesWanted is enough for as many environments as a driver makes (4,096), a
	// connection for each, and the stores.
	filesWanted = 1 << 16
	// filesLeast is enough for some hundred environments; with less it is said.
	filesLeast = 2048
)

// raiseFileLimit lets the process have as many open files as its environments may need.
// Only root may go beyond what the system set; everybody may use all of that.
func raiseFileLimit(ctx context.Context, log *slog.Logger) {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil || l.Cur >= filesWanted {
		return
	}
	if l.Max < filesWanted && syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: filesWanted, Max: filesWanted}) == nil {
		return
	}
	all := syscall.Rlimit{Cur: min(l.Max, filesWanted), Max: l.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &all); err != nil || all.Cur < filesLeast {
		log.WarnContext(ctx, "few files may be open at once, which bounds the environments; raise the limit (ulimit -n)", "files", all.Cur)
	}
}
