package controlplane

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hearthfaas/hearth/internal/store"
)

// drainMax bounds the wait for a mapping's last invoke: the longest timeout of a
// function and some.
const drainMax = 16 * time.Minute

// settleMappings carries out the transitions of mappings until ctx ends: those that
// an earlier process left first. One that waits for its last invoke holds up no
// other.
func (s *Service) settleMappings(ctx context.Context) {
	var wait sync.WaitGroup
	defer wait.Wait()
	for {
		id, ok := s.unsettledMappings.next(ctx)
		if !ok {
			return
		}
		wait.Go(func() { s.settleMapping(ctx, id) })
	}
}

func (s *Service) settleMapping(ctx context.Context, id mappingID) {
	for ctx.Err() == nil {
		err := s.finishMapping(ctx, id)
		if err == nil || ctx.Err() != nil {
			return
		}
		s.cfg.Log.ErrorContext(ctx, "event source mapping transition not committed", "mapping", id.uuid, "error", err)
		select {
		case <-time.After(settleRetry):
		case <-ctx.Done():
		}
	}
}

// finishMapping brings one mapping to the state that its transition leads to.
func (s *Service) finishMapping(ctx context.Context, id mappingID) error {
	m, ok := s.mappings.get(id)
	if !ok || !m.value.inTransition() {
		return nil
	}
	ending := !m.value.Enabled || m.value.State == mappingDeleting
	if ending && s.cfg.Sources != nil && s.cfg.Sources.Serves(m.value.Kind) {
		drain, cancel := context.WithTimeout(ctx, drainMax)
		defer cancel()
		if err := s.cfg.Sources.Drain(drain, id.uuid); err != nil {
			return fmt.Errorf("drain: %w", err)
		}
	}
	key, at := homeKey(id.home, id.uuid), store.Precondition(m.revision)
	var changes []store.Change
	if m.value.State == mappingDeleting {
		changes = append(changes, s.tables.mappings.DeleteChange(key, at), s.tables.claims.DeleteChange(m.value.Claim, 0))
	} else {
		next := m.value
		next.State = next.settledState()
		change, err := s.tables.mappings.PutChange(key, next, at)
		if err != nil {
			return err
		}
		changes = append(changes, change)
	}
	_, err := s.cfg.Store.Apply(ctx, changes...)
	if errors.Is(err, store.ErrConflict) {
		return nil // another process was faster; its change comes through the store
	}
	return err
}
