// Package mem is the store in memory: the same behaviour as the durable engines
// and nothing on disk, for tests and for state that a process may lose.
//
// It decides nothing that the contract in package store leaves open.
package mem

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/hearthfaas/hearth/internal/store"
)

// Store is an in-memory store.Store. The zero value is not ready; use New.
type Store struct {
	watchers store.Watchers

	// applying is held for a whole Apply, so that watchers hear of changes in
	// commit order. It is taken before mu.
	applying sync.Mutex
	// mu guards what follows.
	mu       sync.RWMutex
	kinds    map[string]*kind
	revision int64
	closed   bool
}

// kind is the records of one kind and their keys in order.
type kind struct {
	keys    []string
	records map[string]store.Record
}

var _ store.Store = (*Store)(nil)

// New makes an empty Store.
func New() *Store { return &Store{kinds: map[string]*kind{}} }

// Get returns one record, or store.ErrNotFound.
func (s *Store) Get(ctx context.Context, k, key string) (store.Record, error) {
	if err := ctx.Err(); err != nil {
		return store.Record{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return store.Record{}, store.ErrClosed
	}
	rec, ok := s.record(k, key)
	if !ok {
		return store.Record{}, fmt.Errorf("get %s %q: %w", k, key, store.ErrNotFound)
	}
	return clone(rec), nil
}

// List returns up to limit records in key order.
func (s *Store) List(ctx context.Context, k, prefix, after string, limit int) ([]store.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, store.ErrClosed
	}
	all := s.kinds[k]
	if all == nil {
		return nil, nil
	}
	i, _ := slices.BinarySearch(all.keys, store.PageStart(prefix, after))
	var out []store.Record
	for ; i < len(all.keys) && len(out) < limit && strings.HasPrefix(all.keys[i], prefix); i++ {
		out = append(out, clone(all.records[all.keys[i]]))
	}
	return out, nil
}

// Apply carries out all changes or none.
func (s *Store) Apply(ctx context.Context, changes ...store.Change) ([]store.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.applying.Lock()
	defer s.applying.Unlock()
	out, events, err := s.commit(changes)
	if err != nil {
		return nil, err
	}
	for _, e := range events {
		s.watchers.Tell(e)
	}
	return out, nil
}

func (s *Store) commit(changes []store.Change) ([]store.Record, []store.Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, nil, store.ErrClosed
	}
	for _, c := range changes {
		rec, exists := s.record(c.Kind, c.Key)
		if !c.If.Holds(rec.Revision, exists) {
			return nil, nil, fmt.Errorf("apply %s %q: %w", c.Kind, c.Key, store.ErrConflict)
		}
	}
	out := make([]store.Record, len(changes))
	var events []store.Event
	for i, c := range changes {
		if c.Value == nil {
			if _, exists := s.record(c.Kind, c.Key); !exists {
				continue
			}
			s.revision++
			s.remove(c.Kind, c.Key)
			events = append(events, store.Event{
				Record:  store.Record{Kind: c.Kind, Key: c.Key, Revision: s.revision},
				Deleted: true,
			})
			continue
		}
		s.revision++
		rec := clone(store.Record{Kind: c.Kind, Key: c.Key, Revision: s.revision, Value: c.Value})
		s.put(rec)
		out[i] = clone(rec)
		events = append(events, store.Event{Record: clone(rec)})
	}
	return out, events, nil
}

// Watch registers fn for the changes of a kind.
func (s *Store) Watch(k string, fn func(store.Event)) (stop func()) { return s.watchers.Add(k, fn) }

// Close makes every later call fail with store.ErrClosed.
func (s *Store) Close() error {
	s.applying.Lock()
	defer s.applying.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

func (s *Store) record(k, key string) (store.Record, bool) {
	all := s.kinds[k]
	if all == nil {
		return store.Record{}, false
	}
	rec, ok := all.records[key]
	return rec, ok
}

func (s *Store) put(rec store.Record) {
	all := s.kinds[rec.Kind]
	if all == nil {
		all = &kind{records: map[string]store.Record{}}
		s.kinds[rec.Kind] = all
	}
	if _, exists := all.records[rec.Key]; !exists {
		i, _ := slices.BinarySearch(all.keys, rec.Key)
		all.keys = slices.Insert(all.keys, i, rec.Key)
	}
	all.records[rec.Key] = rec
}

func (s *Store) remove(k, key string) {
	all := s.kinds[k]
	i, _ := slices.BinarySearch(all.keys, key)
	all.keys = slices.Delete(all.keys, i, i+1)
	delete(all.records, key)
}

// clone gives the record a value of its own: callers keep and change theirs.
func clone(rec store.Record) store.Record {
	rec.Value = append(make([]byte, 0, len(rec.Value)), rec.Value...)
	return rec
}
