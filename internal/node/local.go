package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/hearthfaas/hearth/internal/awsapi"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/wire"
	"github.com/hearthfaas/hearth/internal/wire/constraint"
)

// local is the AWS API as the node's own parts use it on somebody's behalf: a queue's
// poller with the function's execution role, a topic that delivers to a queue. A call
// is authorized and carried out as the same request through the edge would be; only
// the signature and the bytes of the wire are left out.
type local struct {
	authorizer awsapi.Authorizer
	operations map[string]localOperation // by "model:Operation"
}

// localOperation is an operation and the service that it is one of.
type localOperation struct {
	*wire.Operation
	service *wire.Service
}

func newLocal(authorizer awsapi.Authorizer, services []*wire.Service) *local {
	l := &local{authorizer: authorizer, operations: map[string]localOperation{}}
	for _, s := range services {
		for i := range s.Operations {
			l.operations[cmp.Or(s.Model, s.Name)+":"+s.Operations[i].Name] = localOperation{&s.Operations[i], s}
		}
	}
	return l
}

// localCall carries out an operation such as "sqs", "SendMessage"; service is
// the Service.Model. Errors are those of
// the operation, and *lambda.Error when the caller may not.
func localCall[Out any](ctx context.Context, l *local, c lambda.Caller, service, name string, in any) (*Out, error) {
	op, err := l.find(service, name)
	if err != nil {
		return nil, err
	}
	if err := l.authorize(ctx, op, c, in); err != nil {
		return nil, err
	}
	return localRun[Out](ctx, op, c, in)
}

func (l *local) authorize(ctx context.Context, op localOperation, c lambda.Caller, in any) error {
	if op.OwnVerdict {
		return nil
	}
	resource := ""
	if op.Resource != nil {
		resource = op.Resource(c, in)
	}
	action := op.service.Name + ":" + cmp.Or(op.Action, op.Name)
	return l.authorizer.AuthorizeOperation(ctx, c, action, cmp.Or(resource, "*"), in)
}

// named carries out an operation whose input is a JSON object with the members' names
// as in the SDKs.
func (l *local) named(ctx context.Context, c lambda.Caller, service, name string, text []byte) error {
	op, err := l.find(service, name)
	if err != nil {
		return err
	}
	in, err := wire.DecodeNamed(op.service, op.Operation, text)
	if err != nil {
		return err
	}
	if err := constraint.For(service).Check(in); err != nil {
		return err
	}
	if err := l.authorize(ctx, op, c, in); err != nil {
		return err
	}
	if c.RequestID == "" {
		c.RequestID = lambda.NewRequestID()
	}
	_, err = op.Call(lambda.WithCaller(wire.WithSent(ctx, nil), c), in)
	return err
}

// localTrusted is localCall for what AWS's services do among themselves and nobody
// need be allowed to, such as telling the event bus of an upload.
func localTrusted[Out any](ctx context.Context, l *local, c lambda.Caller, service, name string, in any) (*Out, error) {
	op, err := l.find(service, name)
	if err != nil {
		return nil, err
	}
	return localRun[Out](ctx, op, c, in)
}

// errNotServed says that an operation is none of this node's.
var errNotServed = errors.New("this node does not serve it")

func (l *local) find(service, name string) (localOperation, error) {
	op, ok := l.operations[service+":"+name]
	if !ok {
		return op, fmt.Errorf("%s:%s: %w", service, name, errNotServed)
	}
	return op, nil
}

func localRun[Out any](ctx context.Context, op localOperation, c lambda.Caller, in any) (*Out, error) {
	if c.RequestID == "" {
		c.RequestID = lambda.NewRequestID()
	}
	out, err := op.Call(lambda.WithCaller(wire.WithSent(ctx, nil), c), in)
	if err != nil {
		return nil, err
	}
	typed, ok := out.(*Out)
	if !ok {
		return nil, fmt.Errorf("%s answered a %T", op.Name, out)
	}
	return typed, nil
}
