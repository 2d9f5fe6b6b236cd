package node

import (
	"cmp"
	"context"
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
	operations map[string]*wire.Operation // by "service:Operation"
}

func newLocal(authorizer awsapi.Authorizer, services []*wire.Service) *local {
	l := &local{authorizer: authorizer, operations: map[string]*wire.Operation{}}
	for _, s := range services {
		for i := range s.Operations {
			l.operations[s.Name+":"+s.Operations[i].Name] = &s.Operations[i]
		}
	}
	return l
}

// localCall carries out an operation such as "sqs", "SendMessage". Errors are those of
// the operation, and *lambda.Error when the caller may not.
func localCall[Out any](ctx context.Context, l *local, c lambda.Caller, service, name string, in any) (*Out, error) {
	op, ok := l.operations[service+":"+name]
	if !ok {
		return nil, fmt.Errorf("this node does not serve %s:%s", service, name)
	}
	if c.RequestID == "" {
		c.RequestID = lambda.NewRequestID()
	}
	ctx = lambda.WithCaller(ctx, c)
	if !op.OwnVerdict {
		resource := ""
		if op.Resource != nil {
			resource = op.Resource(c, in)
		}
		action := service + ":" + cmp.Or(op.Action, op.Name)
		if err := l.authorizer.AuthorizeOperation(ctx, c, action, cmp.Or(resource, "*"), in); err != nil {
			return nil, err
		}
	}
	out, err := op.Call(ctx, in)
	if err != nil {
		return nil, err
	}
	typed, ok := out.(*Out)
	if !ok {
		return nil, fmt.Errorf("%s:%s answered a %T", service, name, out)
	}
	return typed, nil
}
