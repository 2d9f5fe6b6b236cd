package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/hearthfaas/hearth/internal/iam"
	"github.com/hearthfaas/hearth/internal/store/sqlite"
)

// RotateKey replaces the key of a data directory that no node runs on, and returns
// how many secrets it sealed anew.
func RotateKey(ctx context.Context, cfg Config, log *slog.Logger) (n int, err error) {
	path := filepath.Join(cfg.DataDir, "meta.db")
	if _, err := os.Stat(path); err != nil {
		return 0, fmt.Errorf("there is no data directory of Hearth: %w", err)
	}
	store, err := sqlite.Open(ctx, path, log)
	if err != nil {
		return 0, fmt.Errorf("open the store: %w", err)
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return iam.RotateKey(ctx, store, filepath.Join(cfg.DataDir, "key"))
}
