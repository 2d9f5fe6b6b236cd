package restapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
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
	Door  *door.Door
	// PassRole says whether the caller in ctx may let API Gateway take a role.
	PassRole func(ctx context.Context, roleARN string) error
	Now      func() time.Time
	Log      *slog.Logger
}

// Service is the REST APIs of a node.
type Service struct {
	cfg       Config
	apis      *shelf.Shelf[Document]
	snapshots *shelf.Shelf[Snapshot]
	keys      *shelf.Shelf[Key]
	plans     *shelf.Shelf[Plan]
	usage     *shelf.Shelf[Usage]
	accounts  *shelf.Shelf[Account]
	byValue   sync.Map // a key's value → its ID; a hint that is checked
	meter     *meter
	closers   []func()
}

// Open reads the APIs. Close it when done.
func Open(ctx context.Context, cfg Config) (_ *Service, err error) {
	s := &Service{cfg: cfg, meter: newMeter()}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	return s, errors.Join(
		open(ctx, s, &s.apis, "apigateway.rest"),
		open(ctx, s, &s.snapshots, "apigateway.rest.deployment"),
		open(ctx, s, &s.keys, "apigateway.key"),
		open(ctx, s, &s.plans, "apigateway.plan"),
		open(ctx, s, &s.usage, "apigateway.usage"),
		open(ctx, s, &s.accounts, "apigateway.account"),
	)
}

func open[T any](ctx context.Context, s *Service, to **shelf.Shelf[T], kind string) error {
	opened, err := shelf.Open[T](ctx, s.cfg.Store, kind, s.cfg.Log)
	if err != nil {
		return fmt.Errorf("open the REST APIs: %w", err)
	}
	*to = opened
	s.closers = append(s.closers, opened.Close)
	return nil
}

// Close stops following the store.
func (s *Service) Close() {
	for _, c := range s.closers {
		c()
	}
}

// The exceptions of the service.
const (
	codeBadRequest = "BadRequestException"
	codeConflict   = "ConflictException"
	codeNotFound   = "NotFoundException"
	codeLimit      = "LimitExceededException"
)

func badRequest(format string, args ...any) *lambda.Error {
	return lambda.Errorf(codeBadRequest, format, args...)
}

func conflict(format string, args ...any) *lambda.Error {
	return lambda.Errorf(codeConflict, format, args...)
}

func notFound(what string) *lambda.Error {
	return lambda.Errorf(codeNotFound, "Invalid %s identifier specified", what)
}

func noAPI(p shelf.Place) *lambda.Error {
	return lambda.Errorf(codeNotFound, "Invalid API identifier specified %s:%s", p.Account, p.ID)
}

func tooMany(what string) *lambda.Error {
	return lambda.Errorf(codeLimit, "Maximum number of %s has been reached. Please contact AWS if you need additional ones.", what)
}

func notServed(what string) *lambda.Error {
	return lambda.Errorf(lambda.CodeNotImplemented, "Hearth does not have %s.", what)
}

// place is where a document of the caller is.
func place(ctx context.Context, id *string) shelf.Place {
	c := lambda.CallerFrom(ctx)
	return shelf.Place{Account: c.Account, Region: c.Region, ID: aws.ToString(id)}
}

// get finds an API of the caller.
func (s *Service) get(ctx context.Context, id *string) (*Document, error) {
	p := place(ctx, id)
	e, ok := s.apis.Get(p)
	if !ok {
		return nil, noAPI(p)
	}
	return e.Doc, nil
}

// edit changes an API of the caller.
func (s *Service) edit(ctx context.Context, id *string, decide func(*Document) error) error {
	return s.change(ctx, id, func(_ shelf.Place, d *Document) ([]store.Change, error) { return nil, decide(d) })
}

// change is edit with changes of other records.
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

// The number of items on a page (API reference, "limit").
const (
	pageDefault = 25
	pageMax     = 500
)

// page cuts a page out of the items, which are named by their keys in order.
func page[T any](items map[string]T, limit *int32, position *string) ([]T, *string) {
	size := pageDefault
	if limit != nil && *limit > 0 {
		size = min(int(*limit), pageMax)
	}
	out := []T{}
	last := ""
	for _, key := range slices.Sorted(maps.Keys(items)) {
		if position != nil && key <= *position {
			continue
		}
		if len(out) == size {
			return out, &last
		}
		out, last = append(out, items[key]), key
	}
	return out, nil
}

// on makes an operation on a path whose parts are given by the input.
func on[In, Out any](name, method string, call func(context.Context, *In) (*Out, error), path func(*In) []*string) wire.Operation {
	op := wire.Op(name, call, func(c lambda.Caller, in *In) string {
		var b strings.Builder
		b.WriteString("arn:aws:apigateway:" + c.Region + "::")
		for _, part := range path(in) {
			b.WriteByte('/')
			b.WriteString(aws.ToString(part))
		}
		return b.String()
	})
	op.Action = cmp.Or(method, "GET")
	return op
}

func orDefault(p *string, def string) *string {
	if p == nil || *p == "" {
		return &def
	}
	return p
}
