package runtimes

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/google/renameio/v2"
)

// versionCache remembers interpreters' versions across starts of Hearth, each by
// path, size and time of change of the file.
type versionCache struct {
	file string

	// mu guards what follows.
	mu     sync.Mutex
	loaded bool
	known  map[string]cachedVersion // by path
}

type cachedVersion struct {
	ModTime time.Time
	Size    int64
	Version string
}

// of returns the interpreter's version, asking the interpreter when the cache does
// not know it.
func (vc *versionCache) of(ctx context.Context, it *interpreter) (string, error) {
	vc.mu.Lock()
	defer vc.mu.Unlock()
	vc.load()
	if v, ok := vc.known[it.path]; ok && v.ModTime.Equal(it.modTime) && v.Size == it.size {
		return v.Version, nil
	}
	version, err := askVersion(ctx, it.path)
	if err != nil {
		return "", fmt.Errorf("ask %s for its version: %w", it.path, err)
	}
	vc.known[it.path] = cachedVersion{ModTime: it.modTime, Size: it.size, Version: version}
	vc.save()
	return version, nil
}

// load reads the file once. A cache that cannot be read is an empty one.
func (vc *versionCache) load() {
	if vc.loaded {
		return
	}
	vc.loaded = true
	if data, err := os.ReadFile(vc.file); err != nil || json.Unmarshal(data, &vc.known) != nil {
		vc.known = nil
	}
	if vc.known == nil {
		vc.known = make(map[string]cachedVersion)
	}
}

// save writes the file. A cache that cannot be written costs time, nothing else.
func (vc *versionCache) save() {
	data, err := json.Marshal(vc.known)
	if err != nil || os.MkdirAll(filepath.Dir(vc.file), 0o755) != nil {
		return
	}
	_ = renameio.WriteFile(vc.file, data, 0o644)
}
