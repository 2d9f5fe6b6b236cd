// Package placement decides which worker hosts the next environment of a function.
// It only decides: starting the environment is the workermanager's job, running it
// the worker's.
//
// Overcommit: workers are filled by the memory that their environments really use,
// not by the sizes that functions are configured with, because an idle environment
// commonly uses a twentieth of its size. Every environment is still held to its own
// size by its sandbox. An operator who wants no overcommit sets a worker's
// CommitMaxMB. Processors are always overcommitted: a worker whose processors are
// busy is taken only when no other has room.
package placement

import (
	"context"
	"fmt"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// Fleet is what placement needs to know of the workers.
type Fleet interface {
	// Candidates returns the state of every worker that may host an environment, as it
	// concerns this need. It is only read, and not kept.
	Candidates(ctx context.Context, need Need) ([]Candidate, error)
}

// Candidate is one worker's state.
type Candidate struct {
	WorkerID string
	// Zone is what fails together with the worker; empty where there are no zones.
	Zone     string
	Draining bool
	// Silent is how long nothing was heard of the worker; 0 for the one in this process.
	Silent time.Duration
	// FreeMB is the memory that the host could give to new processes now.
	FreeMB int
	// CommittedMB is the sum of the sizes of the worker's environments, CommitMaxMB
	// the most that sum may be; 0 means that real use alone decides.
	CommittedMB, CommitMaxMB int
	// CPUs is how many processors the worker has, BusyCPUs how many of them are in use;
	// CPUs is 0 where that is not known.
	CPUs, BusyCPUs float64
	// Environments is how many the worker hosts, of all functions; Same, of the one that
	// asks; Starting, those that are being made and whose memory is still counted as free.
	Environments, Same, Starting int
	// CodeCached says that the function's code is unpacked there already.
	CodeCached bool
}

// Need is what the next environment asks for.
type Need struct {
	Function lambda.EnvironmentKey
	MemoryMB int
}

const (
	// HeadroomMB stays free on every worker: enough for the page cache of the code that
	// runs and for bursts of the environments that are there.
	HeadroomMB = 512
	// SilentMax is how long a worker may be silent and still get environments: three
	// heartbeats of a second, so that one lost message takes no worker out.
	SilentMax = 3 * time.Second
	// SpreadMax is how many environments of one function a worker gets while others have
	// room: the end of that worker then costs a busy function a part of its warm
	// environments. A function that needs no more has its code on one worker a zone.
	SpreadMax = 64
	// crowded is the share of processors in use above which a start there would be slow
	// for what starts and for what runs.
	crowded = 0.9
)

// usualUseMB is what a new environment is expected to use at first, whatever its
// size: a booted Node process with an SDK stays below it.
const usualUseMB = 64

// leastUseMB is what an environment uses in any case once it is made: a booted Node
// process and what the kernel keeps for a sandbox. Without it, a burst of starts would
// all be promised the same memory.
const leastUseMB = 10

// ErrFull says that no worker can host the environment now.
var ErrFull = fmt.Errorf("placement: no worker has room")

// Policy is the order in which workers that have room are preferred.
type Policy string

const (
	// Balanced is what Hearth uses: idle processors, then the zone that has fewest of the
	// function, then the code at hand, then the fullest worker.
	Balanced Policy = "balanced"
	// Dense takes the fullest worker and looks at nothing else.
	Dense Policy = "dense"
	// Spread takes the emptiest.
	Spread Policy = "spread"
)

// Placer ranks the fleet's workers.
type Placer struct{ fleet Fleet }

// New returns a placer over a fleet.
func New(fleet Fleet) *Placer { return &Placer{fleet: fleet} }

// Place picks the worker for one more environment, or returns ErrFull.
func (p *Placer) Place(ctx context.Context, need Need) (string, error) {
	candidates, err := p.fleet.Candidates(ctx, need)
	if err != nil {
		return "", fmt.Errorf("ask the fleet for candidates: %w", err)
	}
	at := Pick(Balanced, need, candidates)
	if at < 0 {
		return "", ErrFull
	}
	return candidates[at].WorkerID, nil
}

// Pick is pure: the index of the best candidate that has room, or -1. Among equals
// the lowest id goes first.
func Pick(policy Policy, need Need, candidates []Candidate) int {
	zones := census(policy, candidates)
	best, bestInZone := -1, 0
	for i := range candidates {
		c := &candidates[i]
		if !fits(need, c) {
			continue
		}
		inZone := zones.of(c.Zone)
		if best < 0 || better(policy, c, &candidates[best], inZone, bestInZone) {
			best, bestInZone = i, inZone
		}
	}
	return best
}

func fits(need Need, c *Candidate) bool {
	if c.Draining || c.Silent > SilentMax {
		return false
	}
	if c.CommitMaxMB > 0 && c.CommittedMB+need.MemoryMB > c.CommitMaxMB {
		return false
	}
	return c.FreeMB-HeadroomMB-c.Starting*leastUseMB >= min(need.MemoryMB, usualUseMB)
}

// better says whether a goes before b; the last two say how many environments of the
// function the zone of each has.
func better(policy Policy, a, b *Candidate, aInZone, bInZone int) bool {
	switch policy {
	case Balanced:
		if x, y := a.crowded(), b.crowded(); x != y {
			return y
		}
		if aInZone != bInZone {
			return aInZone < bInZone
		}
		if x, y := a.Same >= SpreadMax, b.Same >= SpreadMax; x != y {
			return y
		}
		if a.CodeCached != b.CodeCached {
			return a.CodeCached
		}
	case Spread:
		if a.Environments != b.Environments {
			return a.Environments < b.Environments
		}
	case Dense:
	}
	if a.Environments != b.Environments {
		return a.Environments > b.Environments // density frees whole workers
	}
	return a.WorkerID < b.WorkerID
}

func (c *Candidate) crowded() bool { return c.CPUs > 0 && c.BusyCPUs >= crowded*c.CPUs }

// zoneCount is how many environments of the function a zone has.
type zoneCount struct {
	zone string
	n    int
}

// zoneCounts lists the zones that have any: few, so a list is faster than a map.
type zoneCounts []zoneCount

func census(policy Policy, candidates []Candidate) (zones zoneCounts) {
	if policy != Balanced {
		return nil
	}
next:
	for i := range candidates {
		c := &candidates[i]
		if c.Same == 0 {
			continue
		}
		for j := range zones {
			if zones[j].zone == c.Zone {
				zones[j].n += c.Same
				continue next
			}
		}
		zones = append(zones, zoneCount{c.Zone, c.Same})
	}
	return zones
}

func (z zoneCounts) of(zone string) int {
	for i := range z {
		if z[i].zone == zone {
			return z[i].n
		}
	}
	return 0
}
