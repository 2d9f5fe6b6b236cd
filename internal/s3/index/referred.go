package index

import (
	"context"
	"fmt"
	"sync"

	"github.com/hearthfaas/hearth/internal/store"
)

// Referred are the blobs that records refer to, for a sweep of all others. Changes
// go on while it reads, and they move blobs from record to record: from a part to an
// object, from the current version to the older ones and back. A blob that moved
// from where it had not read yet to where it had is in it all the same. A blob that
// was made meanwhile need not be.
func (x *Index) Referred(ctx context.Context) (map[string]struct{}, error) {
	var mu sync.Mutex
	known := map[string]struct{}{}
	add := func(id string) {
		mu.Lock()
		defer mu.Unlock()
		known[id] = struct{}{}
	}
	object := func(o *Object) { add(o.Data) }
	segments := func(all *[]Segment) {
		for i := range *all {
			add((*all)[i].Blob)
		}
	}
	part := func(p *Part) { add(p.Blob) }

	stops := []func(){follow(x.objectT, object), follow(x.versionT, object), follow(x.segmentT, segments), follow(x.partT, part)}
	err := each(ctx, x.objectT, object)
	if err == nil {
		err = each(ctx, x.versionT, object)
	}
	if err == nil {
		err = each(ctx, x.segmentT, segments)
	}
	if err == nil {
		err = each(ctx, x.partT, part)
	}
	// Changes that were seen as done are also told of once their keys are free.
	for i := range x.keys {
		x.keys[i].Lock()
		x.keys[i].Unlock() //nolint:staticcheck // waits for who holds it
	}
	for _, stop := range stops {
		stop()
	}
	mu.Lock()
	defer mu.Unlock()
	read := known
	known = map[string]struct{}{} // for a call that was under way when it was stopped
	return read, err
}

func follow[T any](t store.Table[T], fn func(*T)) (stop func()) {
	return t.Watch(func(e store.RowEvent[T]) {
		if !e.Deleted && e.Err == nil {
			fn(&e.Value)
		}
	})
}

func each[T any](ctx context.Context, t store.Table[T], fn func(*T)) error {
	for row, err := range t.All(ctx, "") {
		if err != nil {
			return fmt.Errorf("read the %s records: %w", t.Kind(), err)
		}
		fn(&row.Value)
	}
	return nil
}
