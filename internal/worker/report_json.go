package worker

import (
	"encoding/json"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// jsonTime is how records of a JSON log print times.
const jsonTime = "2006-01-02T15:04:05.000Z"

// jsonLines writes the platform's records of a JSON log (Lambda developer guide,
// "Using JSON log format"). Only records of level INFO and above exist here.
type jsonLines struct{ env *Environment }

type jsonRecord struct {
	Time   string `json:"time"`
	Type   string `json:"type"`
	Record any    `json:"record"`
}

type jsonInitStart struct {
	InitializationType string `json:"initializationType"`
	Phase              string `json:"phase"`
	RuntimeVersion     string `json:"runtimeVersion,omitempty"`
	RuntimeVersionARN  string `json:"runtimeVersionArn,omitempty"`
	FunctionName       string `json:"functionName"`
	FunctionVersion    string `json:"functionVersion"`
	InstanceID         string `json:"instanceId"`
	InstanceMaxMemory  int64  `json:"instanceMaxMemory"`
}

type jsonInitReport struct {
	InitializationType string      `json:"initializationType"`
	Phase              string      `json:"phase"`
	Status             string      `json:"status"`
	ErrorType          string      `json:"errorType,omitempty"`
	Metrics            jsonMetrics `json:"metrics"`
}

type jsonStart struct {
	RequestID   lambda.RequestID `json:"requestId"`
	FunctionARN string           `json:"functionArn"`
	Version     string           `json:"version"`
}

type jsonReport struct {
	RequestID lambda.RequestID `json:"requestId"`
	Metrics   jsonMetrics      `json:"metrics"`
	Status    string           `json:"status"`
	ErrorType string           `json:"errorType,omitempty"`
}

// jsonMetrics is the metrics of any report; zero members are left out.
type jsonMetrics struct {
	DurationMs       jsonMillis `json:"durationMs"`
	BilledDurationMs int64      `json:"billedDurationMs,omitempty"`
	MemorySizeMB     int        `json:"memorySizeMB,omitempty"`
	MaxMemoryUsedMB  int        `json:"maxMemoryUsedMB,omitempty"`
	InitDurationMs   jsonMillis `json:"initDurationMs,omitzero"`
}

// jsonMillis prints milliseconds with at most three decimals.
type jsonMillis time.Duration

// MarshalJSON prints the duration.
func (m jsonMillis) MarshalJSON() ([]byte, error) {
	return json.Marshal(float64(time.Duration(m).Microseconds()) / 1000)
}

// IsZero says that there is nothing to print.
func (m jsonMillis) IsZero() bool { return m == 0 }

func (j jsonLines) initStart() string {
	e := j.env
	return jsonLine("platform.initStart", jsonInitStart{
		InitializationType: initializationType(e.version), Phase: phaseInit,
		RuntimeVersion: e.plan.RuntimeVersion, RuntimeVersionARN: e.plan.RuntimeVersionARN,
		FunctionName: e.version.Function.Name, FunctionVersion: e.version.Version,
		InstanceID: e.log.stream.Stream, InstanceMaxMemory: int64(e.version.MemoryMB) << 20,
	})
}

func (j jsonLines) initReport(took time.Duration, phase, status, errorType string) string {
	return jsonLine("platform.initReport", jsonInitReport{
		InitializationType: initializationType(j.env.version), Phase: phase, Status: status, ErrorType: errorType,
		Metrics: jsonMetrics{DurationMs: jsonMillis(took)},
	})
}

func (j jsonLines) start(inv *lambda.Invocation) string {
	return jsonLine("platform.start", jsonStart{
		RequestID: inv.RequestID, FunctionARN: inv.InvokedFunctionARN, Version: j.env.version.Version,
	})
}

// end is no record of a JSON log.
func (jsonLines) end(lambda.RequestID) string { return "" }

func (jsonLines) report(r report) string {
	status := r.status
	switch {
	case status != "":
	case r.errorType != "":
		status = statusError
	default:
		status = "success"
	}
	return jsonLine("platform.report", jsonReport{
		RequestID: r.id, Status: status, ErrorType: r.errorType,
		Metrics: jsonMetrics{
			DurationMs: jsonMillis(r.duration), BilledDurationMs: billed(r.duration + r.init),
			MemorySizeMB: r.memoryMB, MaxMemoryUsedMB: r.maxUsedMB, InitDurationMs: jsonMillis(r.init),
		},
	})
}

func jsonLine(kind string, record any) string {
	b, err := json.Marshal(jsonRecord{Time: time.Now().UTC().Format(jsonTime), Type: kind, Record: record})
	if err != nil {
		panic("worker: a log record could not be written as JSON: " + err.Error())
	}
	return string(b) + "\n"
}
