// Package dynamodb is Amazon DynamoDB with its streams on one machine: tables, items,
// secondary indexes, transactions, expiry by time to live, and the records of changes.
//
// It decides what tables exist, what each operation reads and writes, and what is
// wrong with a request, in AWS's words. It does not decide who may call: data
// operations ask an Authorizer once for each table that they touch, because only they
// know the leading keys; for the others the edge does. How writes become durable and
// in which order they happen is disk's, what expressions mean is expr's, and what
// values are is attr's.
//
// A table and each of its indexes is a space of keys on disk. One goroutine writes; a
// change of an item, of all its index entries and its stream record is one
// transaction, so that an index is never behind its table. Reads see the last commit,
// whether they ask to be consistent or not.
package dynamodb

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/hearthfaas/hearth/internal/dynamodb/disk"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// Authorizer says who may do what to tables, indexes and streams.
type Authorizer interface {
	// Authorize asks whether the caller may do an action, such as "dynamodb:GetItem",
	// to the resource with an ARN. keys answers for the action's own condition keys, in
	// lower case, such as "dynamodb:leadingkeys". A refusal is a *lambda.Error.
	Authorize(ctx context.Context, c lambda.Caller, action, resource string, keys func(key string) ([]string, bool)) error
}

// Config is what a Service needs.
type Config struct {
	// Dir is where the file lies; it is made when it does not exist.
	Dir        string
	Authorizer Authorizer
	// CheckPolicy says what is wrong with a resource policy.
	CheckPolicy func(document string) error
	// Now is the clock; nil takes the system's.
	Now func() time.Time
	// Log is for what an operator should know.
	Log *slog.Logger
}

// Service is DynamoDB. Its methods may be called from many goroutines.
type Service struct {
	cfg  Config
	disk *disk.Store
	// work tells Run that there is something to build or to clear away.
	work chan struct{}
	// sequence is the last number of a stream's record. It belongs to the writer.
	sequence int64

	// mu guards the maps. Tables and streams in them are never changed: a change puts
	// another in their place, on the writer's goroutine.
	mu      sync.RWMutex
	tables  map[Key]*table
	streams map[disk.Space]*stream
	byARN   map[string]disk.Space // of streams
}

// The spaces that hold what is not items: records in JSON under their number.
const (
	spaceTables  disk.Space = 1
	spaceStreams disk.Space = 2
	spaceTrash   disk.Space = 3 // spaces that are to be emptied
	spaceTokens  disk.Space = 4 // of transactions
	spaceAges    disk.Space = 5 // tokens by the time at which they end
)

// Open reads what tables there are. The one goroutine that it starts is the writer,
// which Close stops; Run does what happens by itself. When another process uses the
// directory the error is a *filelock.HeldError.
func Open(ctx context.Context, cfg Config) (*Service, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the tables: %w", err)
	}
	store, err := disk.Open(ctx, filepath.Join(cfg.Dir, "tables.db"), cfg.Log)
	if err != nil {
		return nil, fmt.Errorf("open the tables: %w", err)
	}
	s := &Service{
		cfg: cfg, disk: store, work: make(chan struct{}, 1),
		tables: map[Key]*table{}, streams: map[disk.Space]*stream{}, byARN: map[string]disk.Space{},
	}
	if err := s.load(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open the tables: %w", err), store.Close())
	}
	return s, nil
}

// Close waits for writes that were handed over and closes the file. Run must have
// ended.
func (s *Service) Close() error { return s.disk.Close() }

func (s *Service) load(ctx context.Context) error {
	err := s.disk.Range(ctx, spaceTables, nil, nil, false, func(_, value []byte) (bool, error) {
		var rec tableRecord
		if err := json.Unmarshal(value, &rec); err != nil {
			return false, fmt.Errorf("read a table: %w", err)
		}
		t := newTable(rec)
		s.tables[t.Key] = t
		return true, nil
	})
	if err != nil {
		return err
	}
	// Numbers of records go on from the time, in microseconds, unless the clock went
	// back since the last was given out.
	s.sequence = s.cfg.Now().UnixMicro()
	return s.disk.Range(ctx, spaceStreams, nil, nil, false, func(_, value []byte) (bool, error) {
		var rec streamRecord
		if err := json.Unmarshal(value, &rec); err != nil {
			return false, fmt.Errorf("read a stream: %w", err)
		}
		st := &stream{streamRecord: rec}
		s.streams[rec.ID], s.byARN[st.arn()] = st, rec.ID
		for _, shard := range rec.Shards {
			s.sequence = max(s.sequence, shard.Start, shard.End)
			err := s.disk.Range(ctx, shard.Space, nil, nil, true, func(key, _ []byte) (bool, error) {
				s.sequence = max(s.sequence, int64(binary.BigEndian.Uint64(key)))
				return false, nil
			})
			if err != nil {
				return false, err
			}
		}
		return true, nil
	})
}

// now is the present to the millisecond, as records keep it.
func (s *Service) now() time.Time { return s.cfg.Now().UTC().Truncate(time.Millisecond) }

// wake tells Run that there is something to do.
func (s *Service) wake() {
	select {
	case s.work <- struct{}{}:
	default:
	}
}

// recordKey is the key of a record in its space.
func recordKey(id disk.Space) []byte { return binary.BigEndian.AppendUint64(nil, uint64(id)) }

// putRecord writes a record of a table or a stream.
func putRecord(tx *disk.Tx, in, id disk.Space, record any) error {
	b, err := json.Marshal(record)
	if err != nil {
		return err
	}
	tx.Put(in, recordKey(id), b)
	return nil
}

// alone carries out a change of what tables or streams there are. then shows it in
// memory once it is on disk.
func (s *Service) alone(ctx context.Context, do func(*disk.Tx) (then func(), err error)) error {
	var then func()
	return s.disk.Write(ctx, disk.Write{
		Alone: true,
		Do: func(tx *disk.Tx) (err error) {
			then, err = do(tx)
			return err
		},
		Then: func() {
			if then == nil {
				return
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			then()
		},
	})
}
