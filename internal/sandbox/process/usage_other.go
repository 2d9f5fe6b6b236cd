//go:build unix && !linux

package process

import "github.com/hearthfaas/hearth/internal/sandbox"

// addUsage counts the process; other systems tell no more without C.
func (c *child) addUsage(u *sandbox.Usage) {
	select {
	case <-c.done:
	default:
		u.Processes++
	}
}
