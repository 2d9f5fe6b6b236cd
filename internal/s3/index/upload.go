package index

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hearthfaas/hearth/internal/store"
)

func uploadKey(bucket, key, id string) string { return bucket + "\x00" + key + "\x00" + id }

func partKey(upload string, number int) string { return fmt.Sprintf("%s\x00%05d", upload, number) }

// CreateUpload begins a multipart upload.
func (x *Index) CreateUpload(ctx context.Context, bucket, key string, u Upload) error {
	_, leave, err := x.enter(bucket, key)
	if err != nil {
		return err
	}
	defer leave()
	if _, err := x.uploadT.Put(ctx, uploadKey(bucket, key, u.ID), u, store.Absent); err != nil {
		return fmt.Errorf("create upload of %s/%s: %w", bucket, key, err)
	}
	return nil
}

// Upload returns an upload, or ErrNoUpload.
func (x *Index) Upload(ctx context.Context, bucket, key, id string) (Upload, error) {
	u, _, err := x.uploadT.Get(ctx, uploadKey(bucket, key, id))
	if errors.Is(err, store.ErrNotFound) {
		return Upload{}, ErrNoUpload
	}
	if err != nil {
		return Upload{}, fmt.Errorf("read upload of %s/%s: %w", bucket, key, err)
	}
	u.Key = key
	return u, nil
}

// Completed returns how an upload was completed, or ErrNoUpload.
func (x *Index) Completed(ctx context.Context, bucket, key, id string) (Completion, error) {
	done, _, err := x.doneT.Get(ctx, uploadKey(bucket, key, id))
	if errors.Is(err, store.ErrNotFound) {
		return Completion{}, ErrNoUpload
	}
	if err != nil {
		return Completion{}, fmt.Errorf("read the completion of %s/%s: %w", bucket, key, err)
	}
	done.Object.Key, done.Object.Latest = key, true
	return done, nil
}

// Forget removes what Completed knows from before a time.
func (x *Index) Forget(ctx context.Context, before time.Time) error {
	after := ""
	for {
		rows, err := x.doneT.List(ctx, "", after, listRows)
		if err != nil {
			return fmt.Errorf("read the completed uploads: %w", err)
		}
		var changes []store.Change
		for _, row := range rows {
			after = row.Key
			if row.Value.Object.Modified.Before(before) {
				changes = append(changes, x.doneT.DeleteChange(row.Key, 0))
			}
		}
		if len(changes) > 0 {
			if _, err := x.store.Apply(ctx, changes...); err != nil {
				return fmt.Errorf("forget the completed uploads: %w", err)
			}
		}
		if len(rows) < listRows {
			return nil
		}
	}
}

// PutPart keeps a part in the place of an earlier one with its number.
func (x *Index) PutPart(ctx context.Context, bucket, key, upload string, p Part) ([]Garbage, error) {
	_, leave, err := x.enter(bucket, key)
	if err != nil {
		return nil, err
	}
	defer leave()
	if _, err := x.Upload(ctx, bucket, key, upload); err != nil {
		return nil, err
	}
	at := partKey(upload, p.Number)
	old, _, err := x.partT.Get(ctx, at)
	var garbage []Garbage
	switch {
	case err == nil:
		garbage = []Garbage{{old.Blob, []string{old.Blob}}}
	case !errors.Is(err, store.ErrNotFound):
		return nil, fmt.Errorf("read part %d of %s/%s: %w", p.Number, bucket, key, err)
	}
	if _, err := x.partT.Put(ctx, at, p, 0); err != nil {
		return nil, fmt.Errorf("put part %d of %s/%s: %w", p.Number, bucket, key, err)
	}
	return garbage, nil
}

// Parts returns up to limit parts with numbers above after.
func (x *Index) Parts(ctx context.Context, upload string, after, limit int) ([]Part, error) {
	rows, err := x.partT.List(ctx, upload+"\x00", partKey(upload, after), limit)
	if err != nil {
		return nil, fmt.Errorf("list parts: %w", err)
	}
	parts := make([]Part, len(rows))
	for i, row := range rows {
		parts[i] = row.Value
	}
	return parts, nil
}

// AbortUpload removes an upload and its parts.
func (x *Index) AbortUpload(ctx context.Context, bucket, key, id string) ([]Garbage, error) {
	_, leave, err := x.enter(bucket, key)
	if err != nil {
		return nil, err
	}
	defer leave()
	if _, err := x.Upload(ctx, bucket, key, id); err != nil {
		return nil, err
	}
	changes, garbage, err := x.dropParts(ctx, id, nil)
	if err != nil {
		return nil, err
	}
	if _, err := x.store.Apply(ctx, append(changes, x.uploadT.DeleteChange(uploadKey(bucket, key, id), 0))...); err != nil {
		return nil, fmt.Errorf("abort upload of %s/%s: %w", bucket, key, err)
	}
	return garbage, nil
}

// dropParts removes the records of an upload's parts; the blobs that are not kept
// are garbage. ErrPartGone says that one which is to be kept was replaced meanwhile.
func (x *Index) dropParts(ctx context.Context, upload string, kept []Segment) ([]store.Change, []Garbage, error) {
	keep := make(map[string]bool, len(kept))
	for _, s := range kept {
		keep[s.Blob] = true
	}
	var changes []store.Change
	var garbage []Garbage
	for row, err := range x.partT.All(ctx, upload+"\x00") {
		if err != nil {
			return nil, nil, fmt.Errorf("read the parts of an upload: %w", err)
		}
		changes = append(changes, x.partT.DeleteChange(row.Key, 0))
		if b := row.Value.Blob; !keep[b] {
			garbage = append(garbage, Garbage{b, []string{b}})
		} else {
			delete(keep, b)
		}
	}
	if len(keep) > 0 {
		return nil, nil, ErrPartGone
	}
	return changes, garbage, nil
}
