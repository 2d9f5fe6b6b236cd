package e2e

import (
	"encoding/json"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/hearthfaas/hearth/internal/harness"
)

const here = "us-east-1:000000000000:"

// mailbox makes a queue that everybody in the account may send to, and topics too.
func (h *hearth) mailbox(t *testing.T, name string, attributes map[string]string) (url string) {
	t.Helper()
	out, err := sqs.NewFromConfig(h.aws).CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		t.Fatal(err)
	}
	return *out.QueueUrl
}

// openTo is the policy of a queue that lets a service send to it.
func openTo(service string) map[string]string {
	return map[string]string{"Policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"` + service + `"},"Action":"sqs:SendMessage","Resource":"*"}]}`}
}

// mail waits for n messages of a queue and takes them.
func (h *hearth) mail(t *testing.T, url string, n int) []sqstypes.Message {
	t.Helper()
	var got []sqstypes.Message
	client := sqs.NewFromConfig(h.aws)
	eventually(t, 30*time.Second, "the messages have come to "+url, func() bool {
		out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: &url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
			MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{"All"},
		})
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, out.Messages...)
		return len(got) >= n
	})
	return got
}

// topicInto makes a topic whose messages come to a queue as they are, with their
// attributes.
func (h *hearth) topicInto(t *testing.T, name, queue string) {
	t.Helper()
	c := sns.NewFromConfig(h.aws)
	made, err := c.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: &name})
	if err == nil {
		_, err = c.Subscribe(t.Context(), &sns.SubscribeInput{
			TopicArn: made.TopicArn, Protocol: aws.String("sqs"), Endpoint: aws.String("arn:aws:sqs:" + here + queue),
			Attributes: map[string]string{"RawMessageDelivery": "true"},
		})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// sendingRole is a role that may log and send what a function leaves behind.
func sendingRole(t *testing.T, h *hearth, name string) string {
	t.Helper()
	return h.role(t, name, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"*","Action":[
		"logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents",
		"sqs:SendMessage","sns:Publish","lambda:InvokeFunction","events:PutEvents","s3:PutObject","s3:ListBucket"]}]}`)
}

func (h *hearth) destinations(t *testing.T, function, success, failure string, retries int32) {
	t.Helper()
	d := &types.DestinationConfig{}
	if success != "" {
		d.OnSuccess = &types.OnSuccess{Destination: &success}
	}
	if failure != "" {
		d.OnFailure = &types.OnFailure{Destination: &failure}
	}
	_, err := h.lambda.PutFunctionEventInvokeConfig(t.Context(), &lambda.PutFunctionEventInvokeConfigInput{
		FunctionName: &function, MaximumRetryAttempts: &retries, DestinationConfig: d,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// checkRecord compares a destination's record with AWS's, key by key.
func checkRecord(t *testing.T, text, function string, failed bool, attempts float64) {
	t.Helper()
	var r map[string]any
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	want := map[string]any{
		"version":        "1.0",
		"requestContext": map[string]any{"functionArn": "arn:aws:lambda:" + here + "function:" + function + ":$LATEST", "condition": "Success", "approximateInvokeCount": attempts},
		"requestPayload": map[string]any{"n": 1.0}, "responseContext": map[string]any{"statusCode": 200.0, "executedVersion": "$LATEST"},
		"responsePayload": map[string]any{"ok": true},
	}
	if failed {
		want["requestContext"].(map[string]any)["condition"] = "RetriesExhausted"
		want["responseContext"].(map[string]any)["functionError"] = "Unhandled"
	}
	stamp, _ := r["timestamp"].(string)
	if !regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`).MatchString(stamp) {
		t.Errorf("timestamp %q", stamp)
	}
	delete(r, "timestamp")
	context, _ := r["requestContext"].(map[string]any)
	if id, _ := context["requestId"].(string); len(id) != 36 {
		t.Errorf("requestId %q", id)
	}
	delete(context, "requestId")
	if failed {
		answer, _ := r["responsePayload"].(map[string]any)
		if answer["errorMessage"] != "no" || answer["errorType"] != "Error" {
			t.Errorf("responsePayload %v", answer)
		}
		delete(r, "responsePayload")
		delete(want, "responsePayload")
	}
	got, _ := json.Marshal(r)
	wanted, _ := json.Marshal(want)
	if string(got) != string(wanted) {
		t.Errorf("the record is\n%s\nwant\n%s", got, wanted)
	}
}

