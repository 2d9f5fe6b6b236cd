package httpapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/hearthfaas/hearth/internal/apigateway/door"
	"github.com/hearthfaas/hearth/internal/apigateway/shelf"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
	"github.com/hearthfaas/hearth/internal/wire"
)

// Config is what a Service is made of. All members are required.
type Config struct {
	Store store.Store
	// Endpoint is where an API is reached, without a slash at the end.
	Endpoint func(id, region string) string
	Door     *door.Door
	// PassRole says whether the caller in ctx may let API Gateway take a role.
	PassRole func(ctx context.Context, roleARN string) error
	Now      func() time.Time
	Log      *slog.Logger
}

// Service is the HTTP APIs of a node.
type Service struct {
	cfg       Config
	apis      *shelf.Shelf[Document]
	snapshots *shelf.Shelf[Snapshot]
}

// Open reads the APIs. Close it when done.
func Open(ctx context.Context, cfg Config) (*Service, error) {
	s := &Service{cfg: cfg}
	var err error
	if s.apis, err = shelf.Open[Document](ctx, cfg.Store, "apigateway.http", cfg.Log); err != nil {
		return nil, fmt.Errorf("open the HTTP APIs: %w", err)
	}
	if s.snapshots, err = shelf.Open[Snapshot](ctx, cfg.Store, "apigateway.http.deployment", cfg.Log); err != nil {
		s.apis.Close()
		return nil, fmt.Errorf("open the deployments of HTTP APIs: %w", err)
	}
	return s, nil
}

// Close stops following the store.
func (s *Service) Close() {
	s.apis.Close()
	s.snapshots.Close()
}

// The exceptions of the service.
const (
	codeBadRequest = "BadRequestException"
	codeConflict   = "ConflictException"
	codeNotFound   = "NotFoundException"
	codeTooMany    = "TooManyRequestsException"
)

func badRequest(format string, args ...any) *lambda.Error {
	return lambda.Errorf(codeBadRequest, format, args...)
}

func notFound(what string) *lambda.Error {
	return lambda.Errorf(codeNotFound, "Invalid %s identifier specified", what)
}

func noAPI(p shelf.Place) *lambda.Error {
	return lambda.Errorf(codeNotFound, "Invalid API identifier specified %s:%s", p.Account, p.ID)
}

func notServed(what string) *lambda.Error {
	return lambda.Errorf(lambda.CodeNotImplemented, "Hearth does not have %s.", what)
}

// place is where an API of the caller is.
func place(ctx context.Context, id *string) shelf.Place {
	c := lambda.CallerFrom(ctx)
	return shelf.Place{Account: c.Account, Region: c.Region, ID: aws.ToString(id)}
}

// get finds an API of the caller.
func (s *Service) get(ctx context.Context, id *string) (*shelf.Entry[Document], error) {
	p := place(ctx, id)
	e, ok := s.apis.Get(p)
	if !ok {
		return nil, noAPI(p)
	}
	return e, nil
}

// edit changes an API of the caller, and deploys the change where stages do that by
// themselves.
func (s *Service) edit(ctx context.Context, id *string, decide func(shelf.Place, *Document) error) error {
	return s.change(ctx, id, func(p shelf.Place, d *Document) ([]store.Change, error) {
		if err := decide(p, d); err != nil {
			return nil, err
		}
		return s.redeploy(p, d)
	})
}

// change is edit without the deployment.
func (s *Service) change(ctx context.Context, id *string, decide func(shelf.Place, *Document) ([]store.Change, error)) error {
	p := place(ctx, id)
	err := s.apis.Edit(ctx, p, func(d *Document) ([]store.Change, error) { return decide(p, d) })
	if errors.Is(err, shelf.ErrMissing) {
		return noAPI(p)
	}
	return err
}

// mayPass asks whether the caller may give a role where another was before.
func (s *Service) mayPass(ctx context.Context, before, role *string) error {
	if aws.ToString(role) == "" || aws.ToString(role) == aws.ToString(before) {
		return nil
	}
	return s.cfg.PassRole(ctx, *role)
}

// pageMax is how many items one page has when the request asks for no number (the API
// reference names no other).
const pageMax = 500

// page cuts a page out of the items, which are named by their keys in order.
func page[T any](items map[string]T, max, token *string) ([]T, *string, error) {
	size := pageMax
	if max != nil {
		n, err := strconv.Atoi(*max)
		if err != nil || n < 1 {
			return nil, nil, badRequest("Invalid value for maxResults: %s", *max)
		}
		size = min(n, pageMax)
	}
	out := []T{}
	last := ""
	for _, key := range slices.Sorted(maps.Keys(items)) {
		if key <= aws.ToString(token) && token != nil {
			continue
		}
		if len(out) == size {
			return out, &last, nil
		}
		out, last = append(out, items[key]), key
	}
	return out, nil, nil
}

// Resource is what policies call a path of the API: arn:aws:apigateway:region::/….
func Resource(c lambda.Caller, path string) string {
	return "arn:aws:apigateway:" + c.Region + "::" + path
}

// on makes an operation on a path whose parts in braces are taken from the input.
func on[In, Out any](name, method string, call func(context.Context, *In) (*Out, error), path func(*In) []*string) wire.Operation {
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
