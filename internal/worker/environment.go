package worker

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hearthfaas/hearth/internal/code"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/runtimeapi"
	"github.com/hearthfaas/hearth/internal/runtimes"
	"github.com/hearthfaas/hearth/internal/sandbox"
)

// Environment is one execution environment: a sandbox, the runtime booted in it,
// its log stream and its role's credentials. It serves one version of one function
// and one invocation at a time.
type Environment struct {
	worker  *Worker
	id      lambda.SandboxID
	version *lambda.Version

	code        *code.Entry
	layers      *code.Entry // nil when the version has none
	plan        runtimes.Plan
	entrypoint  *runtimes.EntrypointError // the package has nothing to start
	credentials lambda.Credentials
	sandbox     sandbox.Environment
	network     network
	session     *runtimeapi.Session
	// blank is what the environment was made of ahead, until its runtime is started.
	blank *blank
	log   *logPipe
	lines platformLines
	// helpers are the goroutines that serve this environment; Close waits for them.
	helpers sync.WaitGroup

	// opened says that the sandbox is there and stays the same until Close.
	opened atomic.Bool
	// idleSince is when the last invoke ended, in Unix nanoseconds; 0 while busy.
	idleSince atomic.Int64

	mu        sync.Mutex // guards what follows; held during an invoke
	process   *bootedProcess
	ready     bool // the runtime waits for an event
	frozen    bool
	closed    bool
	first     *lambda.ColdStart // until the first invoke has told it
	peakMB    int
	peakAsked time.Time
	peakRests time.Duration // how long peakMB is good for
}

// How long a reading of the memory peak is good for. It takes a quarter of a
// millisecond, which is as much as all else of a warm invoke: read on each, or ten times
// a second for each of many environments, it would be a good part of what Hearth does.
const (
	peakRestMin = 100 * time.Millisecond
	peakRestMax = 1600 * time.Millisecond
)

// ID names the environment.
func (e *Environment) ID() lambda.SandboxID { return e.id }

// Idle tells the environment that it is unused from now on, so that it may freeze.
func (e *Environment) Idle() { e.idleSince.Store(time.Now().UnixNano()) }

