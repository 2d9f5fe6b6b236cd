// Package index keeps what S3 knows of buckets and objects: names, versions,
// metadata, uploads under way and notifications not yet delivered, in byte order of
// keys. Every change is one durable transaction.
//
// It decides which version of a key is the current one and what a write or delete
// does to the others. Bytes are in package blob; requests, permissions and errors
// on the wire are in package s3.
package index

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hearthfaas/hearth/internal/store"
)

// The kinds of records. Keys that begin with a bucket's name go on after a zero
// byte, which neither names nor keys contain.
const (
	kindBucket   = "bucket"
	kindObject   = "object"   // bucket 0 key: the current version
	kindVersion  = "version"  // bucket 0 key 0 inverted seq: the others, newest first
	kindSegments = "segments" // Object.Data
	kindUpload   = "upload"   // bucket 0 key 0 upload id
	kindPart     = "part"     // upload id 0 number
	kindDone     = "done"     // as kindUpload: uploads that were completed a short while ago
	kindOutbox   = "outbox"   // sequence
)

// The errors of this package beside the engine's.
var (
	ErrNoBucket      = errors.New("index: no such bucket")
	ErrBucketExists  = errors.New("index: the bucket exists")
	ErrNotEmpty      = errors.New("index: the bucket is not empty")
	ErrNoObject      = errors.New("index: no such object")
	ErrNoVersion     = errors.New("index: no such version")
	ErrNoUpload      = errors.New("index: no such upload")
	ErrPartGone      = errors.New("index: the part was replaced")
	ErrVersioningOff = errors.New("index: versioning cannot be taken back")
)

// Index is the state of S3 in one store. It must be the store's only user.
type Index struct {
	store    store.Store
	bucketT  store.Table[Bucket]
	objectT  store.Table[Object]
	versionT store.Table[Object]
	segmentT store.Table[[]Segment]
	uploadT  store.Table[Upload]
	partT    store.Table[Part]
	doneT    store.Table[Completion]

	seq atomic.Uint64
	// keys serialise the changes of one key; different keys may share one.
	keys [256]sync.Mutex

	mu      sync.RWMutex // guards buckets
	buckets map[string]*bucket
	// making serialises the creation of buckets.
	making sync.Mutex

	// outbox wakes who delivers notifications.
	outbox chan struct{}
}

// bucket is a bucket in memory. Changes inside it hold mu for reading, changes of
// itself and its end for writing.
type bucket struct {
	mu   sync.RWMutex
	rec  atomic.Pointer[Bucket]
	gone bool
}

// Open reads the buckets of a store.
func Open(ctx context.Context, s store.Store) (*Index, error) {
	x := &Index{
		store:    s,
		bucketT:  store.NewTable[Bucket](s, kindBucket),
		objectT:  store.NewTable[Object](s, kindObject),
		versionT: store.NewTable[Object](s, kindVersion),
		segmentT: store.NewTable[[]Segment](s, kindSegments),
		uploadT:  store.NewTable[Upload](s, kindUpload),
		partT:    store.NewTable[Part](s, kindPart),
		doneT:    store.NewTable[Completion](s, kindDone),
		buckets:  map[string]*bucket{},
		outbox:   make(chan struct{}, 1),
	}
	for row, err := range x.bucketT.All(ctx, "") {
		if err != nil {
			return nil, fmt.Errorf("read the buckets: %w", err)
		}
		b := &bucket{}
		b.rec.Store(&row.Value)
		x.buckets[row.Key] = b
	}
	return x, nil
}

// Bucket returns a bucket from memory.
func (x *Index) Bucket(name string) (*Bucket, bool) {
	x.mu.RLock()
	b, ok := x.buckets[name]
	x.mu.RUnlock()
	if !ok {
		return nil, false
	}
	return b.rec.Load(), true
}

// Buckets returns an account's buckets, or all when account is empty, by name.
func (x *Index) Buckets(account string) []*Bucket {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var out []*Bucket
	for _, name := range slices.Sorted(maps.Keys(x.buckets)) {
		if rec := x.buckets[name].rec.Load(); account == "" || rec.Account == account {
			out = append(out, rec)
		}
	}
	return out
}

