package code

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// Sweep removes the packages that nothing refers to and that are older than
// SweepGrace, and says how many it removed.
func (p *Packages) Sweep(referenced func(lambda.CodeDigest) bool) (int, error) {
	shelves, err := os.ReadDir(p.blobs)
	if err != nil {
		return 0, fmt.Errorf("sweep packages: %w", err)
	}
	removed := 0
	var errs []error
	for _, shelf := range shelves {
		blobs, err := os.ReadDir(filepath.Join(p.blobs, shelf.Name()))
		if err != nil {
			errs = append(errs, fmt.Errorf("sweep packages: %w", err))
			continue
		}
		for _, blob := range blobs {
			digest := lambda.CodeDigest(blob.Name())
			if !validDigest(digest) || referenced(digest) {
				continue
			}
			gone, err := p.sweepOne(digest, referenced)
			if err != nil {
				errs = append(errs, err)
			}
			if gone {
				removed++
			}
		}
	}
	return removed, errors.Join(errs...)
}

// sweepOne looks again with every Put held off, so that a package that is being
// uploaded for the second time is not removed under its new owner.
func (p *Packages) sweepOne(digest lambda.CodeDigest, referenced func(lambda.CodeDigest) bool) (bool, error) {
	p.keep.Lock()
	defer p.keep.Unlock()
	path, _ := p.path(digest)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("sweep package %s: %w", digest, err)
	}
	if p.now().Sub(info.ModTime()) < SweepGrace || referenced(digest) {
		return false, nil
	}
	if err := os.Remove(path); err != nil {
		return false, fmt.Errorf("sweep package %s: %w", digest, err)
	}
	p.log.Debug("package removed", "code_digest", string(digest))
	return true, nil
}
