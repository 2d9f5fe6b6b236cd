package apigateway

import (
	"context"
	"log/slog"
	"time"

	"github.com/hearthfaas/hearth/internal/apigateway/door"
	"github.com/hearthfaas/hearth/internal/apigateway/httpapi"
	"github.com/hearthfaas/hearth/internal/apigateway/restapi"
	"github.com/hearthfaas/hearth/internal/store"
	"github.com/hearthfaas/hearth/internal/wire"
)

// Config is what a Service is made of. All members are required.
type Config struct {
	Store store.Store
	// Endpoint is where an API is reached, without a slash at the end.
	Endpoint func(id, region string) string
	Peers    door.Peers
	// PassRole says whether the caller in ctx may let API Gateway take a role.
	PassRole func(ctx context.Context, roleARN string) error
	Now      func() time.Time
	Log      *slog.Logger
}

// Service is API Gateway.
type Service struct {
	door *door.Door
	http *httpapi.Service
	rest *restapi.Service
}

// Open reads what is kept. Close it when done.
func Open(ctx context.Context, cfg Config) (*Service, error) {
	s := &Service{door: door.New(cfg.Peers)}
	var err error
	s.http, err = httpapi.Open(ctx, httpapi.Config{
		Store: cfg.Store, Endpoint: cfg.Endpoint, Door: s.door, PassRole: cfg.PassRole, Now: cfg.Now, Log: cfg.Log,
	})
	if err != nil {
		return nil, err
	}
	s.rest, err = restapi.Open(ctx, restapi.Config{Store: cfg.Store, Door: s.door, PassRole: cfg.PassRole, Now: cfg.Now, Log: cfg.Log})
	if err != nil {
		s.http.Close()
		return nil, err
	}
	return s, nil
}

// Run does what is due beside requests until ctx ends.
func (s *Service) Run(ctx context.Context) error { return s.rest.Run(ctx) }

// Close waits for what runs and stops following the store.
func (s *Service) Close() {
	s.door.Wait()
	s.http.Close()
	s.rest.Close()
}

// V1 is the service by which REST APIs are made.
func (s *Service) V1() *wire.Service {
	return &wire.Service{Name: "apigateway", Operations: s.rest.Operations()}
}

// V2 is the service by which HTTP APIs are made.
func (s *Service) V2() *wire.Service {
	return &wire.Service{Name: "apigateway", Model: "apigatewayv2", Operations: s.http.Operations()}
}

// Policy meets what identity asks of a service's resources: those of API Gateway have
// no policies of their own.
func (s *Service) Policy(string) (int64, func() string, bool) { return 0, nil, false }

// Tags are the tags of an API, a stage, an API key or a usage plan.
func (s *Service) Tags(arn string) map[string]string {
	if tags, ok := s.http.Tags(arn); ok {
		return tags
	}
	tags, _ := s.rest.Tags(arn)
	return tags
}