// Invoke runs one event and returns how it ended. The result is never lost to a
// caller that has gone: ctx is used for its values only, the function's timeout
// bounds the invoke. An error is a fault of the platform's.
func (e *Environment) Invoke(ctx context.Context, inv *lambda.Invocation) (lambda.Result, error) {
	ctx = context.WithoutCancel(ctx)
	if inv.Carrier != nil {
		if err := fetch(ctx, inv); err != nil {
			return lambda.Result{}, err
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.idleSince.Store(0)
	if err := e.thaw(ctx); err != nil {
		return lambda.Result{}, fmt.Errorf("%w: %w", lambda.ErrNotDelivered, err)
	}
	inv.Start = time.Now()
	inv.Deadline = inv.Start.Add(e.version.Timeout)
	e.log.begin(e.lines.start(inv), inv.Tail)

	ctx, cancel := context.WithDeadline(ctx, inv.Deadline)
	defer cancel()
	end := e.run(ctx, inv)
	if end.broken {
		e.reset(context.WithoutCancel(ctx))
	}
	result := e.conclude(inv, end)
	e.idleSince.Store(time.Now().UnixNano())
	if end.errorType == lambda.ErrorSandboxFailure {
		// The sandbox is of no more use. An event that it has not taken goes elsewhere.
		if end.undelivered {
			return lambda.Result{}, fmt.Errorf("environment %s has failed: %w", e.id, lambda.ErrNotDelivered)
		}
		return lambda.Result{}, fmt.Errorf("environment %s has failed", e.id)
	}
	return result, nil
}

// fetch brings the payload here from the process that holds it.
func fetch(ctx context.Context, inv *lambda.Invocation) error {
	payload, err := inv.Carrier.Fetch(ctx)
	if err != nil {
		return fmt.Errorf("fetch the event: %w", err)
	}
	if len(inv.Payload) == 0 {
		inv.Payload = payload
	}
	return nil
}

// ending is how an invocation's run ended.
type ending struct {
	payload       []byte
	functionError string // as in lambda.Result
	errorType     string
	status        string // the REPORT line's: "", "timeout" or "error"
	broken        bool   // the runtime cannot serve another event as it is
	undelivered   bool   // no runtime has seen the event
	exit          *sandbox.Exit
}

// run boots the runtime when it is not ready and hands it the event.
func (e *Environment) run(ctx context.Context, inv *lambda.Invocation) ending {
	if e.ready && e.process.ended() {
		e.reset(context.WithoutCancel(ctx)) // it died while idle
	}
	if !e.ready {
		if f := e.boot(ctx, phaseInvoke); f != nil {
			return e.bootFailed(inv, f)
		}
	}
	out, err := e.session.Invoke(ctx, inv)
	if errors.Is(err, runtimeapi.ErrNotDelivered) && ctx.Err() == nil {
		// It died while idle, before its end was noticed: boot anew and try again.
		e.reset(context.WithoutCancel(ctx))
		if f := e.boot(ctx, phaseInvoke); f != nil {
			return e.bootFailed(inv, f)
		}
		out, err = e.session.Invoke(ctx, inv)
	}
	switch {
	case err == nil && out.ErrorType == lambda.ErrorTruncatedResponse && e.process.awaitEnd(ctx):
		return e.exited(ctx, inv) // the answer broke off because its process did
	case err == nil:
		return ending{payload: out.Payload, functionError: out.FunctionError, errorType: out.ErrorType}
	case ctx.Err() != nil, errors.Is(err, context.DeadlineExceeded):
		return e.timedOut(inv)
	case errors.Is(err, runtimeapi.ErrGone):
		return e.exited(ctx, inv)
	}
	e.worker.log.ErrorContext(ctx, "an environment failed", "sandbox_id", e.id, "request_id", inv.RequestID, "error", err)
	return ending{
		payload:       platformError(lambda.ErrorSandboxFailure, inv.RequestID, "the execution environment failed"),
		functionError: lambda.Unhandled, errorType: lambda.ErrorSandboxFailure, status: statusError, broken: true,
	}
}

func (e *Environment) timedOut(inv *lambda.Invocation) ending {
	return ending{
		payload:       timedOut(inv.RequestID, e.version.Timeout),
		functionError: lambda.Unhandled, errorType: lambda.ErrorTimedout, status: statusTimeout, broken: true,
	}
}

// exited tells how the runtime process ended without an answer.
func (e *Environment) exited(ctx context.Context, inv *lambda.Invocation) ending {
	if e.process == nil || !e.process.awaitEnd(ctx) {
		// It closed its channel and lives on: as good as gone.
		return ending{
			payload:       platformError(lambda.ErrorExit, inv.RequestID, exitText(nil)),
			functionError: lambda.Unhandled, errorType: lambda.ErrorExit, status: statusError, broken: true,
		}
	}
	exit := e.process.Exit()
	return ending{
		payload:       platformError(lambda.ErrorExit, inv.RequestID, exitText(&exit)),
		functionError: lambda.Unhandled, errorType: lambda.ErrorExit, status: statusError, broken: true, exit: &exit,
	}
}

// exitText is AWS's text for a runtime that ended on its own; nil is one that did
// not say how.
func exitText(exit *sandbox.Exit) string {
	if exit == nil || (exit.Code == 0 && exit.Signal == 0) {
		return "Runtime exited without providing a reason"
	}
	return "Runtime exited with error: " + exit.String()
}

// conclude writes the invocation's last log lines and shapes its result.
func (e *Environment) conclude(inv *lambda.Invocation, end ending) lambda.Result {
	took := time.Since(inv.Start)
	if end.status == statusTimeout {
		took = e.version.Timeout
	}
	r := report{
		id: inv.RequestID, duration: took,
		memoryMB: e.version.MemoryMB, maxUsedMB: e.peak(end),
		status: end.status, errorType: end.errorType,
	}
	result := lambda.Result{Payload: end.payload, FunctionError: end.functionError, ErrorType: end.errorType}
	if e.first != nil {
		r.init = e.first.Init
		result.ColdStart, e.first = e.first, nil
	}
	lines := make([]string, 0, 3)
	if end.errorType == lambda.ErrorExit {
		lines = append(lines, "RequestId: "+string(inv.RequestID)+" Error: "+exitText(end.exit)+"\nRuntime.ExitError\n")
	}
	e.log.drain()
	result.LogTail = e.log.finish(append(lines, e.lines.end(inv.RequestID), e.lines.report(r))...)
	return result
}

// peak is the environment's highest memory use in MB, rounded up. It is read anew
// when the last reading is old or the invoke ended badly.
func (e *Environment) peak(end ending) int {
	if end.exit != nil && end.exit.OutOfMemory {
		e.peakMB = e.version.MemoryMB
		return e.peakMB
	}
	if now := time.Now(); end.status != "" || now.Sub(e.peakAsked) >= e.peakRests {
		before := e.peakMB
		e.peakAsked = now
		if u, err := e.sandbox.Usage(); err == nil {
			mb := int(math.Ceil(float64(u.MemoryPeakBytes) / (1 << 20)))
			e.peakMB = min(max(e.peakMB, mb), e.version.MemoryMB)
		}
		e.peakRests = peakRest(e.peakRests, e.peakMB > before)
	}
	return e.peakMB
}

// peakRest is how long a reading of the memory peak is good for: not long when it has
// just risen, and twice as long as the last when it has not.
func peakRest(last time.Duration, rose bool) time.Duration {
	if rose {
		return peakRestMin
	}
	return min(max(2*last, peakRestMin), peakRestMax)
}

// reset ends the runtime's processes, keeping /tmp and the log stream; the next
// invoke boots it again. The mutex is held.
func (e *Environment) reset(ctx context.Context) {
	e.ready = false
	e.peakRests = 0
	if e.sandbox == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, resetTimeout)
	defer cancel()
	if err := e.sandbox.KillAll(ctx); err != nil {
		e.worker.log.ErrorContext(ctx, "processes of an environment did not end", "sandbox_id", e.id, "error", err)
	}
	if e.process != nil {
		<-e.process.noticed // its end must not be taken for the next one's
		e.process = nil
	}
	e.session.Reset()
}

// resetTimeout bounds the end of an environment's processes; SIGKILL takes
// milliseconds.
const resetTimeout = 5 * time.Second

// thaw lets a frozen environment go on. The mutex is held.
func (e *Environment) thaw(ctx context.Context) error {
	if !e.frozen {
		return nil
	}
	e.frozen = false
	return e.sandbox.Thaw(ctx)
}

// freezeIfIdle freezes the environment when it has been unused for a while. It
// never waits for an invoke.
func (e *Environment) freezeIfIdle(ctx context.Context, after time.Duration) {
	since := e.idleSince.Load()
	if since == 0 || time.Since(time.Unix(0, since)) < after || !e.mu.TryLock() {
		return
	}
	defer e.mu.Unlock()
	if e.frozen || e.closed || !e.ready || e.idleSince.Load() != since {
		return
	}
	if err := e.sandbox.Freeze(ctx); err != nil {
		e.worker.log.ErrorContext(ctx, "an idle environment did not freeze", "sandbox_id", e.id, "error", err)
		return
	}
	e.frozen = true
}

// abort ends the environment's processes under a running invoke.
func (e *Environment) abort(ctx context.Context) {
	if !e.opened.Load() {
		return
	}
	if err := e.sandbox.KillAll(ctx); err != nil {
		e.worker.log.ErrorContext(ctx, "processes of an environment did not end", "sandbox_id", e.id, "error", err)
	}
}

// Close ends the environment and leaves nothing of it on the host. It waits for a
// running invoke; it is idempotent.
func (e *Environment) Close(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil
	}
	e.closed = true
	e.ready = false
	var err error
	if e.session != nil {
		err = e.session.Close()
	}
	e.network.close()
	if e.sandbox != nil {
		err = errors.Join(err, e.sandbox.Destroy(ctx))
	}
	if e.blank != nil {
		err = errors.Join(err, e.blank.unused(e.log))
	}
	if e.log != nil {
		e.log.close()
	}
	for _, entry := range []*code.Entry{e.code, e.layers} {
		if entry != nil {
			entry.Release()
		}
	}
	e.helpers.Wait()
	e.worker.remove(e)
	return err
}
