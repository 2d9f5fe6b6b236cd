package policy

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

var variablePattern = regexp.MustCompile(`\$\{([^}*?$,]+)`)

// ContextKeys returns the condition keys and policy variables that a document
// names, as it writes them, without repetition. A text that is no JSON has none.
func ContextKeys(document string) []string {
	root, err := readJSON(document)
	if err != nil {
		return nil
	}
	var keys []string
	add := func(key string) {
		same := func(k string) bool { return strings.EqualFold(k, key) }
		if key = strings.TrimSpace(key); key != "" && !slices.ContainsFunc(keys, same) {
			keys = append(keys, key)
		}
	}
	var walk func(n node)
	walk = func(n node) {
		for _, found := range variablePattern.FindAllStringSubmatch(n.text, -1) {
			add(found[1])
		}
		for _, item := range n.items {
			walk(item)
		}
		for _, m := range n.members {
			if m.name == "Condition" {
				for _, op := range m.value.members {
					for _, key := range op.value.members {
						add(key.name)
					}
				}
			}
			walk(m.value)
		}
	}
	walk(root)
	return keys
}

// Position is a place in a document, both counted from 1.
type Position struct{ Line, Column int }

// StatementSpan says where the statement with a number, counted from 0, begins and
// ends in a document; false when there is none.
func StatementSpan(document string, number int) (start, end Position, ok bool) {
	dec := json.NewDecoder(strings.NewReader(document))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return Position{}, Position{}, false
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return Position{}, Position{}, false
		}
		from := int(dec.InputOffset())
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return Position{}, Position{}, false
		}
		if name == "Statement" {
			at := int(dec.InputOffset()) - len(value)
			return spanIn(document, max(at, from), value, number)
		}
	}
	return Position{}, Position{}, false
}

// spanIn finds a statement in the value of Statement, which begins at offset at.
func spanIn(document string, at int, value json.RawMessage, number int) (start, end Position, ok bool) {
	if !bytes.HasPrefix(value, []byte("[")) {
		return position(document, at), position(document, at+len(value)), number == 0
	}
	dec := json.NewDecoder(bytes.NewReader(value))
	if _, err := dec.Token(); err != nil {
		return Position{}, Position{}, false
	}
	for i := 0; dec.More(); i++ {
		var statement json.RawMessage
		if err := dec.Decode(&statement); err != nil {
			return Position{}, Position{}, false
		}
		if i == number {
			last := at + int(dec.InputOffset())
			return position(document, last-len(statement)), position(document, last), true
		}
	}
	return Position{}, Position{}, false
}

func position(document string, offset int) Position {
	before := document[:min(offset, len(document))]
	return Position{Line: strings.Count(before, "\n") + 1, Column: len(before) - strings.LastIndexByte(before, '\n')}
}
