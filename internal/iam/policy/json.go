package policy

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// depthMax bounds the nesting of a document; the grammar needs 6 levels.
const depthMax = 16

// node is a JSON value that remembers the order of members. encoding/json's maps
// would let the last of two equal names win in silence, which in a policy can hide
// a Deny.
type node struct {
	kind    nodeKind
	text    string // string, number and boolean, as a condition value spells them
	members []member
	items   []node
}

type member struct {
	name  string
	value node
}

type nodeKind uint8

const (
	nodeString nodeKind = iota
	nodeNumber
	nodeBool
	nodeNull
	nodeObject
	nodeArray
)

var (
	errDuplicate = errors.New("a member appears twice")
	errDepth     = errors.New("nested too deeply")
	errTrailing  = errors.New("text after the document")
)

func readJSON(document string) (node, error) {
	dec := json.NewDecoder(strings.NewReader(document))
	dec.UseNumber()
	n, err := readNode(dec, 0)
	if err != nil {
		return node{}, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return node{}, errTrailing
	}
	return n, nil
}

func readNode(dec *json.Decoder, depth int) (node, error) {
	if depth > depthMax {
		return node{}, errDepth
	}
	token, err := dec.Token()
	if err != nil {
		return node{}, err
	}
	switch t := token.(type) {
	case string:
		return node{kind: nodeString, text: t}, nil
	case json.Number:
		return node{kind: nodeNumber, text: t.String()}, nil
	case bool:
		if t {
			return node{kind: nodeBool, text: "true"}, nil
		}
		return node{kind: nodeBool, text: "false"}, nil
	case json.Delim:
		if t == '{' {
			return readObject(dec, depth)
		}
		return readArray(dec, depth)
	default:
		return node{kind: nodeNull}, nil
	}
}

func readObject(dec *json.Decoder, depth int) (node, error) {
	out := node{kind: nodeObject}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return node{}, err
		}
		name := token.(string) // the decoder gives nothing else before a colon
		for _, m := range out.members {
			if m.name == name {
				return node{}, errDuplicate
			}
		}
		value, err := readNode(dec, depth+1)
		if err != nil {
			return node{}, err
		}
		out.members = append(out.members, member{name, value})
	}
	_, err := dec.Token()
	return out, err
}

func readArray(dec *json.Decoder, depth int) (node, error) {
	out := node{kind: nodeArray}
	for dec.More() {
		item, err := readNode(dec, depth+1)
		if err != nil {
			return node{}, err
		}
		out.items = append(out.items, item)
	}
	_, err := dec.Token()
	return out, err
}

// get returns the member called name.
func (n node) get(name string) (node, bool) {
	for _, m := range n.members {
		if m.name == name {
			return m.value, true
		}
	}
	return node{}, false
}

// texts returns a string or a list of strings; scalars also takes numbers and
// booleans, which conditions may have as values.
func (n node) texts(scalars bool) ([]string, bool) {
	fits := func(k nodeKind) bool {
		return k == nodeString || scalars && (k == nodeNumber || k == nodeBool)
	}
	if fits(n.kind) {
		return []string{n.text}, true
	}
	if n.kind != nodeArray {
		return nil, false
	}
	out := make([]string, 0, len(n.items))
	for _, item := range n.items {
		if !fits(item.kind) {
			return nil, false
		}
		out = append(out, item.text)
	}
	return out, true
}
