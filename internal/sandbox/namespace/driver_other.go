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

// Unprivileged is false: there is nothing to become.
func Unprivileged() bool { return false }

// AsOwnRoot says that user namespaces are Linux's.
func AsOwnRoot() (int, error) {
	return 0, errors.New("namespace driver: this system is not Linux; use --isolation process")
}

// OwnerVariable is never set.
const OwnerVariable = "HEARTH_ROOTLESS_OWNER"

// EndWith does nothing: AsOwnRoot starts nothing.
func EndWith(string) {}

// Main does nothing: there is no process 1 to become.
func Main() {}
