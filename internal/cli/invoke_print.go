package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/hearthfaas/hearth/internal/reportline"
)

// functionError is any runtime's error payload: Node calls the stack trace, Python
// and Java stackTrace, Go's has objects in it.
type functionError struct {
	Type       string            `json:"errorType"`
	Message    string            `json:"errorMessage"`
	Trace      []json.RawMessage `json:"trace"`
	StackTrace []json.RawMessage `json:"stackTrace"`
}

// printFunctionError writes an error payload as a person reads it; one that is not
// in the usual form is written as it is.
func (a *app) printFunctionError(payload []byte) {
	var e functionError
	if json.Unmarshal(payload, &e) != nil || e.Type == "" && e.Message == "" {
		fmt.Fprintf(a.stderr, "the function failed: %s\n", payload)
		return
	}
	fmt.Fprintf(a.stderr, "the function failed: %s\n", strings.TrimPrefix(e.Type+": "+e.Message, ": "))
	for i, frame := range append(e.Trace, e.StackTrace...) {
		var text string
		if json.Unmarshal(frame, &text) != nil {
			text = string(frame)
		}
		if i == 0 && strings.Contains(text, e.Message) {
			continue // Node repeats the message there
		}
		for line := range strings.Lines(text) {
			fmt.Fprintln(a.stderr, "    "+strings.TrimSpace(line))
		}
	}
}

// printTail writes the end of the log, and where the time of the call went.
func (a *app) printTail(tail, header string, elapsed time.Duration) {
	fmt.Fprint(a.stderr, tail)
	if tail != "" && !strings.HasSuffix(tail, "\n") {
		fmt.Fprintln(a.stderr)
	}
	if r, ok := reportline.Last(tail); ok {
		fmt.Fprintln(a.stderr, breakdown(r, reportline.ColdStart(header, tail), elapsed))
	}
}

// breakdown says in a line where the time went: "cold start: sandbox 3.40 ms + init
// 20.10 ms + handler 1.20 ms, 27.00 ms in all".
func breakdown(r reportline.Report, parts []reportline.Part, elapsed time.Duration) string {
	kind := "warm start"
	var steps []string
	if r.Cold() {
		kind = "cold start"
		for _, p := range parts {
			steps = append(steps, p.Name+" "+formatMillis(p.Duration))
		}
		if parts == nil {
			steps = append(steps, "init "+formatMillis(r.Init))
		}
	}
	steps = append(steps, "handler "+formatMillis(r.Duration))
	return fmt.Sprintf("%s: %s; %s in all, as seen from here", kind, strings.Join(steps, " + "), formatMillis(elapsed))
}
