package process_test

import (
	"log/slog"
	"testing"

	"github.com/hearthfaas/hearth/internal/sandbox"
	"github.com/hearthfaas/hearth/internal/sandbox/process"
	"github.com/hearthfaas/hearth/internal/sandboxtest"
)

func open(t testing.TB) sandbox.Driver {
	t.Helper()
	cfg := process.Default()
	cfg.StateDir = sandboxtest.StateDir(t)
	d, err := process.New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDriverKeepsTheContract(t *testing.T) { sandboxtest.Run(t, open) }
