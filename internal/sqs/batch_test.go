package sqs

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

type sendEntry = types.SendMessageBatchRequestEntry

func entry1(id, body string) sendEntry { return sendEntry{Id: &id, MessageBody: &body} }

func TestBatchesOfMessages(t *testing.T) {
	f := newFixture(t)
	url := f.make("q")
	bad := entry1("bad", "m")
	bad.DelaySeconds = 901
	sent, err := f.SendMessageBatch(f.ctx(), &sqs.SendMessageBatchInput{QueueUrl: url, Entries: []sendEntry{
		entry1("a", "1"), bad, entry1("empty", ""), entry1("b", "2"), entry1("control", "\x01"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(sent.Successful) != 2 || *sent.Successful[1].Id != "b" || len(sent.Failed) != 3 {
		t.Fatalf("got %+v", sent)
	}
	for i, want := range []string{"bad InvalidParameterValue", "empty MissingParameter", "control InvalidMessageContents"} {
		if e := sent.Failed[i]; *e.Id+" "+*e.Code != want || !e.SenderFault || aws.ToString(e.Message) == "" {
			t.Errorf("got %s %s, want %s", *e.Id, *e.Code, want)
		}
	}
	got := f.receive(url)
	if bodies(got) != "1 2" {
		t.Fatalf("got %s", bodies(got))
	}
	hidden, err := f.ChangeMessageVisibilityBatch(f.ctx(), &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: url, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
		{Id: aws.String("a"), ReceiptHandle: got[0].ReceiptHandle, VisibilityTimeout: 0},
		{Id: aws.String("again"), ReceiptHandle: got[0].ReceiptHandle, VisibilityTimeout: 5},
		{Id: aws.String("long"), ReceiptHandle: got[1].ReceiptHandle, VisibilityTimeout: 43201},
		{Id: aws.String("forged"), ReceiptHandle: aws.String("forged"), VisibilityTimeout: 1},
		{Id: aws.String("b"), ReceiptHandle: got[1].ReceiptHandle, VisibilityTimeout: 43200},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(hidden.Successful) != 2 || *hidden.Successful[0].Id != "a" || *hidden.Successful[1].Id != "b" || len(hidden.Failed) != 3 {
		t.Fatalf("got %+v", hidden)
	}
	for i, want := range []string{"again AWS.SimpleQueueService.MessageNotInflight", "long InvalidParameterValue", "forged ReceiptHandleIsInvalid"} {
		if e := hidden.Failed[i]; *e.Id+" "+*e.Code != want {
			t.Errorf("got %s %s, want %s", *e.Id, *e.Code, want)
		}
	}
	deleted, err := f.DeleteMessageBatch(f.ctx(), &sqs.DeleteMessageBatchInput{QueueUrl: url, Entries: []types.DeleteMessageBatchRequestEntry{
		{Id: aws.String("a"), ReceiptHandle: got[0].ReceiptHandle},
		{Id: aws.String("forged"), ReceiptHandle: aws.String("forged")},
		{Id: aws.String("b"), ReceiptHandle: got[1].ReceiptHandle},
		{Id: aws.String("twice"), ReceiptHandle: got[1].ReceiptHandle},
	}})
	if err != nil || len(deleted.Successful) != 3 || len(deleted.Failed) != 1 || *deleted.Failed[0].Code != "ReceiptHandleIsInvalid" {
		t.Errorf("got %+v, %v", deleted, err)
	}
	if a := f.attributes(url); a["ApproximateNumberOfMessages"] != "0" || a["ApproximateNumberOfMessagesNotVisible"] != "0" {
		t.Errorf("left: %v", a)
	}
}

func TestWhatABatchIsRefusedFor(t *testing.T) {
	f := newFixture(t)
	url := f.make("q")
	var eleven []sendEntry
	for i := range 11 {
		eleven = append(eleven, entry1(fmt.Sprint(i), "m"))
	}
	half := strings.Repeat("m", batchBytesMax/2)
	for _, c := range []struct {
		entries    []sendEntry
		code, text string
	}{
		{[]sendEntry{}, "EmptyBatchRequest", "There should be at least one SendMessageBatchRequestEntry in the request."},
		{eleven, "TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10. You have sent 11."},
		{[]sendEntry{entry1("a", "m"), entry1("a", "m")}, "BatchEntryIdsNotDistinct", "Id a repeated."},
		{[]sendEntry{entry1("a b", "m")}, "InvalidBatchEntryId", "It can be at most 80 letters long."},
		{[]sendEntry{entry1(strings.Repeat("i", 81), "m")}, "InvalidBatchEntryId", ""},
		{[]sendEntry{entry1("a", half), entry1("b", half+"m")}, "BatchRequestTooLong", "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes."},
	} {
		_, err := f.SendMessageBatch(f.ctx(), &sqs.SendMessageBatchInput{QueueUrl: url, Entries: c.entries})
		wantError(t, err, "AWS.SimpleQueueService."+c.code, 400, c.text)
	}
	if out, err := f.SendMessageBatch(f.ctx(), &sqs.SendMessageBatchInput{QueueUrl: url, Entries: []sendEntry{entry1("a", half), entry1("b", half)}}); err != nil || len(out.Successful) != 2 {
		t.Errorf("a batch as long as may be: %v", err)
	}
	_, err := f.DeleteMessageBatch(f.ctx(), &sqs.DeleteMessageBatchInput{QueueUrl: url, Entries: []types.DeleteMessageBatchRequestEntry{}})
	wantError(t, err, "AWS.SimpleQueueService.EmptyBatchRequest", 400, "at least one DeleteMessageBatchRequestEntry")
	_, err = f.ChangeMessageVisibilityBatch(f.ctx(), &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: url, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{}})
	wantError(t, err, "AWS.SimpleQueueService.EmptyBatchRequest", 400, "at least one ChangeMessageVisibilityBatchRequestEntry")
}
