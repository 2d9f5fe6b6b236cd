// Package frontend is the front door of an invoke, AWS's "Frontend Invoker": it
// resolves the name, asks for the permission, checks size and syntax of the event,
// takes a concurrency slot, gets an environment, and hands the event over.
//
// It does not count (counter), find or make environments (workermanager), or run
// anything (worker). Nothing of the payload is kept or changed on the way.
package frontend

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// Functions resolves names from memory (the control plane meets it).
type Functions interface {
	// Lookup finds what an invoke of a qualifier runs, or the 404 of the Invoke API.
	Lookup(id lambda.FunctionID, qualifier string) (Target, error)
}

// Target is what an invoke runs.
type Target struct {
	Version *lambda.Version
	State   lambda.State
	// Refusal is the error of an invoke in this state; nil when it may go on.
	Refusal error
	// RecursionAllowed lets the function run in loops.
	RecursionAllowed bool

	looping bool // this invoke is one too many of a loop
}

// Authorizer says whether a caller may invoke (iam meets it).
type Authorizer interface {
	Authorize(ctx context.Context, c lambda.Caller, action, resource string) error
}

// Counter holds the concurrency limits (counter meets it).
type Counter[Slot any] interface {
	// Reserve takes a slot for one invoke of a version of a function.
	Reserve(id lambda.FunctionID, version string) (Slot, error)
	Release(Slot)
}

// Environments hands out execution environments (workermanager meets it).
type Environments[E Environment] interface {
	Acquire(ctx context.Context, v *lambda.Version) (env E, cold bool, err error)
	Return(env E, healthy bool)
}

// Environment runs one event at a time.
type Environment interface {
	Invoke(ctx context.Context, inv *lambda.Invocation) (lambda.Result, error)
}

// Observer counts what becomes of invokes (metrics meets it). It is on the path of every
// invoke, so its methods return at once.
type Observer interface {
	// Began says that an invoke has its slot.
	Began(v *lambda.Version, inv *lambda.Invocation) Running
	// Throttled says that an invoke got no slot.
	Throttled(v *lambda.Version, inv *lambda.Invocation)
}

// Running is an invoke that has its slot. One of its methods is called, once.
type Running interface {
	// Ended says that the function ran, and whether it failed.
	Ended(inv *lambda.Invocation, failed bool)
	// Abandoned says that a fault of the platform's kept it from running.
	Abandoned()
}

// Input is an Invoke request as the caller sent it.
type Input struct {
	Caller        lambda.Caller
	FunctionName  string // any form that AWS accepts
	Qualifier     string
	Type          lambda.InvocationType
	LogType       string // "", "None" or "Tail"
	ClientContext string // base64
	TraceID       string
	TenantID      string
	Payload       []byte
	// Carried stands in for Payload when another process holds that; RequestResponse
	// alone can have it.
	Carried *lambda.Carried
}

// Output is how an Invoke request ended.
type Output struct {
	Status          int // 200, 202 or 204
	Result          lambda.Result
	ExecutedVersion string
	TraceID         string
}

// Frontend carries out invokes.
type Frontend[Slot any, E Environment] struct {
	functions    Functions
	authorizer   Authorizer
	counter      Counter[Slot]
	environments Environments[E]
	async        Async
	observer     Observer
	log          *slog.Logger
}

// New returns a frontend.
func New[Slot any, E Environment](
	f Functions, a Authorizer, c Counter[Slot], e Environments[E], async Async, o Observer, log *slog.Logger,
) *Frontend[Slot, E] {
	return &Frontend[Slot, E]{functions: f, authorizer: a, counter: c, environments: e, async: async, observer: o, log: log}
}

// Invoke runs one event. A function that failed is an output. Refusals are
// *lambda.Error; the checks come in AWS's order: name, region, account, existence,
// permission, size, syntax, state, concurrency.
func (f *Frontend[Slot, E]) Invoke(ctx context.Context, in Input) (Output, error) {
	target, inv, err := f.admit(ctx, in)
	if err != nil {
		return Output{}, err
	}
	switch in.Type {
	case lambda.DryRun:
		return Output{Status: 204, ExecutedVersion: target.Version.Version}, nil
	case lambda.Event:
		return f.accept(ctx, in, inv, target.looping)
	case lambda.RequestResponse:
	}
	if target.Refusal != nil {
		return Output{}, target.Refusal
	}
	result, err := f.run(ctx, target.Version, inv)
	if err != nil {
		return Output{}, err
	}
	return Output{Status: 200, Result: result, ExecutedVersion: target.Version.Version, TraceID: inv.TraceID}, nil
}

