package sqs

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func (f *fixture) remove(url, receipt *string) error {
	_, err := f.DeleteMessage(f.ctx(), &sqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: receipt})
	return err
}

func (f *fixture) hide(url, receipt *string, seconds int32) error {
	_, err := f.ChangeMessageVisibility(f.ctx(), &sqs.ChangeMessageVisibilityInput{QueueUrl: url, ReceiptHandle: receipt, VisibilityTimeout: seconds})
	return err
}

func TestReceiptsThatAreForgedExpiredOrAnothersDeleteNothing(t *testing.T) {
	f := newFixture(t)
	url, elsewhere := f.make("q"), f.make("elsewhere")
	f.send(url, "m")
	first := f.receive(url)[0].ReceiptHandle
	forged := []string{"", "x", strings.Repeat("A", 48), *first + "A", (*first)[:len(*first)-2] + "AA", strings.ToLower(*first), strings.Repeat("é", 20)}
	for _, r := range forged {
		wantError(t, f.remove(url, &r), "ReceiptHandleIsInvalid", 404, "is not a valid receipt handle.")
		wantError(t, f.hide(url, &r, 1), "ReceiptHandleIsInvalid", 404, "is not a valid receipt handle.")
	}
	wantError(t, f.remove(elsewhere, first), "ReceiptHandleIsInvalid", 404, "")

	f.pass(30 * time.Second)
	wantError(t, f.hide(url, first, 1), "AWS.SimpleQueueService.MessageNotInflight", 400, "")
	second := f.receive(url)[0].ReceiptHandle
	if err := f.remove(url, first); err != nil {
		t.Errorf("an old receipt is no error in a standard queue: %v", err)
	}
	wantError(t, f.hide(url, first, 1), "InvalidParameterValue", 400, "Message does not exist or is not available for visibility timeout change.")
	if f.attributes(url)["ApproximateNumberOfMessagesNotVisible"] != "1" {
		t.Error("an old receipt deleted the message under its new receiver")
	}
	for range 2 {
		if err := f.remove(url, second); err != nil {
			t.Error(err)
		}
	}
	wantError(t, f.hide(url, second, 1), "InvalidParameterValue", 400, "Message does not exist")
	f.reopen()
	if err := f.remove(url, second); err != nil {
		t.Errorf("after a restart: %v", err)
	}
}

func TestAReceiptIsGoodAfterItsTimeoutInAStandardQueueAlone(t *testing.T) {
	f := newFixture(t)
	for _, name := range []string{"q", "q.fifo"} {
		url := f.make(name)
		in := &sqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String("m")}
		if name == "q.fifo" {
			in.MessageGroupId, in.MessageDeduplicationId = aws.String("g"), aws.String("d")
		}
		if _, err := f.SendMessage(f.ctx(), in); err != nil {
			t.Fatal(err)
		}
		receipt := f.receive(url)[0].ReceiptHandle
		f.pass(31 * time.Second)
		err := f.remove(url, receipt)
		if name == "q" {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		wantError(t, err, "InvalidParameterValue", 400, "Reason: The receipt handle has expired.")
		receipt = f.receive(url)[0].ReceiptHandle
		for range 2 {
			if err := f.remove(url, receipt); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestOnlySoManyMessagesAreInFlight(t *testing.T) {
	if inFlightMax != 120_000 {
		t.Error("AWS allows 120,000")
	}
	f := newFixture(t)
	f.held = 2
	url, fifo := f.make("q"), f.make("q.fifo", "ContentBasedDeduplication", "true")
	for _, b := range []string{"a", "b", "c"} {
		f.send(url, b)
		if _, err := f.SendMessage(f.ctx(), &sqs.SendMessageInput{QueueUrl: fifo, MessageBody: &b, MessageGroupId: &b}); err != nil {
			t.Fatal(err)
		}
	}
	one := func(in *sqs.ReceiveMessageInput) { in.MaxNumberOfMessages = 1 }
	for range 2 {
		if len(f.receive(url, one))+len(f.receive(fifo, one)) != 2 {
			t.Fatal("not received")
		}
	}
	_, err := f.ReceiveMessage(f.ctx(), &sqs.ReceiveMessageInput{QueueUrl: url})
	wantError(t, err, "OverLimit", 403, "Too many messages in flight")
	if got := f.receive(fifo); len(got) != 0 {
		t.Errorf("from the FIFO queue: %s", bodies(got))
	}
	f.pass(30 * time.Second)
	if got := f.receive(url, one); len(got) != 1 {
		t.Error("there is room again")
	}
}

func TestVisibilityTimeoutsAreChanged(t *testing.T) {
	f := newFixture(t)
	url := f.make("q")
	f.send(url, "m")
	receipt := f.receive(url)[0].ReceiptHandle
	wantError(t, f.hide(url, receipt, 43201), "InvalidParameterValue", 400, "Value 43201 for parameter VisibilityTimeout is invalid. Reason: Must be between 0 and 43200.")
	wantError(t, f.hide(url, receipt, -1), "InvalidParameterValue", 400, "")
	if err := f.hide(url, receipt, 60); err != nil {
		t.Fatal(err)
	}
	f.pass(59 * time.Second)
	if got := f.receive(url); len(got) != 0 {
		t.Errorf("got %s", bodies(got))
	}
	if err := f.hide(url, receipt, 0); err != nil {
		t.Fatal(err)
	}
	if got := f.receive(url); len(got) != 1 || got[0].Attributes["ApproximateReceiveCount"] != "2" {
		t.Errorf("got %+v", got)
	}
}
