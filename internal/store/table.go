package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"runtime"
	"sync"
)

// Table is a Store's records of one kind, each the JSON of a T. It saves the
// components from encoding for themselves; transactions over several kinds are
// still made with Store.Apply, from PutChange and DeleteChange of their tables.
type Table[T any] struct {
	store Store
	kind  string
}

// Row is one record of a Table.
type Row[T any] struct {
	Key      string
	Revision int64
	Value    T
}

// RowEvent is one committed change of a Table, as Table.Watch reports it.
type RowEvent[T any] struct {
	Row[T]
	Deleted bool
	// Err says that the stored value is no JSON of a T; Value is then zero.
	Err error
}

// NewTable makes the Table of a kind in a Store.
func NewTable[T any](s Store, kind string) Table[T] { return Table[T]{store: s, kind: kind} }

// Kind is the kind of the table's records.
func (t Table[T]) Kind() string { return t.kind }

// Get returns a record's value and revision, or ErrNotFound.
func (t Table[T]) Get(ctx context.Context, key string) (T, int64, error) {
	rec, err := t.store.Get(ctx, t.kind, key)
	if err != nil {
		var zero T
		return zero, 0, err
	}
	row, err := t.Decode(rec)
	return row.Value, row.Revision, err
}

// List returns one page, as Store.List does.
func (t Table[T]) List(ctx context.Context, prefix, after string, limit int) ([]Row[T], error) {
	recs, err := t.store.List(ctx, t.kind, prefix, after, limit)
	if err != nil {
		return nil, err
	}
	rows := make([]Row[T], len(recs))
	for i, rec := range recs {
		if rows[i], err = t.Decode(rec); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// allPage is how many records All reads at a time: enough that the engine's cost
// for each call disappears, few enough that a page of large records fits.
const allPage = 256

// allAhead is how many pages All decodes while its caller is busy with an earlier one:
// decoding costs more than reading, and one more than there are processors is never used.
var allAhead = min(runtime.GOMAXPROCS(0), 4)

// All yields every record whose key begins with prefix, in key order, page by
// page: it is no snapshot. An error ends it. Pages are read and decoded ahead, on
// goroutines that have ended when All does.
func (t Table[T]) All(ctx context.Context, prefix string) iter.Seq2[Row[T], error] {
	return func(yield func(Row[T], error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var workers sync.WaitGroup
		defer workers.Wait()
		defer cancel()
		recs, err := t.store.List(ctx, t.kind, prefix, "", allPage)
		if err != nil {
			yield(Row[T]{}, err)
			return
		}
		if len(recs) < allPage { // most tables are small: nothing to do ahead
			t.decodePage(recs).yield(yield)
			return
		}
		pages := make(chan chan page[T], allAhead)
		whole := false // read once pages is closed
		workers.Go(func() {
			defer close(pages)
			whole = t.readAhead(ctx, prefix, recs, pages, &workers)
		})
		for next := range pages {
			if p := <-next; !p.yield(yield) {
				return
			}
		}
		if !whole {
			yield(Row[T]{}, ctx.Err())
		}
	}
}

// page is some rows of a table, and the error that ends it after them.
type page[T any] struct {
	rows []Row[T]
	err  error
}

// yield passes the page on and says whether more is wanted.
func (p page[T]) yield(yield func(Row[T], error) bool) bool {
	for _, row := range p.rows {
		if !yield(row, nil) {
			return false
		}
	}
	if p.err != nil {
		yield(Row[T]{}, p.err)
		return false
	}
	return true
}

// readAhead reads page after page, has each decoded, and hands on where each will be, in
// order. It returns false when ctx ended before that was all.
func (t Table[T]) readAhead(ctx context.Context, prefix string, recs []Record, pages chan<- chan page[T], workers *sync.WaitGroup) bool {
	for {
		decoded := make(chan page[T], 1)
		select {
		case pages <- decoded:
		case <-ctx.Done():
			return false
		}
		read := recs
		workers.Go(func() { decoded <- t.decodePage(read) })
		if len(read) < allPage {
			return true
		}
		var err error
		if recs, err = t.store.List(ctx, t.kind, prefix, read[len(read)-1].Key, allPage); err != nil {
			failed := make(chan page[T], 1)
			failed <- page[T]{err: err}
			select {
			case pages <- failed:
				return true
			case <-ctx.Done():
				return false
			}
		}
	}
}

func (t Table[T]) decodePage(recs []Record) page[T] {
	p := page[T]{rows: make([]Row[T], 0, len(recs))}
	for _, rec := range recs {
		row, err := t.Decode(rec)
		if err != nil {
			p.err = err
			return p
		}
		p.rows = append(p.rows, row)
	}
	return p
}

// Put stores v under key when the precondition holds and returns its revision.
func (t Table[T]) Put(ctx context.Context, key string, v T, cond Precondition) (int64, error) {
	change, err := t.PutChange(key, v, cond)
	if err != nil {
		return 0, err
	}
	recs, err := t.store.Apply(ctx, change)
	if err != nil {
		return 0, err
	}
	return recs[0].Revision, nil
}

// Delete removes the record under key when the precondition holds.
func (t Table[T]) Delete(ctx context.Context, key string, cond Precondition) error {
	_, err := t.store.Apply(ctx, t.DeleteChange(key, cond))
	return err
}

// PutChange is the Change that Put applies, for an Apply of several. It fails
// when v has no JSON form.
func (t Table[T]) PutChange(key string, v T, cond Precondition) (Change, error) {
	value, err := encode(v)
	if err != nil {
		return Change{}, fmt.Errorf("encode %s %q: %w", t.kind, key, err)
	}
	return Change{Kind: t.kind, Key: key, Value: value, If: cond}, nil
}

// DeleteChange is the Change that Delete applies, for an Apply of several.
func (t Table[T]) DeleteChange(key string, cond Precondition) Change {
	return Change{Kind: t.kind, Key: key, If: cond}
}

// Decode turns a Record of this table's kind into a Row.
func (t Table[T]) Decode(rec Record) (Row[T], error) {
	row := Row[T]{Key: rec.Key, Revision: rec.Revision}
	if err := json.Unmarshal(rec.Value, &row.Value); err != nil {
		var zero T
		row.Value = zero
		return row, fmt.Errorf("decode %s %q: %w", t.kind, rec.Key, err)
	}
	return row, nil
}

// Watch is Store.Watch with the values decoded.
func (t Table[T]) Watch(fn func(RowEvent[T])) (stop func()) {
	return t.store.Watch(t.kind, func(e Event) {
		if e.Deleted {
			fn(RowEvent[T]{Row: Row[T]{Key: e.Record.Key, Revision: e.Record.Revision}, Deleted: true})
			return
		}
		row, err := t.Decode(e.Record)
		fn(RowEvent[T]{Row: row, Err: err})
	})
}

// encode writes v as JSON without HTML escaping, so that what users wrote is
// stored as they wrote it.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
