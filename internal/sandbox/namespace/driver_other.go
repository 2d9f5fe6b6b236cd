//go:build !linux

package namespace

import (
	"errors"
	"log/slog"

	"github.com/hearthfaas/hearth/internal/sandbox"
)

// Driver is not available on this system.
type Driver struct{ sandbox.Driver }

// New says that namespaces are Linux's.
func New(Config, *slog.Logger) (*Driver, error) {
	return nil, errors.New("namespace driver: this system is not Linux; use --isolation process")
}

// Main does nothing: there is no process 1 to become.
func Main() {}
