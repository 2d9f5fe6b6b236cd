package expr

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/hearthfaas/hearth/internal/dynamodb/attr"
)

// Step is one part of a document path: the name of an attribute or the index in a list.
type Step struct {
	Name    string
	Index   int
	IsIndex bool
}

// Path leads to an attribute of an item. Its first step is a name.
type Path []Step

// Named is the path to an attribute of the item itself.
func Named(name string) Path { return Path{{Name: name}} }

// Find returns what is at the path.
func (p Path) Find(item attr.Item) (attr.Value, bool) {
	v, ok := item[p[0].Name]
	for _, s := range p[1:] {
		if !ok {
			break
		}
		v, ok = s.in(v)
	}
	return v, ok
}

func (s Step) in(v attr.Value) (attr.Value, bool) {
	switch {
	case s.IsIndex && v.Kind == attr.List && s.Index < len(v.List):
		return v.List[s.Index], true
	case !s.IsIndex && v.Kind == attr.Map:
		inner, ok := v.Map[s.Name]
		return inner, ok
	default:
		return attr.Value{}, false
	}
}

// reachable says whether the path could lead somewhere: to an attribute of the item,
// or into a map or list that is there.
func (p Path) reachable(item attr.Item) bool {
	if len(p) == 1 {
		return true
	}
	parent, ok := p[:len(p)-1].Find(item)
	return ok && (parent.Kind == attr.Map && !p[len(p)-1].IsIndex || parent.Kind == attr.List && p[len(p)-1].IsIndex)
}

func (s Step) String() string {
	if s.IsIndex {
		return "[" + strconv.Itoa(s.Index) + "]"
	}
	return s.Name
}

// String prints the path as AWS's messages do: [a, b, [1]].
func (p Path) String() string {
	parts := make([]string, len(p))
	for i, s := range p {
		parts[i] = s.String()
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// compare orders paths so that indexes of one list follow one another.
func (p Path) compare(q Path) int {
	for i := range min(len(p), len(q)) {
		if c := cmp.Or(strings.Compare(p[i].Name, q[i].Name), cmp.Compare(p[i].Index, q[i].Index)); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(p), len(q))
}

func (p Path) equal(q Path) bool { return len(p) == len(q) && p.compare(q) == 0 }

// clash says what is wrong with two paths in one expression, empty if nothing.
func (p Path) clash(q Path) string {
	for i := range min(len(p), len(q)) {
		if p[i].IsIndex != q[i].IsIndex {
			return "Two document paths conflict with each other; must remove or rewrite one of these paths; " +
				"path one: " + p.String() + ", path two: " + q.String()
		}
		if p[i] != q[i] {
			return ""
		}
	}
	return "Two document paths overlap with each other; must remove or rewrite one of these paths; " +
		"path one: " + p.String() + ", path two: " + q.String()
}
