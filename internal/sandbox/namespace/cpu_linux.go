package namespace

import (
	"context"
	"fmt"

	"github.com/hearthfaas/hearth/internal/sandbox/cgroup"
)

// LimitCPU changes the bound on the environment's CPU time.
func (e *environment) LimitCPU(_ context.Context, millis int) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.gone {
		return fmt.Errorf("limit the CPU of environment %s: %w", e.spec.ID, errEnded)
	}
	if err := e.group.Limit(cgroup.Limits{CPUMillis: millis}); err != nil {
		return fmt.Errorf("limit the CPU of environment %s: %w", e.spec.ID, err)
	}
	return nil
}
