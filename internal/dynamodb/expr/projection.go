package expr

import (
	"maps"
	"slices"

	"github.com/hearthfaas/hearth/internal/dynamodb/attr"
)

// Projection is the part of an item that an answer shows.
type Projection struct{ paths []Path }

// ParseProjection reads a projection expression.
func (p *Params) ParseProjection(text string) (*Projection, error) {
	return parse(p, "ProjectionExpression", text, func(p *parser) *Projection {
		out := &Projection{}
		for {
			path := p.path()
			for _, other := range out.paths {
				if text := other.clash(path); text != "" {
					p.note(faultOverlap, "%s", text)
				}
			}
			out.paths = append(out.paths, path)
			if !p.accept(",") {
				return out
			}
		}
	})
}

// Only is the projection to attributes of the item itself.
func Only(names []string) *Projection {
	out := &Projection{}
	for _, name := range names {
		out.paths = append(out.paths, Named(name))
	}
	return out
}

// Names are the attributes of the item that the projection looks at.
func (p *Projection) Names(add func(name string)) {
	if p == nil {
		return
	}
	for _, path := range p.paths {
		add(path[0].Name)
	}
}

// Apply returns the part of an item; a nil Projection is the whole.
func (p *Projection) Apply(item attr.Item) attr.Item {
	if p == nil || item == nil {
		return item
	}
	return pick(item, p.paths)
}

// branch is what is wanted below one step of paths.
type branch struct {
	whole bool
	names map[string]*branch
	index map[int]*branch
}

func (b *branch) add(p Path) {
	if len(p) == 0 {
		b.whole = true
		return
	}
	var next *branch
	if s := p[0]; s.IsIndex {
		if b.index == nil {
			b.index = map[int]*branch{}
		}
		if b.index[s.Index] == nil {
			b.index[s.Index] = &branch{}
		}
		next = b.index[s.Index]
	} else {
		if b.names == nil {
			b.names = map[string]*branch{}
		}
		if b.names[s.Name] == nil {
			b.names[s.Name] = &branch{}
		}
		next = b.names[s.Name]
	}
	next.add(p[1:])
}

// pick returns what of an item is at the paths. Elements of lists move together.
func pick(item attr.Item, paths []Path) attr.Item {
	root := &branch{}
	for _, p := range paths {
		root.add(p)
	}
	return root.mapping(item)
}

func (b *branch) mapping(m map[string]attr.Value) map[string]attr.Value {
	out := map[string]attr.Value{}
	for name, sub := range b.names {
		if v, ok := m[name]; ok {
			if v, ok = sub.value(v); ok {
				out[name] = v
			}
		}
	}
	return out
}

func (b *branch) value(v attr.Value) (attr.Value, bool) {
	switch {
	case b.whole:
		return v, true
	case v.Kind == attr.Map && b.names != nil:
		out := b.mapping(v.Map)
		return attr.Value{Kind: attr.Map, Map: out}, len(out) > 0
	case v.Kind == attr.List && b.index != nil:
		out := attr.Value{Kind: attr.List}
		for _, i := range slices.Sorted(maps.Keys(b.index)) {
			if i >= len(v.List) {
				break
			}
			if e, ok := b.index[i].value(v.List[i]); ok {
				out.List = append(out.List, e)
			}
		}
		return out, len(out.List) > 0
	default:
		return attr.Value{}, false
	}
}
