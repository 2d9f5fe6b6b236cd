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
	"os"
	"path/filepath"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// StreamMax bounds a package that PutFrom reads, in bytes. AWS bounds packages from
// Amazon S3 by their unpacked size alone; one whose zip is larger than that is not
// worth reading to its end.
const StreamMax = lambda.UnzippedMax

// PutFrom is Put for a package that is read from somewhere and may be larger than a
// request can carry: up to StreamMax. It holds little of it in memory. An error of
// the reader is returned wrapped.
func (p *Packages) PutFrom(ctx context.Context, r io.Reader) (Package, error) {
	spool, err := os.CreateTemp(p.tmp, "stream-")
	if err != nil {
		return Package{}, fmt.Errorf("store package: %w", err)
	}
	defer os.Remove(spool.Name()) // gone already when it was put in place
	defer spool.Close()
	hash := sha256.New()
	size, err := io.Copy(io.MultiWriter(hash, spool), io.LimitReader(r, StreamMax+1))
	if err != nil {
		return Package{}, fmt.Errorf("read package: %w", err)
	}
	if size > StreamMax {
		return Package{}, errUnzippedLimit
	}
	seen, err := inspectAt(ctx, spool, size)
	if err != nil {
		return Package{}, err
	}
	sum := hash.Sum(nil)
	pkg := Package{
		Digest:       lambda.CodeDigest(hex.EncodeToString(sum)),
		Base64SHA256: base64.StdEncoding.EncodeToString(sum),
		Size:         size,
		UnpackedSize: seen.bytes,
		Files:        seen.files,
	}
	if err := p.adopt(spool, pkg.Digest); err != nil {
		return Package{}, fmt.Errorf("store package %s: %w", pkg.Digest, err)
	}
	return pkg, nil
}

// adopt puts a spooled package where its digest belongs and returns once it is on
// disk. What is there already has the same bytes and is only refreshed.
func (p *Packages) adopt(spool *os.File, digest lambda.CodeDigest) error {
	p.keep.RLock()
	defer p.keep.RUnlock()
	path, _ := p.path(digest)
	now := p.now()
	if err := os.Chtimes(path, now, now); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := errors.Join(spool.Sync(), os.Chtimes(spool.Name(), now, now)); err != nil {
		return err
	}
	if err := os.Rename(spool.Name(), path); err != nil {
		return err
	}
	return errors.Join(syncDir(dir), syncDir(p.blobs))
}
