// Package demo is the program behind `make demo`: it starts a Hearth of its own,
// puts the examples there, shows what a description of AWS Lambda claims, one claim
// after the other, checks each, and leaves nothing behind.
//
// It sees Hearth only as a user does: the binary, the AWS SDK, and /proc.
package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/hearthfaas/hearth/examples"
	"github.com/hearthfaas/hearth/internal/harness"
)

// idleTimeout is how long the demo's environments stay warm: longer than a step
// takes, short enough to see them go.
const idleTimeout = 4 * time.Second

// Config says what the demo works with.
type Config struct {
	Binary   string          // the hearth to start
	Runtimes map[string]bool // names of those that this machine can run
	// GoSource is the folder of the Go example, or empty: a binary that was
	// installed without the source tree does not have it.
	GoSource string
	Root     bool // whether this user is root
	// Isolation is the driver to use; empty takes sandboxes where they can be had.
	Isolation string
	Out       io.Writer
}

// demo is one run.
type demo struct {
	cfg     Config
	p       *printer
	hearth  *harness.Hearth
	aws     aws.Config
	lambda  *lambda.Client
	logs    *cloudwatchlogs.Client
	sources string // the examples, unpacked
	failed  int    // checks that did not hold
	// isolated is false when functions are plain processes, without limits.
	isolated bool
	node     string // the Node runtime to use, empty for none
	python   string

	goPackage []byte // the Go example, built, or nil and why
	goMissing string
}

// ErrUnexpected says that a check of the demo did not hold.
var ErrUnexpected = errors.New("demo: not everything went as it should")

// Run runs the demo. It returns ErrUnexpected when a claim did not hold.
func Run(ctx context.Context, cfg Config) (err error) {
	dir, err := os.MkdirTemp("", "hearth-demo-")
	if err != nil {
		return fmt.Errorf("make a directory: %w", err)
	}
	defer os.RemoveAll(dir)
	// Sandboxed functions run as another user and have to reach their code.
	if err := os.Chmod(dir, 0o755); err != nil {
		return fmt.Errorf("open the directory: %w", err)
	}
	d := &demo{cfg: cfg, p: &printer{w: cfg.Out}, sources: filepath.Join(dir, "examples")}
	if err := os.CopyFS(d.sources, examples.Files); err != nil {
		return fmt.Errorf("unpack the examples: %w", err)
	}
	d.chooseRuntimes()
	d.buildGo(ctx)
	if err := d.start(ctx, filepath.Join(dir, "data")); err != nil {
		return err
	}
	if err = d.steps(ctx); err != nil && ctx.Err() == nil {
		d.p.title("The end of Hearth's log")
		fmt.Fprint(cfg.Out, d.hearth.Log())
	}
	if stopErr := d.stop(err == nil); err == nil {
		err = stopErr
	}
	if err == nil && d.failed > 0 {
		err = ErrUnexpected
	}
	return err
}

func (d *demo) chooseRuntimes() {
	pick := func(names ...string) string {
		for _, name := range names {
			if d.cfg.Runtimes[name] {
				return name
			}
		}
		return ""
	}
	// Node 24 has no callback handlers, which one of the examples shows.
	d.node = pick("nodejs22.x", "nodejs20.x", "nodejs18.x")
	d.python = pick("python3.14", "python3.13", "python3.12", "python3.11", "python3.10", "python3.9")
}

// start starts Hearth with real sandboxes, or says why that cannot be here and
// starts it without.
func (d *demo) start(ctx context.Context, dataDir string) error {
	o := harness.Options{
		Binary: d.cfg.Binary, DataDir: dataDir, Isolation: cmp.Or(d.cfg.Isolation, "namespace"),
		Config: fmt.Sprintf("idle_timeout: %s\n", idleTimeout),
	}
	h, err := harness.Start(ctx, o)
	d.isolated = err == nil && o.Isolation != "process"
	if err != nil {
		if d.cfg.Root || d.cfg.Isolation != "" {
			return err
		}
		o.Isolation = "process"
		if h, err = harness.Start(ctx, o); err != nil {
			return err
		}
	}
	d.hearth, d.aws = h, h.AWS()
	d.lambda, d.logs = lambda.NewFromConfig(d.aws), cloudwatchlogs.NewFromConfig(d.aws)
	d.p.title("Hearth is ready on %s, %d ms after its start", h.Endpoint, h.ReadyAfter.Milliseconds())
	switch {
	case d.cfg.Isolation == "process":
		d.p.text("Functions run as plain processes, as asked: no isolation and no limits.")
	case !d.isolated:
		d.p.text("This user may not make sandboxes here, so functions run as plain processes, with")
		d.p.text("no isolation and no limits. `hearth doctor` says why; `sudo make demo` has them.")
	case !d.cfg.Root:
		d.p.text("Functions run in sandboxes of namespaces. Limits on memory and CPU need root:")
		d.p.text("`sudo make demo` has them.")
	default:
		d.p.text("Each function runs in a sandbox: own namespaces, a read-only root, limits.")
	}
	return nil
}

func (d *demo) steps(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		d.deploy, d.coldAndWarm, d.outsideTheHandler, d.concurrency, d.limit, d.failures, d.cpu, d.showLogs,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return d.idle(ctx)
}

// stop ends Hearth and looks for what it left on the host.
func (d *demo) stop(tell bool) error {
	held := d.hearth.Footprint()
	start := time.Now()
	err := d.hearth.Stop()
	if err != nil {
		return err
	}
	took := time.Since(start)
	left := held.Left(d.hearth.DataDir)
	for _, what := range left {
		d.p.text("left behind: %s", what)
	}
	if len(left) > 0 {
		d.failed++
	}
	if tell {
		d.p.title("Hearth has stopped, within %d ms", took.Milliseconds())
		d.check(len(left) == 0, "no process, mount, control group or loop device is left")
	}
	return nil
}

// check prints a claim with whether it held, and remembers when it did not.
func (d *demo) check(ok bool, format string, args ...any) {
	mark := "ok   "
	if !ok {
		mark = "WRONG"
		d.failed++
	}
	d.p.text("%s  %s", mark, fmt.Sprintf(format, args...))
}
