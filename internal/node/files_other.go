//go:build !unix

package node

import (
	"context"
	"log/slog"
)

// raiseFileLimit has nothing to raise on systems without such a limit.
func raiseFileLimit(context.Context, *slog.Logger) {}
