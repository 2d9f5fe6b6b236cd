package reportline

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// ColdStartHeader is the response header in which Hearth tells the parts of a cold
// start: a JSON object of part to milliseconds, such as
// {"fetch":0.2,"unpack":1.1,"sandbox":3.4,"runtime":21.0,"init":5.2}.
const ColdStartHeader = "X-Hearth-Coldstart"

// Part is one step of a cold start.
type Part struct {
	Name     string
	Duration time.Duration
}

// partOrder is the order in which the steps happen; unknown ones follow by name.
var partOrder = []string{"place", "fetch", "unpack", "wait", "sandbox", "assign", "runtime", "init", "handler"}

// ColdStart finds the parts of a cold start in the value of ColdStartHeader, or in
// a log with a line {"type":"hearth.coldstart","record":{…}}. It returns nil when
// there are none.
func ColdStart(header, log string) []Part {
	if parts := parseParts([]byte(header)); parts != nil {
		return parts
	}
	for line := range strings.SplitSeq(log, "\n") {
		if !strings.Contains(line, `"hearth.coldstart"`) {
			continue
		}
		var rec struct {
			Record json.RawMessage `json:"record"`
		}
		if json.Unmarshal([]byte(line), &rec) == nil {
			return parseParts(rec.Record)
		}
	}
	return nil
}

func parseParts(object []byte) []Part {
	var ms map[string]float64
	if json.Unmarshal(object, &ms) != nil || len(ms) == 0 {
		return nil
	}
	parts := make([]Part, 0, len(ms))
	for name, v := range ms {
		parts = append(parts, Part{Name: name, Duration: fromMillis(v)})
	}
	rank := func(name string) int {
		if i := slices.Index(partOrder, name); i >= 0 {
			return i
		}
		return len(partOrder)
	}
	slices.SortFunc(parts, func(a, b Part) int {
		if d := rank(a.Name) - rank(b.Name); d != 0 {
			return d
		}
		return strings.Compare(a.Name, b.Name)
	})
	return parts
}
