package sqs

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

func text(s string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &s}
}

func TestAMessageArrivesWithAllThatWasSaidOfIt(t *testing.T) {
	f := newFixture(t)
	url := f.make("q")
	sent, err := f.SendMessage(f.ctx(), &sqs.SendMessageInput{
		QueueUrl: url, MessageBody: aws.String("hello <&> \U0001F600"), MessageGroupId: aws.String("tenant"),
		MessageAttributes: map[string]types.MessageAttributeValue{
			"text": text("v"), "n.of": {DataType: aws.String("Number.int"), StringValue: aws.String("-1.5e3")},
			"bytes": {DataType: aws.String("Binary"), BinaryValue: []byte{0, 255}},
		},
		MessageSystemAttributes: map[string]types.MessageSystemAttributeValue{
			"AWSTraceHeader": {DataType: aws.String("String"), StringValue: aws.String("Root=1-5759e988-bd862e3fe1be46a994272793")},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(*sent.MD5OfMessageSystemAttributes) != 32 || sent.SequenceNumber != nil {
		t.Errorf("got %+v", sent)
	}
	f.pass(1500 * time.Millisecond)
	got := f.receive(url)
	if len(got) != 1 || *got[0].MessageId != *sent.MessageId || *got[0].MD5OfMessageAttributes != *sent.MD5OfMessageAttributes {
		t.Fatalf("got %+v", got)
	}
	m := got[0]
	if *m.Body != "hello <&> \U0001F600" || len(m.MessageAttributes) != 3 || *m.MessageAttributes["n.of"].StringValue != "-1.5e3" ||
		string(m.MessageAttributes["bytes"].BinaryValue) != "\x00\xff" {
		t.Errorf("got %+v", m)
	}
	for name, want := range map[string]string{
		"SenderId": "AIDAEXAMPLE" + account, "SentTimestamp": fmt.Sprint(noon.UnixMilli()), "ApproximateReceiveCount": "1",
		"ApproximateFirstReceiveTimestamp": fmt.Sprint(noon.UnixMilli() + 1500), "MessageGroupId": "tenant",
		"AWSTraceHeader": "Root=1-5759e988-bd862e3fe1be46a994272793",
	} {
		if m.Attributes[name] != want {
			t.Errorf("%s: got %q, want %q", name, m.Attributes[name], want)
		}
	}
	if len(m.Attributes) != 6 {
		t.Errorf("got %v", m.Attributes)
	}
}

func TestAReceiverGetsTheAttributesThatItAskedFor(t *testing.T) {
	f := newFixture(t)
	url := f.make("q", "VisibilityTimeout", "0")
	attributes := map[string]types.MessageAttributeValue{"foo.a": text("1"), "foo.b": text("2"), "bar": text("3")}
	if _, err := f.SendMessage(f.ctx(), &sqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String("m"), MessageAttributes: attributes}); err != nil {
		t.Fatal(err)
	}
	for names, want := range map[string]int{"": 0, "All": 3, ".*": 3, "foo.*": 2, "bar": 1, "bar foo.a": 2, "none": 0, "foo": 0} {
		got := f.receive(url, func(in *sqs.ReceiveMessageInput) {
			in.MessageAttributeNames, in.MessageSystemAttributeNames = strings.Fields(names), nil
		})
		if len(got) != 1 || len(got[0].MessageAttributes) != want || got[0].Attributes != nil || (got[0].MD5OfMessageAttributes == nil) != (want == 0) {
			t.Errorf("%q: got %+v", names, got)
		}
	}
	got := f.receive(url, func(in *sqs.ReceiveMessageInput) {
		in.AttributeNames = []attributeName{"SentTimestamp"} //nolint:staticcheck // what older clients say
		in.MessageSystemAttributeNames = []systemName{"SenderId"}
	})
	if len(got[0].Attributes) != 2 {
		t.Errorf("got %v", got[0].Attributes)
	}
	_, err := f.ReceiveMessage(f.ctx(), &sqs.ReceiveMessageInput{QueueUrl: url, MessageSystemAttributeNames: []systemName{"Nothing"}})
	wantError(t, err, "InvalidAttributeName", 400, "Unknown Attribute Nothing.")
}

func TestWhatAMessageMayNotBe(t *testing.T) {
	f := newFixture(t)
	url, fifo := f.make("q", "MaximumMessageSize", "1024"), f.make("q.fifo")
	send := func(change func(*sqs.SendMessageInput)) error {
		in := &sqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String("m")}
		change(in)
		_, err := f.SendMessage(f.ctx(), in)
		return err
	}
	with := func(name string, v types.MessageAttributeValue) func(*sqs.SendMessageInput) {
		return func(in *sqs.SendMessageInput) {
			in.MessageAttributes = map[string]types.MessageAttributeValue{name: v}
		}
	}
	eleven := map[string]types.MessageAttributeValue{}
	for i := range 11 {
		eleven[fmt.Sprint("a", i)] = text("v")
	}
	typed := func(dataType, value string) types.MessageAttributeValue {
		return types.MessageAttributeValue{DataType: &dataType, StringValue: &value}
	}
	for name, c := range map[string]struct {
		change     func(*sqs.SendMessageInput)
		code, text string
	}{
		"empty":      {func(in *sqs.SendMessageInput) { in.MessageBody = aws.String("") }, "MissingParameter", "The request must contain the parameter MessageBody."},
		"control":    {func(in *sqs.SendMessageInput) { in.MessageBody = aws.String("a\x01") }, "InvalidMessageContents", "Invalid characters found"},
		"not a char": {func(in *sqs.SendMessageInput) { in.MessageBody = aws.String("\uffff") }, "InvalidMessageContents", ""},
		"too long":   {func(in *sqs.SendMessageInput) { in.MessageBody = aws.String(strings.Repeat("m", 1025)) }, "InvalidParameterValue", "Message must be shorter than 1024 bytes."},
		"with attribute": {func(in *sqs.SendMessageInput) {
			in.MessageBody = aws.String(strings.Repeat("m", 1016))
			with("a", text("v1"))(in)
		}, "InvalidParameterValue", "Message must be shorter"},
		"delay":          {func(in *sqs.SendMessageInput) { in.DelaySeconds = 901 }, "InvalidParameterValue", "Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900."},
		"negative delay": {func(in *sqs.SendMessageInput) { in.DelaySeconds = -1 }, "InvalidParameterValue", "DelaySeconds"},
		"dedup":          {func(in *sqs.SendMessageInput) { in.MessageDeduplicationId = aws.String("d") }, "InvalidParameterValue", "not valid for this queue type"},
		"group":          {func(in *sqs.SendMessageInput) { in.MessageGroupId = aws.String("a b") }, "InvalidParameterValue", "MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length."},
		"eleven":         {func(in *sqs.SendMessageInput) { in.MessageAttributes = eleven }, "InvalidParameterValue", "Number of message attributes [11] exceeds the allowed maximum [10]."},
		"AWS name":       {with("AWS.x", text("v")), "InvalidParameterValue", "reserved for internal use"},
		"amazon name":    {with("amazon.x", text("v")), "InvalidParameterValue", "reserved for internal use"},
		"dot first":      {with(".x", text("v")), "InvalidParameterValue", "cannot start or end"},
		"dot last":       {with("x.", text("v")), "InvalidParameterValue", "cannot start or end"},
		"name chars":     {with("x y", text("v")), "InvalidParameterValue", "can only contain"},
		"long name":      {with(strings.Repeat("n", 257), text("v")), "InvalidParameterValue", "256 bytes"},
		"no type":        {with("x", typed("", "v")), "InvalidParameterValue", "must contain non-empty message attribute type."},
		"other type":     {with("x", typed("Text", "v")), "InvalidParameterValue", "the set of supported type prefixes is Binary, Number, and String."},
		"long type":      {with("x", typed("String."+strings.Repeat("t", 250), "v")), "InvalidParameterValue", "256 bytes"},
		"empty value":    {with("x", typed("String", "")), "InvalidParameterValue", "must contain non-empty message attribute value for message attribute type 'String'."},
		"no number":      {with("x", typed("Number", "one")), "InvalidParameterValue", "Could not cast message attribute 'x' value to number."},
		"control value":  {with("x", typed("String", "\x01")), "InvalidMessageContents", ""},
		"bytes as text":  {with("x", types.MessageAttributeValue{DataType: aws.String("String"), BinaryValue: []byte("v")}), "InvalidParameterValue", "must use field 'String'."},
		"text as bytes":  {with("x", typed("Binary", "v")), "InvalidParameterValue", "must use field 'Binary'."},
		"list":           {with("x", types.MessageAttributeValue{DataType: aws.String("String"), StringListValues: []string{"v"}}), "AWS.SimpleQueueService.UnsupportedOperation", "list values"},
		"system": {func(in *sqs.SendMessageInput) {
			in.MessageSystemAttributes = map[string]types.MessageSystemAttributeValue{"Other": {DataType: aws.String("String"), StringValue: aws.String("v")}}
		}, "InvalidParameterValue", "Other"},
		"trace type": {func(in *sqs.SendMessageInput) {
			in.MessageSystemAttributes = map[string]types.MessageSystemAttributeValue{"AWSTraceHeader": {DataType: aws.String("Number"), StringValue: aws.String("1")}}
		}, "InvalidParameterValue", "AWSTraceHeader"},

		"FIFO without group": {func(in *sqs.SendMessageInput) { in.QueueUrl = fifo }, "MissingParameter", "The request must contain the parameter MessageGroupId."},
		"FIFO without dedup": {func(in *sqs.SendMessageInput) { in.QueueUrl, in.MessageGroupId = fifo, aws.String("g") }, "InvalidParameterValue", "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"},
		"FIFO long dedup": {func(in *sqs.SendMessageInput) {
			in.QueueUrl, in.MessageGroupId, in.MessageDeduplicationId = fifo, aws.String("g"), aws.String(strings.Repeat("d", 129))
		}, "InvalidParameterValue", "MessageDeduplicationId"},
		"FIFO delay": {func(in *sqs.SendMessageInput) {
			in.QueueUrl, in.MessageGroupId, in.MessageDeduplicationId, in.DelaySeconds = fifo, aws.String("g"), aws.String("d"), 1
		}, "InvalidParameterValue", "not valid for this queue type"},
		"no queue": {func(in *sqs.SendMessageInput) { in.QueueUrl = aws.String(f.server.URL + "/" + account + "/none") }, "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist."},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, send(c.change), c.code, 400, c.text) })
	}
	for name, change := range map[string]func(*sqs.SendMessageInput){
		"as long as may be": func(in *sqs.SendMessageInput) { in.MessageBody = aws.String(strings.Repeat("m", 1024)) },
		"with attribute": func(in *sqs.SendMessageInput) {
			in.MessageBody = aws.String(strings.Repeat("m", 1015))
			with("a", text("v1"))(in)
		},
		"delay":                func(in *sqs.SendMessageInput) { in.DelaySeconds = 900 },
		"tab and line":         func(in *sqs.SendMessageInput) { in.MessageBody = aws.String("\t\r\n\ufffd") },
		"punctuation in group": func(in *sqs.SendMessageInput) { in.MessageGroupId = aws.String("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~") },
		"ten":                  func(in *sqs.SendMessageInput) { delete(eleven, "a10"); in.MessageAttributes = eleven },
	} {
		t.Run(name, func(t *testing.T) {
			if err := send(change); err != nil {
				t.Error(err)
			}
		})
	}
	if got := f.attributes(fifo); got["ApproximateNumberOfMessages"] != "0" {
		t.Error("a refused message was kept")
	}
}

