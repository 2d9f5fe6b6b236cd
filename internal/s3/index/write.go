package index

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hearthfaas/hearth/internal/store"
)

// Write is a new version of an object.
type Write struct {
	// Object is the version; its Version, Seq and Older are decided here.
	Object Object
	// Segments are the object's parts when Object.Parts is not zero.
	Segments []Segment
	// If is asked before anything is written; cur is nil when there is no object or
	// a delete marker. Its error ends the write. Nil asks nothing.
	If func(cur *Object) error
	// Upload is the multipart upload that this completes, empty if none.
	Upload string
	// Completed is the Completion.Digest of that, which is kept with the object.
	Completed string
	// Notify returns the notifications of the change, kept until delivered.
	Notify func(Object) [][]byte
}

// Put makes a new current version. What it replaced is garbage.
func (x *Index) Put(ctx context.Context, bucket, key string, w Write) (Object, []Garbage, error) {
	b, leave, err := x.enter(bucket, key)
	if err != nil {
		return Object{}, nil, err
	}
	defer leave()
	cur, exists, err := x.current(ctx, bucket, key)
	if err != nil {
		return Object{}, nil, err
	}
	if err := ask(w.If, cur, exists); err != nil {
		return Object{}, nil, err
	}
	o := w.Object
	o.Key = key
	t := &change{x: x, ctx: ctx, bucket: b, key: key}
	t.makeCurrent(&o, cur, exists)
	if o.Parts > 0 {
		t.put(x.segmentT.PutChange(o.Data, w.Segments, 0))
	}
	if w.Upload != "" {
		t.completes(w.Upload, w.Segments)
		t.put(x.doneT.PutChange(uploadKey(bucket, key, w.Upload), Completion{w.Completed, o}, 0))
	}
	if w.Notify != nil {
		t.notify(o.Seq, w.Notify(o))
	}
	if err := t.commit(); err != nil {
		return Object{}, nil, fmt.Errorf("put object %s/%s: %w", bucket, key, err)
	}
	return o, t.garbage, nil
}

func ask(cond func(*Object) error, cur Object, exists bool) error {
	switch {
	case cond == nil:
		return nil
	case !exists || cur.DeleteMarker:
		return cond(nil)
	}
	return cond(&cur)
}

// change collects one transaction over the versions of a key.
type change struct {
	x       *Index
	ctx     context.Context //nolint:containedctx // lives as long as one call
	bucket  *Bucket
	key     string
	changes []store.Change
	garbage []Garbage
	told    bool
	err     error
}

func (t *change) put(c store.Change, err error) {
	t.changes = append(t.changes, c)
	t.err = errors.Join(t.err, err)
}

// makeCurrent puts o in the place of cur as the bucket's versioning demands (S3 user
// guide, "How S3 Versioning works").
func (t *change) makeCurrent(o *Object, cur Object, exists bool) {
	o.Seq = t.x.nextSeq(cur.Seq)
	o.Latest = true
	o.Older = cur.Older
	o.Version = NullVersion
	if t.bucket.Versioning == Enabled {
		o.Version = newVersion(o.Seq)
	}
	switch {
	case exists && t.bucket.Versioning != Off && cur.Version != o.Version:
		o.Older = true
		cur.Older, cur.Noncurrent = false, o.Modified
		t.put(t.x.versionT.PutChange(versionKey(t.bucket.Name, t.key, cur.Seq), cur, 0))
		if o.Version == NullVersion {
			t.dropOlderNull()
		}
	case exists:
		t.discard(cur)
	}
	t.put(t.x.objectT.PutChange(objectKey(t.bucket.Name, t.key), *o, 0))
}

// dropOlderNull removes the noncurrent null version, as there is only one.
func (t *change) dropOlderNull() {
	old, err := t.x.older(t.ctx, t.bucket.Name, t.key, NullVersion)
	if errors.Is(err, ErrNoVersion) {
		return
	}
	t.err = errors.Join(t.err, err)
	t.changes = append(t.changes, t.x.versionT.DeleteChange(versionKey(t.bucket.Name, t.key, old.Seq), 0))
	t.discard(old)
}

// discard makes an object's bytes garbage.
func (t *change) discard(o Object) {
	switch {
	case o.Data == "":
	case o.Parts == 0:
		t.garbage = append(t.garbage, Garbage{o.Data, []string{o.Data}})
	default:
		segments, err := t.x.Segments(t.ctx, o.Data)
		t.err = errors.Join(t.err, err)
		g := Garbage{Group: o.Data}
		for _, s := range segments {
			g.Blobs = append(g.Blobs, s.Blob)
		}
		t.garbage = append(t.garbage, g)
		t.changes = append(t.changes, t.x.segmentT.DeleteChange(o.Data, 0))
	}
}

func (t *change) completes(upload string, kept []Segment) {
	key := uploadKey(t.bucket.Name, t.key, upload)
	if _, _, err := t.x.uploadT.Get(t.ctx, key); err != nil {
		if errors.Is(err, store.ErrNotFound) {
			err = ErrNoUpload
		}
		t.err = errors.Join(t.err, err)
		return
	}
	changes, garbage, err := t.x.dropParts(t.ctx, upload, kept)
	t.err = errors.Join(t.err, err)
	t.changes = append(append(t.changes, changes...), t.x.uploadT.DeleteChange(key, 0))
	t.garbage = append(t.garbage, garbage...)
}

