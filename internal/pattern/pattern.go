// Package pattern is the one matcher of JSON events: EventBridge's event patterns,
// the filter criteria of Lambda's event source mappings and the filter policies of
// SNS subscriptions. They are one language (Amazon EventBridge user guide, "Event
// pattern syntax") with small differences, the dialects.
//
// It decides whether a pattern is well formed, in AWS's words when it is not, and
// which of many patterns an event meets. It does not decide what follows from that,
// how many patterns somebody may have, or where the events come from.
//
// A pattern is compiled once, an event is taken apart once; then both are compared
// any number of times, from any number of goroutines. No pattern makes a comparison
// take more than a time proportional to the sizes of pattern and event.
//
// Where AWS's user guide and the matcher that AWS published (event-ruler) say
// different things, this package does what the published matcher does: 300, 300.0
// and 3e2 are one number, and conditions on fields of objects in an array must hold
// of the same element.
package pattern

// Dialect is whose pattern it is.
type Dialect int

const (
	// EventBridge is the language of rules and archives.
	EventBridge Dialect = iota
	// Mapping is that of an event source mapping's filters.
	Mapping
	// TopicAttributes and TopicBody are those of a subscription's filter policy, by
	// its FilterPolicyScope.
	TopicAttributes
	TopicBody
)

// Pattern is a compiled pattern. It does not change.
type Pattern struct {
	dialect Dialect
	// branches are the alternatives that $or makes.
	branches []branch
}

// branch is conditions that must hold together.
type branch []*condition

// Match says whether an event meets the pattern.
func (p *Pattern) Match(ev *Event) bool {
	for i := range p.branches {
		if p.matchBranch(i, ev) {
			return true
		}
	}
	return false
}

func (p *Pattern) matchBranch(i int, ev *Event) bool {
	return (p.dialect != Mapping || p.dataFits(ev)) && p.branches[i].match(ev)
}

func (b branch) match(ev *Event) bool {
	for _, c := range b {
		if !c.matchAny(ev) {
			return false
		}
	}
	// With fewer than two conditions or no objects in arrays nothing can disagree.
	return len(b) < 2 || len(ev.elements) == 0 || b.agree(ev)
}

// matchAny says whether any value at the condition's path meets it.
func (c *condition) matchAny(ev *Event) bool {
	first := ev.first(c.path)
	if first == none {
		return c.absent
	}
	for i := first; i != none; i = ev.values[i].next {
		if c.match(&ev.values[i]) {
			return true
		}
	}
	return false
}
