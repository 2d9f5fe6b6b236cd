// Package shelf keeps documents, such as whole APIs, durably in the store and decoded
// in memory. A change replaces a document; who reads one sees it whole or not yet.
//
// It does not know what a document means.
package shelf

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/hearthfaas/hearth/internal/store"
)

// ErrMissing says that there is no such document.
var ErrMissing = errors.New("shelf: no such document")

// editAttempts bounds how often a change is decided again because another one came
// first; each attempt that loses means that another's went through.
const editAttempts = 32

// Place is where a document is: documents are keyed by account and region. IDs are
// unique over all of them.
type Place struct{ Account, Region, ID string }

func (p Place) key() string { return p.Account + "/" + p.Region + "/" + p.ID }

func parsePlace(key string) Place {
	account, rest, _ := strings.Cut(key, "/")
	region, id, _ := strings.Cut(rest, "/")
	return Place{account, region, id}
}

// Entry is one version of a document. It is shared and never changed.
type Entry[T any] struct {
	Place
	Revision int64
	Doc      *T

	derive  sync.Once
	derived any
}

// Derive returns what make makes of the document, once for this version of it.
func Derive[T, D any](e *Entry[T], make func(*T) *D) *D {
	e.derive.Do(func() { e.derived = make(e.Doc) })
	d, ok := e.derived.(*D)
	if !ok {
		panic(fmt.Sprintf("shelf: two kinds of things are derived from a %T", e.Doc))
	}
	return d
}

// Shelf keeps the documents of one kind.
type Shelf[T any] struct {
	store store.Store
	table store.Table[T]
	stop  func()
	log   *slog.Logger

	mu      sync.RWMutex // guards entries
	entries map[string]*Entry[T]
}

// Open reads the documents of a kind. Close it when done.
func Open[T any](ctx context.Context, st store.Store, kind string, log *slog.Logger) (*Shelf[T], error) {
	s := &Shelf[T]{store: st, table: store.NewTable[T](st, kind), log: log, entries: map[string]*Entry[T]{}}
	s.stop = s.table.Watch(s.follow)
	for row, err := range s.table.All(ctx, "") {
		if err != nil {
			s.stop()
			return nil, fmt.Errorf("read the records of %s: %w", kind, err)
		}
		s.follow(store.RowEvent[T]{Row: row})
	}
	return s, nil
}

// Close stops following the store.
func (s *Shelf[T]) Close() { s.stop() }

func (s *Shelf[T]) follow(e store.RowEvent[T]) {
	if e.Err != nil {
		s.log.ErrorContext(context.Background(), "a record cannot be read", "kind", s.table.Kind(), "key", e.Key, "error", e.Err)
		return
	}
	p := parsePlace(e.Key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.entries[p.ID]; ok && old.Revision > e.Revision {
		return // read before what the watch has told already
	}
	if e.Deleted {
		delete(s.entries, p.ID)
		return
	}
	s.entries[p.ID] = &Entry[T]{Place: p, Revision: e.Revision, Doc: &e.Value}
}

// Find returns the document with an ID, whoever owns it.
func (s *Shelf[T]) Find(id string) (*Entry[T], bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	e, ok := s.entries[id]
	return e, ok
}

// Get returns a document in its place.
func (s *Shelf[T]) Get(p Place) (*Entry[T], bool) {
	e, ok := s.Find(p.ID)
	return e, ok && e.Place == p
}

// List returns the documents of an account and region in order of their IDs.
func (s *Shelf[T]) List(account, region string) []*Entry[T] {
	s.mu.RLock()
	var out []*Entry[T]
	for _, e := range s.entries {
		if e.Account == account && e.Region == region {
			out = append(out, e)
		}
	}
	s.mu.RUnlock()
	slices.SortFunc(out, func(a, b *Entry[T]) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// Put is the change that puts a document where none is, for More of a Create or Edit.
func (s *Shelf[T]) Put(p Place, doc T) (store.Change, error) {
	return s.table.PutChange(p.key(), doc, 0)
}

// Drop is the change that deletes a document.
func (s *Shelf[T]) Drop(p Place) store.Change { return s.table.DeleteChange(p.key(), 0) }

// Create keeps a new document, together with other changes.
func (s *Shelf[T]) Create(ctx context.Context, p Place, doc T, more ...store.Change) error {
	change, err := s.table.PutChange(p.key(), doc, store.Absent)
	if err != nil {
		return err
	}
	if _, err := s.store.Apply(ctx, append(more, change)...); err != nil {
		return fmt.Errorf("keep %s %s: %w", s.table.Kind(), p.ID, err)
	}
	return nil
}

// Edit changes a copy of a document and keeps it, together with the changes that
// decide returns. When another change comes first decide is asked again; it must have
// no effects of its own. An error of decide is returned as it is.
func (s *Shelf[T]) Edit(ctx context.Context, p Place, decide func(*T) ([]store.Change, error)) error {
	for range editAttempts {
		doc, revision, err := s.table.Get(ctx, p.key())
		if errors.Is(err, store.ErrNotFound) {
			return ErrMissing
		}
		if err != nil {
			return fmt.Errorf("read %s %s: %w", s.table.Kind(), p.ID, err)
		}
		more, err := decide(&doc)
		if err != nil {
			return err
		}
		change, err := s.table.PutChange(p.key(), doc, store.Precondition(revision))
		if err != nil {
			return err
		}
		if _, err = s.store.Apply(ctx, append(more, change)...); err == nil {
			return nil
		}
		if !errors.Is(err, store.ErrConflict) {
			return fmt.Errorf("keep %s %s: %w", s.table.Kind(), p.ID, err)
		}
	}
	return fmt.Errorf("keep %s %s: %w", s.table.Kind(), p.ID, store.ErrConflict)
}

// Delete removes a document together with other changes.
func (s *Shelf[T]) Delete(ctx context.Context, p Place, more ...store.Change) error {
	if _, ok := s.Get(p); !ok {
		return ErrMissing
	}
	if _, err := s.store.Apply(ctx, append(more, s.Drop(p))...); err != nil {
		return fmt.Errorf("delete %s %s: %w", s.table.Kind(), p.ID, err)
	}
	return nil
}

// Clone copies a document.
func Clone[T any](doc *T) (*T, error) {
	text, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	out := new(T)
	return out, json.Unmarshal(text, out)
}
