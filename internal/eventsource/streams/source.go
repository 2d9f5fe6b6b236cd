// Package streams polls what is divided into shards and read by position, such as
// DynamoDB Streams, for functions as Lambda does (Lambda developer guide, "Using
// AWS Lambda with Amazon DynamoDB" and "… with Amazon Kinesis").
//
// It decides which shards are read, parents before their children, what goes into a
// batch, what follows when a function fails, and how far a mapping has come. That is
// on disk before anything counts as done: after a crash records may come again and
// none is left out. How a kind of stream is read and what its records look like is
// its own (Streams); where failed batches are told is node's.
package streams

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/hearthfaas/hearth/internal/eventsource"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

// Streams is one kind of stream as its pollers use it. All is asked for as a caller,
// whose permissions hold.
type Streams interface {
	// Shards are the shards that can be read, in any order.
	Shards(ctx context.Context, as lambda.Caller, arn string) ([]Shard, error)
	// Iterator begins to read a shard at a position. ErrTrimmed says that what it
	// names is not there any more.
	Iterator(ctx context.Context, as lambda.Caller, arn, shard string, p Position) (string, error)
	// Records goes on reading, up to limit records. ErrExpired asks for a new iterator.
	Records(ctx context.Context, as lambda.Caller, iterator string, limit int) (Page, error)
	// Tip is the position behind everything that is in a shard now.
	Tip(ctx context.Context, as lambda.Caller, arn, shard string) (Position, error)
	// Record is a record as a mapping's function gets it, as JSON. roleARN is the
	// execution role.
	Record(r Record, arn, roleARN string) ([]byte, error)
	// Format is what failed batches are called.
	Format() Format
}

// Format is how a kind of stream appears in what is told of a failed batch.
type Format struct {
	BatchInfo  string // the member's name
	TimeLayout string
	// Data names the member of a record whose text may be JSON, for filters.
	Data string
	// RecordsMax is how many records one read may ask for.
	RecordsMax int
	// Retention is how long records can be read.
	Retention time.Duration
}

// Shard is a part of a stream.
type Shard struct {
	ID      string
	Parents []string
}

// PositionKind says what a position is stated in.
type PositionKind string

// The kinds of positions.
const (
	TrimHorizon PositionKind = "TRIM_HORIZON"
	Latest      PositionKind = "LATEST" // of settings only: it is resolved once
	AtTime      PositionKind = "AT_TIMESTAMP"
	After       PositionKind = "AFTER_SEQUENCE_NUMBER"
)

// Position is a place in a shard.
type Position struct {
	Kind     PositionKind `json:"kind"`
	Sequence string       `json:"sequence,omitempty"`
	Time     time.Time    `json:"time,omitzero"`
}

// Record is one record of a shard.
type Record struct {
	Sequence string
	Key      string // records of one key keep their order
	Arrived  time.Time
	Data     any // the stream's own
	text     []byte
}

// Page is what one read found.
type Page struct {
	Records []Record
	Next    string // the iterator to go on with; empty at the end of the shard
}

// The errors that Streams tells apart.
var (
	ErrNoStream = errors.New("streams: no such stream")
	ErrDenied   = errors.New("streams: the role may not read the stream")
	ErrExpired  = errors.New("streams: the iterator has expired")
	ErrTrimmed  = errors.New("streams: the position is not kept any more")
)

// Destinations takes what is told of batches that could not be processed.
type Destinations interface {
	// Deliver sends a body to a queue or topic, or stores it in a bucket under key.
	Deliver(ctx context.Context, as lambda.Caller, arn, key string, body []byte) error
}

// Config is what a Source works with; all is required but Log.
type Config struct {
	Streams      Streams
	Store        store.Store
	Functions    eventsource.Functions
	Runner       eventsource.Runner
	Roles        eventsource.Roles
	Destinations Destinations
	Metrics      eventsource.Metrics
	// Report sets a mapping's LastProcessingResult.
	Report func(uuid, result string)
	Log    *slog.Logger
}

// Source polls streams of one kind.
type Source struct {
	cfg         Config
	checkpoints store.Table[checkpoint]
}

// New returns a Source.
func New(cfg Config) *Source {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Source{cfg: cfg, checkpoints: store.NewTable[checkpoint](cfg.Store, "mapping-checkpoint")}
}

// Check returns nil when the mapping's stream exists and its function's role may
// read it. The error is an InvalidParameterValueException.
func (s *Source) Check(ctx context.Context, m eventsource.Mapping) error {
	f, err := s.cfg.Functions.Find(m.Function, m.Qualifier)
	if err != nil {
		return lambda.Errorf(lambda.CodeInvalidParameterValue, "Function does not exist")
	}
	as, err := s.cfg.Roles.Assume(ctx, f.Version.RoleARN, m.Function)
	if err != nil {
		return err
	}
	shards, err := s.cfg.Streams.Shards(ctx, as, m.SourceARN)
	if err == nil && len(shards) > 0 {
		var iterator string
		if iterator, err = s.cfg.Streams.Iterator(ctx, as, m.SourceARN, shards[0].ID, Position{Kind: TrimHorizon}); err == nil {
			_, err = s.cfg.Streams.Records(ctx, as, iterator, 1)
		}
	}
	if text, ok := explain(err, m.SourceARN); ok {
		return &lambda.Error{Code: lambda.CodeInvalidParameterValue, Message: text}
	}
	return err
}

// explain says in Lambda's words why a stream cannot be read; ok is false for faults
// of ours and for none.
func explain(err error, arn string) (text string, ok bool) {
	switch {
	case errors.Is(err, ErrDenied):
		return fmt.Sprintf("Cannot access stream %s. Please ensure the role can perform the GetRecords, GetShardIterator, DescribeStream, ListShards, and ListStreams Actions on your stream in IAM.", arn), true
	case errors.Is(err, ErrNoStream):
		return "Stream not found: " + arn, true
	}
	if refused, ok := errors.AsType[*lambda.Error](err); ok {
		return refused.Message, true
	}
	return "", false
}

// Sweep meets eventsource.Source.
func (s *Source) Sweep(ctx context.Context, exists func(uuid string) bool) error {
	var gone []store.Change
	for row, err := range s.checkpoints.All(ctx, "") {
		if err != nil {
			return fmt.Errorf("list the checkpoints: %w", err)
		}
		if uuid, _, _ := strings.Cut(row.Key, "/"); !exists(uuid) {
			gone = append(gone, s.checkpoints.DeleteChange(row.Key, 0))
		}
	}
	if len(gone) == 0 {
		return nil
	}
	if _, err := s.cfg.Store.Apply(ctx, gone...); err != nil {
		return fmt.Errorf("forget checkpoints: %w", err)
	}
	return nil
}
