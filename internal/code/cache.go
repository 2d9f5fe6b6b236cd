package code

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// Source is where a worker's cache gets packages from: Packages itself, or its rpc
// client.
type Source interface {
	Open(ctx context.Context, digest lambda.CodeDigest) (io.ReadSeekCloser, error)
}

// CacheConfig says where unpacked packages lie and how much room they may take.
type CacheConfig struct {
	// Dir is made when it does not exist; nothing else may write below it. It must
	// be searchable by the users that sandboxes run as.
	Dir string
	// MaxBytes bounds the unpacked bytes on disk. Trees in use are never removed,
	// so it is exceeded while more than that is in use.
	MaxBytes int64
	Log      *slog.Logger
}

// Cache is a worker's store of unpacked packages. Each is unpacked once, read-only,
// and shared by every environment that is made from it. Its methods may be called
// at the same time from many goroutines.
type Cache struct {
	trees    string
	tmp      string
	maxBytes int64
	source   Source
	log      *slog.Logger

	mu    sync.Mutex
	slots map[lambda.CodeDigest]*slot // what is there or being unpacked
	idle  *list.List                  // of *slot that nothing refers to, least recently used first
	bytes int64                       // of all unpacked trees
}

// slot is one package in the cache. All but ready are guarded by Cache.mu, and are
// constant once ready is closed, refs and idle apart.
type slot struct {
	digest lambda.CodeDigest
	ready  chan struct{} // closed when the tree is there, or err says why not
	err    error
	dir    string
	bytes  int64
	refs   int
	idle   *list.Element
}

// Entry is an unpacked package in use. It stays on disk until Release.
type Entry struct {
	// Dir holds the package's files.
	Dir string
	// Fetch and Unpack are what this Acquire spent on getting and verifying the
	// package and on unpacking it; zero when it was there already.
	Fetch, Unpack time.Duration

	cache *Cache
	slot  *slot
	once  sync.Once
}

// NewCache opens a cache over what an earlier process left in its directory: whole
// trees are used again, half-unpacked ones removed.
func NewCache(cfg CacheConfig, source Source) (*Cache, error) {
	c := &Cache{
		trees:    filepath.Join(cfg.Dir, "trees"),
		tmp:      filepath.Join(cfg.Dir, "tmp"),
		maxBytes: cfg.MaxBytes,
		source:   source,
		log:      cfg.Log,
		slots:    make(map[lambda.CodeDigest]*slot),
		idle:     list.New(),
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if err := c.recover(cfg.Dir); err != nil {
		return nil, fmt.Errorf("open code cache: %w", err)
	}
	return c, nil
}

// Acquire returns a package's unpacked tree, unpacking it first when it is not
// there. Calls for one package wait for a single unpacking. It returns ErrNotFound,
// wrapped, for a package that the source does not have, and a *lambda.Error for one
// that cannot be unpacked.
func (c *Cache) Acquire(ctx context.Context, digest lambda.CodeDigest) (*Entry, error) {
	if !validDigest(digest) {
		return nil, fmt.Errorf("unpack package %q: %w", digest, ErrNotFound)
	}
	return c.acquire(ctx, digest, c.unpack)
}

// maker puts the tree of a digest in place, whole or not at all.
type maker func(ctx context.Context, digest lambda.CodeDigest) (tree, error)

// acquire is Acquire for a tree that is made in any way.
func (c *Cache) acquire(ctx context.Context, digest lambda.CodeDigest, make maker) (*Entry, error) {
	for {
		s, lead := c.claim(digest)
		if lead {
			return c.fill(ctx, s, make)
		}
		select {
		case <-s.ready:
		case <-ctx.Done():
			c.release(s)
			return nil, fmt.Errorf("wait for package %s to be unpacked: %w", digest, ctx.Err())
		}
		if s.err == nil {
			return &Entry{Dir: s.dir, cache: c, slot: s}, nil
		}
		// The one who unpacked was called off; that is no answer for this caller.
		calledOff := errors.Is(s.err, context.Canceled) || errors.Is(s.err, context.DeadlineExceeded)
		if !calledOff || ctx.Err() != nil {
			return nil, s.err
		}
	}
}

// Release says that the tree is no longer used. It may be called more than once.
func (e *Entry) Release() { e.once.Do(func() { e.cache.release(e.slot) }) }

// claim takes a reference on the package's slot and says whether the caller is the
// one to fill it.
func (c *Cache) claim(digest lambda.CodeDigest) (s *slot, lead bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.slots[digest]
	if !ok {
		s = &slot{digest: digest, ready: make(chan struct{}), refs: 1}
		c.slots[digest] = s
		return s, true
	}
	s.refs++
	if s.idle != nil {
		c.idle.Remove(s.idle)
		s.idle = nil
	}
	return s, false
}

// fill makes the tree of a slot that the caller has claimed and lets the others go on.
func (c *Cache) fill(ctx context.Context, s *slot, make maker) (*Entry, error) {
	t, err := make(ctx, s.digest)
	c.mu.Lock()
	if err != nil {
		s.err = fmt.Errorf("unpack package %s: %w", s.digest, err)
		delete(c.slots, s.digest)
	} else {
		s.dir, s.bytes = t.dir, t.bytes
		c.bytes += t.bytes
	}
	close(s.ready)
	doomed := c.evict()
	c.mu.Unlock()
	c.remove(doomed)
	if s.err != nil {
		return nil, s.err
	}
	return &Entry{Dir: s.dir, Fetch: t.fetch, Unpack: t.unpack, cache: c, slot: s}, nil
}

func (c *Cache) release(s *slot) {
	c.mu.Lock()
	s.refs--
	if s.refs == 0 && c.slots[s.digest] == s {
		s.idle = c.idle.PushBack(s)
	}
	doomed := c.evict()
	c.mu.Unlock()
	c.remove(doomed)
}

// evict takes the least recently used trees out of the cache until it fits, by
// moving them aside; c.mu is held. The caller removes them after letting go of it.
func (c *Cache) evict() (doomed []string) {
	for c.bytes > c.maxBytes && c.idle.Len() > 0 {
		s := c.idle.Front().Value.(*slot)
		aside, err := os.MkdirTemp(c.tmp, "evicted-")
		if err == nil {
			doomed = append(doomed, aside)
			err = os.Rename(s.dir, filepath.Join(aside, "tree"))
		}
		if err != nil { // it stays usable; the next release tries again
			c.log.Error("evict unpacked package", "code_digest", string(s.digest), "error", err)
			return doomed
		}
		c.idle.Remove(s.idle)
		s.idle = nil
		delete(c.slots, s.digest)
		c.bytes -= s.bytes
	}
	return doomed
}

func (c *Cache) remove(dirs []string) {
	for _, dir := range dirs {
		if err := os.RemoveAll(dir); err != nil {
			c.log.Error("remove evicted package", "dir", dir, "error", err)
		}
	}
}
