package worker

import (
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/runtimeapi"
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
	cmd := sandbox.Command{
		Path:   e.sandbox.Path(e.plan.Path),
		Args:   make([]string, len(e.plan.Args)),
		Dir:    e.sandbox.Path(e.plan.Dir),
		Env:    e.environ(),
		Output: e.log.write,
	}
	for i, a := range e.plan.Args {
		if strings.HasPrefix(a, "/") {
			a = e.sandbox.Path(a)
		}
		cmd.Args[i] = a
	}
	if e.plan.Private {
		ours, theirs, err := runtimeapi.Pair()
		if err != nil {
			return err
		}
		defer theirs.Close()
		e.session.Attach(ours)
		cmd.Files = []*os.File{theirs}
	}
	p, err := e.sandbox.Start(ctx, cmd)
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

// bootFailed is the ending of an invocation whose runtime did not get ready.
func (e *Environment) bootFailed(inv *lambda.Invocation, f *bootFailure) ending {
	if f.timedOut {
		return e.timedOut(inv)
	}
	end := ending{
		payload: f.payload, functionError: lambda.Unhandled, errorType: f.errorType,
		status: statusError, broken: true, exit: f.exit,
	}
	if end.payload == nil {
		end.payload = platformError(f.errorType, inv.RequestID, f.text)
	}
	return end
}
