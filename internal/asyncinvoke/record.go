package asyncinvoke

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// record is what a destination reads (Lambda developer guide, "Retaining records of
// asynchronous invocations").
type record struct {
	Version         string           `json:"version"`
	Timestamp       string           `json:"timestamp"`
	RequestContext  requestContext   `json:"requestContext"`
	RequestPayload  json.RawMessage  `json:"requestPayload"`
	ResponseContext *responseContext `json:"responseContext,omitempty"`
	ResponsePayload json.RawMessage  `json:"responsePayload,omitempty"`
}

type requestContext struct {
	RequestID   lambda.RequestID `json:"requestId"`
	FunctionARN string           `json:"functionArn"`
	Condition   Condition        `json:"condition"`
	InvokeCount int              `json:"approximateInvokeCount"`
}

type responseContext struct {
	StatusCode      int    `json:"statusCode"`
	ExecutedVersion string `json:"executedVersion"`
	FunctionError   string `json:"functionError,omitempty"`
}

// ending is how an event ended.
type ending struct {
	function  lambda.FunctionID
	envelope  envelope // with the last attempt counted
	payload   []byte
	condition Condition
	// version and result are of the last attempt, when the function ran in it.
	version string
	result  *lambda.Result
}

// functionARN is always qualified.
func (e *ending) functionARN() string {
	return e.function.QualifiedARN(cmp.Or(e.envelope.Qualifier, lambda.Latest))
}

// record makes the JSON that destinations get.
func (e *ending) record(now time.Time) ([]byte, error) {
	r := record{
		Version:   "1.0",
		Timestamp: now.UTC().Format("2006-01-02T15:04:05.000Z"),
		RequestContext: requestContext{
			RequestID: e.envelope.RequestID, FunctionARN: e.functionARN(),
			Condition: e.condition, InvokeCount: e.envelope.Attempts,
		},
		RequestPayload: e.payload,
	}
	if e.result != nil {
		r.ResponseContext = &responseContext{StatusCode: 200, ExecutedVersion: e.version, FunctionError: e.result.FunctionError}
		r.ResponsePayload = asJSON(e.result.Payload)
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		return nil, fmt.Errorf("encode the record of %s: %w", e.envelope.RequestID, err)
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// asJSON is a function's answer as a JSON value: what is none becomes a string.
func asJSON(payload []byte) json.RawMessage {
	switch {
	case len(payload) == 0:
		return json.RawMessage("null")
	case json.Valid(payload):
		return payload
	}
	text, err := json.Marshal(string(payload))
	if err != nil {
		return json.RawMessage("null")
	}
	return text
}

// messageMax is how much of an error's text a dead letter carries, in bytes.
const messageMax = 1 << 10

// errorMessage is the errorMessage of a function's error.
func errorMessage(payload []byte) string {
	var doc struct{ ErrorMessage string }
	if err := json.Unmarshal(payload, &doc); err != nil {
		return ""
	}
	return cut(doc.ErrorMessage)
}

func cut(s string) string {
	if len(s) > messageMax {
		return string(bytes.ToValidUTF8([]byte(s[:messageMax]), nil))
	}
	return s
}
