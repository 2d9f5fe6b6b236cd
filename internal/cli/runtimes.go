package cli

import (
	"context"

	"github.com/hearthfaas/hearth/internal/bundle"
)

// newestRuntime is the newest runtime of a family that this machine can run.
func (a *app) newestRuntime(_ context.Context, family bundle.Family) (string, error) {
	if family == bundle.Provided {
		return "provided.al2023", nil
	}
	return "", &remedied{"no runtime is given", "name one with --runtime"}
}
