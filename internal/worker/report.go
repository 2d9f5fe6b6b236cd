package worker

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// platformLines writes the platform's own lines in a log's format. A line that a
// format does not have is empty.
type platformLines interface {
	initStart() string
	// initReport is written for a failed Init phase only; phase is "init" or
	// "invoke", status "error" or "timeout".
	initReport(took time.Duration, phase, status, errorType string) string
	start(inv *lambda.Invocation) string
	end(id lambda.RequestID) string
	report(r report) string
}

// onDemand is how an environment was initialised that an invoke waited for.
const onDemand = "on-demand"

// textLines writes the lines of a text log (Lambda developer guide, "Viewing
// CloudWatch logs"); fields are separated by tabs.
type textLines struct{ env *Environment }

func (t textLines) start(inv *lambda.Invocation) string {
	return "START RequestId: " + string(inv.RequestID) + " Version: " + t.env.version.Version + "\n"
}

func (textLines) end(id lambda.RequestID) string { return "END RequestId: " + string(id) + "\n" }

func (t textLines) initStart() string {
	return "INIT_START Runtime Version: " + t.env.plan.RuntimeVersion + "\tRuntime Version ARN: " + t.env.plan.RuntimeVersionARN + "\n"
}

func (textLines) report(r report) string { return r.line() }

func (textLines) initReport(took time.Duration, phase, status, errorType string) string {
	line := "INIT_REPORT Init Duration: " + millis(took) + " ms\tPhase: " + phase + "\tStatus: " + status
	if errorType != "" {
		line += "\tError Type: " + errorType
	}
	return line + "\t\n"
}

// report is what a REPORT line tells.
type report struct {
	id        lambda.RequestID
	duration  time.Duration
	init      time.Duration // 0 on a warm start
	memoryMB  int
	maxUsedMB int
	status    string // "", "timeout" or "error"
	errorType string
}

// line prints the REPORT line, which ends with a tab.
func (r report) line() string {
	b := make([]byte, 0, 256)
	b = append(b, "REPORT RequestId: "...)
	b = append(b, r.id...)
	b = append(b, "\tDuration: "...)
	b = append(b, millis(r.duration)...)
	b = append(b, " ms\tBilled Duration: "...)
	b = strconv.AppendInt(b, billed(r.duration+r.init), 10)
	b = append(b, " ms\tMemory Size: "...)
	b = strconv.AppendInt(b, int64(r.memoryMB), 10)
	b = append(b, " MB\tMax Memory Used: "...)
	b = strconv.AppendInt(b, int64(r.maxUsedMB), 10)
	b = append(b, " MB\t"...)
	if r.init > 0 {
		b = append(b, "Init Duration: "...)
		b = append(b, millis(r.init)...)
		b = append(b, " ms\t"...)
	}
	if r.status != "" {
		b = append(b, "Status: "...)
		b = append(b, r.status...)
		b = append(b, '\t')
		if r.errorType != "" && r.status == "error" {
			b = append(b, "Error Type: "...)
			b = append(b, r.errorType...)
			b = append(b, '\t')
		}
	}
	return string(append(b, '\n'))
}

// billed is the duration rounded up to whole milliseconds, at least one.
func billed(d time.Duration) int64 {
	return max(1, int64(math.Ceil(float64(d)/float64(time.Millisecond))))
}

func millis(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 2, 64)
}

// timedOut is the payload of an invoke that ran into its timeout.
func timedOut(id lambda.RequestID, timeout time.Duration) []byte {
	return platformError(lambda.ErrorTimedout, id, fmt.Sprintf("Task timed out after %.2f seconds", timeout.Seconds()))
}

// platformError is the payload of a fault that the platform found.
func platformError(errorType string, id lambda.RequestID, text string) []byte {
	b := make([]byte, 0, 160)
	b = append(b, `{"errorType":`...)
	b = appendJSON(b, errorType)
	b = append(b, `,"errorMessage":`...)
	b = appendJSON(b, "RequestId: "+string(id)+" Error: "+text)
	return append(b, '}')
}
