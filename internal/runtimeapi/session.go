package runtimeapi

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// Config is what a Session tells the code inside about its function.
type Config struct {
	FunctionName    string
	FunctionVersion string // "$LATEST" or a number
	Handler         string
	AccountID       string // 12 digits, for extensions that ask for it
	Log             *slog.Logger
}

// Session is one execution environment's side of the Runtime API.
type Session struct {
	cfg     Config
	handler http.Handler
	busy    atomic.Bool // an Invoke or AwaitReady is under way

	// mu guards which runtime process the session speaks with.
	mu    sync.Mutex
	guest *guest
}

// New makes the Session of a fresh environment. It starts nothing.
func New(cfg Config) *Session {
	s := &Session{cfg: cfg, guest: newGuest()}
	s.handler = s.routes()
	return s
}

// Handler is the public HTTP API, for runtimes that are not Hearth's own and for
// extensions: the paths under /2018-06-01, /2020-01-01, /2020-08-15, /2021-04-23
// and /2022-07-01.
func (s *Session) Handler() http.Handler { return s.handler }

// Attach hands over Hearth's end of a fresh runtime process's private channel. The
// Session closes it.
func (s *Session) Attach(conn Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.guest.attach(newChannel(conn))
}

func (s *Session) current() *guest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.guest
}

// AwaitReady waits until the runtime and every extension asked for their first
// event, the runtime reported that it cannot initialise, or ctx ended. The error is
// ctx's, or ErrGone when the runtime went away without a word.
func (s *Session) AwaitReady(ctx context.Context) (*Failure, error) {
	if !s.busy.CompareAndSwap(false, true) {
		return nil, ErrBusy
	}
	defer s.busy.Store(false)
	return s.current().awaitReady(ctx)
}

// Invoke hands one invocation to the runtime and returns what it posted; a streamed
// answer goes to the invocation's Sink, when it has one, while it is made. It first
// waits until the runtime has asked for an event, which it may not have done yet
// after the last one.
//
// The error is ctx's when ctx ended first; then the runtime still works, and its
// owner must end it and call Reset. It is ErrGone when the runtime went away, or
// broke the private channel, before it answered, and ErrNotDelivered when that
// happened before it was given the event.
func (s *Session) Invoke(ctx context.Context, inv *lambda.Invocation) (Outcome, error) {
	if !s.busy.CompareAndSwap(false, true) {
		return Outcome{}, ErrBusy
	}
	defer s.busy.Store(false)
	return s.current().invoke(ctx, inv)
}

// Gone tells the Session that the runtime's process has ended. What it posted
// before is still returned; AwaitReady and Invoke do not wait for more.
func (s *Session) Gone() { s.current().end() }

// Reset forgets the runtime and its extensions, after all their processes ended.
// The next runtime starts afresh.
func (s *Session) Reset() {
	s.mu.Lock()
	last := s.guest
	s.guest = newGuest()
	s.mu.Unlock()
	last.end()
	_ = last.close() // its peer is gone
}

// Close ends the Session and whatever waits on it.
func (s *Session) Close() error {
	g := s.current()
	g.end()
	return g.close()
}
