package sns

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// The types of messages that endpoints get.
const (
	typeNotification             = "Notification"
	typeSubscriptionConfirmation = "SubscriptionConfirmation"
	typeUnsubscribeConfirmation  = "UnsubscribeConfirmation"
)

// timestampLayout is how messages show times.
const timestampLayout = "2006-01-02T15:04:05.000Z"

// message is what one endpoint gets to read.
type message struct {
	kind       string
	id         string
	sequence   string // of FIFO topics, else empty
	topicARN   string
	subject    *string
	text       string
	sent       time.Time
	attributes map[string]Attribute
	// token and subscribeURL are of confirmations.
	token        string
	subscribeURL string
	// The rest is of notifications.
	subscriptionARN string
	unsubscribeURL  string

	signatureVersion string
	signature        string
	certificateURL   string
}

func (m *message) timestamp() string { return m.sent.UTC().Format(timestampLayout) }

// signed is the text that the signature covers (SNS developer guide, "Verifying the
// signatures of Amazon SNS messages"): names and values by name, a line each.
func (m *message) signed() string {
	var b strings.Builder
	line := func(name, value string) { b.WriteString(name + "\n" + value + "\n") }
	line("Message", m.text)
	line("MessageId", m.id)
	if m.kind == typeNotification {
		if m.subject != nil {
			line("Subject", *m.subject)
		}
	} else {
		line("SubscribeURL", m.subscribeURL)
	}
	line("Timestamp", m.timestamp())
	if m.kind != typeNotification {
		line("Token", m.token)
	}
	line("TopicArn", m.topicARN)
	line("Type", m.kind)
	return b.String()
}

// envelope is the JSON that queues and HTTP endpoints get, in AWS's own layout.
func (m *message) envelope() []byte {
	w := &layout{}
	w.text("Type", m.kind)
	w.text("MessageId", m.id)
	if m.kind != typeNotification {
		w.text("Token", m.token)
	} else if m.sequence != "" {
		w.text("SequenceNumber", m.sequence)
	}
	w.text("TopicArn", m.topicARN)
	if m.subject != nil {
		w.text("Subject", *m.subject)
	}
	w.text("Message", m.text)
	if m.kind != typeNotification {
		w.text("SubscribeURL", m.subscribeURL)
	}
	w.text("Timestamp", m.timestamp())
	w.text("SignatureVersion", m.signatureVersion)
	w.text("Signature", m.signature)
	w.text("SigningCertURL", m.certificateURL)
	if m.kind == typeNotification {
		w.text("UnsubscribeURL", m.unsubscribeURL)
	}
	if len(m.attributes) > 0 {
		w.attributes(m.attributes)
	}
	return w.end()
}

// layout writes an object as AWS does: "name" : "value", one a line.
type layout struct{ b bytes.Buffer }

func (w *layout) name(name string) {
	if w.b.Len() == 0 {
		w.b.WriteString("{\n")
	} else {
		w.b.WriteString(",\n")
	}
	w.b.WriteString(`  "` + name + `" : `)
}

func (w *layout) text(name, value string) {
	w.name(name)
	w.b.WriteString(encodeJSON(value))
}

func (w *layout) attributes(all map[string]Attribute) {
	w.name("MessageAttributes")
	w.b.WriteString("{")
	for i, name := range slices.Sorted(maps.Keys(all)) {
		if i > 0 {
			w.b.WriteByte(',')
		}
		w.b.WriteString("\n    " + encodeJSON(name) + " : " + encodeJSON(attributeJSON(all[name])))
	}
	w.b.WriteString("\n  }")
}

func (w *layout) end() []byte {
	w.b.WriteString("\n}")
	return w.b.Bytes()
}

// shownAttribute is a message attribute as endpoints read it.
type shownAttribute struct {
	Type  string `json:"Type"`
	Value string `json:"Value"`
}

func attributeJSON(a Attribute) shownAttribute {
	if a.binary() {
		return shownAttribute{a.Type, base64.StdEncoding.EncodeToString(a.Value)}
	}
	return shownAttribute{a.Type, string(a.Value)}
}

// functionEvent is the event that functions get, in AWS's order. The names of the
// URLs differ from those of the envelope.
type functionEvent struct {
	Records [1]functionRecord `json:"Records"`
}

type functionRecord struct {
	EventSource          string          `json:"EventSource"`
	EventVersion         string          `json:"EventVersion"`
	EventSubscriptionARN string          `json:"EventSubscriptionArn"`
	SNS                  functionMessage `json:"Sns"`
}

type functionMessage struct {
	Type              string                    `json:"Type"`
	MessageID         string                    `json:"MessageId"`
	Token             string                    `json:"Token,omitempty"`
	TopicARN          string                    `json:"TopicArn"`
	Subject           *string                   `json:"Subject"`
	Message           string                    `json:"Message"`
	SubscribeURL      string                    `json:"SubscribeUrl,omitempty"`
	Timestamp         string                    `json:"Timestamp"`
	SignatureVersion  string                    `json:"SignatureVersion"`
	Signature         string                    `json:"Signature"`
	SigningCertURL    string                    `json:"SigningCertUrl"`
	UnsubscribeURL    string                    `json:"UnsubscribeUrl,omitempty"`
	MessageAttributes map[string]shownAttribute `json:"MessageAttributes"`
}

// event is the event of a function.
func (m *message) event() []byte {
	attributes := make(map[string]shownAttribute, len(m.attributes))
	for name, a := range m.attributes {
		attributes[name] = attributeJSON(a)
	}
	e := functionEvent{Records: [1]functionRecord{{
		EventSource: "aws:sns", EventVersion: "1.0", EventSubscriptionARN: m.subscriptionARN,
		SNS: functionMessage{
			Type: m.kind, MessageID: m.id, Token: m.token, TopicARN: m.topicARN, Subject: m.subject, Message: m.text,
			SubscribeURL: m.subscribeURL, Timestamp: m.timestamp(), SignatureVersion: m.signatureVersion,
			Signature: m.signature, SigningCertURL: m.certificateURL, UnsubscribeURL: m.unsubscribeURL,
			MessageAttributes: attributes,
		},
	}}}
	return json.RawMessage(encodeJSON(e))
}
