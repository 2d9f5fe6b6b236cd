// Package desk has what the operations on HTTP APIs and on REST APIs share: where the
// caller's APIs are, how one is changed, what is said of one that is not there, who may
// give it a role, and what policies call it.
//
// It decides nothing about what an API consists of: that is httpapi's and restapi's.
package desk

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/hearthfaas/hearth/internal/apigateway/shelf"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
	"github.com/hearthfaas/hearth/internal/wire"
)

// The exceptions that both services have.
const (
	CodeBadRequest = "BadRequestException"
	CodeConflict   = "ConflictException"
	CodeNotFound   = "NotFoundException"
)

// BadRequest is the error for what is wrong with a request.
func BadRequest(format string, args ...any) *lambda.Error {
	return lambda.Errorf(CodeBadRequest, format, args...)
}

// NotFound is the error for a part of an API that does not exist.
func NotFound(what string) *lambda.Error {
	return lambda.Errorf(CodeNotFound, "Invalid %s identifier specified", what)
}

// NoAPI is the error for an API that does not exist.
func NoAPI(p shelf.Place) *lambda.Error {
	return lambda.Errorf(CodeNotFound, "Invalid API identifier specified %s:%s", p.Account, p.ID)
}

// NotServed is the error for what AWS has and Hearth does not.
func NotServed(what string) *lambda.Error {
	return lambda.Errorf(lambda.CodeNotImplemented, "Hearth does not have %s.", what)
}

// Place is where a document of the caller is.
func Place(ctx context.Context, id *string) shelf.Place {
	c := lambda.CallerFrom(ctx)
	return shelf.Place{Account: c.Account, Region: c.Region, ID: aws.ToString(id)}
}

// SnapshotPlace is where a deployment's snapshot is.
func SnapshotPlace(api shelf.Place, deployment string) shelf.Place {
	api.ID += "." + deployment
	return api
}

// Get finds an API of the caller.
func Get[T any](ctx context.Context, apis *shelf.Shelf[T], id *string) (*shelf.Entry[T], error) {
	p := Place(ctx, id)
	e, ok := apis.Get(p)
	if !ok {
		return nil, NoAPI(p)
	}
	return e, nil
}

// Edit changes an API of the caller, and other records with it.
func Edit[T any](ctx context.Context, apis *shelf.Shelf[T], id *string, decide func(shelf.Place, *T) ([]store.Change, error)) error {
	p := Place(ctx, id)
	err := apis.Edit(ctx, p, func(d *T) ([]store.Change, error) { return decide(p, d) })
	if errors.Is(err, shelf.ErrMissing) {
		return NoAPI(p)
	}
	return err
}

// PassRole says whether the caller in ctx may let API Gateway take a role.
type PassRole func(ctx context.Context, roleARN string) error

// InPlaceOf asks whether the caller may give a role where another was before.
func (pass PassRole) InPlaceOf(ctx context.Context, before, role *string) error {
	if aws.ToString(role) == "" || aws.ToString(role) == aws.ToString(before) {
		return nil
	}
	return pass(ctx, *role)
}

// Put sets a key of a map that may not be there yet.
func Put[T any](m map[string]T, key string, v T) map[string]T {
	if m == nil {
		m = map[string]T{}
	}
	m[key] = v
	return m
}

// Page cuts at most size items out of all, which are named by their keys in order:
// those after a key, nil for the first. next is the last key when there are more.
func Page[T any](items map[string]T, size int, after *string) (out []T, next *string) {
	out = []T{}
	last := ""
	for _, key := range slices.Sorted(maps.Keys(items)) {
		if after != nil && key <= *after {
			continue
		}
		if len(out) == size {
			return out, &last
		}
		out, last = append(out, items[key]), key
	}
	return out, nil
}

// Resource is what policies call a path of the API: arn:aws:apigateway:region::/….
func Resource(c lambda.Caller, path string) string {
	return "arn:aws:apigateway:" + c.Region + "::" + path
}

// On makes an operation on a path whose parts are given by the input. Policies know
// its HTTP method as its action; empty means GET.
func On[In, Out any](name, method string, call func(context.Context, *In) (*Out, error), path func(*In) []*string) wire.Operation {
	op := wire.Op(name, call, func(c lambda.Caller, in *In) string {
		var b strings.Builder
		for _, part := range path(in) {
			b.WriteByte('/')
			b.WriteString(aws.ToString(part))
		}
		return Resource(c, b.String())
	})
	op.Action = cmp.Or(method, "GET")
	return op
}
