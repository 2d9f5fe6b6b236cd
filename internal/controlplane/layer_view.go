package controlplane

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

// layer is all that is known of one layer. Like a function in the view it is never
// changed, only replaced.
type layer struct {
	record   row[layerRecord]
	versions map[int64]row[layerVersionRecord]
}

// numbers are the layer's versions, newest first.
func (l *layer) numbers() []int64 {
	return slices.SortedFunc(maps.Keys(l.versions), func(a, b int64) int { return int(b - a) })
}

// layer returns a layer as it is now, or one without versions.
func (v *view) layer(id layerID) *layer {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.layerLocked(id)
}

func (v *view) layerLocked(id layerID) *layer {
	if l := v.layers[id.home()][id.Name]; l != nil {
		return l
	}
	return &layer{}
}

// layerNames are the names of layers from the given one on, in order.
func (v *view) layerNames(h home, from string) []string {
	v.mu.RLock()
	defer v.mu.RUnlock()
	var names []string
	for name := range v.layers[h] {
		if name >= from {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// setLayer puts a changed layer in place; v.mu is held for writing.
func (v *view) setLayer(id layerID, l *layer) {
	if v.layers[id.home()] == nil {
		v.layers[id.home()] = make(map[string]*layer)
	}
	v.layers[id.home()][id.Name] = l
	v.wake()
}

// watchLayers lets committed changes of layers reach the view.
func (s *Service) watchLayers() []func() {
	return []func(){
		s.tables.layers.Watch(func(e store.RowEvent[layerRecord]) { locked(s, e, s.onLayer) }),
		s.tables.layerVersions.Watch(func(e store.RowEvent[layerVersionRecord]) { locked(s, e, s.onLayerVersion) }),
	}
}

// loadLayers brings all layers into the view; its lock is held.
func (s *Service) loadLayers(ctx context.Context) error {
	return firstError(
		loadTable(ctx, s.tables.layers, s.onLayer),
		loadTable(ctx, s.tables.layerVersions, s.onLayerVersion),
	)
}

func (s *Service) onLayer(e store.RowEvent[layerRecord]) {
	first, _ := parseKey(e.Key)
	l := *s.view.layerLocked(layerID(first))
	if e.Revision <= l.record.revision {
		return
	}
	l.record = row[layerRecord]{e.Value, e.Revision}
	s.view.setLayer(layerID(first), &l)
}

func (s *Service) onLayerVersion(e store.RowEvent[layerVersionRecord]) {
	first, part := parseKey(e.Key)
	id := layerID(first)
	n, err := strconv.ParseInt(strings.TrimLeft(part, "0"), 10, 64)
	if err != nil {
		s.cfg.Log.Error("committed record has no number", "key", e.Key)
		return
	}
	l := *s.view.layerLocked(id)
	old, had := l.versions[n]
	if had && e.Revision <= old.revision {
		return
	}
	r := s.view.region(id.home())
	l.versions = maps.Clone(l.versions)
	if had {
		s.view.unuse(old.value.Code)
		r.codeBytes -= old.value.Code.Size
		delete(l.versions, n)
	}
	if !e.Deleted {
		s.view.use(e.Value.Code)
		r.codeBytes += e.Value.Code.Size
		l.versions = put(l.versions, n, row[layerVersionRecord]{e.Value, e.Revision})
	}
	s.view.setLayer(id, &l)
}

// useAll and unuseAll count all packages that a version's settings refer to.
func (v *view) useAll(s settings) {
	v.use(s.Code)
	v.useLayers(s)
}

func (v *view) unuseAll(s settings) {
	v.unuse(s.Code)
	v.unuseLayers(s)
}

func (v *view) useLayers(s settings) {
	for _, l := range s.Layers {
		v.use(packageRecord{Digest: l.Digest})
	}
}

func (v *view) unuseLayers(s settings) {
	for _, l := range s.Layers {
		v.unuse(packageRecord{Digest: l.Digest})
	}
}

// digests are the packages of a list of layers, in its order.
func digests(layers []layerRef) []lambda.CodeDigest {
	var out []lambda.CodeDigest
	for _, l := range layers {
		out = append(out, l.Digest)
	}
	return out
}
