package code

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/renameio/v2"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// bootIDFile is Linux's random id of this boot.
const bootIDFile = "/proc/sys/kernel/random/boot_id"

// recover makes the cache's directories, removes half-done work and takes over the
// trees that are there.
//
// Trees are not synced to disk one by one: they can be made again. They survive the
// death of a process but not, for certain, that of the machine; so a cache that was
// written under another boot is emptied.
func (c *Cache) recover(dir string) error {
	boot, err := os.ReadFile(bootIDFile)
	if err != nil {
		boot = nil // not Linux: never trusted
	}
	bootMark := filepath.Join(dir, "boot_id")
	before, err := os.ReadFile(bootMark)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if boot == nil || string(before) != string(boot) {
		if err := os.RemoveAll(c.trees); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(c.tmp); err != nil {
		return err
	}
	for _, d := range []string{dir, c.trees, c.tmp} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
		if err := os.Chmod(d, 0o755); err != nil { // whatever the umask is
			return err
		}
	}
	if boot != nil && string(before) != string(boot) {
		if err := renameio.WriteFile(bootMark, boot, 0o644); err != nil {
			return err
		}
	}
	return c.adopt()
}

// adopt takes over the trees on disk as unused, oldest first.
func (c *Cache) adopt() error {
	found, err := os.ReadDir(c.trees)
	if err != nil {
		return err
	}
	type aged struct {
		slot *slot
		at   time.Time
	}
	var trees []aged
	for _, f := range found {
		hex, size, _ := strings.Cut(f.Name(), ".")
		bytes, err := strconv.ParseInt(size, 10, 64)
		info, infoErr := f.Info()
		if err != nil || infoErr != nil || !validDigest(lambda.CodeDigest(hex)) {
			continue // not ours
		}
		ready := make(chan struct{})
		close(ready)
		trees = append(trees, aged{at: info.ModTime(), slot: &slot{
			digest: lambda.CodeDigest(hex),
			ready:  ready,
			dir:    filepath.Join(c.trees, f.Name()),
			bytes:  bytes,
		}})
	}
	slices.SortFunc(trees, func(a, b aged) int { return a.at.Compare(b.at) })
	for _, t := range trees {
		t.slot.idle = c.idle.PushBack(t.slot)
		c.slots[t.slot.digest] = t.slot
		c.bytes += t.slot.bytes
	}
	c.remove(c.evict())
	return nil
}
