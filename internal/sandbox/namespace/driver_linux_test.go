package namespace_test

import (
	"errors"
	"log/slog"
	"os"
	"testing"

	"github.com/hearthfaas/hearth/internal/sandbox"
	"github.com/hearthfaas/hearth/internal/sandbox/namespace"
	"github.com/hearthfaas/hearth/internal/sandboxtest"
)

// needRoot skips a test that makes namespaces, devices and control groups.
func needRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("making sandboxes takes root: run the tests as root to include this one")
	}
}

// opener returns a function that opens drivers with a freshly built init.
func opener(t testing.TB) func(testing.TB) sandbox.Driver {
	t.Helper()
	initPath := sandboxtest.Build(t, "github.com/hearthfaas/hearth/internal/sandbox/namespace/init")
	return func(t testing.TB) sandbox.Driver {
		t.Helper()
		cfg := namespace.Default()
		cfg.StateDir = sandboxtest.StateDir(t)
		cfg.InitPath = initPath
		d, err := namespace.New(cfg, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := d.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
				t.Errorf("Close: %v", err)
			}
		})
		return d
	}
}

func TestRootDriverKeepsTheContract(t *testing.T) {
	needRoot(t)
	sandboxtest.Run(t, opener(t))
}

func TestRootNothingEscapes(t *testing.T) {
	needRoot(t)
	sandboxtest.Escape(t, opener(t))
}

func TestRootRuntimesWork(t *testing.T) {
	needRoot(t)
	sandboxtest.Runtimes(t, opener(t))
}