// CreateBucket makes a bucket; ErrBucketExists when the name is taken.
func (x *Index) CreateBucket(ctx context.Context, rec Bucket) error {
	x.making.Lock()
	defer x.making.Unlock()
	if _, exists := x.Bucket(rec.Name); exists {
		return ErrBucketExists
	}
	if _, err := x.bucketT.Put(ctx, rec.Name, rec, store.Absent); err != nil {
		return fmt.Errorf("create bucket %s: %w", rec.Name, err)
	}
	b := &bucket{}
	b.rec.Store(&rec)
	x.mu.Lock()
	x.buckets[rec.Name] = b
	x.mu.Unlock()
	return nil
}

// UpdateBucket changes a bucket's record by fn, which gets a copy of its own.
func (x *Index) UpdateBucket(ctx context.Context, name string, fn func(*Bucket) error) error {
	b, err := x.lookup(name)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gone {
		return ErrNoBucket
	}
	old := b.rec.Load()
	rec := *old
	rec.Documents = maps.Clone(rec.Documents)
	if rec.Documents == nil {
		rec.Documents = map[string]string{}
	}
	if err := fn(&rec); err != nil {
		return err
	}
	if old.Versioning != Off && rec.Versioning == Off {
		return ErrVersioningOff
	}
	if _, err := x.bucketT.Put(ctx, name, rec, 0); err != nil {
		return fmt.Errorf("update bucket %s: %w", name, err)
	}
	b.rec.Store(&rec)
	return nil
}

// DeleteBucket removes an empty bucket and its uploads; ErrNotEmpty when any
// version or delete marker is left.
func (x *Index) DeleteBucket(ctx context.Context, name string) ([]Garbage, error) {
	b, err := x.lookup(name)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gone {
		return nil, ErrNoBucket
	}
	rows, err := x.store.List(ctx, kindObject, name+"\x00", "", 1)
	if err != nil {
		return nil, fmt.Errorf("delete bucket %s: %w", name, err)
	}
	if len(rows) > 0 {
		return nil, ErrNotEmpty
	}
	changes := []store.Change{x.bucketT.DeleteChange(name, 0)}
	var garbage []Garbage
	for row, err := range x.uploadT.All(ctx, name+"\x00") {
		if err != nil {
			return nil, fmt.Errorf("delete bucket %s: %w", name, err)
		}
		more, left, err := x.dropParts(ctx, row.Value.ID, nil)
		if err != nil {
			return nil, err
		}
		changes = append(append(changes, more...), x.uploadT.DeleteChange(row.Key, 0))
		garbage = append(garbage, left...)
	}
	if _, err := x.store.Apply(ctx, changes...); err != nil {
		return nil, fmt.Errorf("delete bucket %s: %w", name, err)
	}
	b.gone = true
	x.mu.Lock()
	delete(x.buckets, name)
	x.mu.Unlock()
	return garbage, nil
}

func (x *Index) lookup(name string) (*bucket, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	b, ok := x.buckets[name]
	if !ok {
		return nil, ErrNoBucket
	}
	return b, nil
}

// enter begins a change of one key. leave ends it.
func (x *Index) enter(name, key string) (rec *Bucket, leave func(), err error) {
	b, err := x.lookup(name)
	if err != nil {
		return nil, nil, err
	}
	b.mu.RLock()
	if b.gone {
		b.mu.RUnlock()
		return nil, nil, ErrNoBucket
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(name + "\x00" + key))
	lock := &x.keys[h.Sum32()%uint32(len(x.keys))]
	lock.Lock()
	return b.rec.Load(), func() { lock.Unlock(); b.mu.RUnlock() }, nil
}

// nextSeq is greater than any before it and than after.
func (x *Index) nextSeq(after uint64) uint64 {
	now := uint64(time.Now().UnixNano())
	for {
		last := x.seq.Load()
		next := max(now, last+1, after+1)
		if x.seq.CompareAndSwap(last, next) {
			return next
		}
	}
}

func objectKey(bucket, key string) string { return bucket + "\x00" + key }

func versionKey(bucket, key string, seq uint64) string {
	return fmt.Sprintf("%s\x00%s\x00%016x", bucket, key, ^seq)
}

// keyOf is the object's key in an objectKey, versionKey or uploadKey.
func keyOf(recordKey string) string {
	_, rest, _ := strings.Cut(recordKey, "\x00")
	key, _, _ := strings.Cut(rest, "\x00")
	return key
}
