package code

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// AcquireLayers returns the tree that stands for several packages laid over one
// another in their order: where two have an entry of the same name the later one's
// counts, and directories are merged. One package is its own tree; several are
// merged once and kept like a package under a digest of their digests. The errors
// are those of Acquire; there must be at least one package.
func (c *Cache) AcquireLayers(ctx context.Context, layers []lambda.CodeDigest) (*Entry, error) {
	switch len(layers) {
	case 0:
		return nil, errors.New("merge layers: there are none")
	case 1:
		return c.Acquire(ctx, layers[0])
	}
	return c.acquire(ctx, mergedDigest(layers), func(ctx context.Context, digest lambda.CodeDigest) (tree, error) {
		return c.merge(ctx, digest, layers)
	})
}

// mergedDigest names a merged tree. What is hashed is no zip, so that it cannot be
// the digest of a package.
func mergedDigest(layers []lambda.CodeDigest) lambda.CodeDigest {
	h := sha256.New()
	_, _ = io.WriteString(h, "layers") // a hash takes everything
	for _, d := range layers {
		_, _ = io.WriteString(h, "\n"+string(d))
	}
	return lambda.CodeDigest(hex.EncodeToString(h.Sum(nil)))
}

// merge lays the packages' trees over one another.
func (c *Cache) merge(ctx context.Context, digest lambda.CodeDigest, layers []lambda.CodeDigest) (tree, error) {
	var t tree
	half, err := os.MkdirTemp(c.tmp, string(digest[:12])+"-")
	if err != nil {
		return tree{}, err
	}
	defer os.RemoveAll(half) // nothing is left of it after the rename
	for _, d := range layers {
		e, err := c.Acquire(ctx, d)
		if err != nil {
			return tree{}, err
		}
		began := time.Now()
		err = overlay(ctx, e.Dir, half)
		t.fetch += e.Fetch
		t.unpack += e.Unpack + time.Since(began)
		e.Release()
		if err != nil {
			return tree{}, fmt.Errorf("lay package %s over the others: %w", d, err)
		}
	}
	if t.bytes, err = treeBytes(half); err != nil {
		return tree{}, err
	}
	if err := os.Chmod(half, 0o755); err != nil {
		return tree{}, err
	}
	t.dir = filepath.Join(c.trees, treeName(digest, t.bytes))
	return t, os.Rename(half, t.dir)
}

// overlay puts the entries of the tree src into the tree dst. Files are linked and
// not copied: trees are never written to. Nothing is ever reached through a link in
// dst, because every directory of src is made a directory there before what it
// holds.
func overlay(ctx context.Context, src, dst string) error {
	from, err := os.OpenRoot(src)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenRoot(dst)
	if err != nil {
		return err
	}
	defer to.Close()
	return fs.WalkDir(from.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil || name == "." {
			return err
		}
		there, err := to.Lstat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		case there.IsDir() && d.IsDir():
			return nil
		default:
			if err := to.RemoveAll(name); err != nil {
				return err
			}
		}
		switch {
		case d.IsDir():
			return errors.Join(to.Mkdir(name, 0o755), to.Chmod(name, 0o755))
		case d.Type()&fs.ModeSymlink != 0:
			target, err := from.Readlink(name)
			if err != nil {
				return err
			}
			return to.Symlink(target, name)
		}
		return link(filepath.Join(src, name), filepath.Join(dst, name))
	})
}

// link makes a second name for a file, or a copy of it where the file system cannot
// (or has too many links to it already).
func link(src, dst string) error {
	if os.Link(src, dst) == nil {
		return nil
	}
	in, err := os.Open(src)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(dst, os.O_CREATE|os.O_EXCL|os.O_WRONLY, info.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Chmod(info.Mode().Perm()), out.Close(), os.Chtimes(dst, info.ModTime(), info.ModTime()))
}

// treeBytes sums up the files of a tree, linked ones in full: that bounds what is on
// disk even when the trees that they were linked from are gone.
func treeBytes(dir string) (int64, error) {
	var sum int64
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	return sum, err
}
