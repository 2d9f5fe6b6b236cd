package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/hearthfaas/hearth/internal/harness"
)

// saw is what functions printed after "saw ", by log group, each text once.
func (h *hearth) saw(t *testing.T, function string) []string {
	t.Helper()
	out, err := cloudwatchlogs.NewFromConfig(h.aws).FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: new("/aws/lambda/" + function), FilterPattern: new("saw"),
	})
	if err != nil {
		return nil // no log group yet
	}
	texts := map[string]bool{}
	for _, e := range out.Events {
		_, text, _ := strings.Cut(*e.Message, "saw ")
		texts[strings.TrimSpace(text)] = true
	}
	return slices.Sorted(maps.Keys(texts))
}

// letTopic gives a function a policy for a topic and returns the function's ARN.
func (h *hearth) letTopic(t *testing.T, function, topicARN string) *string {
	t.Helper()
	_, err := h.lambda.AddPermission(t.Context(), &lambda.AddPermissionInput{
		FunctionName: &function, StatementId: new("sns"), Action: new("lambda:InvokeFunction"),
		Principal: new("sns.amazonaws.com"), SourceArn: &topicARN,
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := h.lambda.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: &function})
	if err != nil {
		t.Fatal(err)
	}
	return got.Configuration.FunctionArn
}

// A message reaches each function that is subscribed and whose policy lets the topic
// in, and no other.
func TestRootAMessageInvokesTheFunctionsThatSubscribed(t *testing.T) {
	h := up(t, "")
	topics := sns.NewFromConfig(h.aws)
	topic, err := topics.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: new("news")})
	if err != nil {
		t.Fatal(err)
	}
	const code = `exports.handler = async (e) => {
		for (const r of e.Records) console.log("saw", r.EventSource, r.Sns.Subject, r.Sns.Message);
	}`
	for _, name := range []string{"one", "two", "closed"} {
		h.function(t, name, code)
		arn := "arn:aws:lambda:us-east-1:000000000000:function:" + name
		if name != "closed" {
			arn = *h.letTopic(t, name, *topic.TopicArn)
		}
		in := &sns.SubscribeInput{TopicArn: topic.TopicArn, Protocol: new("lambda"), Endpoint: &arn}
		if name == "two" {
			in.Attributes = map[string]string{"FilterPolicyScope": "MessageBody", "FilterPolicy": `{"for":["two"]}`}
		}
		if _, err := topics.Subscribe(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	for _, message := range []string{"plain", `{"for":"two"}`} {
		if _, err := topics.Publish(t.Context(), &sns.PublishInput{TopicArn: topic.TopicArn, Message: &message, Subject: new("s")}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, 20*time.Second, "the functions have seen the messages", func() bool {
		return len(h.saw(t, "one")) == 2 && len(h.saw(t, "two")) == 1
	})
	if got := h.saw(t, "two"); got[0] != `aws:sns s {"for":"two"}` {
		t.Errorf("got %q", got)
	}
	if got := h.saw(t, "closed"); got != nil {
		t.Errorf("a function that lets nobody in saw %q", got)
	}
}

// Goal: a message that was acknowledged reaches its queue whatever happens to the
// process. Method: publish, kill -9 at once, start again on the same data.
func TestRootAKilledHearthDeliversWhatItAcknowledged(t *testing.T) {
	needRoot(t)
	dir := dataDir(t)
	h := start(t, harness.Options{DataDir: dir})
	topic, err := sns.NewFromConfig(h.aws).CreateTopic(t.Context(), &sns.CreateTopicInput{Name: new("news")})
	if err != nil {
		t.Fatal(err)
	}
	const queueARN = "arn:aws:sqs:us-east-1:000000000000:sink"
	queue, err := sqs.NewFromConfig(h.aws).CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: new("sink"), Attributes: map[string]string{
		"Policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*"}]}`,
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sns.NewFromConfig(h.aws).Subscribe(t.Context(), &sns.SubscribeInput{
		TopicArn: topic.TopicArn, Protocol: new("sqs"), Endpoint: new(queueARN), Attributes: map[string]string{"RawMessageDelivery": "true"},
	}); err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	const rounds, each = 4, 25
	for r := range rounds {
		topics := sns.NewFromConfig(h.aws)
		for i := range each {
			text := fmt.Sprintf("%d-%d", r, i)
			if _, err := topics.Publish(t.Context(), &sns.PublishInput{TopicArn: topic.TopicArn, Message: &text}); err != nil {
				t.Fatal(err)
			}
			want[text] = true
		}
		if err := h.Kill(); err != nil {
			t.Fatal(err)
		}
		h = start(t, harness.Options{DataDir: dir})
	}
	defer func() {
		if err := h.Stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
	}()
	mail, got := sqs.NewFromConfig(h.aws), map[string]bool{}
	url := h.Endpoint + (*queue.QueueUrl)[strings.LastIndex(*queue.QueueUrl, "/000000000000/"):] // the port is another
	eventually(t, 60*time.Second, "every message is in the queue", func() bool {
		out, err := mail.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10, WaitTimeSeconds: 1})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range out.Messages {
			got[*m.Body] = true
		}
		return maps.Equal(got, want)
	})
}
