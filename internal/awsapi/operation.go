package awsapi

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/wire"
)

// operation carries one request of a registered service from its signature to its
// answer.
func (x *exchange) operation() {
	ctx := x.r.Context()
	s, err := x.edge.identify(ctx, x.r)
	if err != nil && x.unsigned(err) {
		return
	}
	svc, known := x.edge.serviceOf(s.claim.Service, x.r)
	if known {
		x.codec = svc.codec
	}
	if err != nil {
		x.fail(ctx, err)
		return
	}
	if !known {
		x.fail(ctx, lambda.Errorf(lambda.CodeNotImplemented, "Hearth does not serve %q.", s.claim.Service))
		return
	}
	body, err := readBody(x.r, svc.codec.BodyMax(x.r))
	if errors.Is(err, errTooLarge) {
		err = svc.codec.TooLarge(x.r)
	}
	if err != nil {
		x.fail(ctx, err)
		return
	}
	caller, err := x.edge.prove(x.r, &s, x.id, body)
	if err != nil {
		x.fail(ctx, err)
		return
	}
	call, err := svc.codec.Match(x.r, body)
	if err != nil {
		x.fail(ctx, err)
		return
	}
	if err := x.perform(svc, call, caller); err != nil {
		x.fail(lambda.WithCaller(ctx, caller), fmt.Errorf("%s:%s: %w", svc.codec.Service().Name, call.Operation.Name, err))
	}
}

// perform decodes, checks, authorizes and calls an operation, in the order in
// which AWS's answers show that it does.
func (x *exchange) perform(svc *service, call *wire.Call, caller lambda.Caller) error {
	ctx := lambda.WithCaller(x.r.Context(), caller)
	in, err := call.Decode()
	if err != nil {
		return err
	}
	if err := svc.constraints.Check(in); err != nil {
		return err
	}
	op := call.Operation
	if !op.OwnVerdict {
		action := svc.codec.Service().Name + ":" + cmp.Or(op.Action, op.Name)
		resource := "*"
		if op.Resource != nil {
			resource = cmp.Or(op.Resource(caller, in), "*")
		}
		if op.OwnAccount && foreign(resource, caller.Account) {
			return &lambda.Error{Code: lambda.CodeAccessDenied}
		}
		if err := x.edge.cfg.Authorizer.AuthorizeOperation(ctx, caller, action, resource, in); err != nil {
			return err
		}
	}
	out, err := op.Call(wire.WithSent(ctx, call), in)
	if err != nil {
		return err
	}
	// Until an answer is encoded none of it is written, so an error can still be told.
	x.done = true
	if err := call.WriteResult(x.w, string(x.id), out); err != nil {
		x.done = false
		return err
	}
	return nil
}

// foreign says whether a resource is another account's, by its ARN.
func foreign(resource, account string) bool {
	parts := strings.SplitN(resource, ":", 6)
	return len(parts) == 6 && parts[4] != "" && parts[4] != account
}

// invokePath says whether a request is for the Invoke API, and the function it
// names, still percent-encoded.
func invokePath(r *http.Request) (name string, ok bool) {
	return functionPath(r, "/2015-03-31/functions/", "/invocations")
}

// streamPath does the same for InvokeWithResponseStream.
func streamPath(r *http.Request) (name string, ok bool) {
	return functionPath(r, "/2021-11-15/functions/", "/response-streaming-invocations")
}

// functionPath cuts the function's name out of the path of a POST request.
func functionPath(r *http.Request, prefix, suffix string) (name string, ok bool) {
	if r.Method != http.MethodPost {
		return "", false
	}
	rest, ok := strings.CutPrefix(r.URL.EscapedPath(), prefix)
	if !ok {
		return "", false
	}
	name, ok = strings.CutSuffix(strings.TrimSuffix(rest, "/"), suffix)
	return name, ok && name != "" && !strings.Contains(name, "/")
}
