package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/hearthfaas/hearth/internal/store/filelock"
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

	// mu guards closed, and is held for reading while an operation hands itself
	// over, so that Close does not close waiting under its feet.
	mu      sync.RWMutex
	closed  bool
	waiting chan *op
	// written is closed once the writer goroutine has ended.
	written chan struct{}

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
		waiting: make(chan *op, waitingMax),
		written: make(chan struct{}),
		queues:  map[Name]*queue{}, lanes: map[int64]*queue{},
	}
	if err := e.open(ctx, path); err != nil {
		return nil, errors.Join(fmt.Errorf("open the queues in %s: %w", dir, err), e.release())
	}
	go func() {
		defer close(e.written)
		e.writer.run(e.waiting)
	}()
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
	o.done = make(chan struct{})
	if err := e.handOver(ctx, o); err != nil {
		return err
	}
	select {
	case <-o.done:
	case <-ctx.Done():
		if o.state.CompareAndSwap(opWaiting, opGivenUp) {
			return ctx.Err()
		}
		<-o.done
	}
	return o.err
}

func (e *Engine) handOver(ctx context.Context, o *op) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.closed {
		return ErrClosed
	}
	select {
	case e.waiting <- o:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close waits until every operation that was handed over is on disk and has been
// answered, then closes the files. Closing again does nothing.
func (e *Engine) Close() error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	close(e.closing)
	close(e.waiting)
	e.mu.Unlock()
	<-e.written
	return e.release()
}

func (e *Engine) release() error {
	var errs []error
	if e.writer != nil {
		errs = append(errs, e.writer.close())
	}
	return errors.Join(append(errs, e.lock.Release())...)
}