// admit makes the checks up to the event's syntax and returns what an invoke runs.
func (f *Frontend[Slot, E]) admit(ctx context.Context, in Input) (Target, *lambda.Invocation, error) {
	id, qualifier, err := resolve(in)
	if err != nil {
		return Target{}, nil, err
	}
	target, err := f.functions.Lookup(id, qualifier)
	if err != nil && id.Account == in.Caller.Account {
		return Target{}, nil, err
	}
	// Callers from elsewhere learn only with a permission what does not exist.
	invoked := id.QualifiedARN(qualifier)
	if refused := f.authorizer.Authorize(ctx, in.Caller, "lambda:InvokeFunction", invoked); refused != nil {
		return Target{}, nil, refused
	}
	if err != nil {
		return Target{}, nil, err
	}
	if target.Version, err = tenanted(target.Version, in.TenantID); err != nil {
		return Target{}, nil, err
	}
	inv, err := invocation(in, invoked)
	if err != nil {
		return Target{}, nil, err
	}
	function, looping := invoked, false
	if qualifier != "" {
		function = id.ARN()
	}
	inv.TraceID, looping = follow(inv.TraceID, function)
	if target.looping = looping && !target.RecursionAllowed; target.looping && in.Type == lambda.RequestResponse {
		return Target{}, nil, errRecursive(id)
	}
	return target, inv, nil
}

// run takes a slot and an environment, and gives both back on every path.
func (f *Frontend[Slot, E]) run(ctx context.Context, v *lambda.Version, inv *lambda.Invocation) (lambda.Result, error) {
	slot, err := f.counter.Reserve(v.Function, v.Version)
	if err != nil {
		f.observer.Throttled(v, inv)
		return lambda.Result{}, err
	}
	defer f.counter.Release(slot)
	running, ran := f.observer.Began(v, inv), false
	defer func() {
		if !ran {
			running.Abandoned()
		}
	}()
	// A caller that goes away does not end its invocation.
	ctx = context.WithoutCancel(ctx)
	result, cold, err := f.deliver(ctx, v, inv)
	if err != nil {
		return lambda.Result{}, err
	}
	ran = true
	running.Ended(inv, result.FunctionError != "")
	if !cold {
		result.ColdStart = nil // somebody else's wait made this environment
	}
	return result, nil
}

// deliverMax is how many environments an event is offered to: those of a worker that is
// lost look well until that is noticed.
const deliverMax = 3

// deliver has the event run in an environment. One that the function cannot have seen
// is offered to another.
func (f *Frontend[Slot, E]) deliver(ctx context.Context, v *lambda.Version, inv *lambda.Invocation) (result lambda.Result, cold bool, err error) {
	for range deliverMax {
		var env E
		if env, cold, err = f.environments.Acquire(ctx, v); err != nil {
			return lambda.Result{}, false, fmt.Errorf("acquire an environment of %s: %w", v.Function.ARN(), err)
		}
		if result, err = f.runIn(ctx, env, inv); !errors.Is(err, lambda.ErrNotDelivered) {
			break
		}
	}
	if err != nil {
		return lambda.Result{}, false, fmt.Errorf("invoke %s: %w", v.Function.ARN(), err)
	}
	return result, cold, nil
}

// runIn runs the event in an environment and gives that back.
func (f *Frontend[Slot, E]) runIn(ctx context.Context, env E, inv *lambda.Invocation) (lambda.Result, error) {
	healthy := false
	defer func() { f.environments.Return(env, healthy) }()
	result, err := env.Invoke(ctx, inv)
	healthy = err == nil
	return result, err
}

