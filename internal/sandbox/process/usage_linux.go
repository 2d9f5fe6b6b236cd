package process

import (
	"github.com/hearthfaas/hearth/internal/sandbox"
	"github.com/hearthfaas/hearth/internal/sandbox/procusage"
)

// addUsage reads what the process uses; one that has ended uses nothing.
func (c *child) addUsage(u *sandbox.Usage) { procusage.Add(u, c.proc.Pid) }
