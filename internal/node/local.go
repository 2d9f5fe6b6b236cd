package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/hearthfaas/hearth/internal/awsapi"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/wire"
)

// local is the AWS API as the node's own parts use it on somebody's behalf: a queue's
// poller with the function's execution role, a topic that delivers to a queue. A call
// is authorized and carried out as the same request through the edge would be; only
// the signature and the bytes of the wire are left out.
type local struct {
	authorizer awsapi.Authorizer
	operations map[string]localOperation // by "model:Operation"
}

// localOperation is an operation and the prefix of its IAM action.
type localOperation struct {
	*wire.Operation
	prefix string
}

func newLocal(authorizer awsapi.Authorizer, services []*wire.Service) *local {
	l := &local{authorizer: authorizer, operations: map[string]localOperation{}}
	for _, s := range services {
		for i := range s.Operations {
			l.operations[cmp.Or(s.Model, s.Name)+":"+s.Operations[i].Name] = localOperation{&s.Operations[i], s.Name}
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
	if !op.OwnVerdict {
		resource := ""
		if op.Resource != nil {
			resource = op.Resource(c, in)
		}
		action := op.prefix + ":" + cmp.Or(op.Action, op.Name)
		if err := l.authorizer.AuthorizeOperation(ctx, c, action, cmp.Or(resource, "*"), in); err != nil {
			return nil, err
		}
	}
	return localRun[Out](ctx, op, c, in)
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
	out, err := op.Call(lambda.WithCaller(ctx, c), in)
	if err != nil {
		return nil, err
	}
	typed, ok := out.(*Out)
	if !ok {
		return nil, fmt.Errorf("%s answered a %T", op.Name, out)
	}
	return typed, nil
}
