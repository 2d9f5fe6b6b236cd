package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/runtimeapi"
	"github.com/hearthfaas/hearth/internal/runtimes"
	"github.com/hearthfaas/hearth/internal/sandbox"
)

// step is one part of preparing an environment. Close undoes whatever the steps
// before a failure have done.
type step struct {
	name string
	run  func(*Environment, context.Context) error
}

// preparations and steps lead from nothing to a runtime that waits for its first event.
// Between them an environment that is made from scratch waits for its turn.
var (
	preparations = []step{
		{"fetch code", (*Environment).fetchCode},
		{"fetch layers", (*Environment).fetchLayers},
		{"plan the runtime", (*Environment).planRuntime},
		{"look for one made ahead", (*Environment).takeBlank},
	}
	steps = []step{
		{"assume the execution role", (*Environment).assumeRole},
		{"open the log", (*Environment).openLog},
		{"create the sandbox", (*Environment).createSandbox},
		{"open the network", (*Environment).openNetwork},
		{"initialise", (*Environment).initialise},
	}
)

// Placed says how long it took to find the worker for the environment.
func (e *Environment) Placed(took time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.first != nil {
		e.first.Place = took
	}
}

// Open makes an environment of a version and runs its Init phase. A function whose
// Init fails still has an environment: as on AWS, its first invoke runs Init again
// and tells why it fails. An error is a fault of the platform's, or a *lambda.Error
// when the host cannot run the version. When ctx ends because nobody needs the
// environment (lambda.ErrNotNeeded), a start that has begun goes on.
func (w *Worker) Open(ctx context.Context, v *lambda.Version) (*Environment, error) {
	e := &Environment{worker: w, id: lambda.NewSandboxID(), version: v, first: &lambda.ColdStart{}}
	w.add(e)
	w.opening.Add(1)
	defer func() {
		if w.opening.Add(-1) == 0 {
			w.stock.kick()
		}
	}()
	if err := e.open(ctx); err != nil {
		closeCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), resetTimeout)
		defer cancel()
		return nil, errors.Join(err, e.Close(closeCtx))
	}
	return e, nil
}

func (e *Environment) open(ctx context.Context) error {
	going, stop := UntilUnneeded(ctx)
	defer stop()
	if err := e.take(going, preparations); err != nil {
		return err
	}
	if e.sandbox == nil && e.plan.Path != "" {
		waited, err := e.worker.gate.enter(ctx)
		if err != nil {
			return fmt.Errorf("wait for its turn: %w", err)
		}
		defer e.worker.gate.leave()
		e.first.Wait = waited
	}
	return e.take(going, steps)
}

