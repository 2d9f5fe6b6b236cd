package e2e

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/hearthfaas/hearth/internal/harness"
)

const readQueues = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sqs:ReceiveMessage","sqs:DeleteMessage","sqs:GetQueueAttributes"],"Resource":"*"},
	{"Effect":"Allow","Action":"logs:*","Resource":"*"}]}`

const writeLogs = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"logs:*","Resource":"*"}]}`

// grant gives a role of h.role another policy in the place of its own.
func (h *hearth) grant(t *testing.T, role, policy string) {
	t.Helper()
	h.grantAs(t, role, "own", policy)
}

func (h *hearth) grantAs(t *testing.T, role, name, policy string) {
	t.Helper()
	_, err := iam.NewFromConfig(h.aws).PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: &role, PolicyName: &name, PolicyDocument: &policy})
	if err != nil {
		t.Fatal(err)
	}
}

// queue makes a queue; its ARN is that of the test's account and region.
func (h *hearth) queue(t *testing.T, name string, attributes map[string]string) (c *sqs.Client, url, arn string) {
	t.Helper()
	c = sqs.NewFromConfig(h.aws)
	made, err := c.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		t.Fatal(err)
	}
	return c, *made.QueueUrl, "arn:aws:sqs:us-east-1:000000000000:" + name
}

// mapped makes a mapping and waits until it is on.
func (h *hearth) mapped(t *testing.T, in *lambda.CreateEventSourceMappingInput) string {
	t.Helper()
	made, err := h.lambda.CreateEventSourceMapping(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, "the mapping is enabled", func() bool {
		return aws.ToString(h.mapping(t, *made.UUID).State) == "Enabled"
	})
	return *made.UUID
}

func (h *hearth) mapping(t *testing.T, uuid string) *lambda.GetEventSourceMappingOutput {
	t.Helper()
	m, err := h.lambda.GetEventSourceMapping(t.Context(), &lambda.GetEventSourceMappingInput{UUID: &uuid})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// empty says whether nothing is left in a queue, not even in flight.
func empty(t *testing.T, c *sqs.Client, url string) bool {
	t.Helper()
	got, err := c.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []sqstypes.QueueAttributeName{"All"}})
	if err != nil {
		t.Fatal(err)
	}
	return got.Attributes["ApproximateNumberOfMessages"] == "0" && got.Attributes["ApproximateNumberOfMessagesNotVisible"] == "0"
}

// logged are the texts after a word in a function's log; an empty word stands for all.
func (h *hearth) logged(t *testing.T, function, word string) []string {
	t.Helper()
	var lines []string
	in := &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("/aws/lambda/" + function)}
	if word != "" {
		in.FilterPattern = new(strconv.Quote(word))
		word += " "
	}
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(cloudwatchlogs.NewFromConfig(h.aws), in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			return nil // no log group yet
		}
		for _, e := range page.Events {
			if _, text, ok := strings.Cut(*e.Message, word); ok {
				lines = append(lines, strings.TrimSpace(text))
			}
		}
	}
	return lines
}

