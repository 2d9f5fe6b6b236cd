package iam

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/hearthfaas/hearth/internal/store"
)

const (
	// saveEvery is how often what was used is written down: what a crash can lose of it
	// is a minute, and no request waits for a write of it.
	saveEvery = time.Minute
	// changesMax bounds one transaction of it.
	changesMax = 256
)

// usedRecord is what the sessions of one name of a role asked for.
type usedRecord struct {
	Last    time.Time `json:"last"`
	More    bool      `json:"more,omitempty"`
	Entries []Used    `json:"entries"`
}

// keyUseRecord is the last use of an access key.
type keyUseRecord struct {
	At      time.Time `json:"at"`
	Service string    `json:"service"`
	Region  string    `json:"region,omitempty"`
}

// Run writes down what keys and roles were used for until ctx ends, and once more
// then.
func (s *Service) Run(ctx context.Context) error {
	ticker := time.NewTicker(saveEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if err := s.save(ctx); err != nil {
				s.log.ErrorContext(ctx, "what roles were used for could not be written down", "error", err)
			}
		case <-ctx.Done():
			return s.save(context.WithoutCancel(ctx))
		}
	}
}

// save stores what changed since it was called last. What could not be stored is
// tried again with the next change of the same session.
func (s *Service) save(ctx context.Context) error {
	var changes []store.Change
	for key, rec := range s.used.takeChanged() {
		c := s.usedRows.DeleteChange(key, 0)
		if rec != nil {
			var err error
			if c, err = s.usedRows.PutChange(key, *rec, 0); err != nil {
				return err
			}
		}
		changes = append(changes, c)
	}
	for id, use := range s.keyUses.Range {
		u, ok := use.(keyUse)
		if !ok || u.saved {
			continue
		}
		key, _ := id.(string)
		if _, exists := s.keys.get(key); !exists {
			s.keyUses.Delete(id) // its key was deleted meanwhile
			continue
		}
		c, err := s.keyUseRows.PutChange(key, keyUseRecord{u.at, u.service, u.region}, 0)
		if err != nil {
			return err
		}
		changes = append(changes, c)
		u.saved = true
		s.keyUses.CompareAndSwap(id, use, u)
	}
	for len(changes) > 0 {
		n := min(len(changes), changesMax)
		if _, err := s.store.Apply(ctx, changes[:n]...); err != nil {
			return fmt.Errorf("store what roles and keys were used for: %w", err)
		}
		changes = changes[n:]
	}
	return nil
}

// recall reads what save stored.
func (s *Service) recall(ctx context.Context) error {
	for row, err := range s.usedRows.All(ctx, "") {
		if err != nil {
			return fmt.Errorf("read what roles were used for: %w", err)
		}
		se := &usedSession{last: row.Value.Last, more: row.Value.More, entries: map[[2]string]Used{}}
		for _, u := range row.Value.Entries {
			se.entries[[2]string{u.Action, u.Resource}] = u
		}
		s.used.put(row.Key, se)
	}
	for row, err := range s.keyUseRows.All(ctx, "") {
		if err != nil {
			return fmt.Errorf("read what keys were used for: %w", err)
		}
		s.keyUses.Store(row.Key, keyUse{row.Value.At, strings.Clone(row.Value.Service), row.Value.Region, true})
	}
	return nil
}

// takeChanged is what changed since the last call: nil for what is forgotten.
func (u *usedActions) takeChanged() map[string]*usedRecord {
	u.mu.Lock()
	defer u.mu.Unlock()
	out := map[string]*usedRecord{}
	for _, key := range u.forgotten {
		out[key] = nil
	}
	u.forgotten = nil
	for key, se := range u.sessions {
		if !se.changed {
			continue
		}
		se.changed = false
		rec := &usedRecord{Last: se.last, More: se.more}
		for _, e := range se.entries {
			rec.Entries = append(rec.Entries, e)
		}
		out[key] = rec
	}
	return out
}
