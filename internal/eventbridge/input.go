package eventbridge

import (
	"bytes"
	"encoding/json"
	"io"
	"regexp"
	"strings"
)

// input makes of an event what a target reads.
type input struct {
	constant []byte // Input
	path     path   // InputPath; nil when template or constant is set
	template *template
}

// template is an InputTransformer.
type template struct {
	text  string
	paths map[string]path
}

// pathsMax is how many variables a transformer may have (API model).
const pathsMax = 100

// The variables that every template has (EventBridge user guide, "Input
// transformation", predefined variables).
const (
	varRuleARN   = "aws.events.rule-arn"
	varRuleName  = "aws.events.rule-name"
	varIngestion = "aws.events.event.ingestion-time"
	varEvent     = "aws.events.event" // without its detail
	varEventJSON = "aws.events.event.json"
)

// placeholder is a variable in a template.
var placeholder = regexp.MustCompile(`<([^<>"\s]+)>`)

// newInput compiles a target's input. Errors are those of PutTargets.
func newInput(t *targetRecord) (*input, error) {
	set := 0
	for _, given := range []bool{t.Input != nil, t.InputPath != nil, t.Transform != nil} {
		if given {
			set++
		}
	}
	if set > 1 {
		return nil, invalid("Only one of Input, InputPath, or InputTransformer must be provided for target %s.", t.ID)
	}
	switch {
	case t.Input != nil:
		if !json.Valid([]byte(*t.Input)) {
			return nil, invalid("JSON syntax error in Input for target %s.", t.ID)
		}
		return &input{constant: []byte(*t.Input)}, nil
	case t.InputPath != nil:
		p, err := parsePath(*t.InputPath)
		if err != nil {
			return nil, invalid("Invalid InputPath for target %s.", t.ID)
		}
		return &input{path: p}, nil
	case t.Transform != nil:
		tm, err := newTemplate(t)
		return &input{template: tm}, err
	}
	return &input{path: path{}}, nil
}

func newTemplate(t *targetRecord) (*template, error) {
	if len(t.Transform.Paths) > pathsMax {
		return nil, invalid("InputPathsMap for target %s has more than %d entries.", t.ID, pathsMax)
	}
	tm := &template{text: t.Transform.Template, paths: map[string]path{}}
	for name, text := range t.Transform.Paths {
		if strings.HasPrefix(strings.ToLower(name), "aws.") {
			return nil, invalid("InputPathsMap for target %s has the reserved name %s.", t.ID, name)
		}
		p, err := parsePath(text)
		if err != nil {
			return nil, invalid("Invalid InputPath %s for target %s.", text, t.ID)
		}
		tm.paths[name] = p
	}
	for _, m := range placeholder.FindAllStringSubmatch(tm.text, -1) {
		if !tm.knows(m[1]) {
			return nil, invalid("InputTemplate for target %s contains invalid placeholder %s.", t.ID, m[1])
		}
	}
	// Lines that are JSON each are taken as well as one value over several lines.
	d := json.NewDecoder(bytes.NewReader(tm.fill(func(string) json.RawMessage { return json.RawMessage(`0`) })))
	for {
		switch err := d.Decode(&json.RawMessage{}); err {
		case nil:
			continue
		case io.EOF:
			return tm, nil
		default:
			return nil, invalid("Invalid InputTemplate for target %s : it is no JSON.", t.ID)
		}
	}
}

func (t *template) knows(name string) bool {
	switch name {
	case varRuleARN, varRuleName, varIngestion, varEvent, varEventJSON:
		return true
	}
	_, ok := t.paths[name]
	return ok
}

// apply is what the target reads of an event. A path that leads nowhere gives null.
func (in *input) apply(r *rule, h *header, detail []byte) []byte {
	switch {
	case in.constant != nil:
		return in.constant
	case in.template != nil:
		return in.template.apply(r, h, detail)
	}
	found := in.path.find(h.encode(detail))
	if found == nil {
		return []byte("null")
	}
	return found
}

func (t *template) apply(r *rule, h *header, detail []byte) []byte {
	event := h.encode(detail)
	return t.fill(func(name string) json.RawMessage {
		switch name {
		case varRuleARN:
			return encodeJSON(r.arn())
		case varRuleName:
			return encodeJSON(r.record.Name)
		case varIngestion:
			return encodeJSON(h.Ingested.UTC().Format(timeLayout))
		case varEvent:
			return h.encode(nil)
		case varEventJSON:
			return event
		}
		return t.paths[name].find(event)
	})
}

// fill puts values in the place of the variables. Outside of quotes a value is JSON,
// an absent one an empty text. Within quotes a text has no quotes of its own, and
// an object or a list loses them, as on AWS.
func (t *template) fill(value func(name string) json.RawMessage) []byte {
	var out []byte
	quoted, from := false, 0
	for _, m := range placeholder.FindAllStringSubmatchIndex(t.text, -1) {
		before := t.text[from:m[0]]
		quoted = quotedAfter(before, quoted)
		out = append(out, before...)
		v := value(t.text[m[2]:m[3]])
		switch {
		case quoted:
			out = append(out, within(v)...)
		case v == nil:
			out = append(out, `""`...)
		default:
			out = append(out, v...)
		}
		from = m[1]
	}
	return append(out, t.text[from:]...)
}

// quotedAfter says whether a text that begins within quotes or not ends within them.
func quotedAfter(text string, quoted bool) bool {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			if quoted {
				i++
			}
		case '"':
			quoted = !quoted
		}
	}
	return quoted
}

// within is a JSON value as it stands in a text.
func within(v json.RawMessage) []byte {
	switch {
	case len(v) == 0:
		return nil
	case v[0] == '"':
		return v[1 : len(v)-1]
	case v[0] == '{' || v[0] == '[':
		plain := bytes.ReplaceAll(bytes.ReplaceAll(v, []byte(`\"`), nil), []byte(`"`), nil)
		return bytes.ReplaceAll(plain, []byte(`\`), []byte(`\\`))
	default:
		return v
	}
}