func TestTheLargestMessageIsOneMebibyte(t *testing.T) {
	f := newFixture(t)
	url := f.make("q")
	largest := strings.Repeat("m", 1<<20)
	f.send(url, largest)
	if got := f.receive(url); len(got) != 1 || *got[0].Body != largest {
		t.Errorf("got %d messages", len(got))
	}
	_, err := f.SendMessage(f.ctx(), &sqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String(largest + "m")})
	wantError(t, err, "InvalidParameterValue", 400, "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.")
}

func TestARequestsTraceGoesWithItsMessageUnlessItBringsOne(t *testing.T) {
	f := newFixture(t)
	url := f.make("q")
	c := caller(account)
	c.TraceID = "Root=1-2;Lineage=1:f:0"
	ctx := lambda.WithCaller(f.ctx(), c)
	for _, in := range []*sqs.SendMessageInput{
		{QueueUrl: url, MessageBody: aws.String("m")},
		{QueueUrl: url, MessageBody: aws.String("m"), MessageSystemAttributes: map[string]types.MessageSystemAttributeValue{
			"AWSTraceHeader": {DataType: aws.String("String"), StringValue: aws.String("own")},
		}},
	} {
		if _, err := f.sendMessage(ctx, in); err != nil {
			t.Fatal(err)
		}
	}
	got := f.receive(url)
	if len(got) != 2 || got[0].Attributes["AWSTraceHeader"] != c.TraceID || got[1].Attributes["AWSTraceHeader"] != "own" {
		t.Errorf("got %+v", got)
	}
}

