// Package reportline reads what the platform writes about an invocation: the
// REPORT line of a function's log, in its text and its JSON form, and the parts
// of a cold start that Hearth tells beside it.
//
// It only reads. Writing these lines is the worker's job, keeping them the log
// service's.
package reportline

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// Report is one REPORT line (Lambda developer guide, "View CloudWatch logs").
type Report struct {
	RequestID string
	Duration  time.Duration // of the handler
	Billed    time.Duration // rounded up to whole milliseconds, with Init when there was one
	Init      time.Duration // 0 on a warm start
	MemoryMB  int           // configured
	UsedMB    int           // at most
	Status    string        // "", "error" or "timeout"
	ErrorType string
}

// Cold says that the invocation waited for a new environment's Init phase.
func (r Report) Cold() bool { return r.Init > 0 }

// Parse reads one line. It reports false when the line is no REPORT line.
func Parse(line string) (Report, bool) {
	line = strings.TrimRight(line, "\r\n")
	if strings.HasPrefix(line, "{") {
		return parseJSON(line)
	}
	rest, ok := strings.CutPrefix(line, "REPORT ")
	if !ok {
		return Report{}, false
	}
	var r Report
	for field := range strings.SplitSeq(rest, "\t") {
		key, value, ok := strings.Cut(field, ": ")
		if !ok {
			continue
		}
		switch key {
		case "RequestId":
			r.RequestID = value
		case "Duration":
			r.Duration = millis(value)
		case "Billed Duration":
			r.Billed = millis(value)
		case "Init Duration":
			r.Init = millis(value)
		case "Memory Size":
			r.MemoryMB = megabytes(value)
		case "Max Memory Used":
			r.UsedMB = megabytes(value)
		case "Status":
			r.Status = value
		case "Error Type":
			r.ErrorType = value
		}
	}
	return r, r.RequestID != ""
}

// Last finds the last REPORT line in a log tail.
func Last(tail string) (Report, bool) {
	var found Report
	var ok bool
	for line := range strings.SplitSeq(tail, "\n") {
		if r, is := Parse(line); is {
			found, ok = r, true
		}
	}
	return found, ok
}

// Platform says whether a line was written by the platform (START, END, REPORT and
// their like) and not by the function.
func Platform(line string) bool {
	for _, prefix := range []string{
		"START RequestId: ", "END RequestId: ", "REPORT RequestId: ", "INIT_START ", "INIT_REPORT ",
		"XRAY TraceId: ", `{"time":`,
	} {
		if strings.HasPrefix(line, prefix) {
			return !strings.HasPrefix(prefix, "{") || strings.Contains(line, `"type":"platform.`)
		}
	}
	return false
}

// parseJSON reads a platform.report record (LogFormat JSON).
func parseJSON(line string) (Report, bool) {
	var rec struct {
		Type   string `json:"type"`
		Record struct {
			RequestID string `json:"requestId"`
			Status    string `json:"status"`
			ErrorType string `json:"errorType"`
			Metrics   struct {
				DurationMs       float64 `json:"durationMs"`
				BilledDurationMs float64 `json:"billedDurationMs"`
				InitDurationMs   float64 `json:"initDurationMs"`
				MemorySizeMB     int     `json:"memorySizeMB"`
				MaxMemoryUsedMB  int     `json:"maxMemoryUsedMB"`
			} `json:"metrics"`
		} `json:"record"`
	}
	if json.Unmarshal([]byte(line), &rec) != nil || rec.Type != "platform.report" {
		return Report{}, false
	}
	m := rec.Record.Metrics
	r := Report{
		RequestID: rec.Record.RequestID, ErrorType: rec.Record.ErrorType,
		Duration: fromMillis(m.DurationMs), Billed: fromMillis(m.BilledDurationMs), Init: fromMillis(m.InitDurationMs),
		MemoryMB: m.MemorySizeMB, UsedMB: m.MaxMemoryUsedMB,
	}
	if rec.Record.Status != "success" {
		r.Status = rec.Record.Status
	}
	return r, r.RequestID != ""
}

// millis reads "3.01 ms"; anything else is 0.
func millis(s string) time.Duration {
	f, err := strconv.ParseFloat(strings.TrimSuffix(s, " ms"), 64)
	if err != nil {
		return 0
	}
	return fromMillis(f)
}

func fromMillis(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }

// megabytes reads "128 MB"; anything else is 0.
func megabytes(s string) int {
	n, err := strconv.Atoi(strings.TrimSuffix(s, " MB"))
	if err != nil {
		return 0
	}
	return n
}
