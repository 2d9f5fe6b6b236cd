package eventbridge

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// header is an event without its detail.
type header struct {
	ID         string    `json:"id"`
	DetailType string    `json:"type"`
	Source     string    `json:"source"`
	Account    string    `json:"account"`
	Time       time.Time `json:"time"`
	Region     string    `json:"region"`
	Resources  []string  `json:"resources,omitempty"`
	Replay     string    `json:"replay,omitempty"`
	TraceID    string    `json:"trace,omitempty"`
	// Forwarded says that it came from another bus: it goes on to no third one.
	Forwarded bool `json:"forwarded,omitempty"`
	// Ingested is when it was accepted.
	Ingested time.Time `json:"ingested"`
}

// envelope is the event as targets and patterns read it, in AWS's order of members.
type envelope struct {
	Version    string          `json:"version"`
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Account    string          `json:"account"`
	Time       string          `json:"time"`
	Region     string          `json:"region"`
	Resources  []string        `json:"resources"`
	Replay     string          `json:"replay-name,omitempty"`
	Detail     json.RawMessage `json:"detail,omitempty"`
}

// timeLayout is the time of an event, to the second.
const timeLayout = "2006-01-02T15:04:05Z"

// encode is the event's text; without a detail when that is nil. The detail is valid
// JSON without white space around its tokens, so that it goes in as it is.
func (h *header) encode(detail []byte) []byte {
	resources := h.Resources
	if resources == nil {
		resources = []string{}
	}
	text := encodeJSON(envelope{
		Version: "0", ID: h.ID, DetailType: h.DetailType, Source: h.Source, Account: h.Account,
		Time: h.Time.UTC().Format(timeLayout), Region: h.Region, Resources: resources, Replay: h.Replay,
	})
	if detail == nil {
		return text
	}
	text = append(text[:len(text)-1], `,"detail":`...)
	return append(append(text, detail...), '}')
}

// encodeJSON is v's JSON as AWS writes it: without HTML's escapes.
func encodeJSON(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("eventbridge: " + err.Error()) // the types that come here have a JSON form
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// compact takes the white space out of an event's detail. It reports false when that
// is no JSON object.
func compact(detail string) ([]byte, bool) {
	var b bytes.Buffer
	b.Grow(len(detail))
	if json.Compact(&b, []byte(detail)) != nil || b.Len() == 0 || b.Bytes()[0] != '{' {
		return nil, false
	}
	return b.Bytes(), true
}

func newID() string { return lambda.NewUUID() }
