// Command tracesim replays a trace of invokes, or one that it makes up, with each
// policy of keeping environments warm and of placing them, and prints what they cost.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/hearthfaas/hearth/internal/placement"
	"github.com/hearthfaas/hearth/internal/sim/trace"
	"github.com/hearthfaas/hearth/internal/workermanager"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("tracesim", flag.ContinueOnError)
	flags.SetOutput(stderr)
	file := flags.String("trace", "", "a CSV of function,start_ms,duration_ms; empty makes a trace up")
	seed := flags.Uint64("seed", 1, "of the made-up trace")
	functions := flags.Int("functions", 500, "of the made-up trace")
	length := flags.Duration("length", 48*time.Hour, "of the made-up trace")
	rate := flags.Float64("rate", 5, "invokes a second of the made-up trace")
	workers := flags.Int("workers", 30, "how many workers there are")
	zones := flags.Int("zones", 3, "in how many zones")
	workerMB := flags.Int("worker-mb", 32<<10, "what a worker may commit")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if *workers < 1 || *zones < 1 || *workerMB < 1 || *functions < 1 || *rate <= 0 || *length <= 0 {
		fmt.Fprintln(stderr, "tracesim: numbers have to be positive")
		return 2
	}
	invokes := trace.Generate(trace.Synthetic{Seed: *seed, Functions: *functions, Length: *length, Rate: *rate})
	if *file != "" {
		f, err := os.Open(*file)
		if err != nil {
			fmt.Fprintln(stderr, "tracesim:", err)
			return 1
		}
		defer f.Close()
		if invokes, err = trace.Read(f); err != nil {
			fmt.Fprintf(stderr, "tracesim: %s: %v\n", *file, err)
			return 1
		}
	}
	fmt.Fprintf(stdout, "%d invokes\n\n", len(invokes))
	fmt.Fprintln(stdout, "| keep-alive | placement | cold starts | code fetched | no room | evicted | memory that waits, GB·s an invoke | busy part of memory | workers in use | their fill | largest part in a zone |")
	fmt.Fprintln(stdout, "|---|---|---|---|---|---|---|---|---|---|---|")
	for _, keep := range []struct {
		name   string
		policy workermanager.KeepAlive
		idle   time.Duration
	}{
		{"fixed 1 min", workermanager.Fixed, time.Minute},
		{"fixed 10 min", workermanager.Fixed, 10 * time.Minute},
		{"fixed 60 min", workermanager.Fixed, time.Hour},
		{"adaptive, else 10 min", workermanager.Adaptive, 10 * time.Minute},
	} {
		for _, place := range []placement.Policy{placement.Balanced, placement.Dense, placement.Spread} {
			r := trace.Replay(trace.Config{
				KeepAlive: keep.policy, IdleTimeout: keep.idle, Placement: place,
				Workers: *workers, Zones: *zones, WorkerMB: *workerMB, ColdStart: 200 * time.Millisecond,
			}, invokes)
			n := float64(max(r.Invokes, 1))
			fmt.Fprintf(stdout, "| %s | %s | %.2f %% | %d | %d | %d | %.2f | %.1f %% | %.1f | %.0f %% | %.0f %% |\n", keep.name, place,
				100*float64(r.Cold)/n, r.CodeFetched, r.NoRoom, r.Evicted, r.IdleGBs/n,
				100*r.BusyGBs/max(r.BusyGBs+r.IdleGBs, 1e-9), r.WorkersUsed, 100*r.Fill, 100*r.ZoneShare)
		}
	}
	return 0
}
