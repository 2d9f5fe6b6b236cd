package pattern

import (
	"math"
	"strconv"
	"strings"
)

// Event is an event taken apart for comparison. It does not change.
//
// AWS flattens events to scalars by path: the names of the members on the way with
// dots between. Elements of an array share its path, and a name with a dot in it is
// as good as two names. Here a path is a node of a tree, so that long names in front
// of many members are kept once.
type Event struct {
	nodes map[edge]int32 // by parent and name; the root is node 0
	tree  []node
	// values are all scalars; those of one node are a list.
	values []value
	// elements are the elements of arrays that are objects or arrays themselves.
	elements []element
	// data says of the record's data whether it is JSON; it is unset for others.
	data dataState
}

// none is the number of nothing.
const none = -1

// edge leads from a node to one of its members.
type edge struct {
	parent int32
	name   string
}

// node is a path of an event.
type node struct {
	edge        edge
	first, last int32 // its values
}

// kind is the type of a scalar.
type kind byte

const (
	kindString kind = iota
	kindNumber
	kindLiteral // true, false or null
)

// value is a scalar of an event.
type value struct {
	kind kind
	// inRange says that micros counts: the number in millionths.
	inRange bool
	text    string // a string's characters; otherwise as it is written
	micros  int64
	next    int32 // of the same node
	element int32 // the innermost that it lies in
}

// element is one element of one array.
type element struct{ parent, array, index int32 }

// ParseEvent takes a JSON object apart. The error is a *SyntaxError.
func ParseEvent(text []byte) (*Event, error) {
	f := newFlattener()
	s := &scanner{text: string(text)}
	if err := s.walk(f); err != nil {
		return nil, err
	}
	if !f.object {
		return nil, &SyntaxError{Reason: "Event is not an object", text: s.text, pos: s.pos}
	}
	return f.event, nil
}

// child is the node of a member, or none.
func (ev *Event) child(parent int32, name string) int32 {
	if n, ok := ev.nodes[edge{parent, name}]; ok {
		return n
	}
	return none
}

// first is the first value at a path, or none.
func (ev *Event) first(path []string) int32 {
	n := int32(0)
	for _, name := range path {
		if n = ev.child(n, name); n == none {
			return none
		}
	}
	return ev.tree[n].first
}

// grow is the node of a member, which is made when there is none.
func (ev *Event) grow(parent int32, name string) int32 {
	e := edge{parent, name}
	n, ok := ev.nodes[e]
	if !ok {
		n = int32(len(ev.tree))
		ev.nodes[e] = n
		ev.tree = append(ev.tree, node{edge: e, first: none, last: none})
	}
	return n
}

// add puts a value behind the others of its node.
func (ev *Event) add(n int32, v value) {
	i := int32(len(ev.values))
	v.next = none
	ev.values = append(ev.values, v)
	if at := &ev.tree[n]; at.first == none {
		at.first, at.last = i, i
	} else {
		ev.values[at.last].next = i
		at.last = i
	}
}

// flattener builds an Event from what a scanner finds.
type flattener struct {
	event  *Event
	object bool    // the outermost value is an object
	frames []frame // the objects and arrays around the present place
	node   int32   // of the present place
	// element is the innermost around the present place.
	element int32
	arrays  int32
}

type frame struct {
	in            token
	node, element int32 // of the object or array
	array, index  int32 // of an array; index counts the elements begun
}

// sizeUsual is room for the members of a usual event.
const sizeUsual = 32

func newFlattener() *flattener {
	ev := &Event{
		nodes:  make(map[edge]int32, sizeUsual),
		tree:   make([]node, 1, sizeUsual),
		values: make([]value, 0, sizeUsual),
	}
	ev.tree[0] = node{first: none, last: none}
	return &flattener{event: ev, element: none}
}

// begin prepares for a value: in an array it is the next element.
func (f *flattener) begin() {
	if n := len(f.frames); n > 0 && f.frames[n-1].in == tokenArray {
		f.frames[n-1].index++
		f.node, f.element = f.frames[n-1].node, f.frames[n-1].element
	}
}

func (f *flattener) enter(t token, _ *scanner) {
	f.begin()
	if n := len(f.frames); n == 0 {
		f.object = t == tokenObject
	} else if top := f.frames[n-1]; top.in == tokenArray {
		// Only objects and arrays have something that other values could share.
		f.event.elements = append(f.event.elements, element{f.element, top.array, top.index})
		f.element = int32(len(f.event.elements) - 1)
	}
	f.arrays++
	f.frames = append(f.frames, frame{in: t, node: f.node, element: f.element, array: f.arrays})
}

func (f *flattener) leave(token, *scanner) { f.frames = f.frames[:len(f.frames)-1] }

func (f *flattener) key(name string) {
	top := f.frames[len(f.frames)-1]
	f.node, f.element = top.node, top.element
	for part := range strings.SplitSeq(name, ".") {
		f.node = f.event.grow(f.node, part)
	}
}

func (f *flattener) scalar(t token, text string, _ *scanner) {
	f.begin()
	if len(f.frames) > 0 {
		v := scalarOf(t, text)
		v.element = f.element
		f.event.add(f.node, v)
	}
}

func scalarOf(t token, text string) value {
	switch t {
	case tokenString:
		return value{kind: kindString, text: text, element: none}
	case tokenNumber:
		v := value{kind: kindNumber, text: text, element: none}
		v.micros, v.inRange = micros(text)
		return v
	default:
		return value{kind: kindLiteral, text: text, element: none}
	}
}

// numberMax bounds the numbers that are compared as numbers; beyond it they are
// equal when they are written the same (EventBridge user guide, "Numeric matching").
const numberMax = 5e9

// micros is a number to six digits behind the point, all that is compared.
func micros(text string) (int64, bool) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f < -numberMax || f > numberMax {
		return 0, false
	}
	return int64(math.Round(f * 1e6)), true
}