const (
	works = `exports.handler = async () => ({ok: true})`
	fails = `exports.handler = async () => { throw new Error("no") }`
)

// Goal: the record of an asynchronous invoke reaches every kind of destination, as
// AWS writes it. Method: a function that works and one that fails twice, each with a
// queue, a topic, a function and (for failures) a bucket.
func TestRootRecordsReachEveryKindOfDestination(t *testing.T) {
	h := up(t, "time_scale: 100\n")
	role := withRole(sendingRole(t, h, "sender"))
	box, fromTopic := h.mailbox(t, "records", nil), h.mailbox(t, "fromtopic", openTo("sns.amazonaws.com"))
	h.topicInto(t, "news", "fromtopic")
	h.function(t, "reader", `exports.handler = async (e) => { console.log("READ " + JSON.stringify(e)) }`)
	objects := s3.NewFromConfig(h.aws, func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := objects.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("failures")}); err != nil {
		t.Fatal(err)
	}
	for name, source := range map[string]string{"works": works, "fails": fails} {
		h.function(t, name, source, role)
		failed, attempts := name == "fails", 1.0
		send := func(to string) {
			if failed {
				h.destinations(t, name, "", to, 1)
				attempts = 2
			} else {
				h.destinations(t, name, to, "", 1)
			}
			h.event(t, name, `{"n":1}`)
		}
		send("arn:aws:sqs:" + here + "records")
		m := h.mail(t, box, 1)[0]
		checkRecord(t, *m.Body, name, failed, attempts)
		if trace := m.Attributes["AWSTraceHeader"]; !strings.HasPrefix(trace, "Root=1-") {
			t.Errorf("AWSTraceHeader %q", trace)
		}
		drop(t, h, box, m)

		send("arn:aws:sns:" + here + "news")
		m = h.mail(t, fromTopic, 1)[0]
		checkRecord(t, *m.Body, name, failed, attempts)
		drop(t, h, fromTopic, m)

		send("arn:aws:lambda:" + here + "function:reader")
		suffix := ":" + name + ":$LATEST"
		var read string
		eventually(t, 30*time.Second, "the function has read the record", func() bool {
			for _, line := range h.logLines(t, "reader", suffix) {
				read = line[strings.Index(line, "READ ")+5:]
			}
			return read != ""
		})
		checkRecord(t, read, name, failed, attempts)

		if failed {
			send("arn:aws:s3:::failures")
			var key string
			eventually(t, 30*time.Second, "the record is in the bucket", func() bool {
				out, err := objects.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("failures")})
				if err != nil {
					t.Fatal(err)
				}
				for _, o := range out.Contents {
					key = *o.Key
				}
				return key != ""
			})
			if !regexp.MustCompile(`^aws/lambda/async/fails/\d{4}/\d\d/\d\d/\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\d-[0-9a-f-]{36}$`).MatchString(key) {
				t.Errorf("the record's key is %q", key)
			}
			o, err := objects.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("failures"), Key: &key})
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(o.Body)
			if err != nil {
				t.Fatal(err)
			}
			checkRecord(t, string(text), name, true, attempts)
		}
	}
}

func drop(t *testing.T, h *hearth, url string, m sqstypes.Message) {
	t.Helper()
	if _, err := sqs.NewFromConfig(h.aws).DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle}); err != nil {
		t.Fatal(err)
	}
}