// resolve finds the function and qualifier that a request names.
func resolve(in Input) (lambda.FunctionID, string, error) {
	if e := checkType(in); e != nil {
		return lambda.FunctionID{}, "", e
	}
	ref, ok := lambda.ParseFunctionRef(in.FunctionName)
	if !ok {
		return lambda.FunctionID{}, "", lambda.Errorf(lambda.CodeValidation,
			"1 validation error detected: Value '%s' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: %s",
			in.FunctionName, lambda.FunctionNamePattern)
	}
	if ref.Region != "" && ref.Region != in.Caller.Region {
		return lambda.FunctionID{}, "", lambda.Errorf(lambda.CodeResourceNotFound,
			"Functions from '%s' are not reachable in this region ('%s')", ref.Region, in.Caller.Region)
	}
	qualifier := in.Qualifier
	switch {
	case qualifier == "":
		qualifier = ref.Qualifier
	case ref.Qualifier != "" && ref.Qualifier != qualifier:
		return lambda.FunctionID{}, "", lambda.Errorf(lambda.CodeInvalidParameterValue,
			"The derived qualifier from the function name does not match the specified qualifier.")
	}
	id := lambda.FunctionID{Account: in.Caller.Account, Region: in.Caller.Region, Name: ref.Name}
	if ref.Account != "" {
		id.Account = ref.Account
	}
	return id, qualifier, nil
}

// checkType validates the enumerated headers as AWS's request framework does.
func checkType(in Input) *lambda.Error {
	types := []lambda.InvocationType{lambda.Event, lambda.RequestResponse, lambda.DryRun}
	if !slices.Contains(types, in.Type) {
		return lambda.Errorf(lambda.CodeValidation,
			"1 validation error detected: Value '%s' at 'invocationType' failed to satisfy constraint: Member must satisfy enum value set: [Event, RequestResponse, DryRun]", in.Type)
	}
	if !slices.Contains([]string{"", "None", "Tail"}, in.LogType) {
		return lambda.Errorf(lambda.CodeValidation,
			"1 validation error detected: Value '%s' at 'logType' failed to satisfy constraint: Member must satisfy enum value set: [None, Tail]", in.LogType)
	}
	return nil
}

// emptyEvent is what a function sees when the caller sent no body.
var emptyEvent = []byte("{}")

// invocation checks the event and shapes it for the environment.
func invocation(in Input, invokedARN string) (*lambda.Invocation, error) {
	limit := lambda.PayloadMax
	if in.Type == lambda.Event {
		limit = lambda.EventPayloadMax
	}
	size := len(in.Payload)
	if in.Carried != nil {
		size = in.Carried.Size
	}
	if size > limit {
		return nil, &lambda.Error{
			Code: lambda.CodeRequestEntityTooLarge, Bare: true,
			Message: fmt.Sprintf("%d byte payload is too large for the %s invocation type (limit %d bytes)", size, in.Type, limit),
		}
	}
	payload, fault := in.Payload, ""
	switch {
	case size == 0:
		payload = emptyEvent
	case in.Carried != nil:
		fault = in.Carried.Fault
	default:
		fault = Fault(payload)
	}
	if fault != "" {
		return nil, lambda.Errorf(lambda.CodeInvalidRequestContent,
			"Could not parse request body into json: Could not parse payload into json: %s", fault)
	}
	clientContext, err := decodeClientContext(in.ClientContext)
	if err != nil {
		return nil, err
	}
	trace := in.TraceID
	if trace == "" {
		trace = newTraceID()
	}
	inv := &lambda.Invocation{
		RequestID:          in.Caller.RequestID,
		InvokedFunctionARN: invokedARN,
		TraceID:            trace,
		ClientContext:      clientContext,
		TenantID:           in.TenantID,
		Payload:            payload,
		Tail:               in.LogType == "Tail",
	}
	if in.Carried != nil {
		inv.Carrier = in.Carried.Carrier
	}
	return inv, nil
}

// decodeClientContext returns the JSON of an X-Amz-Client-Context on one line.
func decodeClientContext(encoded string) (string, error) {
	if encoded == "" {
		return "", nil
	}
	if len(encoded) > lambda.ClientContext {
		return "", lambda.Errorf(lambda.CodeInvalidRequestContent,
			"Client context must be no more than %d bytes when base64-encoded.", lambda.ClientContext)
	}
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || !json.Valid(raw) {
		return "", lambda.Errorf(lambda.CodeInvalidRequestContent, "Client context must be a valid Base64-encoded JSON object.")
	}
	return compact(raw)
}
