package dynamodb

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"github.com/hearthfaas/hearth/internal/eventsource/streams"
)

// record is one change as a function sees it, its members in AWS's order.
type record struct {
	ID        string    `json:"eventID"`
	Name      string    `json:"eventName"`
	Version   string    `json:"eventVersion"`
	Source    string    `json:"eventSource"`
	Region    string    `json:"awsRegion"`
	Content   content   `json:"dynamodb"`
	User      *identity `json:"userIdentity,omitempty"` // who deleted what had expired
	SourceARN string    `json:"eventSourceARN"`
}

type content struct {
	Created  int64  `json:"ApproximateCreationDateTime"` // Unix seconds
	Keys     item   `json:"Keys"`
	New      item   `json:"NewImage,omitempty"`
	Old      item   `json:"OldImage,omitempty"`
	Sequence string `json:"SequenceNumber"`
	Size     int64  `json:"SizeBytes"`
	View     string `json:"StreamViewType"`
}

type identity struct {
	Type        string `json:"type"`
	PrincipalID string `json:"principalId"`
}

// item is attributes by name, as DynamoDB writes them in JSON.
type item map[string]types.AttributeValue

// MarshalJSON writes each value under the letters of its type.
func (i item) MarshalJSON() ([]byte, error) {
	plain := make(map[string]any, len(i))
	for name, v := range i {
		plain[name] = typed(v)
	}
	return marshal(plain)
}

// typed is a value under the letters of its type, such as {"S":"text"}.
func typed(v types.AttributeValue) any {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return map[string]any{"S": v.Value}
	case *types.AttributeValueMemberN:
		return map[string]any{"N": v.Value}
	case *types.AttributeValueMemberB:
		return map[string]any{"B": filled(v.Value)}
	case *types.AttributeValueMemberBOOL:
		return map[string]any{"BOOL": v.Value}
	case *types.AttributeValueMemberNULL:
		return map[string]any{"NULL": v.Value}
	case *types.AttributeValueMemberSS:
		return map[string]any{"SS": v.Value}
	case *types.AttributeValueMemberNS:
		return map[string]any{"NS": v.Value}
	case *types.AttributeValueMemberBS:
		return map[string]any{"BS": v.Value}
	case *types.AttributeValueMemberM:
		return map[string]any{"M": item(v.Value)}
	case *types.AttributeValueMemberL:
		list := make([]any, len(v.Value))
		for i, e := range v.Value {
			list[i] = typed(e)
		}
		return map[string]any{"L": list}
	}
	return failing{fmt.Errorf("an attribute value is a %T", v)}
}

// filled is what is written as text, not as null, when it is empty.
func filled(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// failing fails whoever writes it.
type failing struct{ err error }

// MarshalJSON implements json.Marshaler.
func (f failing) MarshalJSON() ([]byte, error) { return nil, f.err }

// Record meets streams.Streams.
func (s *Streams) Record(r streams.Record, arn, _ string) ([]byte, error) {
	from, ok := r.Data.(*types.Record)
	if !ok {
		panic("dynamodb: a record of another kind of stream")
	}
	d := from.Dynamodb
	out := record{
		ID: value(from.EventID), Name: string(from.EventName), Version: value(from.EventVersion), Source: "aws:dynamodb",
		Region: value(from.AwsRegion), SourceARN: arn,
		Content: content{
			Created: r.Arrived.Unix(), Keys: d.Keys, New: d.NewImage, Old: d.OldImage,
			Sequence: r.Sequence, Size: value(d.SizeBytes), View: string(d.StreamViewType),
		},
	}
	if u := from.UserIdentity; u != nil {
		out.User = &identity{Type: value(u.Type), PrincipalID: value(u.PrincipalId)}
	}
	if out.Region == "" {
		if f := strings.SplitN(arn, ":", 5); len(f) == 5 {
			out.Region = f[3]
		}
	}
	return marshal(out)
}

// marshal is JSON without escapes for HTML, as AWS writes it.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), nil
}
