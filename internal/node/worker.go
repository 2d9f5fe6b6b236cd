package node

import (
	"context"
	"net/http"

	"github.com/hearthfaas/hearth/internal/code"
	"github.com/hearthfaas/hearth/internal/runtimes"
	"github.com/hearthfaas/hearth/internal/worker"
)

// driverBeside begins to open the sandbox driver, if environments are to be here.
func (n *Node) driverBeside(p *parts) (wait func() (sandboxes, error)) {
	if !n.cfg.LocalWorker {
		return func() (sandboxes, error) { return sandboxes{}, nil }
	}
	driver := beside(n.openDriver)
	p.closers = append(p.closers, func() error {
		d, err := driver()
		if err != nil {
			return nil //nolint:nilerr // it has failed the start already
		}
		return d.close()
	})
	return driver
}

// openWorker makes the worker of this process, if environments are to be here.
func (n *Node) openWorker(ctx context.Context, p *parts, driver func() (sandboxes, error), cache *code.Cache, catalogue *runtimes.Catalogue, endpoint http.Handler, addr string) error {
	d, err := driver()
	if err != nil {
		return err
	}
	if !n.cfg.LocalWorker {
		return nil
	}
	p.driver, p.stock = d.Driver, d.stock
	cfg := worker.Default()
	cfg.Endpoint = "http://" + addr
	cfg.CommitMaxMB = n.cfg.MemoryMB
	cfg.BootAhead = n.cfg.BootAhead
	cfg.FreeMB, cfg.Started = availableMB, started(p.metrics)
	p.worker = worker.New(cfg, p.driver, cache, catalogue, p.iam, logSink{p.logs, p.iam}, endpoint, n.log)
	return p.worker.Sweep(ctx)
}
