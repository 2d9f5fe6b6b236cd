package pattern

import "strings"

// The limits of a subscription's filter policy (Amazon SNS developer guide, "Filter
// policy constraints").
const (
	policyKeysMax         = 5
	policyCombinationsMax = 150
)

// checkPolicy refuses filter policies that SNS does not take although they are well
// formed.
func (p *parser) checkPolicy(root *term) error {
	keys, combinations := 0, 1
	var count func(t *term, depth int)
	count = func(t *term, depth int) {
		for i, item := range t.items {
			switch {
			case t.names[i] == "$or" && alternatives(item):
				for _, branch := range item.items {
					count(branch, depth)
				}
			case item.is(tokenObject):
				count(item, depth+1)
			default:
				keys++
				// Bounded long before it could overflow.
				combinations = min(combinations*len(item.items)*depth, policyCombinationsMax+1)
			}
		}
	}
	count(root, 1)
	if keys > policyKeysMax {
		return p.errorAt(root.end, "Filter policy can not have more than %d keys", policyKeysMax)
	}
	if combinations > policyCombinationsMax {
		return p.errorAt(root.end, "Filter policy is too complex")
	}
	return nil
}

// Attribute is a message attribute of SNS.
type Attribute struct {
	Type  string // String, String.Array, Number or Binary, perhaps with a suffix
	Value string
}

// AttributesEvent takes message attributes apart, for policies of the dialect
// TopicAttributes. An attribute of the type String.Array has the values of its list;
// one whose value is no list, and one of the type Binary, has none.
func AttributesEvent(attributes map[string]Attribute) *Event {
	f := newFlattener()
	for name, a := range attributes {
		// A name is one key however many dots it has; a policy's is split the same way.
		n := int32(0)
		for part := range strings.SplitSeq(name, ".") {
			n = f.event.grow(n, part)
		}
		switch kind, rest, _ := strings.Cut(a.Type, "."); kind {
		case "String":
			if rest != "Array" {
				f.event.add(n, value{kind: kindString, text: a.Value, element: none})
				continue
			}
			list := &elements{event: f.event, node: n}
			if s := (&scanner{text: a.Value}); s.walk(list) == nil {
				list.keep()
			}
		case "Number":
			f.event.add(n, scalarOf(tokenNumber, a.Value))
		}
	}
	return f.event
}

// elements collects the scalars of one list.
type elements struct {
	event  *Event
	node   int32
	depth  int
	list   bool
	values []value
}

func (e *elements) enter(t token, _ *scanner) {
	e.depth++
	e.list = e.list || e.depth == 1 && t == tokenArray
}

func (e *elements) leave(token, *scanner) { e.depth-- }

func (e *elements) key(string) {}

func (e *elements) scalar(t token, text string, _ *scanner) {
	if e.depth == 1 {
		e.values = append(e.values, scalarOf(t, text))
	}
}

func (e *elements) keep() {
	if !e.list {
		return
	}
	for _, v := range e.values {
		e.event.add(e.node, v)
	}
}
