package node

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/hearthfaas/hearth/internal/sandbox"
	"github.com/hearthfaas/hearth/internal/sandbox/namespace"
	"github.com/hearthfaas/hearth/internal/sandbox/process"
)

// sandboxes is the sandbox driver with what it needs of the node.
type sandboxes struct {
	sandbox.Driver
	stock func(context.Context) error // see parts.stock
	close func() error
}

// openDriver makes the sandbox driver that the configuration names.
func (n *Node) openDriver() (sandboxes, error) {
	if n.cfg.Isolation == "process" {
		cfg := process.Default()
		cfg.StateDir = filepath.Join(n.dir("sandboxes"), "process")
		d, err := process.New(cfg, n.log)
		if err != nil {
			return sandboxes{}, fmt.Errorf("open the process driver: %w", err)
		}
		return sandboxes{Driver: d, close: func() error { return nil }}, nil
	}
	cfg := namespace.Default()
	cfg.StateDir = filepath.Join(n.dir("sandboxes"), "namespace")
	d, err := namespace.New(cfg, n.log)
	if err != nil {
		return sandboxes{}, fmt.Errorf("open the namespace driver: %w", err)
	}
	return sandboxes{Driver: d, stock: d.Run, close: d.Close}, nil
}

// beside carries f out on a goroutine of its own: the driver's set-up takes as long as
// the stores', and waits for other things. What it returns waits for f's result, and must
// be called.
func beside[T any](f func() (T, error)) (wait func() (T, error)) {
	var v T
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		v, err = f()
	}()
	return func() (T, error) {
		<-done
		return v, err
	}
}
