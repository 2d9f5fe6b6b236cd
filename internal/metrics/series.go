package metrics

import (
	"encoding/json"
	"slices"
	"strings"
)

// lambdaNamespace is where AWS keeps what it counts of functions.
const lambdaNamespace = "AWS/Lambda"

// dimension is a name and value that tell one metric of a name from another.
type dimension struct{ Name, Value string }

// key names a series: one metric of one unit.
type key struct {
	account, region string
	namespace, name string
	dimensions      string // as canonical prints them
	unit            string // "None" for none
}

// canonical prints dimensions in the order of their names, so that equal sets are
// equal strings.
func canonical(dims []dimension) string {
	if len(dims) == 0 {
		return ""
	}
	sorted := slices.Clone(dims)
	slices.SortFunc(sorted, func(a, b dimension) int { return strings.Compare(a.Name, b.Name) })
	text, err := json.Marshal(sorted)
	if err != nil {
		panic("metrics: dimensions that JSON has no form for: " + err.Error())
	}
	return string(text)
}

// dimensionsOf is the reverse of canonical.
func dimensionsOf(text string) []dimension {
	if text == "" {
		return nil
	}
	var dims []dimension
	if json.Unmarshal([]byte(text), &dims) != nil {
		return nil
	}
	return dims
}

// point is what one minute adds to a series.
type point struct {
	key    key
	minute int64 // since 1970
	stat   stat
	gauge  bool // the largest value of the minute counts, not the sum
}
