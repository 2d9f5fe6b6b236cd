package httpapi

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/hearthfaas/hearth/internal/apigateway/desk"
	"github.com/hearthfaas/hearth/internal/apigateway/door"
	"github.com/hearthfaas/hearth/internal/apigateway/shape"
	"github.com/hearthfaas/hearth/internal/apigateway/shelf"
	"github.com/hearthfaas/hearth/internal/store"
)

// Config is what a Service is made of. All members are required.
type Config struct {
	Store store.Store
	// Endpoint is where an API is reached, without a slash at the end.
	Endpoint func(id, region string) string
	Door     *door.Door
	// PassRole says whether the caller in ctx may let API Gateway take a role.
	PassRole desk.PassRole
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

// codeTooMany is the exception of quotas.
const codeTooMany = "TooManyRequestsException"

// get finds an API of the caller.
func (s *Service) get(ctx context.Context, id *string) (*shelf.Entry[Document], error) {
	return desk.Get(ctx, s.apis, id)
}

// partOf answers for one part of an API, such as a route; of says where it is.
func partOf[Out, T any](ctx context.Context, s *Service, api, id *string, what string, of func(*Document) map[string]T) (*Out, error) {
	e, err := s.get(ctx, api)
	if err != nil {
		return nil, err
	}
	part, ok := of(e.Doc)[aws.ToString(id)]
	if !ok {
		return nil, desk.NotFound(what)
	}
	return shape.As[Out](&part), nil
}

// partsOf is a page of an API's parts of one kind.
func partsOf[T any](ctx context.Context, s *Service, api, max, token *string, of func(*Document) map[string]T) ([]T, *string, error) {
	e, err := s.get(ctx, api)
	if err != nil {
		return nil, nil, err
	}
	return page(of(e.Doc), max, token)
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
	return desk.Edit(ctx, s.apis, id, decide)
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
			return nil, nil, desk.BadRequest("Invalid value for maxResults: %s", *max)
		}
		size = min(n, pageMax)
	}
	out, next := desk.Page(items, size, token)
	return out, next, nil
}
