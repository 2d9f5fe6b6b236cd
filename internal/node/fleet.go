package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hearthfaas/hearth/internal/fleet"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/placement"
	"github.com/hearthfaas/hearth/internal/runtimes"
	"github.com/hearthfaas/hearth/internal/worker"
	"github.com/hearthfaas/hearth/internal/workermanager"
)

// machines shows the workers to placement and to the worker manager: the one in this
// process, and those in others.
type machines struct {
	worker *worker.Worker // nil where environments are on other machines only
	id     string
	zone   string
	freeMB func() (int, error)
	hub    *fleet.Hub // nil where nobody may join
	since  time.Time  // when this process began
}

// arriveMax is how long after a start the first environments wait for a worker that may
// be on its way back: workers look for their control process once a second.
const arriveMax = 3 * time.Second

// awaitWorkers waits for the first worker where only others host environments.
func (f *machines) awaitWorkers(ctx context.Context) {
	if f.worker != nil || f.hub == nil {
		return
	}
	late := time.NewTimer(time.Until(f.since.Add(arriveMax)))
	defer late.Stop()
	select {
	case <-f.hub.Arrived():
	case <-late.C:
	case <-ctx.Done():
	}
}

// Place meets workermanager.Placer.
func (f *machines) Place(ctx context.Context, v *lambda.Version) (string, error) {
	f.awaitWorkers(ctx)
	need := placement.Need{Function: v.Key(), MemoryMB: v.MemoryMB}
	id, err := placement.New(candidates{f, v}).Place(ctx, need)
	if errors.Is(err, placement.ErrFull) {
		return "", workermanager.ErrNoCapacity
	}
	return id, err
}

// candidates are the machines as they concern one version.
type candidates struct {
	*machines
	version *lambda.Version
}

// Candidates meets placement.Fleet.
func (f candidates) Candidates(context.Context, placement.Need) (all []placement.Candidate, err error) {
	if f.worker != nil {
		free, err := f.freeMB()
		if err != nil {
			return nil, err
		}
		load := f.worker.Load()
		all = append(all, placement.Candidate{
			WorkerID: f.id, Zone: f.zone, FreeMB: free,
			CommittedMB: load.CommittedMB, CommitMaxMB: load.CommitMaxMB,
			Environments: load.Environments, Starting: load.Opening,
		})
	}
	if f.hub == nil {
		return all, nil
	}
	for _, w := range f.hub.Workers(f.version) {
		if !runsThere(f.version, w) {
			continue
		}
		all = append(all, placement.Candidate{
			WorkerID: w.ID, Zone: w.Zone, Draining: w.Draining, Silent: w.Silent, FreeMB: w.FreeMB,
			CommittedMB: w.CommittedMB, CommitMaxMB: w.CommitMaxMB,
			Environments: w.Environments, Starting: w.Starting, Same: w.Of, CodeCached: w.CodeThere,
		})
	}
	if f.worker != nil && len(all) > 1 {
		all[0].Same = f.worker.Hosts(f.version.Key())
	}
	return all, nil
}

// runsThere says whether a worker has what a version needs to run.
func runsThere(v *lambda.Version, w fleet.Worker) bool {
	fits := v.Runtime == "" || slices.Contains(w.Runtimes, v.Runtime)
	return fits && (len(v.Architectures) == 0 || slices.ContainsFunc(v.Architectures, func(a string) bool {
		return slices.Contains(w.Architectures, a)
	}))
}

// Open meets workermanager.Workers.
func (f *machines) Open(ctx context.Context, workerID string, v *lambda.Version) (workermanager.Environment, error) {
	switch {
	case f.worker != nil && workerID == f.id:
		return f.worker.Open(ctx, v)
	case f.hub == nil:
		return nil, fmt.Errorf("there is no worker %q", workerID)
	}
	// Whether a start there has begun is not known here: it is carried to its end.
	ctx, stop := worker.UntilUnneeded(ctx)
	defer stop()
	e, err := f.hub.Open(ctx, workerID, v)
	if errors.Is(err, fleet.ErrLost) {
		return nil, fmt.Errorf("%w: %w", workermanager.ErrWorkerGone, err)
	}
	if err != nil {
		return nil, err // no *fleet.Environment that is nil becomes an Environment
	}
	return e, nil
}

// abort ends what runs on all workers.
func (f *machines) abort(ctx context.Context) {
	if f.hub != nil {
		f.hub.Abort()
	}
	if f.worker != nil {
		f.worker.Abort(ctx)
	}
}

// The log lines of workers elsewhere are written with the same permissions as those of
// the one here.

type fleetLogs struct{ sink logSink }

// OpenLog meets fleet.Logs.
func (l fleetLogs) OpenLog(ctx context.Context, stream fleet.LogStream, as lambda.Credentials) (fleet.LogWriter, error) {
	w, err := l.sink.Open(ctx, worker.LogStream(stream), as)
	if err != nil {
		return nil, err
	}
	return fleetLog{w}, nil
}

type fleetLog struct{ to worker.LogWriter }

// Append meets fleet.LogWriter.
func (l fleetLog) Append(lines []fleet.LogLine) {
	out := make([]worker.LogLine, len(lines))
	for i, v := range lines {
		out[i] = worker.LogLine(v)
	}
	l.to.Append(out)
}

// runnable turns a runtime that a worker lacks into what the caller sees.
func runnable(err error) error {
	if missing, ok := errors.AsType[*runtimes.Unavailable](err); ok {
		return lambda.Errorf(lambda.CodeInvalidParameterValue, "%s", missing.Error())
	}
	return err
}
