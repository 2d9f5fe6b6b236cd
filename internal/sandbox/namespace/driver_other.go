//go:build !linux

package namespace

import (
	"context"
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

// Run does nothing: New never made a driver.
func (*Driver) Run(context.Context) error { return nil }

// Close does nothing.
func (*Driver) Close() error { return nil }

// Main does nothing: there is no process 1 to become.
func Main() {}