func TestDelaysOfMessagesAndQueues(t *testing.T) {
	f := newFixture(t)
	url := f.make("q", "DelaySeconds", "10")
	f.send(url, "queue's")
	if _, err := f.SendMessage(f.ctx(), &sqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String("own"), DelaySeconds: 20}); err != nil {
		t.Fatal(err)
	}
	// The SDK for Go cannot say 0; others can.
	body := fmt.Sprintf(`{"QueueUrl":%q,"MessageBody":"none","DelaySeconds":0}`, *url)
	if status, _, answer := f.post("/", "application/x-amz-json-1.0", "AmazonSQS.SendMessage", body); status != 200 {
		t.Fatal(answer)
	}
	body = fmt.Sprintf(`{"QueueUrl":%q,"Entries":[{"Id":"a","MessageBody":"queue's"},{"Id":"b","MessageBody":"none","DelaySeconds":0}]}`, *url)
	if status, _, answer := f.post("/", "application/x-amz-json-1.0", "AmazonSQS.SendMessageBatch", body); status != 200 {
		t.Fatal(answer)
	}
	if got := f.attributes(url)["ApproximateNumberOfMessagesDelayed"]; got != "3" {
		t.Errorf("%s delayed", got)
	}
	if got := bodies(f.receive(url)); got != "none none" {
		t.Errorf("at once: %s", got)
	}
	f.pass(10 * time.Second)
	if got := bodies(f.receive(url)); got != "queue's queue's" {
		t.Errorf("after 10 s: %s", got)
	}
	f.pass(10 * time.Second)
	if got := bodies(f.receive(url)); got != "own" {
		t.Errorf("after 20 s: %s", got)
	}
}

