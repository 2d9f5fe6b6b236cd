package wire

import (
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// formNode is one level of an awsQuery form: PolicyArns.member.1.arn is the path
// PolicyArns, member, 1, arn.
type formNode struct {
	value string
	set   bool
	kids  map[string]*formNode
}

// formDepthMax bounds the dots in a key; the deepest key of IAM and STS has six.
const formDepthMax = 32

// parseForm grows the tree of a form. When a key comes twice the first counts.
func parseForm(form url.Values) (*formNode, error) {
	root := &formNode{}
	for key, values := range form {
		if len(values) == 0 {
			continue
		}
		node := root
		if strings.Count(key, ".") > formDepthMax {
			return nil, malformed("a parameter's name is nested too deeply")
		}
		for part := range strings.SplitSeq(key, ".") {
			kid := node.kids[part]
			if kid == nil {
				kid = &formNode{}
				if node.kids == nil {
					node.kids = map[string]*formNode{}
				}
				node.kids[part] = kid
			}
			node = kid
		}
		node.value, node.set = values[0], true
	}
	return root, nil
}

// numbered returns the kids whose names are positions, in order. Clients count
// from 1; gaps are allowed.
func (n *formNode) numbered() []*formNode {
	type entry struct {
		at   int
		node *formNode
	}
	entries := make([]entry, 0, len(n.kids))
	for name, kid := range n.kids {
		if at, err := strconv.Atoi(name); err == nil {
			entries = append(entries, entry{at, kid})
		}
	}
	slices.SortFunc(entries, func(a, b entry) int { return a.at - b.at })
	nodes := make([]*formNode, len(entries))
	for i, e := range entries {
		nodes[i] = e.node
	}
	return nodes
}

// decodeForm sets dst, which may be a pointer, from a node of the form.
func decodeForm(dst reflect.Value, s *shape, form queryForm, n *formNode) error {
	if dst.Kind() == reflect.Pointer {
		fresh := reflect.New(dst.Type().Elem())
		if err := decodeForm(fresh.Elem(), s, form, n); err != nil {
			return err
		}
		dst.Set(fresh)
		return nil
	}
	switch s.kind {
	case kindList:
		return decodeFormList(dst, s, form, n)
	case kindMap:
		return decodeFormMap(dst, s, form, n)
	case kindStruct:
		for _, m := range s.members {
			if kid := n.kids[m.query.name]; kid != nil {
				if err := decodeForm(dst.Field(m.field), m.shape, m.query, kid); err != nil {
					return err
				}
			}
		}
		return nil
	case kindUnion:
		for name, kid := range n.kids {
			if u, ok := s.variants[name]; ok {
				box := reflect.New(u.typ)
				if err := decodeForm(box.Elem().Field(0), u.shape, plainForm(name), kid); err != nil {
					return err
				}
				dst.Set(box)
			}
		}
		return nil
	default:
		if !n.set {
			return malformed("a parameter has members where a value is expected")
		}
		return decodeText(dst, s, n.value)
	}
}

// items are the nodes of a collection's members: held by one more name, or not when
// it is flat.
func (n *formNode) items(flat bool, holder string) []*formNode {
	if flat {
		return n.numbered()
	}
	if m := n.kids[holder]; m != nil {
		return m.numbered()
	}
	return nil
}

func decodeFormList(dst reflect.Value, s *shape, form queryForm, n *formNode) error {
	items := n.items(form.flat, form.item)
	list := reflect.MakeSlice(s.typ, len(items), len(items))
	for i, item := range items {
		if err := decodeForm(list.Index(i), s.elem, plainForm(""), item); err != nil {
			return err
		}
	}
	dst.Set(list)
	return nil
}

func decodeFormMap(dst reflect.Value, s *shape, form queryForm, n *formNode) error {
	m := reflect.MakeMap(s.typ)
	for _, entry := range n.items(form.flat, "entry") {
		key, value := entry.kids[form.key], entry.kids[form.value]
		if key == nil || value == nil {
			return malformed("an entry of a map has no key or no value")
		}
		elem := reflect.New(s.typ.Elem()).Elem()
		if err := decodeForm(elem, s.elem, plainForm(""), value); err != nil {
			return err
		}
		m.SetMapIndex(reflect.ValueOf(key.value).Convert(s.typ.Key()), elem)
	}
	dst.Set(m)
	return nil
}