// take goes through steps until one fails.
func (e *Environment) take(ctx context.Context, steps []step) error {
	for _, s := range steps {
		if err := s.run(e, ctx); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// UntilUnneeded is ctx without its end by lambda.ErrNotNeeded.
func UntilUnneeded(ctx context.Context) (going context.Context, stop func()) {
	going, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	unbind := context.AfterFunc(ctx, func() {
		if cause := context.Cause(ctx); !errors.Is(cause, lambda.ErrNotNeeded) {
			cancel(cause)
		}
	})
	return going, func() { unbind(); cancel(nil) }
}

func (e *Environment) fetchCode(ctx context.Context) error {
	entry, err := e.worker.code.Acquire(ctx, e.version.CodeDigest)
	if err != nil {
		return err
	}
	e.code = entry
	e.first.Fetch, e.first.Unpack = entry.Fetch, entry.Unpack
	return nil
}

func (e *Environment) fetchLayers(ctx context.Context) error {
	if len(e.version.Layers) == 0 {
		return nil
	}
	entry, err := e.worker.code.AcquireLayers(ctx, e.version.Layers)
	if err != nil {
		return err
	}
	e.layers = entry
	e.first.Fetch += entry.Fetch
	e.first.Unpack += entry.Unpack
	return nil
}

func (e *Environment) planRuntime(ctx context.Context) error {
	trees := runtimes.Trees{Code: e.code.Dir}
	if e.layers != nil {
		trees.Layers = e.layers.Dir
	}
	plan, err := e.worker.runtimes.Plan(ctx, e.version, trees)
	if bad, ok := errors.AsType[*runtimes.EntrypointError](err); ok {
		e.entrypoint = bad // the function's own fault: its invokes tell
		return nil
	}
	if err != nil {
		return err
	}
	e.plan = plan
	return nil
}

// takeBlank looks for an environment that was made ahead, and makes it its own.
func (e *Environment) takeBlank(ctx context.Context) error {
	if e.plan.Path == "" {
		return nil // the package has nothing to start, which its invokes tell
	}
	r, own, ok := e.worker.recipeFor(e.version, e.plan)
	if !ok {
		return nil
	}
	began := time.Now()
	b := e.worker.stock.take(ctx, r)
	if b == nil {
		return ctx.Err()
	}
	if err := e.adopt(ctx, b, own); err != nil {
		// Whatever is wrong with it, the invoke that waits need not know.
		e.worker.log.WarnContext(ctx, "an environment made ahead cannot be used, one is made from scratch", "sandbox_id", b.id, "error", err)
		e.worker.stock.end([]*blank{b})
		return ctx.Err()
	}
	e.id, e.sandbox, e.network, e.blank = b.id, b.sandbox, b.network, b
	e.opened.Store(true)
	e.first.Assign = time.Since(began)
	return nil
}

// adopt shows the function's files in an environment that was made ahead.
func (e *Environment) adopt(ctx context.Context, b *blank, own []sandbox.Mount) error {
	if b.ended() {
		return errBlankEnded
	}
	assigner, ok := b.sandbox.(sandbox.Assigner)
	if !ok {
		return errors.New("its driver cannot assign it")
	}
	return assigner.Assign(ctx, own, e.version.MemoryMB)
}

// errBlankEnded says that a process that was started ahead is gone.
var errBlankEnded = errors.New("its process has ended")

func (e *Environment) assumeRole(ctx context.Context) error {
	c, err := e.worker.roles.MintFunctionSession(ctx, e.version.RoleARN, e.version.Function, e.worker.cfg.CredentialsFor)
	if err != nil {
		return err
	}
	e.credentials = c
	return nil
}

func (e *Environment) openLog(ctx context.Context) error {
	stream := LogStream{
		Account: e.version.Function.Account,
		Region:  e.version.Function.Region,
		Group:   e.version.LogGroup,
		Stream:  e.streamName(time.Now()),
	}
	writer, err := e.worker.logs.Open(ctx, stream, e.credentials)
	if err != nil {
		return err
	}
	p := (*logPipe)(nil)
	if e.blank != nil && e.blank.log != nil {
		p = e.blank.log
		p.assign(stream, writer)
	} else if p, err = newLogPipe(stream, writer); err != nil {
		return err
	}
	e.log = p
	e.lines = textLines{e}
	if e.version.LogFormat == logFormatJSON {
		e.lines = jsonLines{e}
	}
	e.helpers.Go(p.run)
	return nil
}

// logFormatJSON is the LogFormat of a function that logs JSON records.
const logFormatJSON = "JSON"

// streamName is YYYY/MM/DD/[version]<32 hex>; in a log group that is not the
// function's own, the function's name stands before the version.
func (e *Environment) streamName(now time.Time) string {
	name := ""
	if e.version.LogGroup != "/aws/lambda/"+e.version.Function.Name {
		name = e.version.Function.Name
	}
	return now.UTC().Format("2006/01/02/") + name + "[" + e.version.Version + "]" + string(e.id)
}

func (e *Environment) createSandbox(ctx context.Context) error {
	if e.sandbox != nil {
		return nil
	}
	began := time.Now()
	env, err := e.worker.driver.Create(ctx, sandbox.Spec{
		ID:       e.id,
		Mounts:   e.plan.Mounts,
		MemoryMB: e.version.MemoryMB,
		// No bound on CPU yet: AWS runs the Init phase with more than the share that
		// the invokes have.
		TmpMB:        e.version.EphemeralMB,
		ProcessesMax: lambda.ProcessesMax,
		FilesMax:     lambda.FilesMax,
	})
	if err != nil {
		return err
	}
	e.sandbox = env
	e.opened.Store(true)
	e.first.Sandbox = time.Since(began)
	return nil
}

// initialise runs the Init phase. When it fails, the first invoke runs it again.
func (e *Environment) initialise(ctx context.Context) error {
	e.session = runtimeapi.New(runtimeapi.Config{
		FunctionName:    e.version.Function.Name,
		FunctionVersion: e.version.Version,
		Handler:         e.version.Handler,
		AccountID:       e.version.Function.Account,
	})
	e.network.serve(e)
	e.log.platform(e.lines.initStart())
	began := time.Now()
	initCtx, cancel := context.WithTimeout(ctx, initTimeout(e.version))
	defer cancel()
	e.mu.Lock()
	defer e.mu.Unlock()
	f := e.boot(initCtx, phaseInit)
	if ctx.Err() != nil {
		return ctx.Err() // the process is leaving
	}
	if f != nil {
		e.reset(context.WithoutCancel(ctx))
	} else {
		e.first.Init = time.Since(began)
		if e.worker.cfg.Started != nil {
			e.worker.cfg.Started(*e.first)
		}
		e.reportAhead()
	}
	return e.sandbox.LimitCPU(ctx, max(1, e.version.MemoryMB*1000/lambda.VCPUMemoryMB))
}
