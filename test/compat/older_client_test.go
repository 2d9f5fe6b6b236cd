package compat

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/hearthfaas/hearth/internal/harness"
)

// olderClient sends forms, as SDKs of before 2023 do to SQS and all do to SNS.
func olderClient(t *testing.T, h *harness.Hearth, service, path, form string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.Endpoint+path, strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	sum := sha256.Sum256([]byte(form))
	cfg := h.AWS()
	keys, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := v4.NewSigner().SignHTTP(t.Context(), keys, req, hex.EncodeToString(sum[:]), service, cfg.Region, time.Now()); err != nil {
		t.Fatal(err)
	}
	res, err := sdkHTTP.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func TestSQSAnswersItsOlderClients(t *testing.T) {
	h := up(t)
	send := func(path, form string) string {
		t.Helper()
		status, body := olderClient(t, h, "sqs", path, "Version=2012-11-05&"+form)
		if status != http.StatusOK {
			t.Fatalf("%s: %d %s", form, status, body)
		}
		return body
	}
	var made struct {
		URL string `xml:"CreateQueueResult>QueueUrl"`
	}
	body := send("/", "Action=CreateQueue&QueueName=q&Attribute.1.Name=VisibilityTimeout&Attribute.1.Value=40")
	if err := xml.Unmarshal([]byte(body), &made); err != nil || made.URL == "" {
		t.Fatalf("%v: %s", err, body)
	}
	u, err := url.Parse(made.URL)
	if err != nil {
		t.Fatal(err)
	}
	send(u.Path, "Action=SendMessageBatch&SendMessageBatchRequestEntry.1.Id=a&SendMessageBatchRequestEntry.1.MessageBody=hello"+
		"&SendMessageBatchRequestEntry.1.MessageAttribute.1.Name=n&SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.DataType=Number"+
		"&SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.StringValue=7")
	var got struct {
		Messages []struct {
			Body, ReceiptHandle string
			Attribute           []struct{ Name, Value string }
			MessageAttribute    []struct {
				Name  string
				Value struct{ StringValue, DataType string }
			}
		} `xml:"ReceiveMessageResult>Message"`
	}
	body = send(u.Path, "Action=ReceiveMessage&AttributeName.1=ApproximateReceiveCount&MessageAttributeName.1=All")
	if err := xml.Unmarshal([]byte(body), &got); err != nil || len(got.Messages) != 1 {
		t.Fatalf("%v: %s", err, body)
	}
	if m := got.Messages[0]; m.Body != "hello" || len(m.Attribute) != 1 || m.Attribute[0].Value != "1" ||
		len(m.MessageAttribute) != 1 || m.MessageAttribute[0].Value.StringValue != "7" {
		t.Errorf("got %+v", m)
	}
	send(u.Path, "Action=DeleteMessage&ReceiptHandle="+url.QueryEscape(got.Messages[0].ReceiptHandle))
	body = send(u.Path, "Action=GetQueueAttributes&AttributeName.1=VisibilityTimeout")
	if !strings.Contains(body, "<Attribute><Name>VisibilityTimeout</Name><Value>40</Value></Attribute>") {
		t.Errorf("got %s", body)
	}
	status, body := olderClient(t, h, "sqs", "/000000000000/none", "Action=ReceiveMessage&Version=2012-11-05")
	if status != http.StatusBadRequest || !strings.Contains(body, "<Code>AWS.SimpleQueueService.NonExistentQueue</Code>") {
		t.Errorf("got %d %s", status, body)
	}
}
