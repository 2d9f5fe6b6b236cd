// Package placement decides which worker hosts the next environment of a function.
// It only decides: starting the environment is the workermanager's job, running it
// the worker's.
//
// Overcommit: workers are filled by the memory that their environments really use,
// not by the sizes that functions are configured with, because an idle environment
// commonly uses a twentieth of its size. Every environment is still held to its own
// size by its sandbox. An operator who wants no overcommit sets a worker's
// CommitMaxMB.
package placement

import (
	"context"
	"fmt"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// Fleet is what placement needs to know of the workers.
type Fleet interface {
	// Candidates returns the state of every worker that may host environments.
	Candidates(ctx context.Context) ([]Candidate, error)
}

// Candidate is one worker's state.
type Candidate struct {
	WorkerID string
	Draining bool
	// FreeMB is the memory that the host could give to new processes now.
	FreeMB int
	// CommittedMB is the sum of the sizes of the worker's environments, CommitMaxMB
	// the most that sum may be; 0 means that real use alone decides.
	CommittedMB, CommitMaxMB int
	// Environments is how many the worker hosts, of all functions.
	Environments int
	// CodeCached says that the function's code is unpacked there already.
	CodeCached bool
}

// Need is what the next environment asks for.
type Need struct {
	Function lambda.EnvironmentKey
	MemoryMB int
}

// HeadroomMB stays free on every worker: enough for the page cache of the code that
// runs and for bursts of the environments that are there.
const HeadroomMB = 512

// usualUseMB is what a new environment is expected to use at first, whatever its
// size: a booted Node process with an SDK stays below it.
const usualUseMB = 64

// ErrFull says that no worker can host the environment now.
var ErrFull = fmt.Errorf("placement: no worker has room")

// Placer ranks the fleet's workers.
type Placer struct{ fleet Fleet }

// New returns a placer over a fleet.
func New(fleet Fleet) *Placer { return &Placer{fleet: fleet} }

// Place picks the worker for one more environment, or returns ErrFull.
func (p *Placer) Place(ctx context.Context, need Need) (string, error) {
	candidates, err := p.fleet.Candidates(ctx)
	if err != nil {
		return "", fmt.Errorf("ask the fleet for candidates: %w", err)
	}
	best, ok := pick(need, candidates)
	if !ok {
		return "", ErrFull
	}
	return best.WorkerID, nil
}

// pick is pure: the candidate with the code cached, then the fullest that has room
// (density frees whole workers), then the lowest id.
func pick(need Need, candidates []Candidate) (Candidate, bool) {
	var best Candidate
	found := false
	for _, c := range candidates {
		if !fits(need, c) {
			continue
		}
		if !found || better(c, best) {
			best, found = c, true
		}
	}
	return best, found
}

func fits(need Need, c Candidate) bool {
	if c.Draining {
		return false
	}
	if c.CommitMaxMB > 0 && c.CommittedMB+need.MemoryMB > c.CommitMaxMB {
		return false
	}
	return c.FreeMB-HeadroomMB >= min(need.MemoryMB, usualUseMB)
}

func better(a, b Candidate) bool {
	switch {
	case a.CodeCached != b.CodeCached:
		return a.CodeCached
	case a.Environments != b.Environments:
		return a.Environments > b.Environments
	}
	return a.WorkerID < b.WorkerID
}
