package code

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// tree is one unpacked package.
type tree struct {
	dir           string
	bytes         int64
	fetch, unpack time.Duration
}

// unpack fetches a package, verifies it against its digest and puts its tree in
// place whole or not at all.
func (c *Cache) unpack(ctx context.Context, digest lambda.CodeDigest) (tree, error) {
	start := time.Now()
	f, size, err := c.fetch(ctx, digest)
	if err != nil {
		return tree{}, err
	}
	defer f.Close()
	fetched := time.Now()

	half, err := os.MkdirTemp(c.tmp, string(digest[:12])+"-")
	if err != nil {
		return tree{}, err
	}
	defer os.RemoveAll(half) // nothing is left of it after the rename
	n, err := extract(ctx, f, size, half)
	if err != nil {
		return tree{}, err
	}
	if err := os.Chmod(half, 0o755); err != nil {
		return tree{}, err
	}
	dir := filepath.Join(c.trees, treeName(digest, n))
	if err := os.Rename(half, dir); err != nil {
		return tree{}, err
	}
	return tree{dir: dir, bytes: n, fetch: fetched.Sub(start), unpack: time.Since(fetched)}, nil
}

// treeName carries the size, so that opening a full cache reads one directory and
// walks no tree.
func treeName(digest lambda.CodeDigest, bytes int64) string {
	return string(digest) + "." + strconv.FormatInt(bytes, 10)
}

// readerAtCloser is what a zip is read from.
type readerAtCloser interface {
	io.ReaderAt
	io.Closer
}

// fetch opens a package and reads it once to compare its digest. What cannot be
// read at random is copied to a temporary file on the way.
func (c *Cache) fetch(ctx context.Context, digest lambda.CodeDigest) (readerAtCloser, int64, error) {
	r, err := c.source.Open(ctx, digest)
	if err != nil {
		return nil, 0, err
	}
	hash := sha256.New()
	sink := io.Writer(hash)
	at, random := r.(readerAtCloser)
	if !random {
		spool, err := os.CreateTemp(c.tmp, "fetch-")
		if err != nil {
			return nil, 0, errors.Join(err, r.Close())
		}
		defer os.Remove(spool.Name()) // the open file outlives its name
		defer r.Close()
		at, sink = spool, io.MultiWriter(hash, spool)
	}
	n, err := io.Copy(sink, io.LimitReader(r, StreamMax+1))
	if err == nil {
		err = ctx.Err()
	}
	if err == nil && hex.EncodeToString(hash.Sum(nil)) != string(digest) {
		err = fmt.Errorf("its %d bytes have another digest", n)
	}
	if err != nil {
		return nil, 0, errors.Join(err, at.Close())
	}
	return at, n, nil
}

// extract unpacks a zip below dir, which must be empty, and returns how many bytes
// its files have.
func extract(ctx context.Context, r io.ReaderAt, size int64, dir string) (int64, error) {
	zr, err := zip.NewReader(r, size)
	if err != nil {
		return 0, errNotAZip
	}
	items, err := plan(zr)
	if err != nil {
		return 0, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return 0, err
	}
	defer root.Close()
	made := make(map[string]bool)
	var total int64
	for _, it := range items {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		parent := it.name
		if it.kind != kindDir {
			parent = path.Dir(it.name)
		}
		if err := makeDirs(root, made, parent); err != nil {
			return 0, err
		}
		switch it.kind {
		case kindDir:
		case kindLink:
			err = root.Symlink(it.target, it.name)
		case kindFile:
			var n int64
			n, err = extractFile(root, it, lambda.UnzippedMax-total)
			total += n
		}
		if err != nil {
			return 0, err
		}
	}
	return total, nil
}

// makeDirs makes a directory and those above it, readable by the sandbox's user
// whatever this process's umask is.
func makeDirs(root *os.Root, made map[string]bool, dir string) error {
	if dir == "." || made[dir] {
		return nil
	}
	if err := makeDirs(root, made, path.Dir(dir)); err != nil {
		return err
	}
	if err := root.Mkdir(dir, 0o755); err != nil {
		return err
	}
	made[dir] = true
	return root.Chmod(dir, 0o755)
}

// extractFile writes one file with the zip's exec bits and date. Set-user-id bits
// and the like are not kept.
func extractFile(root *os.Root, it item, limit int64) (int64, error) {
	mode := os.FileMode(0o644)
	if it.exec {
		mode = 0o755
	}
	f, err := root.OpenFile(it.name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return 0, err
	}
	n, err := copyEntry(f, it.file, limit)
	err = errors.Join(err, f.Chmod(mode), f.Close())
	if err != nil {
		return n, err
	}
	if mod := it.file.Modified; !mod.IsZero() {
		return n, root.Chtimes(it.name, mod, mod)
	}
	return n, nil
}
