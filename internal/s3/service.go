// Package s3 is Amazon S3 for one node: an http.Handler that speaks S3's REST API
// over objects in files and an index in SQLite.
//
// It decides what a request means, whether it may, and what S3 answers. Which
// version of a key is current and what is durable belongs to package index, bytes
// to package blob, verdicts and keys to the identities that it is given, and the
// delivery of notifications to whoever passed Config.Events.
package s3

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hearthfaas/hearth/internal/awsapi/sigv4"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/s3/blob"
	"github.com/hearthfaas/hearth/internal/s3/index"
	"github.com/hearthfaas/hearth/internal/store/sqlite"
)

// The answers of Identities.Lookup for keys that cannot sign.
var (
	ErrUnknownKey = errors.New("s3: unknown access key")
	ErrExpired    = errors.New("s3: expired session")
)

// Identities knows access keys.
type Identities interface {
	// Lookup returns the secret behind an access key and who it is. Errors are
	// ErrUnknownKey, ErrExpired, or a fault of Hearth's own.
	Lookup(ctx context.Context, accessKeyID, sessionToken string) (secret string, caller lambda.Caller, err error)
}

// Question is what Authorizer is asked.
type Question struct {
	Action   string // "s3:GetObject"
	Resource string // an ARN, or "*"
	// Owner is the account of the bucket, which its ARN does not tell; empty when
	// there is no bucket.
	Owner string
	// Policy is the bucket's policy document, empty if none.
	Policy string
	// Keys are condition keys of the request, in lower case.
	Keys map[string][]string
}

// Authorizer says whether a caller may do something.
type Authorizer interface {
	// Authorize returns nil or a *lambda.Error with AWS's text. Those who signed
	// nothing are lambda.PrincipalAnonymous.
	Authorize(ctx context.Context, c lambda.Caller, q Question) error
	// CheckPolicy says what is wrong with a bucket policy, with AWS's text.
	CheckPolicy(document string) error
}

// Config is what S3 is made of. Dir, Identities, Authorizer, Region and Log are required.
type Config struct {
	// Dir is the directory of the index and the objects; it is made when missing.
	Dir        string
	Identities Identities
	Authorizer Authorizer
	// Region is that of requests which name none.
	Region string
	// Now is the clock; nil is the system's.
	Now func() time.Time
	Log *slog.Logger
	// Events takes notifications for delivery. Each is kept on disk in the same
	// transaction as its change, and offered again, also after a restart, until
	// Events has returned nil for it. Nil keeps none.
	Events func(context.Context, Event) error
	// Destination checks that notifications may be sent to where a bucket wants them,
	// by sending a test message where AWS does. Nil accepts every well-formed ARN.
	Destination func(context.Context, DestinationCheck) error
}

// DestinationCheck is what Config.Destination is asked.
type DestinationCheck struct {
	Bucket, Account string // of the bucket
	ARN             string
	TestMessage     []byte // for queues and topics
}

// Service is S3.
type Service struct {
	cfg      Config
	now      func() time.Time
	log      *slog.Logger
	verifier *sigv4.Verifier
	store    *sqlite.Store
	index    *index.Index
	blobs    *blob.Store
	opened   time.Time
	// unclean says that the last process ended without Close.
	unclean bool
}

// mark is the file that is there while the directory is in use.
const mark = "open"

// Open opens the state. Nothing runs until Run.
func Open(ctx context.Context, cfg Config) (*Service, error) {
	if cfg.Dir == "" || cfg.Identities == nil || cfg.Authorizer == nil || cfg.Region == "" || cfg.Log == nil {
		return nil, errors.New("s3: the configuration lacks Dir, Identities, Authorizer, Region or Log")
	}
	s := &Service{cfg: cfg, now: cfg.Now, log: cfg.Log, verifier: sigv4.NewVerifier(), opened: time.Now()}
	if s.now == nil {
		s.now = time.Now
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("open s3: %w", err)
	}
	var err error
	if s.store, err = sqlite.Open(ctx, filepath.Join(cfg.Dir, "index.db"), cfg.Log); err != nil {
		return nil, fmt.Errorf("open s3: %w", err)
	}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open s3: %w", err), s.store.Close())
	}
	return s, nil
}

func (s *Service) open(ctx context.Context) (err error) {
	if s.index, err = index.Open(ctx, s.store); err != nil {
		return err
	}
	if s.blobs, err = blob.Open(filepath.Join(s.cfg.Dir, "objects")); err != nil {
		return err
	}
	path := filepath.Join(s.cfg.Dir, mark)
	if _, err := os.Stat(path); err == nil {
		s.unclean = true
	}
	return os.WriteFile(path, nil, 0o600)
}

// Run delivers notifications, expires what lifecycles say and, after a crash,
// removes the files that nothing refers to, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.expireAll(ctx) })
	if s.cfg.Events != nil {
		g.Go(func() error { return s.deliver(ctx) })
	}
	if s.unclean {
		g.Go(func() error { s.sweep(ctx); return nil })
	}
	return g.Wait()
}

// Close closes the state. No request may be running, and Run must have returned.
func (s *Service) Close() error {
	if err := s.store.Close(); err != nil {
		return err
	}
	os.Remove(filepath.Join(s.cfg.Dir, mark))
	return nil
}

// sweep removes the files that writes left behind when the process died.
func (s *Service) sweep(ctx context.Context) {
	known, err := s.index.Referred(ctx)
	if err == nil {
		var removed int
		removed, err = s.blobs.Sweep(blob.IDAt(s.opened), func(id string) bool { _, ok := known[id]; return ok || ctx.Err() != nil })
		if removed > 0 {
			s.log.InfoContext(ctx, "removed files that an unfinished write left", "files", removed)
		}
	}
	if err != nil && ctx.Err() == nil {
		s.log.WarnContext(ctx, "files of unfinished writes stay", "error", err)
	}
}

// discard removes the blobs that a change left over.
func (s *Service) discard(garbage []index.Garbage) {
	for _, g := range garbage {
		s.blobs.Remove(g.Group, g.Blobs)
	}
}
