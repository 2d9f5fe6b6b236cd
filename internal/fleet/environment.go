package fleet

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// Environment is an execution environment on a worker.
type Environment struct {
	session     *session
	version     *lambda.Version
	id          lambda.SandboxID
	initialised bool

	closing sync.Mutex // held by who ends it
	closed  bool
}

// ID names the environment.
func (e *Environment) ID() lambda.SandboxID { return e.id }

// Idle has nothing to tell: the worker sees for itself when an invoke ends.
func (e *Environment) Idle() {}

// Initialised says whether the Init phase went well when the environment was made.
func (e *Environment) Initialised() bool { return e.initialised }

// Invoke runs one event and returns how it ended. lambda.ErrNotDelivered says that the
// function has seen nothing of it. After any other error it may have, but it does not
// run any more: whoever is told of the error may give its place to another.
func (e *Environment) Invoke(ctx context.Context, inv *lambda.Invocation) (lambda.Result, error) {
	s := e.session
	if s.life.Err() != nil {
		<-s.forgotten // or the next environment that is tried is as lost
		return lambda.Result{}, fmt.Errorf("worker %s: %w", s.id, lambda.ErrNotDelivered)
	}
	inv.Start = time.Now()
	inv.Deadline = inv.Start.Add(e.version.Timeout)
	ctx = context.WithoutCancel(ctx)
	runCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(s.life, cancel)
	defer stop()
	at := lambda.Address{Worker: s.hello.Addr, Name: s.name, Session: s.id, Environment: e.id}
	var result lambda.Result
	var err error
	if inv.Carrier != nil {
		result, err = inv.Carrier.Carry(runCtx, at, inv)
	} else {
		result, err = Invoke(runCtx, s.peer, at, inv)
	}
	if err == nil {
		return result, nil
	}
	if errors.Is(err, lambda.ErrNotDelivered) {
		s.suspect()
		if s.life.Err() != nil {
			<-s.forgotten
		}
		return lambda.Result{}, err
	}
	e.ended(ctx)
	return lambda.Result{}, err
}

// ended returns when nothing runs in the environment any more: it is closed, or its
// worker is.
func (e *Environment) ended(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, answerSlack)
	defer cancel()
	if e.Close(ctx) == nil && e.session.life.Err() == nil {
		return
	}
	<-e.session.dead
}

// Close ends the environment, and what runs in it. With a lost worker it ends too; a
// worker that does not end it is lost.
func (e *Environment) Close(ctx context.Context) error {
	e.closing.Lock()
	defer e.closing.Unlock()
	if e.closed {
		return nil
	}
	e.closed = true
	s := e.session
	s.count(e.version, -1)
	if s.life.Err() != nil || s.hub.leaving.Load() {
		return nil
	}
	resp, err := s.ask(ctx, http.MethodDelete, "environments/"+string(e.id), nil)
	if err == nil {
		defer resp.Body.Close()
		if resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusGone {
			return nil
		}
		err = answeredError(resp)
	}
	if s.life.Err() != nil {
		return nil // it ends with its worker
	}
	s.end(fmt.Errorf("environment %s was not ended: %w", e.id, err))
	return err
}
