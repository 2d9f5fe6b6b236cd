package sns

import "github.com/hearthfaas/hearth/internal/pattern"

// What a filter policy looks at.
const (
	scopeAttributes = "MessageAttributes"
	scopeBody       = "MessageBody"
)

// filter is a subscription's filter policy.
type filter struct {
	body    bool
	pattern *pattern.Pattern
}

// compileFilter reads a filter policy; the empty one lets everything through and is
// nil.
func compileFilter(scope, text string) (*filter, error) {
	if text == "" || text == "{}" {
		return nil, nil //nolint:nilnil // no filter is not an error
	}
	f := &filter{body: scope == scopeBody}
	dialect := pattern.TopicAttributes
	if f.body {
		dialect = pattern.TopicBody
	}
	var err error
	if f.pattern, err = pattern.Parse(text, dialect); err != nil {
		return nil, invalid("FilterPolicy: %s", err.Error())
	}
	return f, nil
}

// subject is a message as filters see it; it is taken apart when one first asks.
type subject struct {
	attributes map[string]Attribute
	byName     *pattern.Event
	bodies     map[string]*pattern.Event // by text; nil for what is no JSON object
}

func (f *filter) matches(m *subject, body string) bool {
	if f == nil {
		return true
	}
	ev := m.event(f.body, body)
	return ev != nil && f.pattern.Match(ev)
}

func (m *subject) event(inBody bool, body string) *pattern.Event {
	if !inBody {
		if m.byName == nil {
			named := make(map[string]pattern.Attribute, len(m.attributes))
			for name, a := range m.attributes {
				named[name] = pattern.Attribute{Type: a.Type, Value: string(a.Value)}
			}
			m.byName = pattern.AttributesEvent(named)
		}
		return m.byName
	}
	ev, known := m.bodies[body]
	if !known {
		ev, _ = pattern.ParseEvent([]byte(body)) // a text that is no object meets no policy
		if m.bodies == nil {
			m.bodies = map[string]*pattern.Event{}
		}
		m.bodies[body] = ev
	}
	return ev
}
