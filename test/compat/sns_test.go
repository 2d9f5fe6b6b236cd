package compat

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

// letsTopic is a queue's policy that lets a topic send.
func letsTopic(queueARN, topicARN string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},`+
		`"Action":"sqs:SendMessage","Resource":%q,"Condition":{"ArnEquals":{"aws:SourceArn":%q}}}]}`, queueARN, topicARN)
}

// mail is a queue and what topics put into it.
type mail struct {
	*sqs.Client
	t        *testing.T
	url, arn string
}

func newMail(t *testing.T, a *api, name string, attributes map[string]string) *mail {
	t.Helper()
	c := sqs.NewFromConfig(a.config(apiRegion))
	out, err := c.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		t.Fatal(err)
	}
	return &mail{c, t, *out.QueueUrl, "arn:aws:sqs:us-east-1:000000000000:" + name}
}

// let gives the queue a policy for a topic.
func (m *mail) let(topicARN string) {
	m.t.Helper()
	_, err := m.SetQueueAttributes(m.t.Context(), &sqs.SetQueueAttributesInput{
		QueueUrl: &m.url, Attributes: map[string]string{"Policy": letsTopic(m.arn, topicARN)},
	})
	if err != nil {
		m.t.Fatal(err)
	}
}

// take waits for the next message and removes it.
func (m *mail) take() sqstypes.Message {
	m.t.Helper()
	out, err := m.ReceiveMessage(m.t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &m.url, WaitTimeSeconds: 20, MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{"All"},
	})
	if err != nil || len(out.Messages) != 1 {
		m.t.Fatalf("got %+v, %v", out, err)
	}
	if _, err := m.DeleteMessage(m.t.Context(), &sqs.DeleteMessageInput{QueueUrl: &m.url, ReceiptHandle: out.Messages[0].ReceiptHandle}); err != nil {
		m.t.Fatal(err)
	}
	return out.Messages[0]
}

func newTopic(t *testing.T, c *sns.Client, name string, attributes map[string]string) string {
	t.Helper()
	out, err := c.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: &name, Attributes: attributes})
	if err != nil {
		t.Fatal(err)
	}
	return *out.TopicArn
}

func subscribe(t *testing.T, c *sns.Client, topicARN, protocol, endpoint string, attributes map[string]string) string {
	t.Helper()
	out, err := c.Subscribe(t.Context(), &sns.SubscribeInput{TopicArn: &topicARN, Protocol: &protocol, Endpoint: &endpoint, Attributes: attributes})
	if err != nil {
		t.Fatal(err)
	}
	return *out.SubscriptionArn
}

func TestATopicReachesTheQueuesWhosePolicyLetsIt(t *testing.T) {
	a := serve(t)
	c := sns.NewFromConfig(a.config(apiRegion))
	topic := newTopic(t, c, "orders", nil)
	wrapped, raw, closed, dead := newMail(t, a, "wrapped", nil), newMail(t, a, "raw", nil), newMail(t, a, "closed", nil), newMail(t, a, "dead", nil)
	for _, m := range []*mail{wrapped, raw, dead} {
		m.let(topic)
	}
	subscribe(t, c, topic, "sqs", wrapped.arn, nil)
	subscribe(t, c, topic, "sqs", raw.arn, map[string]string{"RawMessageDelivery": "true", "FilterPolicy": `{"kind":["book"]}`})
	subscribe(t, c, topic, "sqs", closed.arn, map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"` + dead.arn + `"}`})
	sent, err := c.Publish(t.Context(), &sns.PublishInput{
		TopicArn: &topic, Message: new("one & two"), Subject: new("s"),
		MessageAttributes: map[string]snstypes.MessageAttributeValue{
			"kind": {DataType: new("String"), StringValue: new("book")}, "bytes": {DataType: new("Binary"), BinaryValue: []byte{0, 0xff}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	var envelope struct{ Type, MessageID, TopicArn, Subject, Message string }
	if err := json.Unmarshal([]byte(*wrapped.take().Body), &envelope); err != nil {
		t.Fatal(err)
	}
	if envelope.MessageID != *sent.MessageId || envelope.Type != "Notification" || envelope.TopicArn != topic || envelope.Subject != "s" || envelope.Message != "one & two" {
		t.Errorf("got %+v", envelope)
	}
	m := raw.take()
	if *m.Body != "one & two" || *m.MessageAttributes["kind"].StringValue != "book" || string(m.MessageAttributes["bytes"].BinaryValue) != "\x00\xff" {
		t.Errorf("got %s with %+v", *m.Body, m.MessageAttributes)
	}
	// The queue that does not let the topic send is a fault of its owner's: the message
	// goes to the dead-letter queue without another attempt.
	m = dead.take()
	if !strings.Contains(*m.Body, `"Message" : "one & two"`) || !strings.Contains(*m.MessageAttributes["ErrorMessage"].StringValue, "sqs:SendMessage") {
		t.Errorf("got %s with %+v", *m.Body, m.MessageAttributes)
	}
	if _, err := c.Publish(t.Context(), &sns.PublishInput{TopicArn: &topic, Message: new("no book")}); err != nil {
		t.Fatal(err)
	}
	if m := wrapped.take(); !strings.Contains(*m.Body, "no book") {
		t.Errorf("got %s", *m.Body)
	}
	out, err := raw.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &raw.url})
	if err != nil || len(out.Messages) != 0 {
		t.Errorf("the filter let %+v through, %v", out, err)
	}
}

func TestAFIFOTopicFillsAFIFOQueueInOrder(t *testing.T) {
	a := serve(t)
	c := sns.NewFromConfig(a.config(apiRegion))
	topic := newTopic(t, c, "orders.fifo", map[string]string{"FifoTopic": "true", "ContentBasedDeduplication": "true"})
	queue := newMail(t, a, "orders.fifo", map[string]string{"FifoQueue": "true"})
	queue.let(topic)
	subscribe(t, c, topic, "sqs", queue.arn, map[string]string{"RawMessageDelivery": "true"})
	standard := newMail(t, a, "any-order", nil)
	standard.let(topic)
	subscribe(t, c, topic, "sqs", standard.arn, map[string]string{"RawMessageDelivery": "true"})
	const n = 20
	for i := range n {
		for range 2 { // the second is a duplicate
			if _, err := c.Publish(t.Context(), &sns.PublishInput{TopicArn: &topic, Message: new(fmt.Sprint(i)), MessageGroupId: new("g")}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i := range n {
		if m := queue.take(); *m.Body != fmt.Sprint(i) || m.Attributes["MessageGroupId"] != "g" {
			t.Errorf("got %s of %s, want %d", *m.Body, m.Attributes["MessageGroupId"], i)
		}
	}
	got := map[string]bool{}
	for range n {
		got[*standard.take().Body] = true
	}
	if len(got) != n {
		t.Errorf("the standard queue got %v", got)
	}
}

// A topic's policy is enforced: it lets in who has no permission of their own, and
// keeps out who has.
func TestATopicsPolicyIsEnforced(t *testing.T) {
	a := serve(t)
	c := sns.NewFromConfig(a.config(apiRegion))
	users := iam.NewFromConfig(a.config(apiRegion))
	if _, err := users.CreateUser(t.Context(), &iam.CreateUserInput{UserName: new("u")}); err != nil {
		t.Fatal(err)
	}
	key, err := users.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: new("u")})
	if err != nil {
		t.Fatal(err)
	}
	cfg := a.config(apiRegion)
	cfg.Credentials = credentials.NewStaticCredentialsProvider(*key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey, "")
	user := sns.NewFromConfig(cfg)
	topic := newTopic(t, c, "t", nil)
	publish := func() error {
		_, err := user.Publish(t.Context(), &sns.PublishInput{TopicArn: &topic, Message: new("m")})
		return err
	}
	denied := func(err error) {
		t.Helper()
		var e smithy.APIError
		if !errors.As(err, &e) || e.ErrorCode() != "AuthorizationError" || !strings.Contains(e.ErrorMessage(), "sns:Publish on resource: "+topic) {
			t.Errorf("got %v, want an AuthorizationError", err)
		}
	}
	denied(publish())
	set := func(effect string) {
		t.Helper()
		_, err := c.SetTopicAttributes(t.Context(), &sns.SetTopicAttributesInput{
			TopicArn: &topic, AttributeName: new("Policy"), AttributeValue: new(fmt.Sprintf(
				`{"Version":"2012-10-17","Statement":[{"Effect":%q,"Principal":{"AWS":"arn:aws:iam::000000000000:user/u"},"Action":"SNS:Publish","Resource":%q}]}`, effect, topic)),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	set("Allow")
	if err := publish(); err != nil {
		t.Errorf("the topic's policy allows, but %v", err)
	}
	_, err = users.PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{UserName: new("u"), PolicyName: new("p"), PolicyDocument: new(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sns:*","Resource":"*"}]}`)})
	if err != nil {
		t.Fatal(err)
	}
	set("Deny")
	denied(publish())
	_, err = user.PublishBatch(t.Context(), &sns.PublishBatchInput{TopicArn: &topic, PublishBatchRequestEntries: []snstypes.PublishBatchRequestEntry{{Id: new("1"), Message: new("m")}}})
	denied(err)
	_, err = c.SetTopicAttributes(t.Context(), &sns.SetTopicAttributesInput{TopicArn: &topic, AttributeName: new("Policy"), AttributeValue: new(`{"Statement":[{"Effect":"Maybe"}]}`)})
	if _, ok := errors.AsType[*snstypes.InvalidParameterException](err); !ok {
		t.Errorf("got %v", err)
	}
}

// TestTerraformManagesTopics applies, finds nothing left to change, changes, and
// destroys.
func TestTerraformManagesTopics(t *testing.T) {
	h, _, tf := workspaceOf(t, "testdata/terraform_sns/main.tf")
	tf(0, "init", "-input=false", "-no-color")
	for _, shown := range []string{"first", "second"} {
		tf(0, "apply", "-auto-approve", "-input=false", "-no-color", "-var=shown="+shown)
		tf(planEmpty, "plan", "-detailed-exitcode", "-input=false", "-no-color", "-var=shown="+shown)
	}
	c := sns.NewFromConfig(h.AWS())
	if _, err := c.Publish(t.Context(), &sns.PublishInput{TopicArn: new("arn:aws:sns:us-east-1:000000000000:standard"), Message: new("m")}); err != nil {
		t.Error(err)
	}
	tf(0, "destroy", "-auto-approve", "-input=false", "-no-color")
	topics, err := c.ListTopics(t.Context(), &sns.ListTopicsInput{})
	if err != nil || len(topics.Topics) != 0 {
		t.Errorf("after destroy there are %+v, %v", topics, err)
	}
	subs, err := c.ListSubscriptions(t.Context(), &sns.ListSubscriptionsInput{})
	if err != nil || len(subs.Subscriptions) != 0 {
		t.Errorf("after destroy there are %+v, %v", subs, err)
	}
}

// TestTheCommandLineUsesTopics goes from a topic to a message in a queue with the
// aws CLI alone.
func TestTheCommandLineUsesTopics(t *testing.T) {
	t.Parallel()
	aws := findTool(t, "aws", func(path string) bool { return exec.Command(path, "--version").Run() == nil }, "/root/.pyenv/versions/*/bin/aws")
	h := up(t)
	dir := t.TempDir()
	run := func(args ...string) string {
		t.Helper()
		out, code := command(t, dir, environ(h, "AWS_PAGER="), aws, append([]string{"--endpoint-url", h.Endpoint}, append(args, "--output", "text")...)...)
		if code != 0 {
			t.FailNow()
		}
		return strings.TrimSpace(out)
	}
	topic := run("sns", "create-topic", "--name", "cli", "--attributes", "DisplayName=shown", "--tags", "Key=a,Value=b", "--query", "TopicArn")
	url := run("sqs", "create-queue", "--queue-name", "cli", "--query", "QueueUrl")
	const queueARN = "arn:aws:sqs:us-east-1:000000000000:cli"
	attributes, err := json.Marshal(map[string]string{"Policy": letsTopic(queueARN, topic)})
	if err != nil {
		t.Fatal(err)
	}
	run("sqs", "set-queue-attributes", "--queue-url", url, "--attributes", string(attributes))
	sub := run("sns", "subscribe", "--topic-arn", topic, "--protocol", "sqs", "--notification-endpoint", queueARN,
		"--attributes", `{"RawMessageDelivery":"true","FilterPolicy":"{\"n\":[{\"numeric\":[\">\",1]}]}"}`, "--query", "SubscriptionArn")
	if got := run("sns", "get-topic-attributes", "--topic-arn", topic, "--query", "Attributes.[DisplayName,SubscriptionsConfirmed]"); got != "shown\t1" {
		t.Errorf("got %q", got)
	}
	if got := run("sns", "list-tags-for-resource", "--resource-arn", topic, "--query", "Tags[0].[Key,Value]"); got != "a\tb" {
		t.Errorf("got %q", got)
	}
	for _, n := range []string{"1", "2"} {
		run("sns", "publish", "--topic-arn", topic, "--message", "hello "+n, "--message-attributes", `{"n":{"DataType":"Number","StringValue":"`+n+`"}}`)
	}
	if got := run("sqs", "receive-message", "--queue-url", url, "--wait-time-seconds", "20", "--query", "Messages[].Body"); got != "hello 2" {
		t.Errorf("got %q", got)
	}
	run("sns", "set-subscription-attributes", "--subscription-arn", sub, "--attribute-name", "FilterPolicy", "--attribute-value", "{}")
	if got := run("sns", "list-subscriptions-by-topic", "--topic-arn", topic, "--query", "Subscriptions[].SubscriptionArn"); got != sub {
		t.Errorf("got %q", got)
	}
	run("sns", "unsubscribe", "--subscription-arn", sub)
	run("sns", "delete-topic", "--topic-arn", topic)
	if _, code := command(t, dir, environ(h), aws, "sns", "get-topic-attributes", "--topic-arn", topic); code == 0 {
		t.Error("the topic is still there")
	}
}

// TestBoto3UsesTopics runs testdata/boto3_sns.py, which asserts for itself.
func TestBoto3UsesTopics(t *testing.T) {
	t.Parallel()
	python := findTool(t, "python3 with boto3", func(path string) bool { return exec.Command(path, "-c", "import boto3").Run() == nil },
		"/root/.pyenv/versions/*/bin/python3", "/usr/bin/python3", "/usr/local/bin/python3")
	h := up(t)
	script, err := filepath.Abs("testdata/boto3_sns.py")
	if err != nil {
		t.Fatal(err)
	}
	out, code := command(t, t.TempDir(), environ(h), python, script)
	if code != 0 || !strings.Contains(out, "all checks passed") {
		t.Errorf("exit code %d", code)
	}
}
