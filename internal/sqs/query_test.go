package sqs

import (
	"encoding/xml"
	"net/url"
	"strings"
	"testing"
)

// form sends a request of the query protocol, as older SDKs do, and reads the answer.
func (f *fixture) form(path string, into any, pairs ...string) (status int, answer string) {
	f.t.Helper()
	form := url.Values{"Version": {"2012-11-05"}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	status, header, answer := f.post(path, "application/x-www-form-urlencoded; charset=utf-8", "", form.Encode())
	if into != nil {
		if err := xml.Unmarshal([]byte(answer), into); err != nil {
			f.t.Errorf("%s: %v", answer, err)
		}
	}
	if !strings.HasPrefix(header.Get("Content-Type"), "text/xml") || !strings.Contains(answer, `xmlns="http://queue.amazonaws.com/doc/2012-11-05/"`) {
		f.t.Errorf("got %v %s", header, answer)
	}
	return status, answer
}

func TestTheQueryProtocol(t *testing.T) {
	f := newFixture(t)
	var created struct {
		URL string `xml:"CreateQueueResult>QueueUrl"`
	}
	f.form("/", &created, "Action", "CreateQueue", "QueueName", "q", "Attribute.1.Name", "VisibilityTimeout", "Attribute.1.Value", "7",
		"Attribute.2.Name", "DelaySeconds", "Attribute.2.Value", "0", "Tag.1.Key", "k", "Tag.1.Value", "v")
	path := "/" + account + "/q"
	if created.URL != f.server.URL+path {
		t.Fatalf("got %q", created.URL)
	}
	var sent struct {
		ID         string `xml:"SendMessageResult>MessageId"`
		MD5        string `xml:"SendMessageResult>MD5OfMessageBody"`
		Attributes string `xml:"SendMessageResult>MD5OfMessageAttributes"`
	}
	f.form(path, &sent, "Action", "SendMessage", "MessageBody", "hello <&>", "DelaySeconds", "0",
		"MessageAttribute.1.Name", "timestamp", "MessageAttribute.1.Value.DataType", "Number", "MessageAttribute.1.Value.StringValue", "1493147359900")
	if sent.Attributes != "235c5c510d26fb653d073faed50ae77c" || sent.ID == "" {
		t.Errorf("got %+v", sent)
	}
	var batch struct {
		Successful []struct {
			ID string `xml:"Id"`
		} `xml:"SendMessageBatchResult>SendMessageBatchResultEntry"`
		Failed []struct {
			ID          string `xml:"Id"`
			Code        string
			SenderFault bool
		} `xml:"SendMessageBatchResult>BatchResultErrorEntry"`
	}
	f.form(path, &batch, "Action", "SendMessageBatch",
		"SendMessageBatchRequestEntry.1.Id", "a", "SendMessageBatchRequestEntry.1.MessageBody", "second",
		"SendMessageBatchRequestEntry.2.Id", "b", "SendMessageBatchRequestEntry.2.MessageBody", "x", "SendMessageBatchRequestEntry.2.DelaySeconds", "901")
	if len(batch.Successful) != 1 || len(batch.Failed) != 1 || batch.Failed[0].Code != "InvalidParameterValue" || !batch.Failed[0].SenderFault {
		t.Errorf("got %+v", batch)
	}
	var received struct {
		Messages []struct {
			Body          string
			ReceiptHandle string
			Attribute     []struct{ Name, Value string }
			Own           []struct {
				Name  string
				Value struct{ DataType, StringValue string }
			} `xml:"MessageAttribute"`
		} `xml:"ReceiveMessageResult>Message"`
	}
	f.form(path, &received, "Action", "ReceiveMessage", "MaxNumberOfMessages", "10", "AttributeName.1", "All", "MessageAttributeName.1", "All", "WaitTimeSeconds", "0")
	if len(received.Messages) != 2 || received.Messages[0].Body != "hello <&>" || len(received.Messages[0].Attribute) != 4 ||
		len(received.Messages[0].Own) != 1 || received.Messages[0].Own[0].Value.StringValue != "1493147359900" {
		t.Fatalf("got %+v", received)
	}
	if status, answer := f.form(path, nil, "Action", "DeleteMessage", "ReceiptHandle", received.Messages[0].ReceiptHandle); status != 200 {
		t.Error(answer)
	}
	if status, answer := f.form(path, nil, "Action", "DeleteMessageBatch", "DeleteMessageBatchRequestEntry.1.Id", "a",
		"DeleteMessageBatchRequestEntry.1.ReceiptHandle", received.Messages[1].ReceiptHandle); status != 200 || !strings.Contains(answer, "<Id>a</Id>") {
		t.Error(answer)
	}
	var attributes struct {
		Attribute []struct{ Name, Value string } `xml:"GetQueueAttributesResult>Attribute"`
	}
	f.form("/", &attributes, "Action", "GetQueueAttributes", "QueueUrl", created.URL, "AttributeName.1", "VisibilityTimeout", "AttributeName.2", "QueueArn")
	if len(attributes.Attribute) != 2 {
		t.Errorf("got %+v", attributes)
	}
	var tags struct {
		Tag []struct{ Key, Value string } `xml:"ListQueueTagsResult>Tag"`
	}
	f.form(path, &tags, "Action", "ListQueueTags")
	if len(tags.Tag) != 1 || tags.Tag[0].Value != "v" {
		t.Errorf("got %+v", tags)
	}
	var list struct {
		URLs []string `xml:"ListQueuesResult>QueueUrl"`
	}
	f.form("/", &list, "Action", "ListQueues")
	if len(list.URLs) != 1 {
		t.Errorf("got %+v", list)
	}
}

func TestErrorsOfTheQueryProtocol(t *testing.T) {
	f := newFixture(t)
	f.make("q")
	path := "/" + account + "/q"
	for _, c := range []struct {
		pairs  []string
		code   string
		status int
	}{
		{[]string{"Action", "GetQueueUrl", "QueueName", "none"}, "AWS.SimpleQueueService.NonExistentQueue", 400},
		{[]string{"Action", "SendMessage"}, "MissingParameter", 400},
		{[]string{"Action", "ReceiveMessage", "MaxNumberOfMessages", "0"}, "InvalidParameterValue", 400},
		{[]string{"Action", "DeleteMessage", "ReceiptHandle", "x"}, "ReceiptHandleIsInvalid", 404},
		{[]string{"Action", "SendMessageBatch"}, "AWS.SimpleQueueService.EmptyBatchRequest", 400},
		{[]string{"Action", "SetQueueAttributes", "Attribute.Name", "x", "Attribute.Value", "y", "Attribute.1.Name", "x", "Attribute.1.Value", "y"}, "InvalidAttributeName", 400},
		{[]string{"Action", "CreateQueue", "QueueName", "q", "Attribute.1.Name", "DelaySeconds", "Attribute.1.Value", "1"}, "QueueAlreadyExists", 400},
		{[]string{"Action", "Nothing"}, "InvalidAction", 400},
	} {
		var answer struct {
			Code string `xml:"Error>Code"`
			Type string `xml:"Error>Type"`
		}
		status, text := f.form(path, &answer, c.pairs...)
		if status != c.status || answer.Code != c.code || answer.Type != "Sender" {
			t.Errorf("%v: got %d %s", c.pairs, status, text)
		}
	}
}

// What the SDKs for JSON read: the type of the model, and beside it the name of old.
func TestErrorsInJSONHaveBothNames(t *testing.T) {
	f := newFixture(t)
	status, header, answer := f.post("/", "application/x-amz-json-1.0", "AmazonSQS.GetQueueUrl", `{"QueueName":"none"}`)
	if status != 400 || !strings.Contains(answer, `"__type":"com.amazonaws.sqs#QueueDoesNotExist"`) ||
		header.Get("x-amzn-query-error") != "AWS.SimpleQueueService.NonExistentQueue;Sender" {
		t.Errorf("%d %v %s", status, header, answer)
	}
	status, header, answer = f.post("/", "application/x-amz-json-1.0", "AmazonSQS.GetQueueUrl", `{}`)
	if status != 400 || !strings.Contains(answer, `"__type":"com.amazon.coral.service#MissingRequiredParameterException"`) ||
		header.Get("x-amzn-query-error") != "MissingParameter;Sender" {
		t.Errorf("%d %v %s", status, header, answer)
	}
}