func TestAFIFOQueueKeepsOrderAndDropsWhatWasSentTwice(t *testing.T) {
	f := newFixture(t)
	url := f.make("q.fifo", "ContentBasedDeduplication", "true")
	send := func(group, body, dedup string) *sqs.SendMessageOutput {
		t.Helper()
		in := &sqs.SendMessageInput{QueueUrl: url, MessageBody: &body, MessageGroupId: &group}
		if dedup != "" {
			in.MessageDeduplicationId = &dedup
		}
		out, err := f.SendMessage(f.ctx(), in)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	first := send("a", "1", "")
	again := send("b", "1", "") // another group, one scope
	if *again.MessageId != *first.MessageId || *again.SequenceNumber != *first.SequenceNumber {
		t.Errorf("got %+v, want %+v", again, first)
	}
	second := send("a", "1", "own-id")
	third := send("b", "3", "")
	if len(*first.SequenceNumber) != 20 || *first.SequenceNumber >= *second.SequenceNumber || *second.SequenceNumber >= *third.SequenceNumber {
		t.Errorf("sequence numbers %s, %s, %s", *first.SequenceNumber, *second.SequenceNumber, *third.SequenceNumber)
	}
	one := func(in *sqs.ReceiveMessageInput) { in.MaxNumberOfMessages = 1 }
	got := f.receive(url, one)
	if bodies(got) != "1" || got[0].Attributes["MessageGroupId"] != "a" || got[0].Attributes["SequenceNumber"] != *first.SequenceNumber ||
		got[0].Attributes["MessageDeduplicationId"] != "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b" {
		t.Fatalf("got %+v", got)
	}
	if b := bodies(f.receive(url)); b != "3" {
		t.Errorf("while group a is held: %s", b)
	}
	if _, err := f.DeleteMessage(f.ctx(), &sqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: got[0].ReceiptHandle}); err != nil {
		t.Fatal(err)
	}
	if next := f.receive(url); bodies(next) != "1" || next[0].Attributes["MessageDeduplicationId"] != "own-id" {
		t.Errorf("then: %+v", next)
	}
	f.pass(5*time.Minute - time.Second)
	if out := send("a", "1", ""); *out.MessageId != *first.MessageId {
		t.Error("forgotten before five minutes, though deleted")
	}
	f.pass(time.Second)
	if out := send("a", "1", ""); *out.MessageId == *first.MessageId {
		t.Error("remembered after five minutes")
	}
}

func TestDeduplicationInGroups(t *testing.T) {
	f := newFixture(t)
	url := f.make("q.fifo", "DeduplicationScope", "messageGroup", "FifoThroughputLimit", "perMessageGroupId")
	var ids []string
	for _, group := range []string{"a", "b", "a"} {
		out, err := f.SendMessage(f.ctx(), &sqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String("m"), MessageGroupId: &group, MessageDeduplicationId: aws.String("d")})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, *out.MessageId)
	}
	if ids[0] == ids[1] || ids[0] != ids[2] {
		t.Errorf("got %v", ids)
	}
}

