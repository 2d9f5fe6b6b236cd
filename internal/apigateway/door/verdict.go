package door

import (
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

// Get returns what was kept under a key and is still good.
func (v *Verdicts) Get(key string, now time.Time) (any, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	k, ok := v.kept[key]
	if !ok || !now.Before(k.until) {
		return nil, false
	}
	return k.value, true
}

// Put keeps a value.
func (v *Verdicts) Put(key string, value any, until time.Time) {
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