// A queue is polled with the function's role: without the permissions nothing comes
// and the mapping says why, with them it does.
func TestRootAQueueFeedsAFunctionAsFarAsItsRoleGoes(t *testing.T) {
	h := up(t, "")
	queue, url, arn := h.queue(t, "orders", map[string]string{"VisibilityTimeout": "10"})
	role := h.role(t, "fed", writeLogs)
	h.function(t, "fed", `exports.handler = async (e) => { for (const r of e.Records) console.log("got " + JSON.stringify(r)); }`, withRole(role))
	in := &lambda.CreateEventSourceMappingInput{FunctionName: new("fed"), EventSourceArn: &arn}
	_, err := h.lambda.CreateEventSourceMapping(t.Context(), in)
	if err == nil || !strings.Contains(err.Error(), "The provided execution role does not have permissions to call ReceiveMessage on SQS") {
		t.Fatalf("without permissions: got %v", err)
	}
	send := func(body string) {
		t.Helper()
		_, err := queue.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body, MessageAttributes: map[string]sqstypes.MessageAttributeValue{
			"Color": {DataType: new("String"), StringValue: new("red")},
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	h.grant(t, "fed", readQueues)
	uuid := h.mapped(t, in)
	send("<first>")
	eventually(t, 20*time.Second, "the message is deleted", func() bool { return empty(t, queue, url) })
	var record struct {
		MessageID, Body, EventSource, EventSourceARN, AwsRegion, Md5OfBody string
		Attributes                                                         map[string]string
		MessageAttributes                                                  map[string]map[string]any
	}
	eventually(t, 20*time.Second, "the function has logged the message", func() bool { return len(h.logged(t, "fed", "got")) == 1 })
	if err := json.Unmarshal([]byte(h.logged(t, "fed", "got")[0]), &record); err != nil {
		t.Fatal(err)
	}
	if record.Body != "<first>" || record.EventSource != "aws:sqs" || record.EventSourceARN != arn || record.AwsRegion != "us-east-1" ||
		record.Attributes["ApproximateReceiveCount"] != "1" || record.MessageAttributes["Color"]["stringValue"] != "red" {
		t.Errorf("the function got %+v", record)
	}
	if m := h.mapping(t, uuid); m.LastProcessingResult != nil || aws.ToString(m.StateTransitionReason) != "USER_INITIATED" {
		t.Errorf("result %q, reason %q", aws.ToString(m.LastProcessingResult), aws.ToString(m.StateTransitionReason))
	}

	// What the poll under way finds it may still take; after it there is no more.
	h.grant(t, "fed", writeLogs)
	send("second")
	eventually(t, 45*time.Second, "the mapping says what is missing", func() bool {
		return strings.Contains(aws.ToString(h.mapping(t, uuid).LastProcessingResult), "does not have permissions to call")
	})
	send("third")
	if empty(t, queue, url) {
		t.Error("the queue was read without a permission")
	}
	h.grant(t, "fed", readQueues)
	eventually(t, 90*time.Second, "everything comes once the permission is back", func() bool { return empty(t, queue, url) })
	eventually(t, 20*time.Second, "the mapping has no problem", func() bool { return h.mapping(t, uuid).LastProcessingResult == nil })
}

// The order within each group holds through failures of the function and a restart
// of Hearth, and nothing is lost.
func TestRootAFIFOQueueKeepsEachGroupsOrder(t *testing.T) {
	needRoot(t)
	const groups, each = 20, 10
	dir := dataDir(t)
	h := start(t, harness.Options{DataDir: dir})
	queue, url, arn := h.queue(t, "steps.fifo", map[string]string{"FifoQueue": "true", "ContentBasedDeduplication": "true", "VisibilityTimeout": "4"})
	h.function(t, "steps", `exports.handler = async (e) => {
		for (const r of e.Records) {
			if (Math.random() < 0.02) throw new Error("no");
			console.log("did " + r.attributes.MessageGroupId + " " + r.body);
		}
	}`, withRole(h.role(t, "steps", readQueues)), timeout(3))
	for n := range each {
		for g := range groups {
			group := fmt.Sprintf("g%02d", g)
			_, err := queue.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageGroupId: &group, MessageBody: new(fmt.Sprintf("%s-%03d", group, n))})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	h.mapped(t, &lambda.CreateEventSourceMappingInput{
		FunctionName: new("steps"), EventSourceArn: &arn, BatchSize: new(int32(4)),
		ScalingConfig: &types.ScalingConfig{MaximumConcurrency: new(int32(4))},
	})
	eventually(t, time.Minute, "some are done", func() bool { return len(h.logged(t, "steps", "did")) > groups })
	if err := h.Stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	h = start(t, harness.Options{DataDir: dir})
	defer func() {
		if err := h.Stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
	}()
	queue = sqs.NewFromConfig(h.aws)
	eventually(t, 2*time.Minute, "the queue is empty", func() bool { return empty(t, queue, url) })
	done := map[string]int{}
	for _, line := range h.logged(t, "steps", "did") {
		var group string
		var n int
		if _, err := fmt.Sscanf(strings.ReplaceAll(line, "-", " "), "%s %s %d", new(string), &group, &n); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if n > done[group] {
			t.Errorf("%s: message %d ran before %d", group, n, done[group])
		}
		done[group] = max(done[group], n+1)
	}
	for g := range groups {
		if group := fmt.Sprintf("g%02d", g); done[group] != each {
			t.Errorf("%s got to %d of %d", group, done[group], each)
		}
	}
}
