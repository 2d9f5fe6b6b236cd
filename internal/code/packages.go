package code

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/google/renameio/v2"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// ErrNotFound says that no package with that digest is stored.
var ErrNotFound = errors.New("code: no such package")

// SweepGrace is how old a package must be before Sweep may remove it. A package is
// stored before the function that refers to it is committed; the two are
// milliseconds apart, so minutes leave room for the slowest store.
const SweepGrace = 10 * time.Minute

// Config says where packages are kept.
type Config struct {
	// Dir is made when it does not exist; nothing else may write below it.
	Dir string
	// Now is the clock; nil takes time.Now.
	Now func() time.Time
	Log *slog.Logger
}

// Packages is the store of uploaded packages. Its methods may be called at the
// same time from many goroutines.
type Packages struct {
	blobs string
	tmp   string
	now   func() time.Time
	log   *slog.Logger

	// keep is held for reading while a package is put in place or refreshed, and for
	// writing while Sweep decides on one and removes it.
	keep sync.RWMutex
}

// Package is what is known of a stored package.
type Package struct {
	Digest lambda.CodeDigest
	// Base64SHA256 is the digest as the API shows it (CodeSha256).
	Base64SHA256 string
	Size         int64 // of the zip, in bytes
	UnpackedSize int64 // bytes, counted while unpacking
	Files        int   // regular files and links
}

// Open prepares the store and removes what an interrupted Put left behind.
func Open(cfg Config) (*Packages, error) {
	p := &Packages{
		blobs: filepath.Join(cfg.Dir, "blobs"),
		tmp:   filepath.Join(cfg.Dir, "tmp"),
		now:   cfg.Now,
		log:   cfg.Log,
	}
	if p.now == nil {
		p.now = time.Now
	}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	if err := os.RemoveAll(p.tmp); err != nil {
		return nil, fmt.Errorf("remove interrupted uploads: %w", err)
	}
	for _, dir := range []string{p.blobs, p.tmp} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("make package directory: %w", err)
		}
	}
	return p, nil
}

// Put verifies a package and stores it durably. A package that is refused leaves
// nothing behind; the error is then a *lambda.Error: RequestEntityTooLargeException
// for a zip over lambda.ZipMax, otherwise InvalidParameterValueException. Storing
// the same bytes again is no error.
func (p *Packages) Put(ctx context.Context, zip []byte) (Package, error) {
	seen, err := inspect(ctx, zip)
	if err != nil {
		return Package{}, err
	}
	sum := sha256.Sum256(zip)
	pkg := Package{
		Digest:       lambda.CodeDigest(hex.EncodeToString(sum[:])),
		Base64SHA256: base64.StdEncoding.EncodeToString(sum[:]),
		Size:         int64(len(zip)),
		UnpackedSize: seen.bytes,
		Files:        seen.files,
	}
	p.keep.RLock()
	defer p.keep.RUnlock()
	path, _ := p.path(pkg.Digest)
	now := p.now()
	switch err := os.Chtimes(path, now, now); { // a fresh date keeps Sweep away
	case err == nil:
		return pkg, nil
	case !errors.Is(err, fs.ErrNotExist):
		return Package{}, fmt.Errorf("refresh package %s: %w", pkg.Digest, err)
	}
	if err := p.write(path, zip, now); err != nil {
		return Package{}, fmt.Errorf("store package %s: %w", pkg.Digest, err)
	}
	return pkg, nil
}

// write puts the bytes at path, or nothing, and returns once they are on disk.
func (p *Packages) write(path string, zip []byte, now time.Time) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := renameio.NewPendingFile(path, renameio.WithTempDir(p.tmp), renameio.WithStaticPermissions(0o600))
	if err != nil {
		return err
	}
	defer f.Cleanup() //nolint:errcheck // nothing is left to clean up after a success
	if _, err := f.Write(zip); err != nil {
		return err
	}
	if err := os.Chtimes(f.Name(), now, now); err != nil {
		return err
	}
	if err := f.CloseAtomicallyReplace(); err != nil {
		return err
	}
	// The rename is durable once the directory is, and a new directory once its
	// parent is.
	return errors.Join(syncDir(dir), syncDir(p.blobs))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Open returns the bytes of a stored package, or ErrNotFound.
func (p *Packages) Open(_ context.Context, digest lambda.CodeDigest) (io.ReadSeekCloser, error) {
	path, ok := p.path(digest)
	if !ok {
		return nil, fmt.Errorf("open package %q: %w", digest, ErrNotFound)
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open package %s: %w", digest, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("open package %s: %w", digest, err)
	}
	return f, nil
}

// Delete removes a package; one that is not stored is no error. Readers that have
// it open keep it.
func (p *Packages) Delete(_ context.Context, digest lambda.CodeDigest) error {
	path, ok := p.path(digest)
	if !ok {
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete package %s: %w", digest, err)
	}
	return nil
}

// path is where a digest's bytes lie; it reports false for what is no digest, so
// that nothing a caller sends becomes part of a path.
func (p *Packages) path(digest lambda.CodeDigest) (string, bool) {
	if !validDigest(digest) {
		return "", false
	}
	return filepath.Join(p.blobs, string(digest[:2]), string(digest)), true
}

// validDigest says whether d is 64 lower-case hex digits.
func validDigest(d lambda.CodeDigest) bool {
	if len(d) != 2*sha256.Size {
		return false
	}
	for i := range len(d) {
		c := d[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
