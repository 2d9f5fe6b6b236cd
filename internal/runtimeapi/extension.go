package runtimeapi

import (
	"encoding/json"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// extensionsMax is Lambda's bound on extensions of one environment.
const extensionsMax = 10

// extensions are those that registered from inside the runtime's process. Its
// guest's mutex guards it.
type extensions struct {
	byID   map[string]*extension
	closed bool // registration ends with the Init phase
}

// extension is one registered extension.
type extension struct {
	name    string
	invokes bool // subscribed to INVOKE
	asked   bool // has asked for its next event and waits
	event   []byte
}

// quiet reports that no extension works: each has asked for its next event.
func (x *extensions) quiet() bool {
	for _, e := range x.byID {
		if !e.asked || e.event != nil {
			return false
		}
	}
	return true
}

// post gives the event to the subscribers and reports whether there are any.
func (x *extensions) post(inv *lambda.Invocation) bool {
	posted := false
	for _, e := range x.byID {
		if e.invokes {
			e.event = invokeEvent(inv)
			posted = true
		}
	}
	return posted
}

// invokeEvent is the INVOKE event of the Extensions API.
func invokeEvent(inv *lambda.Invocation) []byte {
	type tracing struct {
		Type  string `json:"type"`
		Value string `json:"value"`
	}
	type event struct {
		EventType          string           `json:"eventType"`
		DeadlineMs         int64            `json:"deadlineMs"`
		RequestID          lambda.RequestID `json:"requestId"`
		InvokedFunctionARN string           `json:"invokedFunctionArn"`
		Tracing            tracing          `json:"tracing"`
	}
	return compactJSON(event{
		"INVOKE", inv.Deadline.UnixMilli(), inv.RequestID, inv.InvokedFunctionARN,
		tracing{"X-Amzn-Trace-Id", inv.TraceID},
	})
}

// refusal is a 403 of the Extensions API.
type refusal struct{ errorType, message string }

// register adds an internal extension, or says why not. Extensions from inside the
// runtime may take INVOKE only; a second registration under a name is refused.
func (x *extensions) register(name string, body []byte, id string) *refusal {
	var request struct {
		Events            []string        `json:"events"`
		ConfigurationKeys json.RawMessage `json:"configurationKeys"`
	}
	switch err := json.Unmarshal(body, &request); {
	case name == "":
		return &refusal{"Extension.InvalidExtensionName", "Empty extension name"}
	case err != nil:
		return &refusal{"InvalidRequestFormat", err.Error()}
	case request.ConfigurationKeys != nil:
		return &refusal{"InvalidRequestFormat", "configurationKeys are deprecated; please use configuration environment variables instead"}
	case x.closed:
		return &refusal{"Extension.RegistrationClosed", "Extension registration closed already"}
	case len(x.byID) >= extensionsMax:
		return &refusal{"Extension.TooManyExtensions", "Extension limit (10) reached"}
	}
	added := &extension{name: name}
	for _, event := range request.Events {
		switch event {
		case "INVOKE":
			added.invokes = true
		case "SHUTDOWN":
			return &refusal{
				"Extension.InvalidEventType",
				"SHUTDOWN: ShutdownEventNotSupportedForInternalExtension",
			}
		default:
			return &refusal{"Extension.InvalidEventType", event + ": InvalidEventType"}
		}
	}
	for _, other := range x.byID {
		if other.name == name {
			return &refusal{
				"Extension.InvalidExtensionState",
				"State transition from Registered to Registered failed for extension " + name +
					". Error: State transition is not allowed",
			}
		}
	}
	if x.byID == nil {
		x.byID = make(map[string]*extension)
	}
	x.byID[id] = added
	return nil
}
