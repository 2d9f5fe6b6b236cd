package namespace

import (
	"os"

	"github.com/hearthfaas/hearth/internal/sandbox/namespace/spawner"
	"github.com/hearthfaas/hearth/internal/sandbox/namespace/supervisor"
)

// Main turns this process into process 1 of an environment, or into the process that
// those are forked from, when the driver started it as such, and then does not return.
// A program that uses the driver calls it first thing in main, before it reads flags
// or files; it is what the driver falls back to when no separate init was embedded.
func Main() {
	if len(os.Args) != 1 || os.Args[0] != initName {
		return
	}
	if os.Getpid() == 1 {
		supervisor.Main()
	}
	spawner.Main()
}
