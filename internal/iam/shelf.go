package iam

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/hearthfaas/hearth/internal/store"
)

// shelf is the Store's records of one kind in memory, each in the form T in which
// it is used. Keys begin with the account and a slash, or are the account.
type shelf[R, T any] struct {
	engine  store.Store
	rows    store.Table[R]
	ready   func(key string, revision int64, record R) T
	changed func() // called after every change

	mu    sync.RWMutex
	items map[string]shelved[T]
	// removed is what mirror.removed is.
	removed map[string]int64
}

type shelved[T any] struct {
	item     T
	revision int64
}

func newShelf[R, T any](s store.Store, kind string, changed func(), ready func(string, int64, R) T) *shelf[R, T] {
	return &shelf[R, T]{
		engine: s, rows: store.NewTable[R](s, kind), ready: ready, changed: changed,
		items: map[string]shelved[T]{}, removed: map[string]int64{},
	}
}

// open watches first and reads then, so that no change falls between. It returns
// the end of the watch.
func (h *shelf[R, T]) open(ctx context.Context, log *slog.Logger) (stop func(), err error) {
	stop = h.rows.Watch(func(e store.RowEvent[R]) {
		if e.Err != nil { // what cannot be read allows nothing, as if it were deleted
			log.ErrorContext(context.Background(), "a stored identity cannot be read", "kind", h.rows.Kind(), "key", e.Key, "error", e.Err)
		}
		h.change(e.Row, e.Deleted || e.Err != nil)
	})
	for row, err := range h.rows.All(ctx, "") {
		if err != nil {
			stop()
			return nil, fmt.Errorf("read %s: %w", h.rows.Kind(), err)
		}
		h.change(row, false)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.removed = nil
	return stop, nil
}

func (h *shelf[R, T]) change(row store.Row[R], deleted bool) {
	h.mu.Lock()
	defer h.changed() // after the unlock: whoever sees the new cache sees the new records
	defer h.mu.Unlock()
	if h.removed != nil {
		if h.removed[row.Key] >= row.Revision {
			return
		}
		if deleted {
			h.removed[row.Key] = row.Revision
		}
	}
	if h.items[row.Key].revision >= row.Revision {
		return
	}
	if deleted {
		delete(h.items, row.Key)
		return
	}
	h.items[row.Key] = shelved[T]{h.ready(row.Key, row.Revision, row.Value), row.Revision}
}

func (h *shelf[R, T]) get(key string) (T, bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	i, ok := h.items[key]
	return i.item, ok
}

// of returns an account's items in the order of their keys.
func (h *shelf[R, T]) of(account string) []T {
	type keyed struct {
		key  string
		item T
	}
	var all []keyed
	h.mu.RLock()
	for key, i := range h.items {
		if account == "" || key == account || strings.HasPrefix(key, account+"/") {
			all = append(all, keyed{key, i.item})
		}
	}
	h.mu.RUnlock()
	slices.SortFunc(all, func(a, b keyed) int { return cmp.Compare(a.key, b.key) })
	out := make([]T, len(all))
	for i, k := range all {
		out[i] = k.item
	}
	return out
}

// apply carries out several changes at once.
func (h *shelf[R, T]) apply(ctx context.Context, changes ...store.Change) error {
	_, err := h.engine.Apply(ctx, changes...)
	return err
}
