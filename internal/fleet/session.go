package fleet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/rpc"
)

// session is a worker as long as it is there. One that comes back is another.
type session struct {
	hub   *Hub
	id    string // in the fleet
	name  string // in its certificate
	hello Hello
	peer  *rpc.Peer
	// life ends when the worker is lost; its cause says why.
	life context.Context
	end  context.CancelCauseFunc
	// forgotten is closed when nobody is given the worker's environments any more.
	forgotten chan struct{}
	// dead is closed when nothing runs there any more, a little later.
	dead chan struct{}

	mu           sync.Mutex // guards what follows
	status       status
	heard        time.Time // when it told its status
	environments int
	committedMB  int
	of           map[lambda.EnvironmentKey]int
	opening      map[*lambda.Version]struct{}
	code         map[lambda.CodeDigest]struct{}
}

func (s *session) worker(v *lambda.Version) Worker {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := Worker{
		ID: s.id, Name: s.name, Hello: s.hello, Draining: s.status.Draining, Silent: time.Since(s.heard), FreeMB: s.status.FreeMB,
		CommittedMB: s.committedMB, Environments: s.environments, Starting: len(s.opening),
	}
	if v != nil {
		w.Of = s.of[v.Key()]
		_, w.CodeThere = s.code[v.CodeDigest]
	}
	return w
}

// makes says whether an environment is being made of a version with some property.
func (s *session) makes(has func(*lambda.Version) bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for v := range s.opening {
		if has(v) {
			return true
		}
	}
	return false
}

// count takes an environment into the sums, or out of them.
func (s *session) count(v *lambda.Version, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.environments += n
	s.committedMB += n * v.MemoryMB
	if s.of[v.Key()] += n; s.of[v.Key()] == 0 {
		delete(s.of, v.Key())
	}
}

// codesMax bounds what is remembered of a worker's code cache; it is a preference of
// placement's and no more.
const codesMax = 10_000

func (s *session) hasCode(d lambda.CodeDigest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.code) >= codesMax {
		clear(s.code)
	}
	s.code[d] = struct{}{}
}

// ask sends the worker a request.
func (s *session) ask(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	req, err := s.peer.Request(ctx, method, workerPrefix+path)
	if err != nil {
		return nil, err
	}
	req.Header.Set(sessionHeader, s.id)
	if body != nil {
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	return s.peer.RoundTrip(req)
}

// told takes the worker's state.
func (s *session) told(text []byte) error {
	var now status
	if err := json.Unmarshal(text, &now); err != nil {
		return fmt.Errorf("read the worker's state: %w", err)
	}
	s.mu.Lock()
	leaves := now.Draining && !s.status.Draining
	s.status, s.heard = now, time.Now()
	s.mu.Unlock()
	if leaves {
		s.hub.cfg.Left(s.id)
	}
	return nil
}

// drained says that the worker told that it leaves, and nothing is left on it.
func (s *session) drained() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status.Draining && s.environments == 0
}

// suspect looks whether a worker that an event did not reach is still there, so that
// its other environments are not offered when it is not.
func (s *session) suspect() {
	if s.refuses(s.life) {
		s.end(errors.New("its port is closed"))
	}
}

// refuses says that nobody listens at the worker's address.
func (s *session) refuses(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.hello.Addr)
	if err != nil {
		return errors.Is(err, syscall.ECONNREFUSED)
	}
	c.Close()
	return false
}

// awaitDeath returns when what ran for the session has certainly ended: the process is
// gone, or says so, or has had the time to notice that it is alone.
func (s *session) awaitDeath(ctx context.Context) {
	s.mu.Lock()
	over := s.heard.Add(silentMax)
	s.mu.Unlock()
	ctx, cancel := context.WithDeadline(ctx, over)
	defer cancel()
	for ctx.Err() == nil {
		if s.refuses(ctx) {
			pause(ctx, exitGrace)
			return
		}
		if now, err := s.runs(ctx); err == nil && now != s.id {
			return
		}
		pause(ctx, probeEvery)
	}
}

// runs asks the worker for which session things may run there.
func (s *session) runs(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	resp, err := s.ask(ctx, http.MethodGet, "session", nil)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, errorTextMax))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, strings.TrimSpace(string(text)))
	}
	return string(text), err
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// opened is what a worker says of a new environment.
type opened struct {
	ID          lambda.SandboxID `json:"id"`
	Initialised bool             `json:"initialised"`
}

func (s *session) open(ctx context.Context, v *lambda.Version) (_ *Environment, err error) {
	mine := *v // its address tells one opening from another
	s.mu.Lock()
	s.opening[&mine] = struct{}{}
	s.mu.Unlock()
	s.count(v, 1)
	defer func() {
		s.mu.Lock()
		delete(s.opening, &mine)
		s.mu.Unlock()
		if err != nil {
			s.count(v, -1)
		} else {
			s.hasCode(v.CodeDigest)
		}
	}()
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	askCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), openMax)
	defer cancel()
	defer context.AfterFunc(s.life, cancel)()
	// A start that has begun goes on when its invoke was served by another environment.
	defer context.AfterFunc(ctx, func() {
		if !errors.Is(context.Cause(ctx), lambda.ErrNotNeeded) {
			cancel()
		}
	})()
	got, err := s.opened(askCtx, text)
	switch {
	case err == nil:
		return &Environment{session: s, version: v, id: got.ID, initialised: got.Initialised}, nil
	case s.life.Err() != nil:
		return nil, fmt.Errorf("worker %s: %w: %w", s.id, ErrLost, err)
	}
	return nil, err
}

var errNotHeard = errors.New("it did not answer")

func (s *session) opened(ctx context.Context, version []byte) (got opened, err error) {
	resp, err := s.ask(ctx, http.MethodPost, "environments", version)
	if err == nil {
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return got, answeredError(resp)
		}
		err = json.NewDecoder(io.LimitReader(resp.Body, errorTextMax)).Decode(&got)
	}
	if err != nil && ctx.Err() == nil {
		// It may have an environment that nobody knows: it is to begin anew.
		s.end(fmt.Errorf("%w: %w", errNotHeard, err))
	}
	return got, err
}