// Goal: an event that a function failed on lies in its dead-letter queue or topic, as
// it was sent, and tells why; the destination hears of it as well.
func TestRootAnEventThatFailsForGoodIsADeadLetter(t *testing.T) {
	h := up(t, "time_scale: 100\n")
	role := sendingRole(t, h, "sender")
	dead, fromTopic, records := h.mailbox(t, "dead", nil), h.mailbox(t, "fromtopic", openTo("sns.amazonaws.com")), h.mailbox(t, "records", nil)
	h.topicInto(t, "news", "fromtopic")
	for target, box := range map[string]string{"sqs:" + here + "dead": dead, "sns:" + here + "news": fromTopic} {
		name := "fails-" + target[:3]
		h.function(t, name, fails, withRole(role))
		_, err := h.lambda.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{
			FunctionName: &name, DeadLetterConfig: &types.DeadLetterConfig{TargetArn: aws.String("arn:aws:" + target)},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := lambda.NewFunctionUpdatedV2Waiter(h.lambda).Wait(t.Context(), &lambda.GetFunctionInput{FunctionName: &name}, time.Minute); err != nil {
			t.Fatal(err)
		}
		h.destinations(t, name, "", "arn:aws:sqs:"+here+"records", 0)
		h.event(t, name, `{"n": 1}`)
		letter := h.mail(t, box, 1)[0]
		if *letter.Body != `{"n": 1}` {
			t.Errorf("the letter is %q, want the event unchanged", *letter.Body)
		}
		got := map[string]string{}
		for attribute, v := range letter.MessageAttributes {
			got[attribute] = *v.DataType + " " + aws.ToString(v.StringValue)
		}
		if id := strings.TrimPrefix(got["RequestID"], "String "); len(id) != 36 {
			t.Errorf("RequestID %q", id)
		}
		delete(got, "RequestID")
		if want := map[string]string{"ErrorCode": "Number 200", "ErrorMessage": "String no"}; !maps.Equal(got, want) {
			t.Errorf("the letter's attributes are %v, want %v and RequestID", got, want)
		}
		record := h.mail(t, records, 1)[0]
		checkRecord(t, *record.Body, name, true, 1)
		drop(t, h, records, record)
	}
}

// Goal: what the role may not do is not done, and does not hold other events up.
func TestRootARoleThatMayNotSendSendsNothing(t *testing.T) {
	h := up(t, "time_scale: 100\n")
	box := h.mailbox(t, "records", nil)
	logger, err := harness.LogsRole(t.Context(), h.aws)
	if err != nil {
		t.Fatal(err)
	}
	h.function(t, "works", works, withRole(logger))
	_, err = h.lambda.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{
		FunctionName: aws.String("works"), DeadLetterConfig: &types.DeadLetterConfig{TargetArn: aws.String("arn:aws:sqs:" + here + "records")},
	})
	if err == nil || !strings.Contains(err.Error(), "The provided execution role does not have permissions to call SendMessage on SQS") {
		t.Errorf("a dead-letter queue that the role may not send to: %v", err)
	}
	h.destinations(t, "works", "arn:aws:sqs:"+here+"records", "", 0)
	h.event(t, "works", `{"n":1}`)
	eventually(t, 20*time.Second, "the function has run", func() bool { return len(h.logLines(t, "works", "END")) == 1 })
	h.destinations(t, "works", "", "", 0)
	h.event(t, "works", `{"n":2}`)
	eventually(t, 20*time.Second, "the next event has run", func() bool { return len(h.logLines(t, "works", "END")) == 2 })
	out, err := sqs.NewFromConfig(h.aws).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &box})
	if err != nil || len(out.Messages) != 0 {
		t.Errorf("the queue has %d messages, %v; want none", len(out.Messages), err)
	}
}

