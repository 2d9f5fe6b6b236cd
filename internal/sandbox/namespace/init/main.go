//go:build linux

// Command init is process 1 of a namespace environment, and on the host's side the
// process that those are forked from: a binary of its own, because the whole of
// Hearth takes several times longer to start.
package main

import (
	"runtime"
	"syscall"

	"github.com/hearthfaas/hearth/internal/sandbox/namespace/spawner"
	"github.com/hearthfaas/hearth/internal/sandbox/namespace/supervisor"
)

func init() { runtime.LockOSThread() } // supervisor.Main must run on the main thread

func main() {
	if syscall.Getpid() == 1 {
		supervisor.Main()
	}
	spawner.Main()
}
