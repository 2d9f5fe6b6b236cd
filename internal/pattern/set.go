package pattern

import (
	"math"
	"slices"
)

// Set holds many patterns under keys and finds those that an event meets without
// trying each. Match may be called from many goroutines at a time as long as nobody
// changes the set.
//
// A pattern is filed under one condition that every event which meets it must meet:
// under the values of an equality when it has one, and there under the one that the
// fewest other patterns share; otherwise under a path that must be present. Only
// patterns under what an event has are tried.
type Set[K comparable] struct {
	tree   map[edge]int32 // paths of the conditions that patterns are filed under
	paths  []drawer[K]    // by node
	always []entry[K]
	byKey  map[K]*Pattern
}

// drawer is the patterns that are filed under one path.
type drawer[K comparable] struct {
	equal   map[exactValue][]entry[K]
	present []entry[K]
}

// exactValue is a value that an equality asks for.
type exactValue struct {
	kind    kind
	inRange bool
	text    string
	micros  int64
}

// entry is one branch of a pattern.
type entry[K comparable] struct {
	key     K
	pattern *Pattern
	branch  int
}

// NewSet makes an empty Set.
func NewSet[K comparable]() *Set[K] {
	return &Set[K]{tree: map[edge]int32{}, paths: make([]drawer[K], 1), byKey: map[K]*Pattern{}}
}

// Len is how many patterns there are.
func (s *Set[K]) Len() int { return len(s.byKey) }

// Put files a pattern under a key, in the place of the one that was there.
func (s *Set[K]) Put(key K, p *Pattern) {
	s.Delete(key)
	s.byKey[key] = p
	for i, b := range p.branches {
		e := entry[K]{key, p, i}
		s.file(b, func(list *[]entry[K]) { *list = append(*list, e) })
	}
}

// Delete takes the pattern under a key out, if there is one.
func (s *Set[K]) Delete(key K) {
	p, ok := s.byKey[key]
	if !ok {
		return
	}
	delete(s.byKey, key)
	for _, b := range p.branches {
		// Where it was filed depended on what was there, so every place is looked at.
		s.places(b, func(list *[]entry[K]) {
			*list = slices.DeleteFunc(*list, func(e entry[K]) bool { return e.key == key })
		})
	}
}

// file chooses the lists that a branch belongs into.
func (s *Set[K]) file(b branch, do func(*[]entry[K])) {
	var best *condition
	fewest := math.MaxInt
	for _, c := range b {
		switch {
		case c.absent:
		case c.exact():
			if n := s.busiest(c); n < fewest {
				best, fewest = c, n
			}
		case best == nil: // better than nothing
			best = c
		}
	}
	if best == nil {
		do(&s.always)
		return
	}
	s.lists(best, do)
}

// places is every list that file may have chosen.
func (s *Set[K]) places(b branch, do func(*[]entry[K])) {
	do(&s.always)
	for _, c := range b {
		if !c.absent {
			s.lists(c, do)
		}
	}
}

// lists is where patterns lie that are filed under a condition.
func (s *Set[K]) lists(c *condition, do func(*[]entry[K])) {
	d := s.drawer(c.path)
	if !c.exact() {
		do(&d.present)
		return
	}
	if d.equal == nil {
		d.equal = map[exactValue][]entry[K]{}
	}
	for _, v := range c.values() {
		list := d.equal[v]
		if do(&list); len(list) == 0 {
			delete(d.equal, v)
		} else {
			d.equal[v] = list
		}
	}
}

// busiest is how many patterns an event at worst brings up under a condition.
func (s *Set[K]) busiest(c *condition) int {
	d, most := s.drawer(c.path), 0
	for _, v := range c.values() {
		most = max(most, len(d.equal[v]))
	}
	return most
}

func (s *Set[K]) drawer(path []string) *drawer[K] {
	n := int32(0)
	for _, name := range path {
		e := edge{n, name}
		below, ok := s.tree[e]
		if !ok {
			below = int32(len(s.paths))
			s.tree[e] = below
			s.paths = append(s.paths, drawer[K]{})
		}
		n = below
	}
	return &s.paths[n]
}

// values are all that an exact condition takes.
func (c *condition) values() []exactValue {
	var out []exactValue
	for _, t := range c.strings.list {
		out = append(out, exactValue{kind: kindString, text: t})
	}
	for _, t := range c.literals.list {
		out = append(out, exactValue{kind: kindLiteral, text: t})
	}
	for _, n := range c.numbers.list {
		out = append(out, exactValue{kind: kindNumber, inRange: true, micros: n})
	}
	for _, t := range c.written.list {
		out = append(out, exactValue{kind: kindNumber, text: t})
	}
	return out
}

func (v *value) exact() exactValue {
	if v.inRange {
		return exactValue{kind: v.kind, inRange: true, micros: v.micros}
	}
	return exactValue{kind: v.kind, text: v.text}
}

// Match is the keys of the patterns that an event meets, each once, in no order.
func (s *Set[K]) Match(ev *Event) []K {
	m := meeting[K]{event: ev}
	m.try(s.always)
	at := make([]int32, len(ev.tree)) // the set's node of each of the event's
	for i := range ev.tree {
		n := &ev.tree[i]
		if i > 0 {
			above := at[n.edge.parent]
			if at[i] = none; above != none {
				if here, ok := s.tree[edge{above, n.edge.name}]; ok {
					at[i] = here
				}
			}
		}
		if at[i] == none || n.first == none {
			continue
		}
		d := &s.paths[at[i]]
		m.try(d.present)
		if len(d.equal) == 0 {
			continue
		}
		for v := n.first; v != none; v = ev.values[v].next {
			m.try(d.equal[ev.values[v].exact()])
		}
	}
	return m.out
}

// meeting collects the keys of one event.
type meeting[K comparable] struct {
	event *Event
	out   []K
	seen  map[K]struct{}
}

// fewKeys is how many keys are searched one by one for a second occurrence.
const fewKeys = 16

func (m *meeting[K]) try(list []entry[K]) {
	for i := range list {
		e := &list[i]
		if e.pattern.matchBranch(e.branch, m.event) {
			m.add(e.key)
		}
	}
}

func (m *meeting[K]) add(key K) {
	if len(m.out) < fewKeys {
		if !slices.Contains(m.out, key) {
			m.out = append(m.out, key)
		}
		return
	}
	if m.seen == nil {
		m.seen = make(map[K]struct{}, 2*fewKeys)
		for _, k := range m.out {
			m.seen[k] = struct{}{}
		}
	}
	if _, ok := m.seen[key]; !ok {
		m.seen[key] = struct{}{}
		m.out = append(m.out, key)
	}
}
