package eventbridge

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// path is a JSON path of the kind that targets may have: members, elements and all
// of them, but no filters, scripts or descents.
type path []pathStep

type pathStep struct {
	name    string
	index   int
	element bool // index counts, not name
	all     bool // [*] or .*
}

var errPath = errors.New("not a JSON path that rules know")

// pathMax bounds the steps of a path: no event that is meant to be read nests deeper.
const pathMax = 64

// parsePath reads a path such as $.detail.items[0]["a b"].
func parsePath(text string) (path, error) {
	rest, ok := strings.CutPrefix(text, "$")
	if !ok {
		return nil, errPath
	}
	p := path{}
	for rest != "" {
		var step pathStep
		switch rest[0] {
		case '.':
			step, rest, ok = memberStep(rest[1:])
		case '[':
			step, rest, ok = bracketStep(rest[1:])
		default:
			ok = false
		}
		if !ok || len(p) == pathMax {
			return nil, errPath
		}
		p = append(p, step)
	}
	return p, nil
}

func memberStep(text string) (step pathStep, rest string, ok bool) {
	end := strings.IndexAny(text, ".[")
	if end < 0 {
		end = len(text)
	}
	name := text[:end]
	if name == "" || strings.ContainsAny(name, " \"'()?@]") {
		return step, "", false
	}
	return pathStep{name: name, all: name == "*"}, text[end:], true
}

func bracketStep(text string) (step pathStep, rest string, ok bool) {
	for _, quote := range []string{"'", `"`} {
		if inner, found := strings.CutPrefix(text, quote); found {
			name, rest, ok := strings.Cut(inner, quote+"]")
			return pathStep{name: name}, rest, ok
		}
	}
	inner, rest, ok := strings.Cut(text, "]")
	if inner == "*" {
		return pathStep{all: true}, rest, ok
	}
	n, err := strconv.ParseUint(inner, 10, 31)
	return pathStep{index: int(n), element: true}, rest, ok && err == nil
}

// find is what a path leads to in an event: JSON text as it was written, or nil. A
// path with [*] leads to a list.
func (p path) find(event json.RawMessage) json.RawMessage {
	if len(p) == 0 {
		return event
	}
	step, rest := p[0], p[1:]
	var list []json.RawMessage
	if step.element || step.all {
		if json.Unmarshal(event, &list) == nil && !step.all {
			if step.index >= len(list) {
				return nil
			}
			return rest.find(list[step.index])
		}
	}
	if step.element {
		return nil
	}
	if step.all {
		if list == nil {
			list = membersOf(event)
		}
		return rest.findAll(list)
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(event, &object) != nil {
		return nil
	}
	below, ok := object[step.name]
	if !ok {
		return nil
	}
	return rest.find(below)
}

// membersOf is an object's values in their order.
func membersOf(event json.RawMessage) []json.RawMessage {
	d := json.NewDecoder(strings.NewReader(string(event)))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil
	}
	var out []json.RawMessage
	for d.More() {
		var v json.RawMessage
		if _, err := d.Token(); err != nil || d.Decode(&v) != nil {
			return nil
		}
		out = append(out, v)
	}
	return out
}

func (p path) findAll(list []json.RawMessage) json.RawMessage {
	var found []json.RawMessage
	for _, x := range list {
		if v := p.find(x); v != nil {
			found = append(found, v)
		}
	}
	if found == nil {
		return nil
	}
	return encodeJSON(found)
}
