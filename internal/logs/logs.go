// Package logs keeps the customers' function logs and serves them as CloudWatch
// Logs: groups, streams, and events by time.
//
// It decides how lines reach the disk without holding up those who print them,
// how long they are kept, and how the API's operations find them again. It does
// not decide who may write or read (awsapi and iam), nor what the lines of an
// invocation look like (their writers). What Hearth itself reports goes to slog.
//
// Groups and streams are records of a store. Events lie in one SQLite file for
// each UTC day, packed into chunks, so that dropping a day is removing a file.
package logs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/hearthfaas/hearth/internal/store"
	"github.com/hearthfaas/hearth/internal/store/sqlite"
)

// Config is what a Service needs.
type Config struct {
	// Dir is where the files lie; it is made when it does not exist.
	Dir string
	// Retention is how long events are kept in groups that have no retention
	// policy of their own; 0 keeps them for good.
	Retention time.Duration
	// Now is the clock; nil takes the system's.
	Now func() time.Time
	// Log is for what an operator should know.
	Log *slog.Logger
}

// Key names a log group.
type Key struct {
	Account string // 12 digits
	Region  string
	Group   string
}

// Event is one line of a log, or several that belong together.
type Event struct {
	Time    time.Time // kept to the millisecond
	Message string
}

// Service is CloudWatch Logs on one machine. Its methods may be called at the
// same time from many goroutines.
type Service struct {
	retention time.Duration
	now       func() time.Time
	log       *slog.Logger

	meta    store.Store
	groups  store.Table[groupRecord]
	streams store.Table[streamRecord]
	trash   store.Table[trashRecord]

	buffer    buffer
	followers followers

	// disk serialises everything that writes: flushes, changes of groups and
	// streams, sweeps. It is taken before mu.
	disk   sync.Mutex
	closed bool
	seq    int64 // of the last event written

	// mu guards index and everything that hangs from it.
	mu    sync.RWMutex
	index index
	days  *days
}

// Open reads what is in the directory. It starts nothing: Run writes what Append
// takes, and so does every query. When another process uses the directory the
// error is a *filelock.HeldError.
func Open(ctx context.Context, cfg Config) (*Service, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("open logs: %w", err)
	}
	meta, err := sqlite.Open(ctx, filepath.Join(cfg.Dir, "groups.db"), cfg.Log)
	if err != nil {
		return nil, fmt.Errorf("open logs: %w", err)
	}
	s := &Service{
		retention: cfg.Retention,
		now:       cfg.Now,
		log:       cfg.Log,
		meta:      meta,
		groups:    store.NewTable[groupRecord](meta, "group"),
		streams:   store.NewTable[streamRecord](meta, "stream"),
		trash:     store.NewTable[trashRecord](meta, "trash"),
		buffer:    newBuffer(),
		index:     newIndex(),
		days:      newDays(cfg.Dir),
	}
	if err := s.load(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open logs: %w", err), s.days.close(), meta.Close())
	}
	return s, nil
}

// sweepEvery is how often Run looks for what retention ends: often enough that a
// day's file goes soon after its time, rare enough not to matter.
const sweepEvery = time.Hour

// Run writes what Append takes and removes what retention ends, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	sweep := time.NewTicker(sweepEvery)
	defer sweep.Stop()
	s.sweepAndLog(ctx)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-sweep.C:
			s.sweepAndLog(ctx)
		case <-s.buffer.filled:
			s.linger(ctx)
			s.flush(context.WithoutCancel(ctx))
		}
	}
}

// flushDelay is how long a line may wait before it is written: the most that a
// killed process loses, and long enough that one write takes many lines.
const flushDelay = 100 * time.Millisecond

// linger waits for company, unless the buffer already holds enough.
func (s *Service) linger(ctx context.Context) {
	t := time.NewTimer(flushDelay)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.buffer.hurry:
	case <-ctx.Done():
	}
}

// Close writes what is still waiting and closes the files. Run must have ended.
func (s *Service) Close() error {
	s.disk.Lock()
	defer s.disk.Unlock()
	if s.closed {
		return nil
	}
	s.buffer.close()
	s.flushLocked(context.Background())
	s.closed = true
	return errors.Join(s.days.close(), s.meta.Close())
}

// errClosed is what operations give after Close.
var errClosed = errors.New("logs: closed")

// Dropped is how many events Append could not keep since Open, because the buffer
// was full or the disk refused them.
func (s *Service) Dropped() int64 { return s.buffer.dropped.Load() }
