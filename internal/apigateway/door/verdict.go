package door

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"sync"
	"time"
)

// verdictsMax bounds what is remembered; all is forgotten when there is more. A
// verdict has at most a few KiB.
const verdictsMax = 4096

// Verdicts remembers what authorizers said for as long as they let it.
type Verdicts struct {
	mu   sync.Mutex // guards kept
	kept map[string]kept
}

type kept struct {
	until time.Time
	value any
}

func newVerdicts() *Verdicts { return &Verdicts{kept: map[string]kept{}} }

// VerdictPrefix begins the keys of a stage's verdicts.
func VerdictPrefix(api, stage string) string { return api + "/" + stage + "/" }

// Remembered is what ask says of an identity, or said no longer than ttl ago. A key's
// authorizer is named by of. Errors are not remembered.
func Remembered[T any](v *Verdicts, of string, identity []string, now time.Time, ttl time.Duration, ask func() (T, error)) (T, error) {
	sum := sha256.Sum256([]byte(strings.Join(identity, "\x00")))
	key := of + "/" + hex.EncodeToString(sum[:])
	if ttl > 0 {
		if kept, ok := v.get(key, now); ok {
			if said, ok := kept.(T); ok {
				return said, nil
			}
		}
	}
	said, err := ask()
	if err == nil && ttl > 0 {
		v.put(key, said, now.Add(ttl))
	}
	return said, err
}

// get returns what was kept under a key and is still good.
func (v *Verdicts) get(key string, now time.Time) (any, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	k, ok := v.kept[key]
	if !ok || !now.Before(k.until) {
		return nil, false
	}
	return k.value, true
}

// put keeps a value.
func (v *Verdicts) put(key string, value any, until time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.kept) >= verdictsMax {
		clear(v.kept)
	}
	v.kept[key] = kept{until, value}
}

// Forget drops every key with a prefix.
func (v *Verdicts) Forget(prefix string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for key := range v.kept {
		if len(key) >= len(prefix) && key[:len(prefix)] == prefix {
			delete(v.kept, key)
		}
	}
}
