package sqs

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func TestARecordReadsAsAWSWritesIt(t *testing.T) {
	m := types.Message{
		MessageId: new("id"), ReceiptHandle: new("handle"), Body: new(`<a & "b">`), MD5OfBody: new("md5"), MD5OfMessageAttributes: new("md5a"),
		Attributes: map[string]string{
			"SenderId": "AROA:x", "ApproximateReceiveCount": "1", "SentTimestamp": "1520621625029", "ApproximateFirstReceiveTimestamp": "1520621634884",
			"MessageGroupId": "g", "MessageDeduplicationId": "d", "SequenceNumber": "18849496460467696128", "AWSTraceHeader": "Root=1",
			"DeadLetterQueueSourceArn": "arn:x",
		},
		MessageAttributes: map[string]types.MessageAttributeValue{
			"S": {DataType: new("String"), StringValue: new("v")},
			"B": {DataType: new("Binary"), BinaryValue: []byte{1, 2}},
		},
	}
	got, err := encode(recordOf(&m, "arn:aws:sqs:us-east-1:123456789012:q"))
	const want = `{"messageId":"id","receiptHandle":"handle","body":"<a & \"b\">","attributes":{"ApproximateReceiveCount":"1","AWSTraceHeader":"Root=1","SentTimestamp":"1520621625029","SequenceNumber":"18849496460467696128","MessageGroupId":"g","SenderId":"AROA:x","MessageDeduplicationId":"d","ApproximateFirstReceiveTimestamp":"1520621634884","DeadLetterQueueSourceArn":"arn:x"},` +
		`"messageAttributes":{"B":{"binaryValue":"AQI=","stringListValues":[],"binaryListValues":[],"dataType":"Binary"},"S":{"stringValue":"v","stringListValues":[],"binaryListValues":[],"dataType":"String"}},` +
		`"md5OfMessageAttributes":"md5a","md5OfBody":"md5","eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:us-east-1:123456789012:q","awsRegion":"us-east-1"}`
	if err != nil || string(got) != want {
		t.Errorf("got  %s\nwant %s\n%v", got, want, err)
	}
	got, _ = encode(recordOf(&types.Message{Body: new("")}, "arn"))
	if !strings.Contains(string(got), `"messageAttributes":{},"md5OfBody"`) {
		t.Errorf("without attributes: %s", got)
	}
}

func TestBatchesAreCutToFitAnEvent(t *testing.T) {
	sized := func(sizes ...int) []item {
		var out []item
		for _, n := range sizes {
			out = append(out, item{record: []byte(`"` + strings.Repeat("x", n-2) + `"`)})
		}
		return out
	}
	for name, c := range map[string]struct {
		items    []item
		count    int
		bytes    int
		counts   []int
		largeOne bool
	}{
		"nothing":              {counts: nil, count: 10, bytes: 100},
		"all in one":           {items: sized(10, 10, 10), count: 10, bytes: 100, counts: []int{3}},
		"by number":            {items: sized(10, 10, 10), count: 2, bytes: 100, counts: []int{2, 1}},
		"by size":              {items: sized(40, 40, 40), count: 10, bytes: 100, counts: []int{2, 1}},
		"one too large itself": {items: sized(10, 200, 10), count: 10, bytes: 100, counts: []int{1, 1, 1}, largeOne: true},
	} {
		got := cut(c.items, c.count, c.bytes)
		if len(got) != len(c.counts) {
			t.Errorf("%s: %d batches, want %v", name, len(got), c.counts)
			continue
		}
		for i := range got {
			text := event(got[i])
			if len(got[i]) != c.counts[i] || !json.Valid(text) || !c.largeOne && len(text) > c.bytes {
				t.Errorf("%s: batch %d has %d records in %d bytes: %s", name, i, len(got[i]), len(text), text)
			}
		}
	}
}
