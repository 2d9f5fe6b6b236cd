// Package store is what the rest of Hearth asks of durable state. This part of it
// keeps records: small values under a kind and a key, each with a revision, listed
// in key order. What is acknowledged is on disk.
//
// It knows nothing of what a record means. The engines are its members
// (store/sqlite, store/mem) and run the suite in package storetest. Customer logs
// have their own store (package logs), code packages theirs (package code).
package store

import (
	"context"
	"errors"
)

// Store keeps records. Its methods may be called at the same time from many
// goroutines.
type Store interface {
	// Get returns one record, or ErrNotFound.
	Get(ctx context.Context, kind, key string) (Record, error)
	// List returns up to limit records of a kind whose keys begin with prefix and
	// come after the given key (from the beginning when it is empty), in byte order
	// of their keys. limit is at least 1.
	List(ctx context.Context, kind, prefix, after string, limit int) ([]Record, error)
	// Apply carries out all changes or none, durably, and returns the records that
	// were put with their new revisions, in the order of the changes (deleted ones
	// have a zero Record). It fails with ErrConflict when a precondition does not
	// hold.
	Apply(ctx context.Context, changes ...Change) ([]Record, error)
	// Watch calls fn for every change that Apply commits from now on, in commit
	// order, from one goroutine at a time and after the change is durable but
	// before Apply returns to its caller, until the returned stop is called. fn
	// holds up every other writer, so it is quick, and it never calls Apply or
	// Close: that would wait for itself. A call that is under way when stop is
	// called may still end after stop has returned.
	Watch(kind string, fn func(Event)) (stop func())
	// Close waits for pending writes and releases the engine. Later calls of the
	// other methods give ErrClosed.
	Close() error
}

// Record is one stored value.
type Record struct {
	Kind string
	Key  string
	// Revision grows with every change anywhere in the store; it is never reused.
	Revision int64
	Value    []byte
}

// Change is one write of an Apply.
type Change struct {
	Kind string
	Key  string
	// Value is the new value; nil deletes the record. Deleting a record that does
	// not exist is no error.
	Value []byte
	// If is the precondition on the record as it is before the Apply.
	If Precondition
}

// Precondition is what must hold of a record for a change to go through. The zero
// value asks for nothing; Absent asks that the record does not exist; any positive
// value asks for exactly that revision.
type Precondition int64

// Absent asks that the record does not exist yet.
const Absent Precondition = -1

// Holds says whether the precondition is met by a record at that revision, or by
// one that does not exist.
func (p Precondition) Holds(revision int64, exists bool) bool {
	switch {
	case p == 0:
		return true
	case p < 0:
		return !exists
	default:
		return exists && revision == int64(p)
	}
}

// Event is one committed change, as Watch reports it.
type Event struct {
	Record  Record // for a deletion: kind, key and the revision of the deletion
	Deleted bool
}

// The errors that engines return, alone or wrapped.
var (
	ErrNotFound = errors.New("store: no such record")
	ErrConflict = errors.New("store: a precondition does not hold")
	ErrClosed   = errors.New("store: closed")
)
