package controlplane

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hearthfaas/hearth/internal/lambda"
)

const (
	// settlers is how many functions are made ready at the same time: unpacking is
	// bound by one core and the disk.
	settlers = 2
	// warmMax bounds the preparation of one version's code; the largest package
	// unpacks in a few seconds.
	warmMax = 2 * time.Minute
	// settleRetry is the wait before a transition is tried again whose outcome could
	// not be committed.
	settleRetry = time.Second
	// sweepEvery is how often unused packages are looked for: they cost nothing but
	// room.
	sweepEvery = time.Hour
)

// Run loads the state, closes Ready, and carries out what functions wait for until
// ctx ends: those that an earlier process left pending first. It may be called once.
func (s *Service) Run(ctx context.Context) error {
	first := false
	s.running.Do(func() { first = true })
	if !first {
		return errors.New("controlplane: Run was called twice")
	}
	stop := s.watch()
	defer stop()
	if err := s.load(ctx); err != nil {
		return fmt.Errorf("controlplane: %w", err)
	}
	close(s.ready)

	var g errgroup.Group
	for range settlers {
		g.Go(func() error { s.settleAll(ctx); return nil })
	}
	g.Go(func() error { s.retireAll(ctx); return nil })
	g.Go(func() error { s.settleMappings(ctx); return nil })
	g.Go(func() error { s.provisionAll(ctx); return nil })
	g.Go(func() error { s.sweepAll(ctx); return nil })
	return g.Wait()
}

func (s *Service) settleAll(ctx context.Context) {
	for {
		id, ok := s.unsettled.next(ctx)
		if !ok {
			return
		}
		err := s.settle(ctx, id)
		if err == nil || ctx.Err() != nil {
			continue
		}
		s.cfg.Log.ErrorContext(ctx, "function transition not committed", "function_arn", id.ARN(), "error", err)
		select {
		case <-time.After(settleRetry):
			s.unsettled.add(id)
		case <-ctx.Done():
		}
	}
}

func (s *Service) retireAll(ctx context.Context) {
	for {
		key, ok := s.retired.next(ctx)
		if !ok {
			return
		}
		if s.cfg.Environments != nil {
			s.cfg.Environments.Retire(key)
		}
	}
}

func (s *Service) sweepAll(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		n, err := s.cfg.Codes.Sweep(s.view.referenced)
		if err != nil {
			s.cfg.Log.ErrorContext(ctx, "sweep of unused packages", "error", err)
		}
		if n > 0 {
			s.cfg.Log.InfoContext(ctx, "unused packages removed", "packages", n)
		}
	}
}

// settle carries out a function's transition: it prepares the code of what is
// pending and commits how that went. In a cluster several processes may do so for
// one function; preparing is theirs to share and the second commit changes nothing.
func (s *Service) settle(ctx context.Context, id lambda.FunctionID) error {
	f := s.view.function(id)
	if !f.exists {
		return nil
	}
	outcome := make(map[string]error) // by generation
	prepare := func(label string, v versionRecord) {
		if !unsettledVersion(v) {
			return
		}
		if _, done := outcome[v.Generation]; !done {
			outcome[v.Generation] = s.warm(ctx, runnable(id, label, v.Settings, v.Generation))
		}
	}
	prepare(lambda.Latest, f.record.value.Latest)
	for _, n := range f.numbers() {
		prepare(strconv.Itoa(n), f.versions[n].value)
	}
	if ctx.Err() != nil {
		return nil //nolint:nilerr // the process is leaving; the next one resumes
	}
	return s.edit(ctx, id, func(e *edit) error {
		e.nothing = true
		if !e.f.exists {
			return nil
		}
		if err, ok := outcome[e.record.Latest.Generation]; ok && unsettledVersion(e.record.Latest) {
			e.nothing = false
			settleLatest(&e.record, err)
		}
		for _, n := range e.f.numbers() {
			v := e.f.versions[n].value
			if err, ok := outcome[v.Generation]; ok && unsettledVersion(v) {
				e.nothing = false
				e.putVersion(n, settled(v, err))
			}
		}
		return nil
	})
}

func (s *Service) warm(ctx context.Context, v *lambda.Version) error {
	if s.cfg.Warm == nil {
		return nil
	}
	warmCtx, cancel := context.WithTimeout(ctx, warmMax)
	defer cancel()
	err := s.cfg.Warm(warmCtx, v)
	if err != nil && ctx.Err() == nil {
		s.cfg.Log.ErrorContext(ctx, "function code not prepared",
			"function_arn", v.Function.QualifiedARN(v.Version), "code_digest", string(v.CodeDigest), "error", err)
	}
	return err
}

// settleLatest is the outcome of $LATEST's transition. Invokes go over to the new
// code and configuration when they are ready, and stay with the old when not.
func settleLatest(r *functionRecord, err error) {
	r.Latest = settled(r.Latest, err)
	r.Latest.RevisionID = lambda.NewUUID()
	if err == nil {
		r.Serving = nil
	}
}

// settled is a version after its transition.
func settled(v versionRecord, err error) versionRecord {
	creating := v.Update != updateInProgress
	v.UpdateReason, v.UpdateReasonCode = "", ""
	if err == nil {
		v.State, v.StateReason, v.StateReasonCode = lambda.StateActive, "", ""
		v.Update = updateSuccessful
		return v
	}
	code, reason := codeInternalError, "The function's code could not be prepared."
	if refused, ok := errors.AsType[*lambda.Error](err); ok {
		code, reason = codeInvalidZip, refused.Message
	}
	if creating {
		v.State, v.StateReason, v.StateReasonCode = lambda.StateFailed, reason, code
		return v
	}
	v.Update, v.UpdateReason, v.UpdateReasonCode = updateFailed, reason, code
	return v
}
