package restapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/hearthfaas/hearth/internal/apigateway/desk"
	"github.com/hearthfaas/hearth/internal/apigateway/door"
	"github.com/hearthfaas/hearth/internal/apigateway/shelf"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

// Config is what a Service is made of. All members are required.
type Config struct {
	Store store.Store
	Door  *door.Door
	// PassRole says whether the caller in ctx may let API Gateway take a role.
	PassRole desk.PassRole
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

// codeLimit is the exception of quotas.
const codeLimit = "LimitExceededException"

func conflict(format string, args ...any) *lambda.Error {
	return lambda.Errorf(desk.CodeConflict, format, args...)
}

func tooMany(what string) *lambda.Error {
	return lambda.Errorf(codeLimit, "Maximum number of %s has been reached. Please contact AWS if you need additional ones.", what)
}

// get finds an API of the caller.
func (s *Service) get(ctx context.Context, id *string) (*Document, error) {
	e, err := desk.Get(ctx, s.apis, id)
	if err != nil {
		return nil, err
	}
	return e.Doc, nil
}

// edit changes an API of the caller.
func (s *Service) edit(ctx context.Context, id *string, decide func(*Document) error) error {
	return s.change(ctx, id, func(_ shelf.Place, d *Document) ([]store.Change, error) { return nil, decide(d) })
}

// change is edit with changes of other records.
func (s *Service) change(ctx context.Context, id *string, decide func(shelf.Place, *Document) ([]store.Change, error)) error {
	return desk.Edit(ctx, s.apis, id, decide)
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
	return desk.Page(items, size, position)
}

func orDefault(p *string, def string) *string {
	if p == nil || *p == "" {
		return &def
	}
	return p
}
