//go:build linux

// Command init is process 1 of a namespace environment: a binary of its own, because
// the whole of Hearth takes several times longer to start.
package main

import (
	"runtime"

	"github.com/hearthfaas/hearth/internal/sandbox/namespace/supervisor"
)

func init() { runtime.LockOSThread() } // main must run on the main thread

func main() { supervisor.Main() }
