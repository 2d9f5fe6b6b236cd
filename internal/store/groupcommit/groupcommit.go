// Package groupcommit lets operations that wait at the same time share one transaction
// and one sync to disk: a sync takes as long for a thousand of them as for one.
//
// It decides which operations go together, who carries them out and who hears what
// became of them. What a transaction is, its owner says in Commit.
package groupcommit

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
)

const (
	// WaitingMax is how many operations may wait before further ones block in their
	// callers; it is also the most that share one transaction.
	WaitingMax = 1024
	// BytesMax is how many bytes share one transaction. Beyond it a sync takes long
	// enough that more company saves nothing.
	BytesMax = 8 << 20
)

// ErrClosed is what operations get after Close.
var ErrClosed = errors.New("groupcommit: closed")

// Config says how a Line works; Commit is required. All its functions are called on
// the Line's one goroutine.
type Config[T any] struct {
	// Commit carries a group out in one transaction and returns once it is on disk; an
	// error says that nothing of it happened. What one operation did wrong by itself is
	// that operation's to keep. It is called again for each operation of a group alone
	// when it has refused them together, so that one which is too large for the disk
	// does not fail the others.
	Commit func(group []T) error
	// Broken says that nothing can be committed any more. Nil is never.
	Broken func() bool
	// Size is how many bytes an operation brings. Nil is none.
	Size func(T) int
	// Alone says that an operation shares its transaction with no other. Nil is never.
	Alone func(T) bool
}

// Line is the operations that wait for one writer.
type Line[T any] struct {
	cfg Config[T]

	// mu guards closed, and is held for reading while an operation hands itself over,
	// so that Close does not close waiting under its feet.
	mu      sync.RWMutex
	closed  bool
	waiting chan *op[T]
	ahead   *op[T] // taken from the channel, and to run alone; the writer's
	// written is closed once the writer has ended.
	written chan struct{}
}

// The states of an operation.
const (
	opWaiting int32 = iota
	opTaken
	opGivenUp
)

type op[T any] struct {
	what  T
	state atomic.Int32 // decides between the writer and a caller whose context has ended
	err   error
	done  chan struct{}
}

// Start makes a Line and starts the goroutine that commits; Close stops it.
func Start[T any](cfg Config[T]) *Line[T] {
	l := newLine(cfg)
	go l.run()
	return l
}

func newLine[T any](cfg Config[T]) *Line[T] {
	return &Line[T]{cfg: cfg, waiting: make(chan *op[T], WaitingMax), written: make(chan struct{})}
}

// Do has an operation carried out and returns Commit's error once it is on disk. When
// ctx ends before it was taken up nothing is done; afterwards ctx no longer matters.
func (l *Line[T]) Do(ctx context.Context, what T) error {
	o := &op[T]{what: what, done: make(chan struct{})}
	if err := l.handOver(ctx, o); err != nil {
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

func (l *Line[T]) handOver(ctx context.Context, o *op[T]) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.closed {
		return ErrClosed
	}
	select {
	case l.waiting <- o:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close waits until every operation that was handed over is on disk and has been
// answered. It reports false when the Line was closed already.
func (l *Line[T]) Close() bool {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return false
	}
	l.closed = true
	close(l.waiting)
	l.mu.Unlock()
	<-l.written
	return true
}

// Closed says that Close has begun.
func (l *Line[T]) Closed() bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.closed
}

// run carries out what arrives until waiting is closed and empty.
func (l *Line[T]) run() {
	defer close(l.written)
	for first := range l.waiting {
		for first != nil {
			l.ahead = nil
			l.commit(l.gather(first))
			first = l.ahead
		}
	}
}

// gather takes first and whatever else is waiting already.
func (l *Line[T]) gather(first *op[T]) []*op[T] {
	group, size := []*op[T]{first}, l.size(first)
	for !l.alone(first) && len(group) < WaitingMax && size < BytesMax {
		select {
		case o, ok := <-l.waiting:
			if !ok {
				return group
			}
			if l.alone(o) {
				l.ahead = o
				return group
			}
			group, size = append(group, o), size+l.size(o)
		default:
			return group
		}
	}
	return group
}

func (l *Line[T]) size(o *op[T]) int {
	if l.cfg.Size == nil {
		return 0
	}
	return l.cfg.Size(o.what)
}

func (l *Line[T]) alone(o *op[T]) bool { return l.cfg.Alone != nil && l.cfg.Alone(o.what) }

// commit commits a group and answers every member.
func (l *Line[T]) commit(group []*op[T]) {
	taken := group[:0]
	var all []T
	for _, o := range group {
		if o.state.CompareAndSwap(opWaiting, opTaken) {
			taken, all = append(taken, o), append(all, o.what)
		}
	}
	if len(taken) == 0 {
		return
	}
	err := l.cfg.Commit(all)
	apart := err != nil && len(taken) > 1 && (l.cfg.Broken == nil || !l.cfg.Broken())
	for i, o := range taken {
		if o.err = err; apart {
			o.err = l.cfg.Commit(all[i : i+1])
		}
	}
	for _, o := range taken {
		close(o.done)
	}
}