func (t *change) notify(seq uint64, docs [][]byte) {
	for i, doc := range docs {
		t.told = true
		t.changes = append(t.changes, store.Change{Kind: kindOutbox, Key: fmt.Sprintf("%016x%04x", seq, i), Value: doc})
	}
}

func (t *change) commit() error {
	if t.err != nil {
		return t.err
	}
	if _, err := t.x.store.Apply(t.ctx, t.changes...); err != nil {
		return err
	}
	if t.told {
		t.x.wakeOutbox()
	}
	return nil
}

// Deletion is what a Delete did.
type Deletion struct {
	// Marker says that a delete marker was made, or that the version that was
	// removed was one; Version is its id.
	Marker  bool
	Version string
	Garbage []Garbage
}

// Removal says what to delete.
type Removal struct {
	Version string // empty: the current version, as versioning demands
	Now     time.Time
	If      func(cur *Object) error
	// Notify is told what was removed, or the delete marker that was made.
	Notify func(o Object, madeMarker bool) [][]byte
}

// Delete removes a version, or makes a delete marker. Deleting what does not exist
// is no error.
func (x *Index) Delete(ctx context.Context, bucket, key string, r Removal) (Deletion, error) {
	b, leave, err := x.enter(bucket, key)
	if err != nil {
		return Deletion{}, err
	}
	defer leave()
	cur, exists, err := x.current(ctx, bucket, key)
	if err != nil {
		return Deletion{}, err
	}
	if err := ask(r.If, cur, exists); err != nil {
		return Deletion{}, err
	}
	t := &change{x: x, ctx: ctx, bucket: b, key: key}
	var d Deletion
	var gone Object
	switch {
	case r.Version == "" && b.Versioning != Off:
		marker := Object{Key: key, Modified: r.Now, DeleteMarker: true}
		t.makeCurrent(&marker, cur, exists)
		d = Deletion{Marker: true, Version: marker.Version}
		gone = marker
	case r.Version == "" && !exists:
		return Deletion{}, nil
	case r.Version == "" || exists && cur.Version == r.Version:
		t.removeCurrent(cur)
		gone = cur
	case !exists:
		return Deletion{Version: r.Version}, nil
	default:
		old, err := x.older(ctx, bucket, key, r.Version)
		if errors.Is(err, ErrNoVersion) {
			return Deletion{Version: r.Version}, nil
		}
		if err != nil {
			return Deletion{}, err
		}
		t.changes = append(t.changes, x.versionT.DeleteChange(versionKey(bucket, key, old.Seq), 0))
		t.discard(old)
		gone = old
	}
	if r.Version != "" {
		d = Deletion{Marker: gone.DeleteMarker, Version: gone.Version}
	}
	if r.Notify != nil {
		madeMarker := r.Version == "" && gone.DeleteMarker
		if !madeMarker {
			gone.Seq = x.nextSeq(gone.Seq) // the removal's own place in the order
		}
		t.notify(gone.Seq, r.Notify(gone, madeMarker))
	}
	if err := t.commit(); err != nil {
		return Deletion{}, fmt.Errorf("delete object %s/%s: %w", bucket, key, err)
	}
	d.Garbage = t.garbage
	return d, nil
}

// removeCurrent takes the current version away; the newest other takes its place.
func (t *change) removeCurrent(cur Object) {
	t.discard(cur)
	at := objectKey(t.bucket.Name, t.key)
	if cur.Older {
		next, found, more, err := t.x.newestOlder(t.ctx, t.bucket.Name, t.key, 0)
		t.err = errors.Join(t.err, err)
		if found {
			t.changes = append(t.changes, t.x.versionT.DeleteChange(versionKey(t.bucket.Name, t.key, next.Seq), 0))
			next.Older, next.Noncurrent = more, time.Time{}
			t.put(t.x.objectT.PutChange(at, next, 0))
			return
		}
	}
	t.changes = append(t.changes, t.x.objectT.DeleteChange(at, 0))
}

// Change edits a version's attributes in place, such as its tags. Errors are those of Get.
func (x *Index) Change(ctx context.Context, bucket, key, version string, notify func(Object) [][]byte, edit func(*Object) error) (Object, error) {
	b, leave, err := x.enter(bucket, key)
	if err != nil {
		return Object{}, err
	}
	defer leave()
	o, err := x.Get(ctx, bucket, key, version)
	if err != nil {
		return Object{}, err
	}
	if err := edit(&o); err != nil {
		return Object{}, err
	}
	t := &change{x: x, ctx: ctx, bucket: b, key: key}
	if o.Latest {
		t.put(x.objectT.PutChange(objectKey(bucket, key), o, 0))
	} else {
		t.put(x.versionT.PutChange(versionKey(bucket, key, o.Seq), o, 0))
	}
	if notify != nil {
		t.notify(x.nextSeq(o.Seq), notify(o))
	}
	if err := t.commit(); err != nil {
		return Object{}, fmt.Errorf("change object %s/%s: %w", bucket, key, err)
	}
	return o, nil
}
