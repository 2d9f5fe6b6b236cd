package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hearthfaas/hearth/internal/store/filelock"
	"github.com/hearthfaas/hearth/internal/store/groupcommit"
)

// Config is what an engine works with.
type Config struct {
	Dir string           // holds queue.db and the large bodies; it must exist
	Now func() time.Time // nil takes time.Now
	Log *slog.Logger     // nil logs nothing
}

// Engine holds the queues of one process. Its methods may be called from many
// goroutines.
type Engine struct {
	cfg    Config
	lock   *filelock.Lock
	bodies bodies
	key    []byte // of the receipts' codes
	writer *writer

	// closing is closed when Close begins, for those who wait for messages.
	closing chan struct{}

	line *groupcommit.Line[*op] // nil until the writer is there
	end  sync.Once

	// swept is up to which message the janitor has removed what is too old, for each
	// time that queues keep theirs; the janitor's own. unswept is from which one on it
	// is to look again.
	swept   map[time.Duration]int64
	unswept atomic.Int64

	qmu    sync.RWMutex // guards queues and lanes
	queues map[Name]*queue
	lanes  map[int64]*queue
}

// Open opens the queues in a directory, making the files when there are none, and
// starts the one goroutine that writes to them; Close stops it. When another process
// has them open the error is a *filelock.HeldError.
func Open(ctx context.Context, cfg Config) (*Engine, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("open the queues: %w", err)
	}
	path := filepath.Join(dir, "queue.db")
	lock, err := filelock.Acquire(path + ".lock")
	if err != nil {
		return nil, fmt.Errorf("open the queues: %w", err)
	}
	e := &Engine{
		cfg: cfg, lock: lock, bodies: bodies{filepath.Join(dir, "queue-bodies")},
		closing: make(chan struct{}),
		queues:  map[Name]*queue{}, lanes: map[int64]*queue{},
	}
	e.unswept.Store(never)
	if err := e.open(ctx, path); err != nil {
		return nil, errors.Join(fmt.Errorf("open the queues in %s: %w", dir, err), e.release())
	}
	e.line = groupcommit.Start(groupcommit.Config[*op]{
		Commit: e.writer.transact,
		Broken: func() bool { return e.writer.broken != nil },
		Size:   func(o *op) int { return o.size },
		Alone:  func(o *op) bool { return o.alone },
	})
	return e, nil
}

func (e *Engine) open(ctx context.Context, path string) (err error) {
	if e.writer, err = openWriter(ctx, path, e.now, e.cfg.Log); err != nil {
		return err
	}
	if err := e.writer.conn.QueryRowContext(ctx, `SELECT receipt_key FROM secrets`).Scan(&e.key); err != nil {
		return fmt.Errorf("read the key of the receipts: %w", err)
	}
	if err := e.load(ctx); err != nil {
		return err
	}
	return e.bodies.open(ctx, e.writer.conn)
}

// now is the present in milliseconds since 1970.
func (e *Engine) now() int64 { return e.cfg.Now().UnixMilli() }

// submit has the writer carry an operation out and returns once it is on disk. When
// ctx ends before the writer has taken the operation up, nothing is done;
// afterwards ctx no longer matters.
func (e *Engine) submit(ctx context.Context, o *op) error {
	err := e.line.Do(ctx, o)
	if errors.Is(err, groupcommit.ErrClosed) {
		return ErrClosed
	}
	return err
}

// Close waits until every operation that was handed over is on disk and has been
// answered, then closes the files. Closing again does nothing.
func (e *Engine) Close() error {
	e.end.Do(func() { close(e.closing) })
	if !e.line.Close() {
		return nil
	}
	return e.release()
}

func (e *Engine) release() error {
	var errs []error
	if e.writer != nil {
		errs = append(errs, e.writer.close())
	}
	return errors.Join(append(errs, e.lock.Release())...)
}
