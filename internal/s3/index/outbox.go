package index

import (
	"context"
	"fmt"

	"github.com/hearthfaas/hearth/internal/store"
)

// Notice is a notification that waits for its delivery.
type Notice struct {
	ID       string
	Document []byte
}

// Notices returns up to limit notifications after an id, in the order of the
// changes that caused them.
func (x *Index) Notices(ctx context.Context, after string, limit int) ([]Notice, error) {
	rows, err := x.store.List(ctx, kindOutbox, "", after, limit)
	if err != nil {
		return nil, fmt.Errorf("read the notifications: %w", err)
	}
	out := make([]Notice, len(rows))
	for i, row := range rows {
		out[i] = Notice{row.Key, row.Value}
	}
	return out, nil
}

// Delivered forgets notifications.
func (x *Index) Delivered(ctx context.Context, ids ...string) error {
	changes := make([]store.Change, len(ids))
	for i, id := range ids {
		changes[i] = store.Change{Kind: kindOutbox, Key: id}
	}
	if _, err := x.store.Apply(ctx, changes...); err != nil {
		return fmt.Errorf("forget notifications: %w", err)
	}
	return nil
}

// Noticed has something in it when notifications may have come in.
func (x *Index) Noticed() <-chan struct{} { return x.outbox }

func (x *Index) wakeOutbox() {
	select {
	case x.outbox <- struct{}{}:
	default:
	}
}
