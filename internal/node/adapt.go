package node

import (
	"context"
	"errors"

	"github.com/hearthfaas/hearth/internal/awsapi"
	"github.com/hearthfaas/hearth/internal/controlplane"
	"github.com/hearthfaas/hearth/internal/counter"
	"github.com/hearthfaas/hearth/internal/fleet"
	"github.com/hearthfaas/hearth/internal/frontend"
	"github.com/hearthfaas/hearth/internal/iam"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/runtimes"
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
	return runnable(err)
}

// runtimeCheck lets the control plane refuse a runtime that no worker can run.
type runtimeCheck struct {
	catalogue *runtimes.Catalogue
	hub       *fleet.Hub // nil where there are no others
}

func (a runtimeCheck) Check(name string) error {
	err := a.catalogue.Check(context.Background(), name)
	if err != nil && a.hub != nil && a.hub.Runs(name) {
		return nil
	}
	return runnable(err)
}
