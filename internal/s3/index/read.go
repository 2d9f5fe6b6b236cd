package index

import (
	"context"
	"errors"
	"fmt"

	"github.com/hearthfaas/hearth/internal/store"
)

// Get returns the current version of a key, which may be a delete marker, or the
// one that version names. Errors are ErrNoBucket, ErrNoObject and ErrNoVersion.
func (x *Index) Get(ctx context.Context, bucket, key, version string) (Object, error) {
	if _, ok := x.Bucket(bucket); !ok {
		return Object{}, ErrNoBucket
	}
	cur, exists, err := x.current(ctx, bucket, key)
	switch {
	case err != nil:
		return Object{}, err
	case version == "" && !exists:
		return Object{}, ErrNoObject
	case version == "" || exists && cur.Version == version:
		return cur, nil
	case !exists:
		return Object{}, ErrNoVersion
	}
	return x.older(ctx, bucket, key, version)
}

func (x *Index) current(ctx context.Context, bucket, key string) (Object, bool, error) {
	o, _, err := x.objectT.Get(ctx, objectKey(bucket, key))
	if errors.Is(err, store.ErrNotFound) {
		return Object{}, false, nil
	}
	if err != nil {
		return Object{}, false, fmt.Errorf("read object %s/%s: %w", bucket, key, err)
	}
	o.Key, o.Latest = key, true
	return o, true, nil
}

// older finds a noncurrent version.
func (x *Index) older(ctx context.Context, bucket, key, version string) (Object, error) {
	if seq, ok := seqOf(version); ok {
		o, _, err := x.versionT.Get(ctx, versionKey(bucket, key, seq))
		if errors.Is(err, store.ErrNotFound) || err == nil && o.Version != version {
			return Object{}, ErrNoVersion
		}
		if err != nil {
			return Object{}, fmt.Errorf("read version of %s/%s: %w", bucket, key, err)
		}
		o.Key = key
		return o, nil
	}
	if version != NullVersion {
		return Object{}, ErrNoVersion
	}
	for row, err := range x.versionT.All(ctx, objectKey(bucket, key)+"\x00") {
		if err != nil {
			return Object{}, fmt.Errorf("read version of %s/%s: %w", bucket, key, err)
		}
		if row.Value.Version == NullVersion {
			row.Value.Key = key
			return row.Value, nil
		}
	}
	return Object{}, ErrNoVersion
}

// newestOlder is the newest noncurrent version of a key and whether more follow.
func (x *Index) newestOlder(ctx context.Context, bucket, key string, but uint64) (o Object, found, more bool, err error) {
	rows, err := x.versionT.List(ctx, objectKey(bucket, key)+"\x00", "", 3)
	if err != nil {
		return o, false, false, fmt.Errorf("read versions of %s/%s: %w", bucket, key, err)
	}
	for _, row := range rows {
		if row.Value.Seq == but {
			continue
		}
		if found {
			return o, true, true, nil
		}
		o, found = row.Value, true
		o.Key = key
	}
	return o, found, false, nil
}

// Alone says whether a current version is all that there is of its key.
func (x *Index) Alone(ctx context.Context, bucket string, o *Object) (bool, error) {
	if !o.Latest || !o.Older {
		return o.Latest, nil
	}
	_, found, _, err := x.newestOlder(ctx, bucket, o.Key, 0)
	return !found, err
}

// Segments returns the parts of an object that has some.
func (x *Index) Segments(ctx context.Context, data string) ([]Segment, error) {
	s, _, err := x.segmentT.Get(ctx, data)
	if err != nil {
		return nil, fmt.Errorf("read segments: %w", err)
	}
	return s, nil
}
