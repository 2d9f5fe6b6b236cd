// Command bench measures Hearth beside its floors, in one run on one machine, and
// prints tables. Ratios count: the absolute figures depend on the machine and on
// what else it does.
//
// It measures and judges nothing: SPECIFICATION.md has the promises, and the goal
// that a row shows is copied from there for the reader.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/hearthfaas/hearth/internal/harness"
	"github.com/hearthfaas/hearth/internal/runtimes"
)

// suiteMax bounds a suite: one that takes longer than this measures a fault.
const suiteMax = 6 * time.Minute

// bench is one run.
type bench struct {
	rep       *report
	binary    string
	scratch   string
	figures   string // where curves are written
	isolation string
	catalogue *runtimes.Catalogue
	node      string
	python    string
	scale     float64 // of counts and times
}

// suite is a named group of measurements.
type suite struct {
	name string
	what string
	run  func(*bench, context.Context) error
	// named suites take minutes and run only when they are asked for.
	named bool
}

var suites = []suite{
	{"start", "the tool itself: start-up and memory", (*bench).startUp, false},
	{"warm", "warm calls, one at a time, beside their floors", (*bench).warm, false},
	{"identity", "who and may: what signature and policies cost of an invoke", (*bench).identity, false},
	{"load", "warm calls, 16 and 64 at a time", (*bench).load, false},
	{"processes", "warm calls, with frontends and workers as processes of their own", (*bench).processes, false},
	{"events", "Event invokes: accepted durably, and fair between functions", (*bench).events, false},
	{"queues", "queues: messages sent, received and deleted durably", (*bench).queues, false},
	{"tables", "tables: items read and written durably", (*bench).tables, false},
	{"cold", "cold starts by runtime, beside the bare start", (*bench).cold, false},
	{"memory", "memory of an idle environment, beside the bare runtime's", (*bench).memory, false},
	{"functions", "what the number of functions costs", (*bench).functions, false},
	{"cpu", "a handler that burns 5 ms of CPU, 16 at a time", (*bench).cpu, false},
	{"density", "1,000 warm environments, called at random", (*bench).density, true},
	{"curves", "scaling: more in flight, more functions, more sandboxes", (*bench).curves, true},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.SetOutput(stderr)
	var names []string
	for _, s := range suites {
		names = append(names, s.name)
	}
	only := fs.String("only", "", "comma-separated suites: "+strings.Join(names, ", "))
	asJSON := fs.Bool("json", false, "print JSON instead of tables")
	scale := fs.Float64("scale", 1, "multiply counts and times")
	isolation := fs.String("isolation", "", "namespace or process (default: namespace as root)")
	binary := fs.String("binary", "", "the hearth to measure (default bin/hearth when it is there, else built now)")
	bareIn := fs.String("bare-frontend", "", "serve the floor of the warm suite out of a directory until standard input ends; the bench starts itself so")
	figures := fs.String("figures", "docs/figures", "where the suite curves writes its tables and its picture")
	if err := fs.Parse(args); err != nil {
		return err
	}
	b, err := prepare(ctx, *binary, *isolation, *scale)
	if err != nil {
		return err
	}
	defer os.RemoveAll(b.scratch)
	if *bareIn != "" {
		return b.serveBare(ctx, *bareIn, os.Stdin, stdout)
	}
	b.figures = *figures
	for _, s := range suites {
		asked := slices.Contains(strings.Split(*only, ","), s.name)
		if !asked && (*only != "" || s.named) {
			continue
		}
		fmt.Fprintf(stderr, "%s ...\n", s.what)
		b.rep.group = s.what
		suiteCtx, cancel := context.WithTimeout(ctx, suiteMax)
		if err := s.run(b, suiteCtx); err != nil && ctx.Err() == nil {
			b.rep.fail(s.name, err)
		}
		cancel()
	}
	if *asJSON {
		return b.rep.writeJSON(stdout)
	}
	return b.rep.writeTables(stdout)
}

func prepare(ctx context.Context, binary, isolation string, scale float64) (*bench, error) {
	scratch, err := os.MkdirTemp("", "hearth-bench-")
	if err != nil {
		return nil, fmt.Errorf("make a directory: %w", err)
	}
	if err := os.Chmod(scratch, 0o755); err != nil { // functions run as another user
		return nil, fmt.Errorf("open the directory: %w", err)
	}
	b := &bench{scratch: scratch, scale: scale, isolation: isolation, binary: binary}
	if b.binary == "" {
		if b.binary, err = filepath.Abs("bin/hearth"); err != nil {
			return nil, fmt.Errorf("find bin/hearth: %w", err)
		}
		if _, err := os.Stat(b.binary); err != nil {
			if b.binary, err = harness.Build(ctx, scratch, os.Getenv(harness.BinaryVariable)); err != nil {
				return nil, err
			}
		}
	}
	if b.isolation == "" {
		b.isolation = "process"
		if os.Geteuid() == 0 {
			b.isolation = "namespace"
		}
	}
	b.catalogue, err = runtimes.New(runtimes.Config{
		Dir: filepath.Join(scratch, "runtimes"), Path: os.Getenv("PATH"), Home: os.Getenv("HOME"),
	})
	if err != nil {
		return nil, err
	}
	for _, info := range b.catalogue.List(ctx) {
		switch {
		case !info.Available:
		case strings.HasPrefix(info.Name, "nodejs") && b.node == "":
			b.node = info.Name // the list has the newest first
		case strings.HasPrefix(info.Name, "python") && b.python == "":
			b.python = info.Name
		}
	}
	b.rep = newReport(b.isolation, b.node, b.python)
	return b, nil
}

// hearth is a running Hearth to measure.
type hearth struct {
	*harness.Hearth
	aws aws.Config
}

// up starts a Hearth with a data directory of its own, empty when the name is new.
func (b *bench) up(ctx context.Context, name string, settings ...string) (*hearth, error) {
	dir := filepath.Join(b.scratch, name)
	if err := os.MkdirAll(dir, 0o755); err != nil { // functions run as another user
		return nil, fmt.Errorf("make a directory: %w", err)
	}
	h, err := harness.Start(ctx, harness.Options{
		Binary: b.binary, DataDir: filepath.Join(dir, "data"), Isolation: b.isolation, LogLevel: "error",
		// What Hearth can do is measured, not what AWS allows.
		Config: "scale_burst: 0\nrequests_per_concurrency: 0\n" + strings.Join(settings, "\n"),
	})
	if err != nil {
		return nil, err
	}
	return &hearth{Hearth: h, aws: h.AWS()}, nil
}

// count scales a number of repetitions, which is at least 3.
func (b *bench) count(n int) int { return max(3, int(float64(n)*b.scale)) }

// span scales a duration.
func (b *bench) span(d time.Duration) time.Duration { return time.Duration(float64(d) * b.scale) }
