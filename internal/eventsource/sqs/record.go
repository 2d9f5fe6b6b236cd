package sqs

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// record is one message as the function sees it, its members in AWS's order.
type record struct {
	MessageID       string                     `json:"messageId"`
	ReceiptHandle   string                     `json:"receiptHandle"`
	Body            string                     `json:"body"`
	Attributes      attributes                 `json:"attributes"`
	Message         map[string]recordAttribute `json:"messageAttributes"`
	MD5OfAttributes string                     `json:"md5OfMessageAttributes,omitempty"`
	MD5OfBody       string                     `json:"md5OfBody"`
	Source          string                     `json:"eventSource"`
	SourceARN       string                     `json:"eventSourceARN"`
	Region          string                     `json:"awsRegion"`
}

// recordAttribute is a message attribute. The lists are there and empty: SQS has no
// attributes that are lists.
type recordAttribute struct {
	StringValue      *string  `json:"stringValue,omitempty"`
	BinaryValue      []byte   `json:"binaryValue,omitempty"` // base64
	StringListValues []string `json:"stringListValues"`
	BinaryListValues []string `json:"binaryListValues"`
	DataType         string   `json:"dataType"`
}

// attributes are a message's system attributes, which come in a fixed order.
type attributes map[string]string

var attributeOrder = []types.MessageSystemAttributeName{
	types.MessageSystemAttributeNameApproximateReceiveCount,
	types.MessageSystemAttributeNameAWSTraceHeader,
	types.MessageSystemAttributeNameSentTimestamp,
	types.MessageSystemAttributeNameSequenceNumber,
	types.MessageSystemAttributeNameMessageGroupId,
	types.MessageSystemAttributeNameSenderId,
	types.MessageSystemAttributeNameMessageDeduplicationId,
	types.MessageSystemAttributeNameApproximateFirstReceiveTimestamp,
	types.MessageSystemAttributeNameDeadLetterQueueSourceArn,
}

// MarshalJSON writes those that are there.
func (a attributes) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for _, name := range attributeOrder {
		v, ok := a[string(name)]
		if !ok {
			continue
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		text, err := encode(v)
		if err != nil {
			return nil, err
		}
		b.WriteByte('"')
		b.WriteString(string(name))
		b.WriteString(`":`)
		b.Write(text)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// encode is JSON as AWS writes it: without escapes for HTML.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), nil
}

func recordOf(m *types.Message, arn string) record {
	r := record{
		MessageID: value(m.MessageId), ReceiptHandle: value(m.ReceiptHandle), Body: value(m.Body),
		Attributes: m.Attributes, Message: map[string]recordAttribute{},
		MD5OfAttributes: value(m.MD5OfMessageAttributes), MD5OfBody: value(m.MD5OfBody),
		Source: "aws:sqs", SourceARN: arn, Region: regionOf(arn),
	}
	for name, a := range m.MessageAttributes {
		r.Message[name] = recordAttribute{
			StringValue: a.StringValue, BinaryValue: a.BinaryValue, DataType: value(a.DataType),
			StringListValues: []string{}, BinaryListValues: []string{},
		}
	}
	return r
}

func regionOf(arn string) string {
	if f := strings.SplitN(arn, ":", 5); len(f) == 5 {
		return f[3]
	}
	return ""
}

func value[T any](p *T) T {
	if p == nil {
		return *new(T)
	}
	return *p
}
