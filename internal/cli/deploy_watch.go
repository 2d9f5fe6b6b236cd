package cli

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"time"

	"github.com/hearthfaas/hearth/internal/bundle"
)

// watchEvery is how often the folder is looked at: below what a person notices,
// and a walk of some thousand files takes a few milliseconds.
const watchEvery = 300 * time.Millisecond

// stamp is what of a file tells that it changed.
type stamp struct {
	size  int64
	mtime time.Time
}

// watch deploys again whenever the code changes, until ctx ends. A version that
// cannot be deployed, say because it does not compile, is told and waited out.
func (d *deployer) watch(ctx context.Context) error {
	seen, err := snapshot(d.plan.Path)
	if err != nil {
		return err
	}
	fmt.Fprintf(d.app.stderr, "watching %s, Ctrl-C ends it\n", d.plan.Path)
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now, err := snapshot(d.plan.Path)
		if err != nil {
			continue // a file went while it was looked at: the next look sees why
		}
		if maps.Equal(now, seen) {
			continue
		}
		seen = now
		if err := d.deployOnce(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			d.app.printProblem(explain(err, d.app.target()))
		}
	}
}

// snapshot is the state of everything that is deployed of a path.
func snapshot(path string) (map[string]stamp, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("look at the code: %w", err)
	}
	if !info.IsDir() {
		return map[string]stamp{"": {info.Size(), info.ModTime()}}, nil
	}
	ignore, err := bundle.Ignored(path)
	if err != nil {
		return nil, err
	}
	all := map[string]stamp{}
	err = bundle.Walk(path, ignore, func(name string, info fs.FileInfo) error {
		all[name] = stamp{info.Size(), info.ModTime()}
		return nil
	})
	return all, err
}