func TestTheSameAttemptReceivesTheSameMessages(t *testing.T) {
	f := newFixture(t)
	url := f.make("q.fifo", "ContentBasedDeduplication", "true")
	for _, b := range []string{"1", "2"} {
		if _, err := f.SendMessage(f.ctx(), &sqs.SendMessageInput{QueueUrl: url, MessageBody: &b, MessageGroupId: aws.String("g")}); err != nil {
			t.Fatal(err)
		}
	}
	attempt := func(id string) []message {
		return f.receive(url, func(in *sqs.ReceiveMessageInput) { in.ReceiveRequestAttemptId = &id })
	}
	first := attempt("x")
	f.pass(20 * time.Second)
	second := attempt("x")
	if bodies(second) != "1 2" || *second[0].ReceiptHandle != *first[0].ReceiptHandle || second[0].Attributes["ApproximateReceiveCount"] != "1" {
		t.Errorf("again: %+v", second)
	}
	if got := attempt("y"); len(got) != 0 {
		t.Errorf("another attempt: %s", bodies(got))
	}
	f.pass(29 * time.Second)
	if got := attempt("y"); len(got) != 0 {
		t.Error("the second answer did not begin the timeout anew")
	}
	f.pass(time.Second)
	if got := attempt("x"); bodies(got) != "1 2" || got[0].Attributes["ApproximateReceiveCount"] != "2" {
		t.Errorf("after the timeout: %+v", got)
	}
	_, err := f.ReceiveMessage(f.ctx(), &sqs.ReceiveMessageInput{QueueUrl: f.make("q"), ReceiveRequestAttemptId: aws.String("x")})
	wantError(t, err, "InvalidParameterValue", 400, "ReceiveRequestAttemptId")
}

func TestBoundsOfReceives(t *testing.T) {
	f := newFixture(t)
	url := f.make("q")
	for _, c := range []struct{ member, text string }{
		{`"MaxNumberOfMessages":0`, "Must be between 1 and 10, if provided."},
		{`"MaxNumberOfMessages":11`, "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided."},
		{`"WaitTimeSeconds":21`, "Value 21 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided."},
		{`"WaitTimeSeconds":-1`, "WaitTimeSeconds"},
		{`"VisibilityTimeout":43201`, "Must be between 0 and 43200"},
		{`"VisibilityTimeout":-1`, "VisibilityTimeout"},
	} {
		status, header, answer := f.post("/", "application/x-amz-json-1.0", "AmazonSQS.ReceiveMessage", fmt.Sprintf(`{"QueueUrl":%q,%s}`, *url, c.member))
		if status != 400 || header.Get("x-amzn-query-error") != "InvalidParameterValue;Sender" || !strings.Contains(strings.ReplaceAll(strings.ReplaceAll(answer, `\u003e`, ">"), `\u003c`, "<"), c.text) {
			t.Errorf("%s: %d %s", c.member, status, answer)
		}
	}
	f.send(url, "m")
	for range 2 { // a timeout of 0 is one, not none
		status, _, answer := f.post("/", "application/x-amz-json-1.0", "AmazonSQS.ReceiveMessage", fmt.Sprintf(`{"QueueUrl":%q,"VisibilityTimeout":0}`, *url))
		if status != 200 || !strings.Contains(answer, `"Body":"m"`) {
			t.Errorf("%d %s", status, answer)
		}
	}
	status, _, answer := f.post("/", "application/x-amz-json-1.0", "AmazonSQS.ReceiveMessage", `{}`)
	if status != 400 || !strings.Contains(answer, "The request must contain the parameter QueueUrl.") {
		t.Errorf("%d %s", status, answer)
	}
}

func TestMessagesAreDroppedWhenTheyAreTooOld(t *testing.T) {
	f := newFixture(t)
	url := f.make("q", "MessageRetentionPeriod", "60")
	f.send(url, "m")
	f.pass(time.Minute)
	if got := f.receive(url); len(got) != 0 {
		t.Errorf("got %s", bodies(got))
	}
}

func TestTheClockMaySetForwardAndBack(t *testing.T) {
	f := newFixture(t)
	url := f.make("q")
	f.send(url, "a")
	f.receive(url)
	f.pass(-time.Hour)
	f.send(url, "b")
	if got := bodies(f.receive(url)); got != "b" {
		t.Errorf("an hour back: %s", got)
	}
	f.pass(2 * time.Hour)
	if got := len(f.receive(url)); got != 2 {
		t.Errorf("forward: %d messages", got)
	}
}
