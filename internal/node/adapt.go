package node

import (
	"context"
	"errors"
	"fmt"

	"github.com/hearthfaas/hearth/internal/awsapi"
	"github.com/hearthfaas/hearth/internal/controlplane"
	"github.com/hearthfaas/hearth/internal/counter"
	"github.com/hearthfaas/hearth/internal/frontend"
	"github.com/hearthfaas/hearth/internal/iam"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/placement"
	"github.com/hearthfaas/hearth/internal/runtimes"
	"github.com/hearthfaas/hearth/internal/worker"
	"github.com/hearthfaas/hearth/internal/workermanager"
)

// The adapters here let a part meet the interface that a peer declares when only
// the names of the types differ.

// identities shows iam's keys to the edge.
type identities struct{ iam *iam.Service }

func (a identities) Lookup(ctx context.Context, accessKeyID, sessionToken string) (awsapi.Identity, error) {
	id, err := a.iam.Lookup(ctx, accessKeyID, sessionToken)
	switch {
	case errors.Is(err, iam.ErrUnknownKey), errors.Is(err, iam.ErrTokenInvalid):
		return awsapi.Identity{}, awsapi.ErrUnknownKey
	case errors.Is(err, iam.ErrExpiredToken):
		return awsapi.Identity{}, awsapi.ErrExpired
	case err != nil:
		return awsapi.Identity{}, err
	}
	return awsapi.Identity{SecretAccessKey: id.SecretAccessKey, Caller: id.Caller}, nil
}

// functions shows the control plane's functions to the frontend.
type functions struct{ plane *controlplane.Service }

func (a functions) Lookup(id lambda.FunctionID, qualifier string) (frontend.Target, error) {
	t, err := a.plane.Lookup(id, qualifier)
	if err != nil {
		return frontend.Target{}, err
	}
	return frontend.Target{
		Version: t.Version, State: t.State, Refusal: t.Invocable(), RecursionAllowed: t.RecursionAllowed,
	}, nil
}

// invoker shows the frontend to the edge.
type invoker struct {
	frontend *frontend.Frontend[counter.Slot, workermanager.Environment]
}

func (a invoker) Invoke(ctx context.Context, in awsapi.InvokeInput) (awsapi.InvokeOutput, error) {
	out, err := a.frontend.Invoke(ctx, frontend.Input(in))
	if err != nil {
		return awsapi.InvokeOutput{}, invokeError(err)
	}
	return awsapi.InvokeOutput(out), nil
}

func (a invoker) InvokeStream(ctx context.Context, in awsapi.InvokeInput, sink lambda.Sink) (awsapi.InvokeOutput, error) {
	out, err := a.frontend.InvokeStream(ctx, frontend.Input(in), sink)
	if err != nil {
		return awsapi.InvokeOutput{}, invokeError(err)
	}
	return awsapi.InvokeOutput(out), nil
}

// noCapacity is AWS's text for an invoke that no worker has room for. It is no throttle:
// the caller is within its limits.
const noCapacity = "We currently do not have sufficient capacity in the region you requested. " +
	"Our system will be working on provisioning additional capacity. " +
	"You can avoid getting this error by temporarily reducing your request rate."

// invokeError turns what went wrong below the frontend into what the caller sees.
func invokeError(err error) error {
	if errors.Is(err, workermanager.ErrNoCapacity) {
		return lambda.Errorf(lambda.CodeService, noCapacity)
	}
	if missing, ok := errors.AsType[*runtimes.Unavailable](err); ok {
		return lambda.Errorf(lambda.CodeInvalidParameterValue, "%s", missing.Error())
	}
	return err
}

// runtimeCheck lets the control plane refuse a runtime that this host cannot run.
type runtimeCheck struct{ catalogue *runtimes.Catalogue }

func (a runtimeCheck) Check(name string) error {
	err := a.catalogue.Check(context.Background(), name)
	if missing, ok := errors.AsType[*runtimes.Unavailable](err); ok {
		return lambda.Errorf(lambda.CodeInvalidParameterValue, "%s", missing.Error())
	}
	return err
}

// fleet shows this process's one worker to placement and to the worker manager.
type fleet struct {
	worker *worker.Worker
	id     string
	freeMB func() (int, error)
	placer *placement.Placer
}

func newFleet(w *worker.Worker, id string) *fleet {
	f := &fleet{worker: w, id: id, freeMB: availableMB}
	f.placer = placement.New(f)
	return f
}

// Candidates meets placement.Fleet.
func (f *fleet) Candidates(context.Context, placement.Need) ([]placement.Candidate, error) {
	free, err := f.freeMB()
	if err != nil {
		return nil, err
	}
	load := f.worker.Load()
	return []placement.Candidate{{
		WorkerID: f.id, FreeMB: free,
		CommittedMB: load.CommittedMB, CommitMaxMB: load.CommitMaxMB,
		Environments: load.Environments,
	}}, nil
}

// Place meets workermanager.Placer.
func (f *fleet) Place(ctx context.Context, v *lambda.Version) (string, error) {
	id, err := f.placer.Place(ctx, placement.Need{Function: v.Key(), MemoryMB: v.MemoryMB})
	if errors.Is(err, placement.ErrFull) {
		return "", workermanager.ErrNoCapacity
	}
	return id, err
}

// Open meets workermanager.Workers.
func (f *fleet) Open(ctx context.Context, workerID string, v *lambda.Version) (workermanager.Environment, error) {
	if workerID != f.id {
		return nil, fmt.Errorf("there is no worker %q", workerID)
	}
	return f.worker.Open(ctx, v)
}
