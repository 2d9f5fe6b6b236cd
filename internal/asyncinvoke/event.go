package asyncinvoke

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/queue"
)

// Kind is the kind of this package's queues.
const Kind = "async"

// retention is how long an event's record is kept at most: longer than any event
// may become old, so that it is this package that gives events up, and tells.
const retention = 24 * time.Hour

// Event is an invoke that the frontend has checked.
type Event struct {
	RequestID lambda.RequestID
	Function  lambda.FunctionID
	Qualifier string // as the caller gave it; empty for none
	TraceID   string
	TenantID  string
	// Looping says that the event is one too many of a recursive loop: it ends without
	// an attempt.
	Looping bool
	Payload []byte // JSON
}

// envelope is what is kept beside the payload. It is rewritten after each attempt
// that did not end the event.
type envelope struct {
	RequestID lambda.RequestID `json:"request"`
	Qualifier string           `json:"qualifier,omitempty"`
	TraceID   string           `json:"trace,omitempty"`
	TenantID  string           `json:"tenant,omitempty"`
	Looping   bool             `json:"looping,omitempty"`

	progress
}

// envelopeAttribute is the message attribute that has the envelope.
const envelopeAttribute = "invoke"

func (v *envelope) attributes() (map[string]queue.Attribute, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode an event's envelope: %w", err)
	}
	return map[string]queue.Attribute{envelopeAttribute: {Value: b}}, nil
}

func readEnvelope(m *queue.Message) (envelope, error) {
	var v envelope
	if err := json.Unmarshal(m.Attributes[envelopeAttribute].Value, &v); err != nil {
		return v, fmt.Errorf("read an event's envelope: %w", err)
	}
	return v, nil
}

// queueOf is the queue of a function's events.
func queueOf(id lambda.FunctionID) queue.Name {
	return queue.Name{Account: id.Account, Region: id.Region, Kind: Kind, Name: id.Name}
}

func functionOf(n queue.Name) lambda.FunctionID {
	return lambda.FunctionID{Account: n.Account, Region: n.Region, Name: n.Name}
}

// invocation is what an attempt hands to the function.
func (v *envelope) invocation(id lambda.FunctionID, payload []byte) *lambda.Invocation {
	return &lambda.Invocation{
		RequestID: v.RequestID, InvokedFunctionARN: id.QualifiedARN(v.Qualifier),
		TraceID: v.TraceID, TenantID: v.TenantID, Payload: payload,
	}
}
