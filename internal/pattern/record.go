package pattern

import "strings"

// dataState is what a record's data are.
type dataState struct {
	field string // its name; empty when the record has none
	json  bool   // they are JSON: an object or an array
}

// ParseRecord takes a record of an event source apart, for patterns of the dialect
// Mapping. When the field data, such as an SQS message's body, holds an object or an
// array as text, patterns look into it; an empty name says that there is none.
func ParseRecord(record []byte, data string) (*Event, error) {
	f := newFlattener()
	w := &recordWalk{flattener: f, data: data}
	if err := (&scanner{text: string(record)}).walk(w); err != nil {
		return nil, err
	}
	if !f.object {
		return nil, &SyntaxError{Reason: "Record is not an object", text: string(record)}
	}
	return f.event, nil
}

// recordWalk flattens a record and the JSON in its data.
type recordWalk struct {
	*flattener
	data string
	here bool // the data come next
}

func (w *recordWalk) key(name string) {
	w.here = w.data != "" && len(w.frames) == 1 && name == w.data
	w.flattener.key(name)
}

func (w *recordWalk) enter(t token, s *scanner) {
	if w.here {
		w.event.data = dataState{field: w.data, json: true}
		w.here = false
	}
	w.flattener.enter(t, s)
}

func (w *recordWalk) scalar(t token, text string, s *scanner) {
	if !w.here {
		w.flattener.scalar(t, text, s)
		return
	}
	w.here = false
	w.event.data = dataState{field: w.data}
	inner := strings.TrimLeft(text, " \t\r\n")
	if t == tokenString && inner != "" && (inner[0] == '{' || inner[0] == '[') && (&scanner{text: inner}).walk(checker{}) == nil {
		w.event.data.json = true
		// It was found valid, so this cannot fail half-way.
		_ = (&scanner{text: inner}).walk(w.flattener)
		return
	}
	w.flattener.scalar(t, text, s)
}

// checker only wants to know whether the text is JSON.
type checker struct{}

func (checker) enter(token, *scanner)          {}
func (checker) leave(token, *scanner)          {}
func (checker) key(string)                     {}
func (checker) scalar(token, string, *scanner) {}

// dataFits drops records whose data are plain text where the pattern has an object,
// or the reverse (Lambda developer guide, "Properly filtering … messages"). What a
// pattern does not ask about fits.
func (p *Pattern) dataFits(ev *Event) bool {
	if ev.data.field == "" {
		return true
	}
	asked, fits := false, false
	for _, b := range p.branches {
		for _, c := range b {
			if c.path[0] == ev.data.field {
				asked = true
				fits = fits || (len(c.path) > 1) == ev.data.json
			}
		}
	}
	return fits || !asked
}
