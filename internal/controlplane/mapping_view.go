package controlplane

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

// committedMapping is a mapping as it was committed.
type committedMapping struct {
	row[mappingRecord]
	home home
	uuid string
}

func (m committedMapping) function() lambda.FunctionID {
	return lambda.FunctionID{Account: m.home.account, Region: m.home.region, Name: m.value.Function}
}

// mappingView is the committed mappings in memory. Like view it changes by the
// store's events only.
type mappingView struct {
	mu      sync.RWMutex // guards what follows
	homes   map[home]map[string]committedMapping
	results map[string]string // LastProcessingResult by UUID, as the pollers tell it

	unsettled func(mappingID)
}

// mappingID names a mapping that waits for its next state.
type mappingID struct {
	home home
	uuid string
}

func newMappingView(unsettled func(mappingID)) *mappingView {
	return &mappingView{
		homes:     make(map[home]map[string]committedMapping),
		results:   make(map[string]string),
		unsettled: unsettled,
	}
}

func (v *mappingView) get(id mappingID) (committedMapping, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	m, ok := v.homes[id.home][id.uuid]
	return m, ok
}

// in are the mappings of an account's region in order of UUID.
func (v *mappingView) in(h home) []committedMapping {
	v.mu.RLock()
	defer v.mu.RUnlock()
	out := make([]committedMapping, 0, len(v.homes[h]))
	for _, uuid := range slices.Sorted(maps.Keys(v.homes[h])) {
		out = append(out, v.homes[h][uuid])
	}
	return out
}

func (v *mappingView) all() []committedMapping {
	v.mu.RLock()
	defer v.mu.RUnlock()
	var out []committedMapping
	for _, in := range v.homes {
		for _, m := range in {
			out = append(out, m)
		}
	}
	return out
}

func (v *mappingView) report(uuid, result string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, in := range v.homes { // one for each account and region
		if _, ok := in[uuid]; ok {
			v.results[uuid] = result
			return
		}
	}
}

func (v *mappingView) result(uuid string) string {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.results[uuid]
}

// follow carries one committed change in.
func (v *mappingView) follow(e store.RowEvent[mappingRecord]) {
	h, uuid := parseHomeKey(e.Key)
	v.mu.Lock()
	defer v.mu.Unlock()
	if had, ok := v.homes[h][uuid]; ok && e.Revision <= had.revision {
		return
	}
	if e.Deleted {
		delete(v.homes[h], uuid)
		delete(v.results, uuid)
		return
	}
	v.homes[h] = put(v.homes[h], uuid, committedMapping{row[mappingRecord]{e.Value, e.Revision}, h, uuid})
	if e.Value.inTransition() {
		v.unsettled(mappingID{h, uuid})
	}
}

// homeKey is the key of what belongs to an account's region and to no function.
func homeKey(h home, name string) string { return h.key() + "/" + name }

// parseHomeKey takes a homeKey apart.
func parseHomeKey(key string) (home, string) {
	f := strings.SplitN(key, "/", 3)
	for len(f) < 3 {
		f = append(f, "")
	}
	return home{f[0], f[1]}, f[2]
}

func (s *Service) onMapping(e store.RowEvent[mappingRecord]) {
	s.mappings.follow(e)
	s.view.wake()
}
