package code

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// counting is a Source that counts and can hold back what it is asked for.
type counting struct {
	Source
	opens atomic.Int32
	gate  chan struct{} // nil, or closed to let Open go on
}

func (c *counting) Open(ctx context.Context, d lambda.CodeDigest) (io.ReadSeekCloser, error) {
	c.opens.Add(1)
	if c.gate != nil {
		select {
		case <-c.gate:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return c.Source.Open(ctx, d)
}

func mustPut(t testing.TB, p *Packages, entries ...entryOf) lambda.CodeDigest {
	t.Helper()
	pkg, err := p.Put(t.Context(), zipOf(t, entries...))
	if err != nil {
		t.Fatal(err)
	}
	return pkg.Digest
}

func mustCache(t testing.TB, dir string, maxBytes int64, s Source) *Cache {
	t.Helper()
	c, err := NewCache(CacheConfig{Dir: dir, MaxBytes: maxBytes}, s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func mustAcquire(t testing.TB, c *Cache, d lambda.CodeDigest) *Entry {
	t.Helper()
	e, err := c.Acquire(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestAcquireUnpacksWithModesAndDates(t *testing.T) {
	p, _ := openPackages(t, nil)
	digest := mustPut(t, p,
		entryOf{name: "bootstrap", body: "#!/bin/sh", mode: 0o700},
		entryOf{name: "secret", body: "s", mode: 0o600},
		entryOf{name: "set", body: "id", mode: fs.ModeSetuid | fs.ModeSetgid | 0o755},
		entryOf{name: "d/e/f", body: "f", mode: 0o400},
		entryOf{name: "d/link", body: "e/f", mode: fs.ModeSymlink | 0o777},
	)
	c := mustCache(t, t.TempDir(), 1<<20, p)
	e := mustAcquire(t, c, digest)
	defer e.Release()
	if e.Unpack == 0 {
		t.Error("Unpack is 0 for a package that was not there")
	}
	for name, want := range map[string]fs.FileMode{
		".": fs.ModeDir | 0o755, "bootstrap": 0o755, "secret": 0o644, "set": 0o755,
		"d": fs.ModeDir | 0o755, "d/e": fs.ModeDir | 0o755, "d/e/f": 0o644, "d/link": fs.ModeSymlink | 0o777,
	} {
		info, err := os.Lstat(filepath.Join(e.Dir, name))
		if err != nil {
			t.Error(err)
			continue
		}
		if info.Mode() != want {
			t.Errorf("%s has mode %v, want %v", name, info.Mode(), want)
		}
		if info.Mode().IsRegular() && !info.ModTime().Equal(packed) {
			t.Errorf("%s is of %v, want %v", name, info.ModTime(), packed)
		}
	}
	if got, err := os.ReadFile(filepath.Join(e.Dir, "d/link")); err != nil || string(got) != "f" {
		t.Errorf("through the link: %q, %v", got, err)
	}
	warm := mustAcquire(t, c, digest)
	defer warm.Release()
	if warm.Dir != e.Dir || warm.Fetch != 0 || warm.Unpack != 0 {
		t.Errorf("second Acquire = %s, %v, %v, want the same tree at no cost", warm.Dir, warm.Fetch, warm.Unpack)
	}
}

func TestAcquireUnpacksOnceForManyCallers(t *testing.T) {
	p, _ := openPackages(t, nil)
	digest := mustPut(t, p, entryOf{name: "a", body: "a"})
	src := &counting{Source: p}
	c := mustCache(t, t.TempDir(), 1<<20, src)
	const callers = 16
	dirs := make([]string, callers)
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			e, err := c.Acquire(t.Context(), digest)
			if err != nil {
				t.Error(err)
				return
			}
			dirs[i] = e.Dir
			e.Release()
			e.Release() // once is enough
		})
	}
	wg.Wait()
	if n := src.opens.Load(); n != 1 {
		t.Errorf("the package was fetched %d times, want 1", n)
	}
	for _, dir := range dirs {
		if dir != dirs[0] {
			t.Errorf("callers got %s and %s", dir, dirs[0])
		}
	}
	if refs := c.slots[digest].refs; refs != 0 {
		t.Errorf("%d references are left, want 0", refs)
	}
}

func TestAcquireGoesOnWhenTheOneWhoUnpacksGivesUp(t *testing.T) {
	p, _ := openPackages(t, nil)
	digest := mustPut(t, p, entryOf{name: "a", body: "a"})
	src := &counting{Source: p, gate: make(chan struct{})}
	c := mustCache(t, t.TempDir(), 1<<20, src)
	ctx, giveUp := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := c.Acquire(ctx, digest); !errors.Is(err, context.Canceled) {
			t.Errorf("the first Acquire = %v, want context.Canceled", err)
		}
	})
	for src.opens.Load() == 0 { // until it holds the slot
		runtime.Gosched()
	}
	wg.Go(func() {
		e, err := c.Acquire(t.Context(), digest)
		if err != nil {
			t.Errorf("the second Acquire = %v", err)
			return
		}
		e.Release()
	})
	giveUp()
	close(src.gate)
	wg.Wait()
}

// plain hides everything but reading, as an rpc client's stream would.
type plain struct{ Source }

func (p plain) Open(ctx context.Context, d lambda.CodeDigest) (io.ReadSeekCloser, error) {
	r, err := p.Source.Open(ctx, d)
	if err != nil {
		return nil, err
	}
	return struct{ io.ReadSeekCloser }{r}, nil
}

func TestAcquireTakesASourceThatOnlyStreams(t *testing.T) {
	p, _ := openPackages(t, nil)
	digest := mustPut(t, p, entryOf{name: "a", body: "a"})
	dir := t.TempDir()
	e := mustAcquire(t, mustCache(t, dir, 1<<20, plain{p}), digest)
	defer e.Release()
	if n := filesBelow(t, filepath.Join(dir, "tmp")); n != 0 {
		t.Errorf("%d temporary files are left", n)
	}
}

func TestAcquireRefusesBytesWithAnotherDigest(t *testing.T) {
	p, _ := openPackages(t, nil)
	digest := mustPut(t, p, entryOf{name: "a", body: "a"})
	path, _ := p.path(digest)
	if err := os.WriteFile(path, zipOf(t, entryOf{name: "evil"}), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	c := mustCache(t, dir, 1<<20, p)
	if _, err := c.Acquire(t.Context(), digest); err == nil || !strings.Contains(err.Error(), "another digest") {
		t.Errorf("Acquire = %v, want an error about the digest", err)
	}
	if _, err := c.Acquire(t.Context(), lambda.CodeDigest(strings.Repeat("0", 64))); !errors.Is(err, ErrNotFound) {
		t.Errorf("Acquire of an unknown package = %v, want ErrNotFound", err)
	}
	if n := filesBelow(t, filepath.Join(dir, "trees")); n != 0 {
		t.Errorf("%d files are unpacked, want none", n)
	}
}

func TestTheCacheEvictsTheLeastRecentlyUsedThatNobodyHolds(t *testing.T) {
	p, _ := openPackages(t, nil)
	var digests []lambda.CodeDigest
	for i := range 4 {
		digests = append(digests, mustPut(t, p, entryOf{name: "f", body: strings.Repeat(fmt.Sprint(i), 100)}))
	}
	src := &counting{Source: p}
	dir := t.TempDir()
	c := mustCache(t, dir, 250, src)
	held := mustAcquire(t, c, digests[0])
	mustAcquire(t, c, digests[1]).Release()
	mustAcquire(t, c, digests[2]).Release() // 300 bytes: 1 goes, 0 is held
	mustAcquire(t, c, digests[2]).Release()
	if n := src.opens.Load(); n != 3 {
		t.Fatalf("%d packages were fetched, want 3", n)
	}
	if _, err := os.Stat(held.Dir); err != nil {
		t.Errorf("the tree in use: %v", err)
	}
	mustAcquire(t, c, digests[1]).Release() // was evicted; 2 goes
	mustAcquire(t, c, digests[2]).Release()
	if n := src.opens.Load(); n != 5 {
		t.Errorf("%d packages were fetched, want 5", n)
	}
	held.Release()
	mustAcquire(t, c, digests[3]).Release()
	if c.bytes > 250 {
		t.Errorf("the cache holds %d bytes, want at most 250", c.bytes)
	}
	if n := int64(filesBelow(t, filepath.Join(dir, "trees"))); n*100 != c.bytes {
		t.Errorf("%d files are on disk for %d bytes", n, c.bytes)
	}
	if n := filesBelow(t, filepath.Join(dir, "tmp")); n != 0 {
		t.Errorf("%d evicted files are left", n)
	}
}

func TestTheCacheSurvivesARestart(t *testing.T) {
	p, _ := openPackages(t, nil)
	digest := mustPut(t, p, entryOf{name: "f", body: "12345"})
	dir := t.TempDir()
	mustAcquire(t, mustCache(t, dir, 1<<20, p), digest) // never released: the process died

	half := filepath.Join(dir, "tmp", "half")
	if err := os.MkdirAll(half, 0o755); err != nil {
		t.Fatal(err)
	}
	src := &counting{Source: p}
	c := mustCache(t, dir, 1<<20, src)
	if _, err := os.Stat(half); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the half-unpacked tree: %v, want that it is gone", err)
	}
	e := mustAcquire(t, c, digest)
	defer e.Release()
	if n := src.opens.Load(); n != 0 {
		t.Errorf("the package was fetched %d times, want 0", n)
	}
	if c.bytes != 5 {
		t.Errorf("the cache counts %d bytes, want 5", c.bytes)
	}
}

func TestTheCacheIsEmptiedAfterAReboot(t *testing.T) {
	p, _ := openPackages(t, nil)
	digest := mustPut(t, p, entryOf{name: "f", body: "12345"})
	dir := t.TempDir()
	mustAcquire(t, mustCache(t, dir, 1<<20, p), digest)
	if err := os.WriteFile(filepath.Join(dir, "boot_id"), []byte("another boot\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	src := &counting{Source: p}
	mustAcquire(t, mustCache(t, dir, 1<<20, src), digest)
	if n := src.opens.Load(); n != 1 {
		t.Errorf("the package was fetched %d times, want 1", n)
	}
}
