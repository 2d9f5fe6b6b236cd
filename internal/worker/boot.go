package worker

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/runtimeapi"
	"github.com/hearthfaas/hearth/internal/runtimes"
	"github.com/hearthfaas/hearth/internal/sandbox"
)

// The phases that an INIT_REPORT line names, and the statuses of the log's lines.
const (
	phaseInit     = "init"
	phaseInvoke   = "invoke"
	statusError   = "error"
	statusTimeout = "timeout"
)

// bootFailure is why a runtime did not get ready.
type bootFailure struct {
	timedOut bool
	// errorType and payload are what the runtime posted; payload is nil when the
	// platform found the fault, which text then describes.
	errorType string
	payload   []byte
	text      string
	exit      *sandbox.Exit
}

// bootedProcess is the runtime's process.
type bootedProcess struct {
	sandbox.Process
	// noticed is closed once the session knows that the process has ended.
	noticed chan struct{}
}

func (p *bootedProcess) ended() bool {
	select {
	case <-p.Done():
		return true
	default:
		return false
	}
}

// exitGrace is how long a process that closed its channel has to end: the kernel
// closes descriptors a moment before it reports the end.
const exitGrace = time.Second

func (p *bootedProcess) awaitEnd(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, exitGrace)
	defer cancel()
	select {
	case <-p.Done():
		return true
	case <-ctx.Done():
		return p.ended()
	}
}

// boot starts the runtime and waits until it asks for its first event. It returns
// nil when it did, and logs why it did not otherwise. The mutex is held.
func (e *Environment) boot(ctx context.Context, phase string) *bootFailure {
	began := time.Now()
	f := e.tryBoot(ctx)
	if f == nil {
		e.ready = true
		return nil
	}
	status := statusError
	if f.timedOut {
		status = statusTimeout
	}
	e.log.drain()
	e.log.platform(e.lines.initReport(time.Since(began), phase, status, f.errorType))
	return f
}

func (e *Environment) tryBoot(ctx context.Context) *bootFailure {
	if e.entrypoint != nil {
		return &bootFailure{errorType: e.entrypoint.Type, text: e.entrypoint.Message}
	}
	if err := e.startRuntime(ctx); err != nil {
		if bad, ok := errors.AsType[*sandbox.StartError](err); ok {
			return &bootFailure{errorType: lambda.ErrorInvalidEntrypoint, text: bad.Error()}
		}
		e.worker.log.ErrorContext(ctx, "a runtime did not start", "sandbox_id", e.id, "error", err)
		return &bootFailure{errorType: lambda.ErrorSandboxFailure, text: "the execution environment failed"}
	}
	posted, err := e.session.AwaitReady(ctx)
	switch {
	case posted != nil:
		return &bootFailure{errorType: posted.Type, payload: posted.Payload}
	case err == nil:
		return nil
	case ctx.Err() != nil, errors.Is(err, context.DeadlineExceeded):
		return &bootFailure{timedOut: true}
	}
	f := &bootFailure{errorType: lambda.ErrorExit, text: exitText(nil)}
	if e.process.awaitEnd(ctx) {
		exit := e.process.Exit()
		f.exit, f.text = &exit, exitText(&exit)
	}
	return f
}

// startRuntime starts the runtime's process, with the private channel when it
// speaks it.
func (e *Environment) startRuntime(ctx context.Context) error {
	p, err := e.runtimeProcess(ctx)
	if err != nil {
		return err
	}
	booted := &bootedProcess{Process: p, noticed: make(chan struct{})}
	e.process = booted
	e.helpers.Go(func() {
		<-booted.Done()
		e.session.Gone()
		close(booted.noticed)
	})
	return nil
}

// runtimeProcess takes the process that was started ahead, or starts one.
func (e *Environment) runtimeProcess(ctx context.Context) (sandbox.Process, error) {
	b := e.blank
	e.blank = nil
	if b != nil && b.process != nil {
		err := runtimeapi.Assign(ctx, b.channel, e.environ())
		if err == nil {
			e.session.Attach(b.channel)
			return b.process, nil
		}
		e.worker.log.WarnContext(ctx, "a runtime that was started ahead is gone", "sandbox_id", e.id, "error", err)
		if err := errors.Join(b.channel.Close(), e.sandbox.KillAll(ctx)); err != nil {
			return nil, err
		}
	}
	if !e.plan.Private {
		return e.sandbox.Start(ctx, runtimeCommand(e.sandbox, e.log, e.plan, e.environ()))
	}
	return e.startTimed(ctx)
}

// startTimed starts a runtime that speaks the private channel. The first time, as one
// that waits for its assignment: that tells the boot of the runtime from the loading of
// the function.
func (e *Environment) startTimed(ctx context.Context) (p sandbox.Process, err error) {
	began, vars := time.Now(), e.environ()
	boot := vars
	if e.first != nil {
		boot = append(slices.Clip(vars), runtimeapi.AssignmentVariable+"=1")
	}
	ours, err := startPrivate(ctx, e.sandbox, e.log, e.plan, boot, &p)
	if err != nil {
		return nil, err
	}
	if e.first != nil && runtimeapi.AwaitWaiting(ctx, ours) == nil {
		e.first.Runtime = time.Since(began)
		_ = runtimeapi.Assign(ctx, ours, vars)
	}
	e.session.Attach(ours) // which finds out when the process has ended, or took too long
	return p, nil
}

// startPrivate starts a runtime that speaks the private channel, and returns Hearth's
// end of it.
func startPrivate(ctx context.Context, env sandbox.Environment, log *logPipe, plan runtimes.Plan, vars []string, p *sandbox.Process) (runtimeapi.Conn, error) {
	ours, theirs, err := runtimeapi.Pair()
	if err != nil {
		return nil, err
	}
	defer func() { _ = theirs.Close() }()
	cmd := runtimeCommand(env, log, plan, vars)
	cmd.Files = theirs
	if *p, err = env.Start(ctx, cmd); err != nil {
		return nil, errors.Join(err, ours.Close())
	}
	return ours, nil
}

// runtimeCommand is the command of a plan, with the paths of an environment.
func runtimeCommand(env sandbox.Environment, log *logPipe, plan runtimes.Plan, vars []string) sandbox.Command {
	cmd := sandbox.Command{
		Path:   env.Path(plan.Path),
		Args:   make([]string, len(plan.Args)),
		Dir:    env.Path(plan.Dir),
		Env:    vars,
		Output: log.write,
	}
	for i, a := range plan.Args {
		if strings.HasPrefix(a, "/") {
			a = env.Path(a)
		}
		cmd.Args[i] = a
	}
	return cmd
}

// bootFailed is the ending of an invocation whose runtime did not get ready.
func (e *Environment) bootFailed(inv *lambda.Invocation, f *bootFailure) ending {
	if f.timedOut {
		return e.timedOut(inv)
	}
	end := ending{
		payload: f.payload, functionError: lambda.Unhandled, errorType: f.errorType,
		status: statusError, broken: true, undelivered: true, exit: f.exit,
	}
	if end.payload == nil {
		end.payload = platformError(f.errorType, inv.RequestID, f.text)
	}
	return end
}
