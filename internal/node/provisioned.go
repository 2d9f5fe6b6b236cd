package node

import (
	"errors"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/workermanager"
)

// provisioner shows the worker manager to the control plane as the owner of
// provisioned concurrency.
type provisioner struct{ *workermanager.Manager }

// Provisioned leaves out failures that are not the function's own: those are tried
// again, and until they go well the environments are on their way.
func (p provisioner) Provisioned(key lambda.EnvironmentKey) (ready int, failed error) {
	ready, failed = p.Manager.Provisioned(key)
	if !errors.Is(failed, workermanager.ErrInit) {
		failed = nil
	}
	return ready, failed
}
