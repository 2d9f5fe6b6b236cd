package eventsource

import (
	"fmt"

	"github.com/hearthfaas/hearth/internal/pattern"
)

// Filter says which records a function wants.
type Filter struct {
	patterns []*pattern.Pattern
	data     string
}

// NewFilter compiles a mapping's patterns. data names the member of a record whose
// text may be JSON to look into, such as "body"; it may be empty.
func NewFilter(patterns []string, data string) (*Filter, error) {
	f := &Filter{data: data}
	for _, text := range patterns {
		p, err := pattern.Parse(text, pattern.Mapping)
		if err != nil {
			return nil, fmt.Errorf("read a filter: %w", err)
		}
		f.patterns = append(f.patterns, p)
	}
	return f, nil
}

// Match says whether any of the patterns takes a record, which is JSON. Without
// patterns every record is wanted.
func (f *Filter) Match(record []byte) bool {
	if len(f.patterns) == 0 {
		return true
	}
	ev, err := pattern.ParseRecord(record, f.data)
	if err != nil {
		return false
	}
	for _, p := range f.patterns {
		if p.Match(ev) {
			return true
		}
	}
	return false
}