// notify has a bucket tell a queue of new objects and the topic of removed ones.
func notify(t *testing.T, c *s3.Client, bucket, queue string) error {
	t.Helper()
	_, err := c.PutBucketNotificationConfiguration(t.Context(), &s3.PutBucketNotificationConfigurationInput{
		Bucket: &bucket, NotificationConfiguration: &s3types.NotificationConfiguration{
			QueueConfigurations: []s3types.QueueConfiguration{{QueueArn: aws.String("arn:aws:sqs:" + here + queue), Events: []s3types.Event{"s3:ObjectCreated:*"}}},
			TopicConfigurations: []s3types.TopicConfiguration{{TopicArn: aws.String("arn:aws:sns:" + here + "news"), Events: []s3types.Event{"s3:ObjectRemoved:*"}}},
		},
	})
	return err
}

// Goal: what happens in a bucket reaches queues and topics that let S3 in, and a test
// message tells them when they are named.
func TestRootABucketTellsQueuesAndTopics(t *testing.T) {
	h := up(t, "")
	objects := s3.NewFromConfig(h.aws, func(o *s3.Options) { o.UsePathStyle = true })
	bucket := aws.String("pictures")
	if _, err := objects.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: bucket}); err != nil {
		t.Fatal(err)
	}
	closed := h.mailbox(t, "closed", nil)
	direct := h.mailbox(t, "direct", openTo("s3.amazonaws.com"))
	fromTopic := h.mailbox(t, "fromtopic", openTo("sns.amazonaws.com"))
	h.topicInto(t, "news", "fromtopic")
	if _, err := sns.NewFromConfig(h.aws).SetTopicAttributes(t.Context(), &sns.SetTopicAttributesInput{
		TopicArn: aws.String("arn:aws:sns:" + here + "news"), AttributeName: aws.String("Policy"), AttributeValue: aws.String(
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"sns:Publish","Resource":"arn:aws:sns:` + here + `news","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:s3:::pictures"}}}]}`),
	}); err != nil {
		t.Fatal(err)
	}
	if err := notify(t, objects, *bucket, "closed"); err == nil || !strings.Contains(err.Error(), "Unable to validate the following destination configurations") {
		t.Errorf("a queue that does not let S3 in: %v", err)
	}
	if err := notify(t, objects, *bucket, "direct"); err != nil {
		t.Fatal(err)
	}
	for _, box := range []string{direct, fromTopic} {
		m := h.mail(t, box, 1)[0]
		var test map[string]string
		if err := json.Unmarshal([]byte(*m.Body), &test); err != nil || test["Service"] != "Amazon S3" || test["Event"] != "s3:TestEvent" || test["Bucket"] != "pictures" {
			t.Errorf("the test message is %s", *m.Body)
		}
		if keys := slices.Sorted(maps.Keys(test)); !slices.Equal(keys, []string{"Bucket", "Event", "HostId", "RequestId", "Service", "Time"}) {
			t.Errorf("the test message has %v", keys)
		}
		drop(t, h, box, m)
	}
	if _, err := objects.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: aws.String("a cat.png"), Body: strings.NewReader("x")}); err != nil {
		t.Fatal(err)
	}
	if _, err := objects.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: bucket, Key: aws.String("a cat.png")}); err != nil {
		t.Fatal(err)
	}
	for box, want := range map[string]string{direct: "ObjectCreated:Put", fromTopic: "ObjectRemoved:Delete"} {
		var e struct {
			Records []struct {
				EventName string
				S3        struct{ Object struct{ Key string } }
			}
		}
		if err := json.Unmarshal([]byte(*h.mail(t, box, 1)[0].Body), &e); err != nil || len(e.Records) != 1 || e.Records[0].EventName != want || e.Records[0].S3.Object.Key != "a+cat.png" {
			t.Errorf("the message is %+v, want %s", e, want)
		}
	}
	out, err := sqs.NewFromConfig(h.aws).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &closed})
	if err != nil || len(out.Messages) != 0 {
		t.Errorf("the closed queue has %d messages, %v", len(out.Messages), err)
	}
}
